// The machine under the doctor's eyes: rights, kernel, disk, clock, and secrets that stay in
// memory.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/doctor.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "engine/window.hpp"
#include "process/step_host.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

Result<process::Output> run_tool(std::vector<std::string> argv) {
  process::SpawnRequest request;
  request.argv = std::move(argv);
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  return process::run(request, 10'000);
}

bool works(std::vector<std::string> argv) {
  const auto done = run_tool(std::move(argv));
  return done && done->exit.code == 0 && done->exit.signal == 0;
}

// The lab needs what a runner does not: so none of this is bad.
void examine_lab(Diagnosis& diagnosis) {
  const bool root = ::geteuid() == 0;
  if (root)
    diagnosis.ok("machine", "runs as root");
  else
    diagnosis.warn("machine", "does not run as root: the lab cannot be brought up",
                   "sudo hyops doctor");
  if (!root) return;
  if (works({"unshare", "--mount", "--net", "--pid", "--fork", "true"}))
    diagnosis.ok("machine", "makes network, mount and PID namespaces (the lab needs them)");
  else
    diagnosis.warn("machine",
                   "cannot make network, mount and PID namespaces: the lab cannot be brought up",
                   "Run on a machine or container with CAP_SYS_ADMIN and util-linux.");
  if (works({"unshare", "--net", "nft", "add", "table", "ip", "hyops_doctor"}))
    diagnosis.ok("machine", "nftables works in a network namespace");
  else
    diagnosis.warn("machine", "nftables does not work here: the lab has no router and no egress",
                   "apt-get install nftables; the kernel needs nf_tables");
  const auto known = read_file("/proc/filesystems", 1u << 16);
  if (known && known->find("\toverlay\n") != std::string::npos)
    diagnosis.ok("machine", "overlay file systems are known to the kernel");
  else
    diagnosis.warn(
        "machine",
        "the kernel does not name overlay file systems: the lab's hosts cannot be placed",
        "modprobe overlay");
}

// Does what a step with secrets does, with the step host itself: a word on a tmpfs that only the
// tool sees.
void examine_secrets(const Context& context, Diagnosis& diagnosis) {
  const engine::Setup setup = setup_of(context);
  if (::access(setup.step_host().c_str(), X_OK) != 0) return;  // said elsewhere
  auto folder = TempDir::create("/tmp", "hyops-doctor");
  if (!folder)
    return diagnosis.bad("secrets", "no folder can be made in /tmp", "df -h /tmp; ls -ld /tmp");
  process::ToolRequest request;
  request.step_folder = folder->path();
  request.directory = "/";
  request.argv = {"stat", "--file-system", "--format", "found %T",
                  (folder->path() / "secrets/probe").string()};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  request.secrets.push_back({"doctor-probe", "probe", Secret("a word that is no secret")});
  request.timeout_ms = 10'000;
  const auto refuse = [&](const std::string& why) {
    diagnosis.bad("secrets", "a step cannot get its secrets on a tmpfs of its own: " + why,
                  "hyops explain process.secrets.namespace");
  };
  if (auto started = process::start_tool(setup.step_host(), request); !started)
    return refuse(started.error().message);
  auto seen = process::wait_tool(folder->path(), 15'000);
  if (!seen) return refuse(seen.error().message);
  const auto log = read_file(folder->path() / "log.txt", 65536);
  std::error_code problem;
  const bool outside = fs::exists(folder->path() / "secrets/probe", problem);
  if (seen->state != process::ToolState::ended || !log ||
      log->find("found tmpfs") == std::string::npos)
    return refuse("the probe ended without seeing it there");
  if (outside) return refuse("the file can be seen from outside the step");
  diagnosis.ok("secrets", "a step's secrets stand on a tmpfs that only its tool can see (K1)");
}

// Whether the machine has a metadata service at all; asked only where it could not be refused.
bool a_metadata_service_answers() {
  constexpr int patience_ms = 300;  // it is one hop away, or there is none
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(80);
  to.sin_addr.s_addr = htonl(process::metadata_address);
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return true;
  pollfd connected{fd.get(), POLLOUT, 0};
  int problem = 0;
  socklen_t size = sizeof problem;
  return errno == EINPROGRESS && ::poll(&connected, 1, patience_ms) == 1 &&
         ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &problem, &size) == 0 && problem == 0;
}

void examine_credentials(Diagnosis& diagnosis) {
  const auto holds = process::examine_metadata();
  if (holds)
    return diagnosis.ok(
        "secrets",
        "a step's tools are refused the machine's metadata service, and with it the "
        "machine's own credentials (K7)");
  diagnosis.warn("secrets",
                 "tools of a step cannot be kept from the machine's metadata service (" +
                     holds.error().message + "); " +
                     (a_metadata_service_answers()
                          ? "one answers here, so they can read the machine's own credentials"
                          : "none answers here"),
                 "hyops explain process.metadata");
}

void examine_disk(const Context& context, Diagnosis& diagnosis) {
  fs::path at = context.places.home;
  std::error_code problem;
  while (!fs::exists(at, problem) && at.has_relative_path()) at = at.parent_path();
  struct statvfs found {};
  if (::statvfs(at.c_str(), &found) != 0)
    return diagnosis.bad(
        "disk", "nothing is known of the disk under " + context.places.home.string(), "df -h");
  const auto free_mb =
      static_cast<int64_t>(found.f_bavail) * static_cast<int64_t>(found.f_frsize) / 1'000'000;
  const std::string says =
      std::to_string(free_mb) + " MB are free under " + context.places.home.string();
  const std::string next =
      "Make room: evidence outlives everything, and runs are refused before it is at risk (L8).";
  if ((found.f_flag & ST_RDONLY) != 0 || (fs::exists(context.places.home, problem) &&
                                          ::access(context.places.home.c_str(), W_OK) != 0))
    return diagnosis.bad(
        "disk", context.places.home.string() + " cannot be written: no run can be started",
        "Mount it for writing, run as its owner, or name another folder with --home.");
  if (free_mb < 256) return diagnosis.bad("disk", says, next);
  if (free_mb < 1024) return diagnosis.warn("disk", says, next);
  diagnosis.ok("disk", says);
}

// A wrong clock makes decisions expire early or never, so it is said before it matters.
void examine_clock(const Context& context, Diagnosis& diagnosis) {
  const int64_t now = system_clock().wall_ms();
  int64_t newest = 1'735'689'600'000;  // 2025-01-01: this program is younger than that
  std::string what = "this program";
  int64_t set_ms = 0;
  std::error_code problem;
  if (fs::exists(context.places.ledger(), problem))
    if (auto ledger = read_ledger(context)) {
      if (auto runs = ledger->runs({}, 1);
          runs && !runs->empty() && runs->front().updated_ms > newest)
        newest = runs->front().updated_ms, what = "run " + runs->front().id.value;
      set_ms = ledger->clock_set_ms().value_or(0);
    }
  if (now + 1000 < newest)
    return diagnosis.bad("clock",
                         "the clock says " + to_rfc3339(now) + ", which is before " + what + " (" +
                             to_rfc3339(newest) + ")",
                         "Set the clock: decisions and approvals are judged by it.");
  if (set_ms != 0)
    return diagnosis.warn("clock",
                          "the clock says " + to_rfc3339(now) + ", was set " +
                              engine::how_far_set(set_ms) +
                              " since hyops first saw it, and no time service keeps it",
                          "hyops explain engine.clock.set");
  if (!system_clock().is_kept())
    return diagnosis.warn(
        "clock", "the clock says " + to_rfc3339(now) + " and is not synchronised with anything",
        "Start a time service, or compare it by hand before a failover.");
  diagnosis.ok("clock", "the clock says " + to_rfc3339(now) + " and is synchronised");
}

}  // namespace

void examine_machine(const Context& context, Diagnosis& diagnosis) {
  examine_lab(diagnosis);
  examine_secrets(context, diagnosis);
  examine_credentials(diagnosis);
  examine_disk(context, diagnosis);
  examine_clock(context, diagnosis);
}

}  // namespace hyops::cli
