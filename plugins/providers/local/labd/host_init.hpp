// PID 1 of a host: what makes a bundle of namespaces behave like a machine that can be switched
// off.
#pragma once

#include <string>

#include "paths.hpp"

namespace hyops::labd {

// The contract between labd and the init it starts: two inherited descriptors.
inline constexpr int init_report_fd = 3;  // init writes "pid N\n", then "ready\n" or "failed WHY\n"
inline constexpr int init_go_fd = 4;      // labd writes one byte once the network device is there

// Never returns while the host is on. The answer is the process's exit code.
int host_init(const LabPaths& paths, const std::string& name);

}  // namespace hyops::labd
