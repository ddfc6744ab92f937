// clone3(2) has no wrapper in glibc. Called like this it is a fork.
#include "process/fork_exec.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace hyops::process {
namespace {

// Between fork and exec; only calls that are safe there. Ends by exec, or by telling errno.
[[noreturn]] void become(const Birth& birth, int report, pid_t parent) {
  if (birth.dies_with_us) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (birth.new_session) ::setsid();
  if (birth.new_group) ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int tell = birth.last + 1;
  bool ready = (!birth.dies_with_us || ::getppid() == parent) &&  // else it died before it was told
               ::dup2(report, tell) == tell && ::fcntl(tell, F_SETFD, FD_CLOEXEC) == 0 &&
               (birth.last < 3 || ::close_range(3, static_cast<unsigned>(birth.last), 0) == 0);
  for (const auto& [from, to] : birth.descriptors) ready = ready && ::dup2(from.get(), to) == to;
  ready = ready && ::close_range(static_cast<unsigned>(tell) + 1, ~0u, 0) == 0 &&
          ::chdir(birth.directory) == 0;
  if (ready) ::execve(birth.program, birth.argv, birth.environment);
  const int reason = errno;
  const ssize_t ignored = ::write(ready ? tell : report, &reason, sizeof reason);
  static_cast<void>(ignored);
  ::_exit(127);
}

}  // namespace

pid_t fork_into(int cgroup) {
  if (cgroup < 0) return ::fork();
  clone_args how{};
  how.flags = CLONE_INTO_CGROUP;
  how.exit_signal = SIGCHLD;
  how.cgroup = static_cast<uint64_t>(cgroup);
  return static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
}

int fork_exec(const Birth& birth, pid_t& pid) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const Fd told(ends[0]);
  Fd end(ends[1]);
  Fd report(::fcntl(end.get(), F_DUPFD_CLOEXEC, birth.last + 2));
  if (!report) return errno;
  end.reset();
  const pid_t parent = ::getpid();
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  const pid_t born = fork_into(birth.cgroup);
  if (born == 0) become(birth, report.get(), parent);
  const int problem = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (born < 0) return problem;
  if (birth.new_group) ::setpgid(born, born);  // by both, for whoever comes first
  report.reset();
  int reason = 0;
  ssize_t got = 0;
  do {
    got = ::read(told.get(), &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    ::waitpid(born, nullptr, 0);
    return reason;
  }
  pid = born;
  return 0;
}

}  // namespace hyops::process
