// A process by pid, start time and boot, because a pid alone may belong to somebody else by now.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "error.hpp"
#include "fd.hpp"

namespace hyops::labd {

struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  std::string boot;          // /proc/sys/kernel/random/boot_id
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(ProcessIdentity, pid, start_ticks, boot)
};

// pid 0 in the answer: there is no such process.
ProcessIdentity identify(pid_t pid);

// A zombie counts as dead: nothing of it runs and its namespaces are gone.
bool alive(const ProcessIdentity& process);

// A pidfd that surely is this process, or an invalid one when it is gone.
Fd open_pidfd(const ProcessIdentity& process);

// Sends `signal` to exactly this process and waits for its end. False: it still lives after
// `limit_ms`.
bool end_process(const ProcessIdentity& process, int signal, int limit_ms);

// Processes of this lab by what their command line says, for when the lab's own notes are lost:
// the executable is hyops-labd, the verb is `verb` and `--dir` names this lab.
std::vector<ProcessIdentity> find_ours(const std::string& verb, const std::string& dir);

// Processes whose network namespace is the one behind the given inode.
std::vector<pid_t> processes_in_netns(uint64_t inode);

}  // namespace hyops::labd
