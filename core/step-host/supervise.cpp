// Watching over a running tool: one loop, one thread, no byte of output and no exit status lost.
#include "supervise.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "base/clock.hpp"
#include "descendants.hpp"

namespace hyops::step_host {

// After the last process of a tool is gone its pipe holds at most this; more comes from a stranger
// that was handed the descriptor, and nobody waits for him.
constexpr int max_drained_reads = 256;

Supervisor::Supervisor(const process::ToolRequest& request, Tool tool, Log& log, int signals,
                       int control)
    : request_(request), tool_(std::move(tool)), log_(log), signals_(signals), control_(control) {
  status_.started_ms = system_clock().wall_ms();
  if (request.timeout_ms > 0) deadline_ = system_clock().mono_ms() + request.timeout_ms;
}

process::ToolStatus Supervisor::run() {
  while (!exit_) {
    std::array<pollfd, 3> events{
        {{signals_, POLLIN, 0}, {control_, POLLIN, 0}, {tool_.output.get(), POLLIN, 0}}};
    const int ready = ::poll(events.data(), events.size(), static_cast<int>(next_event_ms()));
    // Cannot happen; but better an ended tool than an unwatched one.
    if (ready < 0 && errno != EINTR) stop("stopped");
    if (events[2].revents != 0) read_output();
    if ((events[1].revents & POLLIN) != 0) read_control();
    if ((events[0].revents & POLLIN) != 0) read_signals();
    const int64_t now = system_clock().mono_ms();
    if (deadline_ && now >= *deadline_) {
      deadline_.reset();
      log_.note("the tool took longer than " + show_duration(request_.timeout_ms));
      stop("deadline");
    }
    if (escalation_ && now >= *escalation_) escalate();
  }
  if (const int left = kill_descendants(); left > 0)
    log_.note("processes that the tool left behind were killed: " + std::to_string(left));
  drain();
  log_.finish();
  status_.exit = *exit_;
  status_.ended_ms = system_clock().wall_ms();
  status_.log_complete = log_.complete();
  return status_;
}

int64_t Supervisor::next_event_ms() const {
  int64_t at = std::numeric_limits<int64_t>::max();
  if (deadline_) at = std::min(at, *deadline_);
  if (escalation_) at = std::min(at, *escalation_);
  if (at == std::numeric_limits<int64_t>::max()) return -1;
  return std::clamp<int64_t>(at - system_clock().mono_ms(), 0, 1 << 30);
}

bool Supervisor::read_output() {
  std::array<char, 65536> buffer;
  if (!tool_.output) return false;
  const ssize_t got = ::read(tool_.output.get(), buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    tool_.output.reset();  // closed by the tool, which may well run on
    return false;
  }
  log_.append(std::string_view(buffer.data(), static_cast<size_t>(got)));
  return true;
}

void Supervisor::drain() {
  for (int reads = 0; reads < max_drained_reads && read_output(); ++reads) {
  }
}

void Supervisor::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) continue;
    log_.note("the step host was told to end");
    stop("stopped");
  }
  reap();
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != tool_.pid) continue;  // an orphan of the tool
    exit_ = WIFSIGNALED(status) ? process::Exit{0, WTERMSIG(status)}
                                : process::Exit{WEXITSTATUS(status), 0};
  }
}

void Supervisor::read_control() {
  std::array<char, 256> buffer;
  const ssize_t got = ::read(control_, buffer.data(), buffer.size());
  for (ssize_t at = 0; at < got; ++at) {
    const char c = buffer[static_cast<size_t>(at)];
    if (c == '\n') {
      obey(order_);
      order_.clear();
    } else if (order_.size() < 64) {
      order_ += c;
    }
  }
}

void Supervisor::obey(std::string_view line) {
  if (line == "stop") {
    log_.note("stop was asked for");
    stop("stopped");
  } else if (line == "kill") {
    log_.note("kill was asked for");
    status_.reason = "killed";
    stage_ = Stage::terminated;
    escalate();
  }
}

// Terraform and others take SIGINT as the request to finish what they hold and to write their
// state.
void Supervisor::stop(const std::string& reason) {
  if (stage_ != Stage::running) return;
  stage_ = Stage::interrupted;
  status_.reason = reason;
  ::kill(-tool_.pid, SIGINT);
  ::kill(-tool_.pid, SIGCONT);
  escalation_ = system_clock().mono_ms() + request_.stop_grace_ms;
}

void Supervisor::escalate() {
  escalation_.reset();
  if (stage_ == Stage::interrupted) {
    stage_ = Stage::terminated;
    log_.note("the tool did not end when interrupted: SIGTERM");
    ::kill(-tool_.pid, SIGTERM);
    ::kill(-tool_.pid, SIGCONT);
    escalation_ = system_clock().mono_ms() + request_.stop_grace_ms;
  } else if (stage_ == Stage::terminated) {
    stage_ = Stage::killed;
    log_.note("the tool is killed");
    // The group may be empty or left by the leader; the leader is ours until it is reaped.
    ::kill(-tool_.pid, SIGKILL);
    ::kill(tool_.pid, SIGKILL);
  }
}

}  // namespace hyops::step_host
