// Seeing and steering a tool by its step folder alone, also one that another core started (L5).
#include "process/step_host.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/clock.hpp"
#include "process/pidfd.hpp"
#include "process/step_files.hpp"

namespace hyops::process {
namespace fs = std::filesystem;
namespace {

constexpr int64_t for_ever_ms = 1 << 30;  // twelve days: fits poll(2); then it looks again
constexpr int64_t unknown_host_ms = 100;

Result<std::optional<Json>> read_json(const fs::path& file) {
  std::error_code problem;
  if (!fs::exists(file, problem)) return std::nullopt;
  auto text = read_file(file, 1u << 20);
  if (!text) return Failure(text.error());
  auto json = parse_json(*text, file.string());
  if (!json) return Failure(json.error());
  return std::optional<Json>(std::move(*json));
}

// Opened for reading only: closing it again is then another event than the host's closing, which
// wait_tool watches for.
bool somebody_holds_the_lock(const fs::path& folder) {
  const Fd fd(::open((folder / step_files::lock_name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;
  struct flock whole {};
  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

Result<std::optional<ToolStatus>> read_status(const fs::path& folder) {
  auto json = read_json(folder / step_files::status_name);
  if (!json) return Failure(json.error());
  if (!*json) return std::nullopt;
  auto status = step_files::status_from(**json);
  if (!status) return Failure(status.error());
  return std::optional<ToolStatus>(std::move(*status));
}

Result<std::optional<Identity>> read_host(const fs::path& folder) {
  auto json = read_json(folder / step_files::host_name);
  if (!json) return Failure(json.error());
  if (!*json) return std::nullopt;
  auto identity = step_files::identity_from(**json);
  if (!identity) return Failure(identity.error());
  return std::optional<Identity>(std::move(*identity));
}

Status command(const fs::path& folder, std::string_view line) {
  const auto seen = observe_tool(folder);
  if (!seen) return Failure(seen.error());
  if (seen->state == ToolState::ended) return {};
  const Fd control(
      ::open((folder / step_files::control_name).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (control && write_all(control.get(), line)) return {};
  const auto again = observe_tool(folder);
  if (again && again->state == ToolState::ended) return {};
  return fail("process.step.lost",
              "the host of the tool in " + folder.string() + " does not listen");
}

}  // namespace

Result<Observation> observe_tool(const fs::path& folder) {
  Observation seen;
  // The lock is asked first: whoever gave it up before the files are read has written all it ever
  // will.
  const bool held = somebody_holds_the_lock(folder);
  auto host = read_host(folder);
  if (!host) return pass(host, "observing " + folder.string());
  auto status = read_status(folder);
  if (!status) return pass(status, "observing " + folder.string());
  seen.host = std::move(*host);
  seen.status = std::move(*status);
  if (seen.status)
    seen.state = ToolState::ended;
  else if (held)
    seen.state = ToolState::running;
  return seen;
}

Result<Observation> wait_tool(const fs::path& folder, int64_t timeout_ms) {
  const int64_t deadline = system_clock().mono_ms() + std::min(timeout_ms, for_ever_ms);
  // Before the first look, so that nothing happens between a look and the wait for a change: the
  // status being renamed into place, or the last holder of the lock closing it.
  const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch || ::inotify_add_watch(watch.get(), folder.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
    return fail_errno("process.wait", "cannot watch " + folder.string(), errno);
  for (;;) {
    auto seen = observe_tool(folder);
    if (!seen || seen->state != ToolState::running) return seen;
    Fd host;
    if (seen->host) {
      host = Fd(::pidfd_open(seen->host->pid, 0));
      if (host && !is_alive(*seen->host)) host.reset();  // the number of a stranger by now
    }
    int64_t left = -1;
    if (timeout_ms >= 0) left = std::max<int64_t>(0, deadline - system_clock().mono_ms());
    // The kernel tells of the close a moment before it drops the lock. With a host to poll that is
    // seen at its end; before there is one we look again.
    if (!host) left = left < 0 ? unknown_host_ms : std::min(left, unknown_host_ms);
    std::array<pollfd, 2> changes{{{watch.get(), POLLIN, 0}, {host.get(), POLLIN, 0}}};
    const int ready =
        ::poll(changes.data(), changes.size(), static_cast<int>(std::min(left, for_ever_ms)));
    if (ready < 0 && errno != EINTR)
      return fail_errno("process.wait", "cannot wait for " + folder.string(), errno);
    if (timeout_ms >= 0 && system_clock().mono_ms() >= deadline) return observe_tool(folder);
    char events[4096];
    while (::read(watch.get(), events, sizeof events) > 0) {
    }
  }
}

Status stop_tool(const fs::path& folder) { return command(folder, "stop\n"); }

Status kill_tool(const fs::path& folder) { return command(folder, "kill\n"); }

}  // namespace hyops::process
