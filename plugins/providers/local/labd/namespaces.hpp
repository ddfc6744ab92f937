// Enters the namespaces of a host, and drops what a host's processes must never be able to do.
#pragma once

#include <string>
#include <vector>

#include "error.hpp"
#include "process_identity.hpp"

namespace hyops::labd {

// Takes the rights to load modules, make device nodes, touch raw hardware and set the machine's
// clock from this process and all it starts. The rest of root stays: hosts mount, route and filter.
Done drop_machine_rights();

// Runs argv inside the host whose PID 1 is `host`, on this process's standard streams, with root's
// login environment. Returns the exit code (128 + signal, 127 not found).
Result<int> run_inside(const ProcessIdentity& host, const std::vector<std::string>& argv);

}  // namespace hyops::labd
