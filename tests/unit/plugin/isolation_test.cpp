// What a plugin cannot do to the machine it runs on, tried by one that wants to.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "support/metadata_service.hpp"
#include "unit/net/http_server.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

// The ABI of Landlock on this kernel, asked of the kernel itself; 0: it has none.
int landlock() {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return abi < 1 ? 0 : static_cast<int>(abi);
}

class Isolation : public ::testing::Test {
 protected:
  // The answer of one try in a fresh helper: "ok N", "errno N" or the code of what became of it.
  std::string attempt(Json wanted, const std::string& manifest = {}) {
    if (!started_) there_.put_signed("test.hostile", "hostile", manifest);
    started_ = true;
    auto instance = there_.start("test.hostile");
    if (!instance) return instance.error().code;
    auto answer = instance->call(request("apply", std::move(wanted)));
    if (!answer) return answer.error().code;
    const int64_t result = get_int(*answer, "result");
    return result < 0 ? "errno " + std::to_string(get_int(*answer, "errno"))
                      : "ok " + std::to_string(result);
  }
  std::string attempt(const char* what) { return attempt(Json{{"try", what}}); }

  PluginFolder there_;
  bool started_ = false;
};

TEST_F(Isolation, ends_a_plugin_that_starts_a_program_or_reaches_into_the_system) {
  for (const char* way :
       {"fork", "vfork", "exec", "system", "ptrace", "peek", "mount", "unshare", "bpf", "keyctl"})
    EXPECT_EQ(attempt(way), "plugin.forbidden") << way;
}

TEST_F(Isolation, makes_what_a_forbidden_call_left_behind_unknown) {
  there_.put_signed("test.hostile", "hostile");
  auto instance = there_.start("test.hostile");
  ASSERT_TRUE(instance) << instance.error().text();
  auto answer = instance->call(request("apply", {{"try", "fork"}}));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(outcome_is_unknown(answer.error()));
  EXPECT_FALSE(answer.error().next.empty());
}

TEST_F(Isolation, lets_a_plugin_signal_nobody_but_itself) {
  EXPECT_EQ(attempt({{"try", "kill"}, {"pid", ::getpid()}}), "errno 1");
  EXPECT_EQ(attempt({{"try", "own-signal"}, {"pid", ::getpid()}}), "errno 1");
  EXPECT_EQ(attempt("kill-all"), "errno 1");
}

TEST_F(Isolation, lets_no_file_be_opened_for_writing_or_changed) {
  const std::string file = there_.root() / "precious";
  PluginFolder::write(file, "kept");
  for (const char* way : {"write", "truncate", "mkdir", "unlink", "chmod"})
    EXPECT_EQ(attempt({{"try", way}, {"path", file}}).substr(0, 5), "errno") << way;
  EXPECT_EQ(*read_file(file), "kept");
}

TEST_F(Isolation, hides_files_where_the_kernel_has_landlock) {
  if (!landlock()) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(attempt({{"try", "read"}, {"path", "/etc/shadow"}}), "errno 13");
  EXPECT_EQ(attempt({{"try", "read"}, {"path", "/proc/" + std::to_string(::getpid()) + "/mem"}}),
            "errno 13");
  EXPECT_EQ(attempt({{"try", "read"}, {"path", there_.root() / "trust.toml"}}), "errno 13");
}

TEST_F(Isolation, shows_the_files_that_the_manifest_names) {
  const std::string file = there_.root() / "declared";
  PluginFolder::write(file, "x");
  EXPECT_EQ(attempt({{"try", "read"}, {"path", file}}, "[paths]\nread = [\"" + file + "\"]\n")
                .substr(0, 2),
            "ok");
}

TEST_F(Isolation, gives_no_socket_of_any_kind_unasked) {
  for (const char* way : {"connect", "udp", "unix-socket", "netlink", "mptcp"})
    EXPECT_EQ(attempt(way), "errno 1") << way;
}

TEST_F(Isolation, lets_a_plugin_connect_to_the_port_its_manifest_declares_and_to_no_other) {
  net::HttpServer declared([](const net::Request&) { return std::optional<net::Response>(); });
  net::HttpServer other([](const net::Request&) { return std::optional<net::Response>(); });
  const auto port_of = [](const net::HttpServer& server) {
    const std::string url = server.url();
    return std::stoi(url.substr(url.rfind(':') + 1));
  };
  const std::string manifest =
      "[network]\ndirect = [\"tcp:" + std::to_string(port_of(declared)) + "\"]\n";
  EXPECT_EQ(attempt({{"try", "connect"}, {"port", port_of(declared)}}, manifest), "ok 0");
  EXPECT_EQ(attempt({{"try", "connect"}, {"port", port_of(other)}}),
            landlock() >= 4 ? "errno 13" : "ok 0");
  for (const char* way : {"udp", "unix-socket", "netlink", "mptcp", "listen"})
    EXPECT_EQ(attempt(way), "errno 1") << way;
}

TEST_F(Isolation, keeps_a_plugin_with_connections_of_its_own_from_the_metadata_service) {
  tests::MetadataService service;
  if (const std::string why = service.start(); !why.empty()) GTEST_SKIP() << why;
  const std::string manifest = "[network]\ndirect = [\"tcp:80\"]\n";
  const auto connect = [&](const char* address) {
    return attempt({{"try", "connect"}, {"address", address}, {"port", 80}}, manifest);
  };
  EXPECT_EQ(connect("169.254.169.253"), "ok 0");
  EXPECT_EQ(connect("169.254.169.254"), "errno 1");
  auto instance = there_.start("test.hostile");
  ASSERT_TRUE(instance);
  EXPECT_EQ(get_string(instance->isolation(), "metadata"), "refused");
}

TEST_F(Isolation, gives_the_kind_of_socket_that_the_manifest_declares_and_no_other) {
  EXPECT_EQ(attempt({{"try", "udp"}}, "[network]\ndirect = [\"udp:53\"]\n").substr(0, 3), "ok ");
  for (const char* way : {"connect", "unix-socket", "netlink", "mptcp", "udp-lite", "icmp", "raw"})
    EXPECT_EQ(attempt(way), "errno 1") << way;
}

TEST_F(Isolation, bounds_memory_and_descriptors_and_gives_no_limit_back) {
#ifndef HYOPS_SANITIZED
  const std::string memory = attempt("memory");
  EXPECT_EQ(memory.substr(0, 3), "ok ");
  EXPECT_LT(std::stoi(memory.substr(3)), 1024) << "MiB";
#endif
  const std::string descriptors = attempt("descriptors");
  ASSERT_EQ(descriptors.substr(0, 3), "ok ");
  EXPECT_LT(std::stoi(descriptors.substr(3)), 64);
  EXPECT_EQ(attempt("raise-limit"), "errno 1");
  EXPECT_EQ(attempt("dumpable"), "errno 1");
  EXPECT_EQ(attempt("setuid"), "errno 1");
  EXPECT_EQ(attempt("io_uring"), "errno 38") << "libraries probe for it and go on without";
}

TEST_F(Isolation, leaves_a_plugin_its_threads) { EXPECT_EQ(attempt("thread"), "ok 7"); }

// Not the helper's word but the kernel's.
TEST_F(Isolation, holds_in_the_eyes_of_the_kernel_and_is_told_as_it_holds) {
  there_.put_signed("test.hostile", "hostile");
  auto instance = there_.start("test.hostile");
  ASSERT_TRUE(instance) << instance.error().text();
  std::map<std::string, std::string> status;
  std::ifstream in("/proc/" + std::to_string(instance->pid()) + "/status");
  for (std::string line; std::getline(in, line);)
    if (const size_t at = line.find(":\t"); at != std::string::npos)
      status[line.substr(0, at)] = line.substr(at + 2);
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Seccomp"], "2");
  EXPECT_EQ(status["CapEff"], "0000000000000000");
  EXPECT_EQ(status["CapPrm"], "0000000000000000");
  EXPECT_EQ(get_int(instance->isolation(), "landlock"), landlock());
  EXPECT_TRUE(get_bool(instance->isolation(), "seccomp"));
  auto examined =
      examine_isolation(std::string(HYOPS_BUILD_DIR) + "/libexec/hyops/hyops-plugin-host");
  ASSERT_TRUE(examined) << examined.error().text();
  EXPECT_EQ(*examined, instance->isolation());
}

TEST_F(Isolation, is_no_option_for_the_helper) {
  // A helper that loads without saying that it is confined is not believed.
  there_.put_signed("test.hostile", "hostile");
  auto sources = there_.registry()->sources();
  sources.helper = there_.root() / "helper";
  PluginFolder::write(
      sources.helper,
      "#!/bin/sh\nprintf '\\015\\000\\000\\000\\000\\000\\000\\000{\"t\":\"ready\"}' >&3\nexec cat "
      "<&3\n");
  ASSERT_EQ(::chmod(sources.helper.c_str(), 0755), 0);
  auto registry = Registry::open(sources);
  ASSERT_TRUE(registry);
  auto refused = Instance::start(*registry, "test.hostile", Json::object(), {});
  EXPECT_EQ(code(refused), "plugin.isolation");
}

}  // namespace
}  // namespace hyops::plugin
