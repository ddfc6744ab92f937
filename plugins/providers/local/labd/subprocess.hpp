// Runs the few tools labd needs (ip, nft, ssh-keygen, cp) with argument vectors and no shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "fd.hpp"

namespace hyops::labd {

struct Pipe {
  Fd read_end;
  Fd write_end;
};

// Both ends are close-on-exec.
Result<Pipe> make_pipe();

struct ChildFds {  // what the child sees; -1 means /dev/null for the first three, nothing for the
                   // others
  int in = -1;
  int out = -1;
  int err = -1;
  int third = -1;
  int fourth = -1;
};

enum class Session : bool { shared, own };

// The child gets exactly the descriptors of `fds` as 0..4, and a minimal environment. The caller
// reaps it.
Result<pid_t> spawn(const std::vector<std::string>& argv, const ChildFds& fds, Session session);

// Runs a tool to its end with `input` on its standard input. Not exiting with 0 is a failure that
// carries the tool's own words.
Result<std::string> run(const std::vector<std::string>& argv, std::string_view input = {});

// Waits for a child, also across signals. Returns its exit code, or 128 + the signal that ended it.
int reap(pid_t pid);

}  // namespace hyops::labd
