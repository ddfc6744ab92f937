#include "lab/guard.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

namespace hyops::lab {
namespace {

// Orphans of the work are our children, because we are a subreaper: until none is left, no helper
// goes on making what the clean-up has just removed.
void kill_descendants() {
  do {
    std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    for (pid_t pid = 0; in >> pid;) ::kill(pid, SIGKILL);
  } while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
}

}  // namespace

int guarded(const std::function<int()>& work, const std::function<void()>& clean_up) {
  sigset_t watched, before;
  ::sigemptyset(&watched);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, &before);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    const int code = work();
    std::fflush(nullptr);
    ::_exit(code);
  }
  int stopped = child < 0 ? SIGABRT : 0, code = 0;
  while (!stopped) {
    int number = 0;
    ::sigwait(&watched, &number);
    if (number != SIGCHLD) stopped = number;
    int status = 0;
    bool ended = false;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
      if (pid == child) {
        ended = true;
        code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        if (WIFSIGNALED(status)) stopped = stopped ? stopped : WTERMSIG(status);
      }
    if (ended && !stopped) break;
  }
  if (stopped) {
    kill_descendants();
    clean_up();
    code = 128 + stopped;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return code;
}

}  // namespace hyops::lab
