// Ending everything a tool started: only our own children are ever signalled, because their numbers
// cannot be reused before we reap them.
#include "descendants.hpp"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::step_host {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

pid_t parent_of(std::string_view pid) {
  const auto text = read_file("/proc/" + std::string(pid) + "/stat", 65536);
  const size_t bracket = text ? text->rfind(')') : std::string::npos;
  if (bracket == std::string::npos) return 0;
  const auto fields = split(std::string_view(*text).substr(bracket), ' ');
  pid_t parent = 0;
  if (fields.size() > 2)
    std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), parent);
  return parent;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc"));
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    std::from_chars(name.data(), name.data() + name.size(), pid);
    if (pid > 0 && parent_of(name) == ::getpid()) found.push_back(pid);
  }
  return found;
}

}  // namespace

int kill_descendants() {
  int ended = 0;
  for (;;) {
    // Most tools leave nothing, and then /proc need not be read: it is slow on a busy machine.
    if (::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) return ended;
    for (const pid_t pid : children()) ::kill(pid, SIGKILL);
    // Blocks until one of them is gone; then takes all that are, and looks for what they left
    // behind.
    pid_t reaped = ::waitpid(-1, nullptr, 0);
    if (reaped < 0 && errno == ECHILD) return ended;
    for (; reaped > 0; reaped = ::waitpid(-1, nullptr, WNOHANG)) ++ended;
  }
}

}  // namespace hyops::step_host
