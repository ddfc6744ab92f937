// Bytes through hyops-iap-dial and the relay's double, beside as many hops without TLS, WebSocket
// and acknowledgements; and how long it takes to open a proven endpoint with them.
#include <arpa/inet.h>

#include <thread>

#include "parts.hpp"
#include "plugin/instance.hpp"
#include "plugin/stream_service.hpp"
#include "support/iap_tunnel.hpp"
#include "support/sshd.hpp"

namespace hyops::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t copied = 256u << 20;
constexpr int copies = 5;

void copy(int from, int to) {
  std::string piece(64 * 1024, '\0');
  for (ssize_t got = 0; (got = ::read(from, piece.data(), piece.size())) > 0;)
    if (!write_all(to, std::string_view(piece).substr(0, static_cast<size_t>(got)))) return;
}

Fd connected_to(const std::string& port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) give_up("no port");
  return fd;
}

// Both directions of two pairs of descriptors, until the first of them ends.
void relay(int from, int to, int back_from, int back_to) {
  std::thread back([&] {
    copy(back_from, back_to);
    ::shutdown(back_to, SHUT_WR);
  });
  copy(from, to);
  ::shutdown(to, SHUT_RDWR);
  back.join();
}

// One stream of `copied` bytes between our pipes and a host's port, up or down, in MiB a second;
// `near` carries it, between two descriptors and the port.
using Near = std::function<std::function<void()>(Fd in, Fd out, const std::string& port)>;
double speed(const Near& near, bool up) {
  const std::string zeros(1 << 20, '\0');
  const auto pump_out = [&](int fd) {
    for (uint64_t done = 0; done < copied; done += zeros.size()) need(write_all(fd, zeros));
  };
  const auto pump_in = [&](int fd) {
    std::string piece(1 << 20, '\0');
    for (uint64_t done = 0; done < copied;) {
      const ssize_t got = ::read(
          fd, piece.data(), static_cast<size_t>(std::min<uint64_t>(piece.size(), copied - done)));
      if (got <= 0) give_up("the relay ended after " + std::to_string(done) + " bytes");
      done += static_cast<uint64_t>(got);
    }
  };
  tests::Port host([&](int client) {
    up ? pump_in(client) : pump_out(client);
    (void)write_all(client, "x");  // the end is known by it
    copy(client, -1);
  });
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) give_up("no pipe");
  Fd ours(to[1]), theirs(from[0]);
  const auto end = near(Fd(to[0]), Fd(from[1]), host.number());
  char byte;
  const double took = time_ms([&] {
    up ? pump_out(ours.get()) : pump_in(theirs.get());
    if (::read(theirs.get(), &byte, 1) != 1) give_up("the host was not heard");
  });
  ours.reset();
  end();
  return static_cast<double>(copied >> 20) * 1000 / took;
}

// Two hops as bare as they can be: a program's pipes to a relay's port, that port to the host's.
std::function<void()> bare(Fd in, Fd out, const std::string& port) {
  auto far = std::make_shared<tests::Port>([port](int client) {
    const Fd host = connected_to(port);
    relay(client, host.get(), host.get(), client);
  });
  auto near = std::make_shared<std::thread>(
      [in = std::move(in), out = std::move(out), number = far->number()] {
        const Fd socket = connected_to(number);
        relay(in.get(), socket.get(), socket.get(), out.get());
      });
  return [far, near] { near->join(); };
}

struct Iap {
  TempDir folder = need(TempDir::create(fs::temp_directory_path()));
  tests::RelayDouble relay{{}, folder.path()};

  std::function<void()> carry(Fd in, Fd out, const std::string& port) const {
    const auto token = folder.path() / "token";
    need(write_file(token, "token-1", 0600));
    process::SpawnRequest dial;
    dial.argv = {built("lib/hyops/plugins/hyops.access.gcp-iap/hyops-iap-dial"),
                 "--project=acme-work",
                 "--zone=europe-west1-b",
                 "--instance=db-1",
                 "--port=" + port,
                 "--relay=" + relay.url(),
                 "--ca-file=" + relay.ca_file().string(),
                 "--token-file=" + token.string()};
    dial.in = in.get();
    dial.out = out.get();
    auto child = std::make_shared<process::Child>(need(process::spawn(dial)));
    return [child] { (void)child->wait(10'000); };
  }
};

// What a run waits for besides the login that it needs anyway.
void measure_open(Table& table, const std::string& mode, const std::string& id, const Json& config,
                  const tests::Sshd& sshd, const fs::path& folder) {
  plugin::Services services;
  services.secret = [](const std::string&) -> Result<Secret> { return Secret("token-1"); };
  services.exec_values = {{"identity_file", sshd.identity()}};
  services.streams = {built("libexec/hyops/hyops-step-host"),
                      built("libexec/hyops/hyops-stream-host"), folder / "streams"};
  const auto place = services.streams;
  auto registry = need(plugin::Registry::open(plugin::standard_sources(HYOPS_BUILD_DIR, folder)));
  auto instance = need(plugin::Instance::start(registry, id, config, std::move(services)));
  const Json host{{"name", "db"},
                  {"zone", "europe-west1-b"},
                  {"address", "127.0.0.1"},
                  {"user", "root"},
                  {"port", sshd.port()},
                  {"host_key", sshd.host_key()},
                  {"placement", "projects/acme-work/zones/europe-west1-b/instances/db-1"}};
  const fs::path known_hosts = folder / "known_hosts";
  need(write_file(known_hosts,
                  "[127.0.0.1]:" + std::to_string(sshd.port()) + " " + sshd.host_key() + "\n"));
  const Bare login{{tool("ssh").value_or("ssh"), "-F", "none", "-o", "BatchMode=yes", "-o",
                    "IdentityAgent=none", "-o", "UserKnownHostsFile=" + known_hosts.string(), "-i",
                    sshd.identity(), "-p", std::to_string(sshd.port()), "root@127.0.0.1", "true"},
                   {{"PATH", process::default_path}, {"HOME", folder.string()}}};
  int run = 0;
  auto [ours, peer] = in_turns(
      9,
      [&] {
        plugin::CallRequest open;
        open.interface = "hyops.access/1";
        open.verb = "open";
        open.input = {{"hosts", {host}}};
        open.key = mode + std::to_string(++run);
        open.lane = "drill";
        need(instance.call(open));
      },
      [&] { run_bare(login); });
  need(plugin::Streams(place, {}).close_all());
  const Samples beyond = ours.less(peer.median());
  table.add({"access " + mode + ": an endpoint opened and proven, beyond a login", "ms", beyond,
             "a bare ssh true", peer, "< 300", beyond.median() < 300});
}

}  // namespace

void measure_relay(Table& table) {
  const Iap iap;
  const Near ours = [&](Fd in, Fd out, const std::string& port) {
    return iap.carry(std::move(in), std::move(out), port);
  };
  for (const bool up : {true, false}) {
    Samples through, beside;
    for (int round = 0; round < copies; ++round) {
      through.add(speed(ours, up));
      beside.add(speed(bare, up));
    }
    const bool held = through.median() >= 0.8 * beside.median();
    table.add({std::string("IAP relay, 256 MiB ") + (up ? "to" : "from") + " the host", "MiB/s",
               through, "a bare TCP relay", beside, ">= 0.8 x", held});
  }
}

void measure_access(Table& table) {
  if (::geteuid() != 0) return table.skip("access", "sshd lets in only whom it runs as: root");
  const Iap iap;
  const tests::Sshd sshd(iap.folder.path());
  measure_open(table, "runner-local", "hyops.access.runner-local", Json::object(), sshd,
               iap.folder.path());
  measure_open(table, "gcp-iap", "hyops.access.gcp-iap",
               {{"workload_project", "acme-work"},
                {"token", "gcp-token"},
                {"relay", iap.relay.url()},
                {"ca_file", iap.relay.ca_file().string()}},
               sshd, iap.folder.path());
}

}  // namespace hyops::bench
