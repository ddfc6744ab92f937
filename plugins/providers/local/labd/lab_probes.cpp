// Real packets on demand: can this host reach that address, and can the outside reach this host?
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <thread>

#include "lab.hpp"

namespace hyops::labd {
namespace {

constexpr size_t most_probes = 64;

// One TCP handshake that is to be tried from inside a network namespace.
struct Probe {
  std::string from, to;
  uint16_t port = 0;
  Fd netns;
  std::string result = "failed";  // answered, refused, unreachable, silent
};

// Runs on a thread of its own, which never comes back from the namespace it steps into.
void try_out(Probe& probe, int timeout_ms) {
  if (setns(probe.netns.get(), CLONE_NEWNET) != 0) return;
  const Fd wire(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(probe.port);
  there.sin_addr.s_addr = htonl(parse_ipv4(probe.to).value_or(0));
  int error =
      connect(wire.get(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd ready{wire.get(), POLLOUT, 0};
    if (poll(&ready, 1, timeout_ms) == 0) {
      probe.result = "silent";
      return;
    }
    socklen_t size = sizeof error;
    getsockopt(wire.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  probe.result = error == 0 ? "answered" : error == ECONNREFUSED ? "refused" : "unreachable";
}

Fd netns_of(const ProcessIdentity& process) {
  if (!alive(process)) return {};
  return Fd(
      open(("/proc/" + std::to_string(process.pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
}

}  // namespace

// {"probes":[{"from","to","port"}], "timeout_ms"}: `from` is a host of the caller's zone, or
// "outside", which is a host of the internet and may be sent against the caller's zone and the
// internet only.
Result<Reply> Lab::probe(const Caller& caller, const Json& body) {
  if (auto known = only_keys(body, {"probes", "timeout_ms"}); !known)
    return tl::make_unexpected(known.error());
  int64_t timeout_ms = 1000;
  if (body.contains("timeout_ms")) {
    auto given = number_field(body, "timeout_ms", 1, 5000);
    if (!given) return tl::make_unexpected(given.error());
    timeout_ms = *given;
  }
  const Json asked = body.value("probes", Json());
  if (!asked.is_array() || asked.empty() || asked.size() > most_probes)
    return invalid("\"probes\" is a list of 1 to 64 {from, to, port}");
  std::vector<Probe> probes;
  {
    const Lock lock(mutex_);
    for (const auto& item : asked) {
      auto probe = prepare_probe(caller, item);
      if (!probe) return tl::make_unexpected(probe.error());
      probes.push_back({probe->from, probe->to, probe->port, netns_of(probe->process), "failed"});
      if (!probes.back().netns.valid())
        return fail(409, "host.off", "host " + probe->from + " is powered off",
                    "power it on, or probe from another one");
    }
  }
  {
    std::vector<std::jthread> threads;
    threads.reserve(probes.size());
    for (auto& probe : probes)
      threads.emplace_back([&probe, timeout_ms] { try_out(probe, static_cast<int>(timeout_ms)); });
  }
  Json answers = Json::array();
  for (const auto& probe : probes)
    answers.push_back(
        {{"from", probe.from}, {"to", probe.to}, {"port", probe.port}, {"result", probe.result}});
  return Reply{200, {{"probes", answers}}};
}

Result<Lab::Probed> Lab::prepare_probe(const Caller& caller, const Json& item) {
  if (!item.is_object()) return invalid("\"probes\" is a list of {from, to, port}");
  if (auto known = only_keys(item, {"from", "to", "port"}); !known)
    return tl::make_unexpected(known.error());
  auto from = text_field(item, "from", 40);
  auto to = text_field(item, "to", 15);
  auto port = number_field(item, "port", 1, 65535);
  if (!from) return tl::make_unexpected(from.error());
  if (!to) return tl::make_unexpected(to.error());
  if (!port) return tl::make_unexpected(port.error());
  const auto address = parse_ipv4(*to);
  if (!address) return invalid("\"to\" is an IPv4 address");
  Probed probe{*from, *to, static_cast<uint16_t>(*port), {}};
  if (*from == "outside") {
    const bool outside = network_of(*find_zone("internet").value()).contains(*address);
    if (!caller.admin() && !outside && !network_of(*caller.zone).contains(*address))
      return invalid("from the outside this zone and the internet itself may be probed only");
    for (const auto& [name, host] : state_.hosts)
      if (host.zone == "internet" && alive(host.process)) probe.process = host.process;
    return probe;
  }
  auto host = host_of(caller, *from);
  if (!host) return tl::make_unexpected(host.error());
  probe.process = (*host)->process;
  return probe;
}

}  // namespace hyops::labd
