// Runs the few tools labd needs with argument vectors and no shell.
#include "subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

namespace hyops::labd {
namespace {

// posix_spawn's two attribute objects have an end; this is it.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// Moves a descriptor above the range that the child's own 0..4 use, so that no dup2 overwrites a
// source that a later one still needs.
Result<Fd> lift(int fd) {
  Fd lifted(fcntl(fd, F_DUPFD_CLOEXEC, 10));
  if (!lifted.valid()) return fail_errno("duplicate descriptor");
  return lifted;
}

std::string drain(int fd, size_t limit) {
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    if (text.size() < limit) text.append(buffer.data(), static_cast<size_t>(n));
  }
}

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe2");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<pid_t> spawn(const std::vector<std::string>& argv, const ChildFds& fds, Session session) {
  SpawnPlan plan;
  const std::array<int, 5> wanted{fds.in, fds.out, fds.err, fds.third, fds.fourth};
  std::array<Fd, 5> sources;
  int first_unused = 3;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const int target = static_cast<int>(i);
    if (wanted[i] >= 0) {
      auto lifted = lift(wanted[i]);
      if (!lifted) return tl::make_unexpected(lifted.error());
      sources[i] = std::move(*lifted);
      posix_spawn_file_actions_adddup2(&plan.actions, sources[i].get(), target);
      first_unused = std::max(first_unused, target + 1);
    } else if (i < 3) {
      posix_spawn_file_actions_addopen(&plan.actions, target, "/dev/null", O_RDWR, 0);
    }
  }
  // Not every library opens close-on-exec: a host that inherited the API's listening socket would
  // keep it open after the daemon's death, and could even accept on it.
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, first_unused);

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (session == Session::own) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&plan.attributes, flags);

  std::vector<char*> arguments;
  for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);
  // Nothing of the caller's environment reaches a tool or a host.
  static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  static char lang[] = "LANG=C.UTF-8";
  static char home[] = "HOME=/root";
  char* environment[] = {path, lang, home, nullptr};

  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &plan.actions, &plan.attributes,
                                 arguments.data(), environment);
  if (error != 0) {
    return fail(500, "tool.missing", "cannot start " + argv[0] + ": " + std::strerror(error),
                "install the lab's packages: ./setup.sh drill");
  }
  return pid;
}

int reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<std::string> run(const std::vector<std::string>& argv, std::string_view input) {
  auto in = make_pipe();
  auto out = make_pipe();
  if (!in || !out) return fail_errno("pipe2");
  // Inputs here are rulesets of a few KiB, which a pipe of 1 MiB takes whole: no writer thread.
  if (input.size() > 4096) fcntl(in->write_end.get(), F_SETPIPE_SZ, 1 << 20);
  auto pid = spawn(
      argv, {.in = in->read_end.get(), .out = out->write_end.get(), .err = out->write_end.get()},
      Session::shared);
  if (!pid) return tl::make_unexpected(pid.error());
  in->read_end.reset();
  out->write_end.reset();
  while (!input.empty()) {
    const ssize_t n = ::write(in->write_end.get(), input.data(), input.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // the tool went away; its exit code tells why
    input.remove_prefix(static_cast<size_t>(n));
  }
  in->write_end.reset();
  std::string text = drain(out->read_end.get(), 4 << 20);
  const int code = reap(*pid);
  if (code != 0) {
    std::string words;
    for (const auto& a : argv) words += a + " ";
    return fail(500, "tool.failed", words + "exited with " + std::to_string(code) + ": " + text);
  }
  return text;
}

}  // namespace hyops::labd
