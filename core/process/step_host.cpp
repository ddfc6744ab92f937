// Seeing and steering a tool by its step folder alone, also one that another core started (L5).
#include "process/step_host.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.hpp"
#include "process/pidfd.hpp"
#include "process/step_files.hpp"

namespace hyops::process {
namespace fs = std::filesystem;
namespace {

constexpr int64_t for_ever_ms = 1 << 30;  // twelve days: fits poll(2); then it looks again
constexpr int64_t unknown_host_ms = 20;   // between two looks while there is no host to wait for

Result<std::optional<Json>> read_json(const fs::path& file) {
  std::error_code problem;
  if (!fs::exists(file, problem)) return std::nullopt;
  auto text = read_file(file, 1u << 20);
  if (!text) return Failure(text.error());
  auto json = parse_json(*text, file.string());
  if (!json) return Failure(json.error());
  return std::optional<Json>(std::move(*json));
}

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

Result<std::optional<step_files::Host>> read_host(const fs::path& folder) {
  auto json = read_json(folder / step_files::host_name);
  if (!json) return Failure(json.error());
  if (!*json) return std::nullopt;
  auto host = step_files::host_from(**json);
  if (!host) return Failure(host.error());
  return std::optional<step_files::Host>(std::move(*host));
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
  if (*host) {
    seen.host = std::move((*host)->identity);
    seen.metadata = (*host)->metadata;
    seen.metadata_open = std::move((*host)->metadata_open);
  }
  seen.status = std::move(*status);
  if (seen.status)
    seen.state = ToolState::ended;
  else if (held)
    seen.state = ToolState::running;
  return seen;
}

Result<Observation> wait_tool(const fs::path& folder, int64_t timeout_ms) {
  const int64_t deadline = system_clock().mono_ms() + std::min(timeout_ms, for_ever_ms);
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
    // A host ends when its status is in place. One that is not there yet, or dead while its watcher
    // still clears up, gives nothing to wait for: we look again. (Watching the folder instead costs
    // 5 to 13 ms, which the kernel takes to end an inotify.)
    if (!host) left = left < 0 ? unknown_host_ms : std::min(left, unknown_host_ms);
    pollfd end{host.get(), POLLIN, 0};
    if (::poll(&end, 1, static_cast<int>(std::min(left, for_ever_ms))) < 0 && errno != EINTR)
      return fail_errno("process.wait", "cannot wait for " + folder.string(), errno);
    if (timeout_ms >= 0 && system_clock().mono_ms() >= deadline) return observe_tool(folder);
  }
}

Status stop_tool(const fs::path& folder) { return command(folder, "stop\n"); }

Status kill_tool(const fs::path& folder) { return command(folder, "kill\n"); }

}  // namespace hyops::process
