// What the helper takes from itself before a byte of a vendor's code runs, and cannot take back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::plugin_host {

// What a manifest declares beyond computing and asking the core.
struct Declared {
  std::vector<std::string> read;    // files and folders it opens itself
  std::vector<std::string> direct;  // "tcp:443", "udp:53"
};

// At once: no privileges to gain or use, no core dump, limits, nothing open above `last_kept`.
Status give_up_privileges(int last_kept);

// Before loading, and before any thread: the file system by Landlock where the kernel has it,
// system calls by seccomp. Answers what holds, for the run record and the doctor:
// {"no_new_privs":true, "seccomp":true,"landlock":<ABI, 0: the kernel has none>,"limits":{...}}.
// plugin.isolation: then nothing may be loaded.
Result<Json> confine(const Declared& declared);

// The two halves of confine().
Result<int> restrict_files(const Declared& declared);  // the ABI of Landlock, or 0
Status restrict_calls(const Declared& declared);

}  // namespace hyops::plugin_host
