// The start of the tool: a process group of its own, no descriptor but three, and SIGKILL when the
// host dies.
#include "tool.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace hyops::step_host {
namespace {

struct Prepared {
  const char* program;
  const char* directory;
  char* const* argv;
  char* const* environment;
  int in, output, report;
  pid_t host;
};

// Between fork and exec; only calls that are safe there. Ends by exec, or by telling errno.
[[noreturn]] void become(const Prepared& tool) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  const bool ready = ::getppid() == tool.host &&  // else it died before it was to be told
                     ::dup2(tool.report, 3) == 3 && ::dup2(tool.in, 0) == 0 &&
                     ::dup2(tool.output, 1) == 1 && ::dup2(tool.output, 2) == 2 &&
                     ::fcntl(3, F_SETFD, FD_CLOEXEC) == 0 && ::close_range(4, ~0u, 0) == 0 &&
                     ::chdir(tool.directory) == 0;
  if (ready) ::execve(tool.program, tool.argv, tool.environment);
  const int reason = errno;
  const ssize_t ignored = ::write(3, &reason, sizeof reason);
  static_cast<void>(ignored);
  ::_exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

Result<std::string> find_program(const process::ToolRequest& request) {
  const std::string& name = request.argv[0];
  if (name.find('/') != std::string::npos) return name;
  const auto path = request.environment.find("PATH");
  const auto found = process::find_executable(
      name, path == request.environment.end() ? process::default_path : path->second);
  if (!found) return fail("process.not_found", "there is no program \"" + name + "\" in the path");
  return found->string();
}

Failure cannot_start(const std::string& program, int reason) {
  const std::string what = "cannot start " + program;
  if (reason == ENOENT) return fail_errno("process.not_found", what, reason);
  if (reason == EACCES || reason == ENOEXEC)
    return fail_errno("process.not_executable", what, reason);
  return fail_errno("process.spawn", what, reason);
}

// Above the numbers that become() assigns.
Fd lifted(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 10)); }

}  // namespace

Result<Tool> start(const process::ToolRequest& request) {
  const auto program = find_program(request);
  if (!program) return Failure(program.error());
  int output[2], report[2];
  if (::pipe2(output, O_CLOEXEC) != 0)
    return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd output_read(output[0]), output_end(output[1]);
  if (::pipe2(report, O_CLOEXEC) != 0)
    return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd report_read(report[0]), report_end(report[1]);
  Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd in = lifted(null.get()), write_end = lifted(output_end.get());
  Fd tell = lifted(report_end.get());
  if (!in || !write_end || !tell)
    return fail_errno("process.spawn", "cannot prepare the tool's descriptors", errno);

  std::vector<std::string> variables;
  for (const auto& [name, value] : request.environment) variables.push_back(name + "=" + value);
  const auto argv = pointers(request.argv), environment = pointers(variables);
  const Prepared tool{program->c_str(), request.directory.c_str(), argv.data(), environment.data(),
                      in.get(),         write_end.get(),           tell.get(),  ::getpid()};
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("process.spawn", "cannot fork", errno);
  if (pid == 0) become(tool);
  ::setpgid(pid, pid);  // by both, so that the group is there for whoever comes first
  report_end.reset();
  tell.reset();
  int reason = 0;
  ssize_t got = 0;
  do {
    got = ::read(report_read.get(), &reason, sizeof reason);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    ::waitpid(pid, nullptr, 0);
    return cannot_start(*program, reason);
  }
  ::fcntl(output_read.get(), F_SETFL, O_NONBLOCK);
  return Tool{pid, std::move(output_read)};
}

}  // namespace hyops::step_host
