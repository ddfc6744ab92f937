// Starting a program: an argument vector, exactly the descriptors that were named, nothing
// inherited.
#include "process/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "process/fork_exec.hpp"
#include "process/pidfd.hpp"

namespace hyops::process {

const char* const default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

namespace {

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() { ::posix_spawnattr_init(&attributes_); }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// Where each number of the child comes from. The sources are first copied above all targets, so
// that no dup2 overwrites a source that a later one still needs.
Result<std::vector<std::pair<Fd, int>>> lift(const SpawnRequest& request, int above) {
  std::vector<std::pair<int, int>> wanted{{request.in, 0}, {request.out, 1}, {request.err, 2}};
  wanted.insert(wanted.end(), request.extra.begin(), request.extra.end());
  std::vector<std::pair<Fd, int>> lifted;
  for (const auto& [from, to] : wanted) {
    Fd null;
    if (from < 0) null = Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    Fd high(::fcntl(from < 0 ? null.get() : from, F_DUPFD_CLOEXEC, above));
    if (!high) return fail_errno("process.spawn", "cannot hand on a descriptor", errno);
    lifted.emplace_back(std::move(high), to);
  }
  return lifted;
}

Failure cannot_start(const SpawnRequest& request, const std::string& program, int reason) {
  const std::string what = "cannot start " + program;
  struct stat info {};
  if (reason == ENOENT && ::stat(request.directory.c_str(), &info) != 0)
    return fail_errno("process.spawn", what + " in " + request.directory.string(), reason);
  if (reason == ENOENT) return fail_errno("process.not_found", what, reason);
  if (reason == EACCES || reason == ENOEXEC || reason == EISDIR)
    return fail_errno("process.not_executable", what, reason);
  return fail_errno("process.spawn", what, reason);
}

// The cheaper way, which copies nothing of a core that has grown.
int posix_spawn_exec(const Birth& birth, pid_t& pid) {
  Actions actions;
  for (int fd = 3; fd <= birth.last; ++fd) ::posix_spawn_file_actions_addclose(actions.get(), fd);
  for (const auto& [from, to] : birth.descriptors)
    ::posix_spawn_file_actions_adddup2(actions.get(), from.get(), to);
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), birth.last + 1);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), birth.directory);

  Attributes attributes;
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(attributes.get(), &none);
  ::posix_spawnattr_setsigdefault(attributes.get(), &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (birth.new_session) flags |= POSIX_SPAWN_SETSID;
  ::posix_spawnattr_setflags(attributes.get(), static_cast<short>(flags));
  return ::posix_spawn(&pid, birth.program, actions.get(), attributes.get(), birth.argv,
                       birth.environment);
}

}  // namespace

std::optional<std::filesystem::path> find_executable(const std::string& name,
                                                     const std::string& path) {
  const auto runs = [](const std::filesystem::path& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           ::access(file.c_str(), X_OK) == 0;
  };
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string::npos) {
    if (runs(name)) return name;
    return std::nullopt;
  }
  for (const auto& folder : split(path, ':'))
    if (!folder.empty() && folder.front() == '/' && runs(std::filesystem::path(folder) / name))
      return std::filesystem::path(folder) / name;
  return std::nullopt;
}

Result<Child> spawn(const SpawnRequest& request) {
  if (request.argv.empty() || request.argv[0].empty())
    return fail("process.spawn", "no program was named");
  std::string program = request.argv[0];
  if (program.find('/') == std::string::npos) {
    const auto path = request.environment.find("PATH");
    const auto found =
        find_executable(program, path == request.environment.end() ? default_path : path->second);
    if (!found)
      return fail("process.not_found", "there is no program \"" + program + "\" in the path");
    program = found->string();
  }
  int last = 2;
  for (const auto& [from, to] : request.extra) last = std::max(last, to);
  const auto lifted = lift(request, last + 2);
  if (!lifted) return Failure(lifted.error());

  std::vector<std::string> variables;
  for (const auto& [name, value] : request.environment) variables.push_back(name + "=" + value);
  const auto argv = pointers(request.argv), environment = pointers(variables);
  const Birth birth{program.c_str(),   request.directory.c_str(),
                    argv.data(),       environment.data(),
                    *lifted,           last,
                    request.cgroup,    request.new_session,
                    request.new_group, request.dies_with_us};
  pid_t pid = 0;
  const bool by_hand = request.cgroup >= 0 || request.new_group || request.dies_with_us;
  const int reason = by_hand ? fork_exec(birth, pid) : posix_spawn_exec(birth, pid);
  if (reason != 0) return cannot_start(request, program, reason);
  // Nobody else waits for our child, so its pid cannot be reused before this.
  Fd pidfd(::pidfd_open(pid, 0));
  if (!pidfd) {
    const int why = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("process.spawn", "cannot hold process " + std::to_string(pid), why);
  }
  return Child(pid, std::move(pidfd));
}

}  // namespace hyops::process
