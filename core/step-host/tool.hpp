// The start of the tool itself: it dies with its host (L6), and begins where it is held (K7).
#pragma once

#include "base/file.hpp"
#include "process/step_host.hpp"

namespace hyops::step_host {

struct Tool {
  pid_t pid = 0;  // also its process group
  Fd output;      // its standard output and error, one pipe, not blocking
};

// Same codes as process::spawn. Must be called by the one thread of the host. `cgroup` as there.
Result<Tool> start(const process::ToolRequest& request, int cgroup);

}  // namespace hyops::step_host
