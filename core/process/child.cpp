// The life of one child, held by a descriptor so that no signal can hit a stranger with a reused
// pid.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/clock.hpp"
#include "process/pidfd.hpp"
#include "process/spawn.hpp"

namespace hyops::process {
namespace {

// waitid's P_PIDFD is Linux's own; glibc has it since 2.36 only for C.
std::optional<Exit> reap(int pidfd, bool block) {
  siginfo_t info{};
  int done = 0;
  do {
    done = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | (block ? 0 : WNOHANG));
  } while (done != 0 && errno == EINTR);
  if (done != 0 || info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Exit{info.si_status, 0};
  return Exit{0, info.si_status};
}

}  // namespace

std::string Exit::text() const {
  if (signal == 0) return "exit status " + std::to_string(code);
  const char* const words = ::sigdescr_np(signal);
  return "killed by signal " + std::to_string(signal) + " (" + (words ? words : "unknown") + ")";
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)), exit_(other.exit_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, 0);
    pidfd_ = std::move(other.pidfd_);
    exit_ = other.exit_;
  }
  return *this;
}

Child::~Child() { end(); }

void Child::end() {
  if (!pidfd_ || exit_) return;
  ::pidfd_send_signal(pidfd_.get(), SIGKILL, nullptr, 0);
  reap(pidfd_.get(), true);
}

void Child::release() { pidfd_.reset(); }

Status Child::signal(int number) const {
  if (exit_) return fail("process.wait", "process " + std::to_string(pid_) + " has already ended");
  if (::pidfd_send_signal(pidfd_.get(), number, nullptr, 0) != 0)
    return fail_errno("process.wait", "cannot signal process " + std::to_string(pid_), errno);
  return {};
}

Result<std::optional<Exit>> Child::wait(int64_t timeout_ms) {
  constexpr int64_t most = std::numeric_limits<int>::max();  // what fits poll(2): 24 days
  timeout_ms = std::min(timeout_ms, most);
  const int64_t deadline = system_clock().mono_ms() + timeout_ms;
  while (!exit_) {
    int64_t left = -1;
    if (timeout_ms >= 0) left = std::max<int64_t>(0, deadline - system_clock().mono_ms());
    pollfd ended{pidfd_.get(), POLLIN, 0};
    const int ready = ::poll(&ended, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0)
      return fail_errno("process.wait", "cannot wait for process " + std::to_string(pid_), errno);
    if (ready == 0 && timeout_ms >= 0 && system_clock().mono_ms() >= deadline) return std::nullopt;
    if (ready == 0) continue;
    exit_ = reap(pidfd_.get(), false);
    if (!exit_)
      return fail_errno("process.wait",
                        "somebody else took the exit status of process " + std::to_string(pid_),
                        errno);
  }
  return exit_;
}

}  // namespace hyops::process
