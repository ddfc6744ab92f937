// Starting a program by hand, for what posix_spawn of glibc 2.36 cannot say: in which control group
// the child begins, and that it dies with us.
#pragma once

#include <utility>
#include <vector>

#include "base/file.hpp"

namespace hyops::process {

// As fork(2), with the child in the control group from its first instruction on: moving it there
// afterwards makes the whole machine wait (13 ms, measured). -1: ours. The child may do what is
// safe between fork and exec.
pid_t fork_into(int cgroup);

struct Birth {
  const char* program;
  const char* directory;
  char* const* argv;
  char* const* environment;
  const std::vector<std::pair<Fd, int>>& descriptors;  // (here, in the child)
  int last;  // the highest number of the child's; those here are two or more above it
  int cgroup;
  bool new_session, new_group, dies_with_us;
};

// As posix_spawn(3): 0 or the reason, told once the program runs or does not.
int fork_exec(const Birth& birth, pid_t& pid);

}  // namespace hyops::process
