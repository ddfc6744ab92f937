// Powers a host on and off.
#include "host_start.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>

#include "host_init.hpp"
#include "subprocess.hpp"

namespace hyops::labd {
namespace {

constexpr int boot_limit_ms = 20'000;

// Reads one line that init reports; an empty answer means that init is gone or too slow.
std::string read_line(int fd) {
  std::string line;
  for (;;) {
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, boot_limit_ms);
    if (ready < 0 && errno == EINTR) continue;
    char c = 0;
    if (ready <= 0 || ::read(fd, &c, 1) != 1) return {};
    if (c == '\n') return line;
    line += c;
  }
}

Done unplug(const std::string& link) {
  if (if_nametoindex(link.c_str()) == 0) return {};
  auto ran = run({"ip", "link", "del", link});
  // The kernel may remove it at the same moment, when the host's namespace ends.
  if (!ran && if_nametoindex(link.c_str()) != 0) return tl::make_unexpected(ran.error());
  return {};
}

Done plug_in(const PowerOn& order, pid_t pid) {
  if (auto done = unplug(order.link); !done) return done;
  const std::string batch = "link add " + order.link + " type veth peer name eth0 address " +
                            ethernet_of(order.address) + " netns " + std::to_string(pid) +
                            "\nlink set " + order.link + " master " +
                            std::string(order.zone->bridge) + "\nlink set " + order.link + " up\n";
  auto ran = run({"ip", "-batch", "-"}, batch);
  if (!ran) return tl::make_unexpected(ran.error());
  return {};
}

Result<ProcessIdentity> boot(const PowerOn& order, const Pipe& reports, Pipe& go) {
  const auto first = read_line(reports.read_end.get());
  if (!first.starts_with("pid ")) return fail(500, "host.boot", "the host did not start: " + first);
  const auto process = identify(std::stoi(first.substr(4)));
  if (process.pid == 0) return fail(500, "host.boot", "the host ended while it started");
  if (auto done = order.born(process); !done) return tl::make_unexpected(done.error());
  if (auto done = plug_in(order, process.pid); !done) {
    end_process(process, SIGKILL, 5000);
    return tl::make_unexpected(done.error());
  }
  const auto started = ::write(go.write_end.get(), "g", 1);
  const auto second = read_line(reports.read_end.get());
  if (started == 1 && second == "ready") return process;
  end_process(process, SIGKILL, 5000);
  return fail(500, "host.boot",
              "the host did not come up: " + (second.empty() ? "no answer from it" : second),
              "read GET /v1/hosts/" + order.name + "/console");
}

}  // namespace

Result<ProcessIdentity> power_on(const PowerOn& order) {
  auto reports = make_pipe();
  auto go = make_pipe();
  if (!reports || !go) return fail_errno("pipe2");
  const auto console = order.paths.host(order.name) / "console.log";
  const Fd log(open(console.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!log.valid()) return fail_errno("open " + console.string());

  auto shepherd =
      spawn({"/proc/self/exe", "init", "--dir", order.paths.dir.string(), "--host", order.name},
            {.in = -1,
             .out = log.get(),
             .err = log.get(),
             .third = reports->write_end.get(),
             .fourth = go->read_end.get()},
            Session::own);
  if (!shepherd) return tl::make_unexpected(shepherd.error());
  reports->write_end.reset();
  go->read_end.reset();
  auto process = boot(order, *reports, *go);
  go->write_end.reset();
  reap(*shepherd);
  return process;
}

Done power_off(const ProcessIdentity& process, const std::string& link, Ending ending) {
  constexpr int orderly_limit_ms = 10'000;
  if (ending == Ending::orderly) end_process(process, SIGTERM, orderly_limit_ms);
  if (!end_process(process, SIGKILL, 5000)) {
    return fail(500, "host.kill",
                "PID 1 of the host (pid " + std::to_string(process.pid) + ") does not end");
  }
  return unplug(link);
}

}  // namespace hyops::labd
