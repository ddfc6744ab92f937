#include "host_group.hpp"

#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "files.hpp"

namespace hyops::labd {
namespace {

constexpr int most_looks = 200;  // each 10 ms after the one before

// Where version 2 is mounted, also beside version 1; empty where it is not.
fs::path top() {
  struct statfs found {};
  for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
    if (statfs(place, &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC) return place;
  return {};
}

fs::path group_of(const std::string& lab) { return top() / ("hyops.lab." + lab); }

bool enter(const fs::path& group) { return write_plain(group / "cgroup.procs", "0").has_value(); }

// From below: a group that has others in it cannot go.
bool remove_tree(const fs::path& group) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(group, ignored))
    if (entry.is_directory(ignored)) remove_tree(entry.path());
  return rmdir(group.c_str()) == 0 || errno == ENOENT;
}

// The kernel lets go of a group a moment after the last process in it.
std::string remove_all_of(const fs::path& group) {
  if (top().empty()) return {};
  for (int look = 0; !remove_tree(group); ++look) {
    if (look == most_looks) return "control group " + group.string() + ": " + strerror(errno);
    poll(nullptr, 0, 10);
  }
  return {};
}

}  // namespace

bool enter_group(const std::string& lab, const std::string& host) {
  if (top().empty()) return false;
  const fs::path group = group_of(lab) / host;
  std::error_code failed;
  fs::create_directories(group, failed);
  return !failed && enter(group) && unshare(CLONE_NEWCGROUP) == 0;
}

void join_group_of(pid_t first_of_host) {
  const std::string text =
      read_file("/proc/" + std::to_string(first_of_host) + "/cgroup").value_or("");
  const std::string mark = "0::/";
  const size_t at = text.starts_with(mark) ? 0 : text.find("\n" + mark);
  if (top().empty() || at == std::string::npos) return;
  const size_t from = text.find(mark, at) + mark.size();
  enter(top() / text.substr(from, text.find('\n', from) - from));
}

std::string remove_group(const std::string& lab, const std::string& host) {
  return remove_all_of(group_of(lab) / host);
}

std::string remove_groups(const std::string& lab) {
  const fs::path group = group_of(lab);
  if (top().empty() || !fs::exists(group)) return {};
  [[maybe_unused]] const auto ended = write_plain(group / "cgroup.kill", "1");
  return remove_all_of(group);
}

}  // namespace hyops::labd
