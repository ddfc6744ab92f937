// A real ssh and a real sshd with the relay's double between them.
#include "support/iap_tunnel.hpp"
#include "support/sshd.hpp"

namespace hyops::tests {
namespace {

std::string quoted(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += "'" + word + "' ";
  return out;
}

TEST_F(Tunnel, A4_carries_a_real_ssh_whole_while_its_connections_break) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "sshd lets in only whom it runs as, and needs root for that";
  const Sshd sshd(temp_.path());
  const uint64_t size = copied_bytes();
  RelayDouble::Behaviour behaviour;
  behaviour.faults = breaks(size, 7);
  relay(behaviour);
  const std::string known_hosts = (temp_.path() / "known_hosts").string();
  ASSERT_TRUE(write_file(known_hosts, "db-1 " + sshd.host_key() + "\n"));
  auto proxy = arguments(std::to_string(sshd.port()));
  proxy.insert(proxy.begin(),
               HYOPS_BUILD_DIR "/lib/hyops/plugins/hyops.access.gcp-iap/hyops-iap-dial");
  process::SpawnRequest ssh;
  ssh.argv = {"ssh", "-F", "none", "-T", "-i", sshd.identity()};
  for (const auto& option :
       {"UserKnownHostsFile=" + known_hosts, std::string("StrictHostKeyChecking=yes"),
        std::string("BatchMode=yes"), std::string("IdentitiesOnly=yes"),
        std::string("IdentityAgent=none"), "ProxyCommand=" + quoted(proxy)}) {
    ssh.argv.push_back("-o");
    ssh.argv.push_back(option);
  }
  ssh.argv.insert(ssh.argv.end(), {"root@db-1", "cat"});
  ssh.environment = {{"PATH", process::default_path}, {"HOME", temp_.path().string()}};
  int to[2], from[2];
  ASSERT_EQ(::pipe2(to, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(from, O_CLOEXEC), 0);
  Fd in(to[0]), ours(to[1]), theirs(from[0]), out(from[1]);
  ssh.in = in.get();
  ssh.out = out.get();
  ssh.err = STDERR_FILENO;
  auto child = process::spawn(ssh);
  ASSERT_TRUE(child) << child.error().text();
  in.reset();
  out.reset();
  const auto pattern = std::make_unique<Pattern>(4);
  std::thread writer([&] {
    pattern->write(ours.get(), size);
    ours.reset();
  });
  EXPECT_EQ(pattern->read(theirs.get(), size + 1), size) << "there and back";
  writer.join();
  EXPECT_EQ((*child->wait(-1))->code, 0);
  const auto seen = relay_->seen();
  EXPECT_EQ(seen.cuts, 7);
  EXPECT_GE(seen.reconnects, 7);
  EXPECT_EQ(seen.violations, std::vector<std::string>{});
}

}  // namespace
}  // namespace hyops::tests
