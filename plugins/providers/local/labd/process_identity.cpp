// A process by pid, start time and boot.
#include "process_identity.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>
#include <sstream>

#include "files.hpp"

namespace hyops::labd {
namespace {

struct Stat {
  char state = 'X';
  uint64_t start_ticks = 0;
};

Stat read_stat(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return {};
  // The command name may hold spaces and brackets; fields start after the last bracket.
  const auto bracket = text->rfind(')');
  if (bracket == std::string::npos) return {};
  std::istringstream fields(text->substr(bracket + 1));
  Stat stat;
  std::string skipped;
  fields >> stat.state;
  for (int i = 4; i < 22; ++i) fields >> skipped;
  fields >> stat.start_ticks;
  return stat;
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

template <class Visit>
void each_pid(Visit visit) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) visit(std::stoi(name));
  }
}

std::vector<std::string> command_line(pid_t pid) {
  std::vector<std::string> words;
  std::istringstream text(read_file("/proc/" + std::to_string(pid) + "/cmdline").value_or(""));
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  return words;
}

}  // namespace

ProcessIdentity identify(pid_t pid) {
  const auto stat = read_stat(pid);
  if (stat.state == 'X' || stat.state == 'Z') return {};
  return {pid, stat.start_ticks, boot_id()};
}

bool alive(const ProcessIdentity& process) {
  if (process.pid <= 0) return false;
  const auto stat = read_stat(process.pid);
  return stat.state != 'X' && stat.state != 'Z' && stat.start_ticks == process.start_ticks &&
         boot_id() == process.boot;
}

Fd open_pidfd(const ProcessIdentity& process) {
  if (process.pid <= 0) return {};
  Fd fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  // Checked after opening: from here on the descriptor cannot come to mean another process.
  if (fd.valid() && alive(process)) return fd;
  return {};
}

bool end_process(const ProcessIdentity& process, int signal, int limit_ms) {
  const Fd fd = open_pidfd(process);
  if (!fd.valid()) return true;
  if (syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0) != 0 && errno == ESRCH)
    return true;
  pollfd waiting{fd.get(), POLLIN, 0};
  return poll(&waiting, 1, limit_ms) > 0;
}

std::vector<ProcessIdentity> find_ours(const std::string& verb, const std::string& dir) {
  std::vector<ProcessIdentity> found;
  each_pid([&](pid_t pid) {
    const auto words = command_line(pid);
    if (words.size() < 4 || words[1] != verb || words[2] != "--dir" || words[3] != dir) return;
    std::error_code error;
    auto exe =
        std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).string();
    constexpr std::string_view replaced = " (deleted)";  // a rebuild while the lab was up
    if (exe.ends_with(replaced)) exe.resize(exe.size() - replaced.size());
    if (error || !exe.ends_with("/hyops-labd")) return;
    if (auto identity = identify(pid); identity.pid != 0) found.push_back(identity);
  });
  return found;
}

std::vector<pid_t> processes_in_netns(uint64_t inode) {
  std::vector<pid_t> found;
  each_pid([&](pid_t pid) {
    struct stat info;
    const auto path = "/proc/" + std::to_string(pid) + "/ns/net";
    if (stat(path.c_str(), &info) == 0 && info.st_ino == inode) found.push_back(pid);
  });
  return found;
}

}  // namespace hyops::labd
