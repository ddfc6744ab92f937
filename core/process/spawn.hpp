// One child process, from argument vector to exit status, without a shell and without leaks.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace hyops::process {

// Which process it is, also after pids were reused or the machine was booted again (L5, L6).
struct Identity {
  pid_t pid = 0;
  int64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  std::string boot_id;      // /proc/sys/kernel/random/boot_id
};
std::string boot_id();
std::optional<Identity> identify(pid_t pid);  // nothing: no such process
bool is_alive(const Identity& identity);      // same pid, start and boot, and not a zombie

struct SpawnRequest {
  // argv[0] with a slash is a path, relative to `directory`; without one it is looked up in the
  // PATH of `environment`, or in default_path where that has none.
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // all of it: nothing is inherited
  std::filesystem::path directory = "/";
  // Descriptors that the child gets as 0, 1, 2. Everything else of ours but `extra` is closed
  // there.
  int in = -1, out = -1, err = -1;         // -1: /dev/null
  std::vector<std::pair<int, int>> extra;  // (descriptor here, number there)
  bool new_session = false;
  bool new_group = false;     // of processes, to be signalled as one
  bool dies_with_us = false;  // SIGKILL when the thread that started it ends
  int cgroup = -1;  // descriptor of the control group it begins in (metadata.hpp); -1: ours
};

struct Exit {
  int code = 0;  // valid if signal == 0
  int signal = 0;
  std::string text() const;  // "exit status 3", "killed by signal 9 (Killed)"
};

// Owns a running child by pidfd. The destructor kills (SIGKILL) and reaps what was not released.
class Child {
 public:
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  // readable when it has ended: for poll
  Status signal(int number) const;
  Result<std::optional<Exit>> wait(int64_t timeout_ms);  // nothing: still running; -1 = for ever
  void release();                                        // it outlives us

 private:
  friend Result<Child> spawn(const SpawnRequest&);
  Child(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  void end();
  pid_t pid_ = 0;
  Fd pidfd_;
  std::optional<Exit> exit_;  // once reaped; asked again, it is told again
};

// Returns when the program has been executed; the child has no blocked signals and default
// handlers. process.not_found, process.not_executable, process.spawn
Result<Child> spawn(const SpawnRequest& request);

// Looks an executable up in a colon-separated path; nothing from the environment.
std::optional<std::filesystem::path> find_executable(const std::string& name,
                                                     const std::string& path);
extern const char* const default_path;  // /usr/local/sbin:...:/bin

// Runs a short helper to its end and returns its output (at most 1 MiB each, else process.output);
// for probes like `tool --version`. in, out, err and new_session of the request are set here. Out
// of time it is killed with its process group (process.deadline).
struct Output {
  Exit exit;
  std::string out, err;
};
// Where `stop` is given it is asked every 100 ms, and once it is true the same happens
// (process.cancelled).
Result<Output> run(const SpawnRequest& request, int64_t timeout_ms, std::string_view input = {},
                   const std::function<bool()>& stop = {});

}  // namespace hyops::process
