// PID 1 of a host: mounts, network, sshd, reaping, an orderly power-off. Nothing else.
#include "host_init.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include <map>
#include <nlohmann/json.hpp>

#include "host_group.hpp"
#include "namespaces.hpp"
#include "rootfs.hpp"
#include "state.hpp"
#include "subprocess.hpp"
#include "zones.hpp"

namespace hyops::labd {
namespace {

void console(const std::string& line) {
  char stamp[32];
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  strftime(stamp, sizeof stamp, "%FT%TZ ", &parts);
  const std::string text = stamp + line + "\n";
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
}

void report(const std::string& line) {
  const std::string text = line + "\n";
  // A daemon that died meanwhile adopts the running host later; nobody listening is not our
  // failure.
  [[maybe_unused]] const auto written = ::write(init_report_fd, text.data(), text.size());
}

struct Boot {
  std::string name, address, gateway, image;
  fs::path host_dir, runner_layer;
  bool groups = false;
};

Done configure_network(const Boot& boot) {
  // The lab speaks IPv4 only, so that no address exists that its firewall does not know.
  for (const auto* which : {"all", "default"}) {
    const auto path = std::string("/proc/sys/net/ipv6/conf/") + which + "/disable_ipv6";
    if (fs::exists(path)) {
      if (auto done = write_plain(path, "1"); !done) return done;
    }
  }
  const std::string batch = "link set lo up\naddr add " + boot.address +
                            "/24 dev eth0\nlink set eth0 up\nroute add default via " +
                            boot.gateway + "\n";
  auto ran = run({"ip", "-batch", "-"}, batch);
  if (!ran) return tl::make_unexpected(ran.error());
  return {};
}

// The services of an image. Every image has sshd; the outside's web server is one more.
std::vector<std::vector<std::string>> services_of(const std::string& image) {
  std::vector<std::vector<std::string>> services{{"/usr/sbin/sshd", "-D", "-e"}};
  if (image == "web") {
    services.push_back({"/usr/bin/python3", "-m", "http.server", "--directory", "/srv/www", "80"});
  }
  return services;
}

bool listening(unsigned port) {
  char wanted[32];
  snprintf(wanted, sizeof wanted, ":%04X 00000000:0000 0A", port);
  return read_file("/proc/net/tcp").value_or("").find(wanted) != std::string::npos;
}

class Services {
 public:
  explicit Services(const std::string& image) : argvs_(services_of(image)) {}

  Done start_all() {
    for (const auto& argv : argvs_) {
      if (auto done = start(argv); !done) return done;
    }
    return {};
  }

  // True: it was one of ours, and it is running again. A service that dies at once is not restarted
  // for ever: ten times in the life of a host.
  void ended(pid_t pid, int status) {
    const auto found = running_.find(pid);
    if (found == running_.end()) return;
    const auto argv = found->second;
    running_.erase(found);
    console(argv[0] + " ended with status " + std::to_string(status));
    if (++restarts_ > 10) return console(argv[0] + " is not started again");
    if (auto done = start(argv); !done) console(done.error().message);
  }

 private:
  Done start(const std::vector<std::string>& argv) {
    auto pid = spawn(argv, {.in = -1, .out = STDOUT_FILENO, .err = STDERR_FILENO}, Session::own);
    if (!pid) return tl::make_unexpected(pid.error());
    running_[*pid] = argv;
    return {};
  }

  std::vector<std::vector<std::string>> argvs_;
  std::map<pid_t, std::vector<std::string>> running_;
  int restarts_ = 0;
};

void reap_all(Services& services) {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) services.ended(pid, status);
}

// SIGTERM to everything, five seconds to obey, SIGKILL to the rest: what power management of a real
// hypervisor does to a guest.
void power_off(int signals) {
  console("power off");
  kill(-1, SIGTERM);
  for (int waited = 0; waited < 50; ++waited) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) continue;
    if (pid < 0 && errno == ECHILD) break;
    pollfd child_ended{signals, POLLIN, 0};
    poll(&child_ended, 1, 100);
    signalfd_siginfo info;
    [[maybe_unused]] const auto n = ::read(signals, &info, sizeof info);
  }
  kill(-1, SIGKILL);
  sync();
  console("halted");
}

Done start_host(const Boot& boot) {
  if (sethostname(boot.name.c_str(), boot.name.size()) != 0) return fail_errno("sethostname");
  if (auto done = enter_root({boot.host_dir, boot.runner_layer, boot.groups}); !done) return done;
  if (auto done = configure_network(boot); !done) return done;
  return drop_machine_rights();
}

int serve_as_pid_1(const Boot& boot) {
  sigset_t mask;
  sigfillset(&mask);
  sigprocmask(SIG_BLOCK, &mask, nullptr);
  const Fd signals(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));

  char go = 0;
  if (::read(init_go_fd, &go, 1) != 1) return 1;  // the daemon gave up before we had a network
  ::close(init_go_fd);
  if (auto done = start_host(boot); !done) {
    console(done.error().message);
    report("failed " + done.error().message);
    return 1;
  }
  Services services(boot.image);
  if (auto done = services.start_all(); !done) {
    report("failed " + done.error().message);
    return 1;
  }
  bool reported = false;
  for (;;) {
    // Until sshd listens we look every five milliseconds; afterwards only signals wake us.
    pollfd waiting{signals.get(), POLLIN, 0};
    poll(&waiting, 1, reported ? -1 : 5);
    signalfd_siginfo info;
    while (::read(signals.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGPWR) {
        power_off(signals.get());
        return 0;
      }
    }
    reap_all(services);
    if (!reported && listening(22)) {
      reported = true;
      console(boot.name + " is up");
      report("ready");
      ::close(init_report_fd);
    }
  }
}

}  // namespace

int host_init(const LabPaths& paths, const std::string& name) {
  const auto text = read_file(paths.host(name) / "spec.json");
  const auto spec = nlohmann::json::parse(text.value_or(""), nullptr, false);
  if (spec.is_discarded()) {
    report("failed spec.json of " + name + " cannot be read");
    return 1;
  }
  Boot boot{name,
            spec.value("address", ""),
            spec.value("gateway", ""),
            spec.value("image", ""),
            paths.host(name),
            {},
            false};
  if (boot.image == "runner") boot.runner_layer = paths.runner_layer();

  if (const auto marker = load_marker(paths)) boot.groups = enter_group(marker->name, name);
  const int all = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
  if (unshare(all) != 0) {
    report(std::string("failed unshare: ") + strerror(errno));
    return 1;
  }
  const pid_t child = fork();
  if (child < 0) {
    report(std::string("failed fork: ") + strerror(errno));
    return 1;
  }
  if (child > 0) {
    report("pid " + std::to_string(child));
    return 0;  // the machine's own init becomes the host's parent: it must not die with the daemon
  }
  prctl(PR_SET_NAME, "lab-init");
  return serve_as_pid_1(boot);
}

}  // namespace hyops::labd
