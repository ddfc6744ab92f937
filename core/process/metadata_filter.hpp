// The programs that the kernel asks before a socket connects, or sends without having connected.
#pragma once

#include "base/file.hpp"

namespace hyops::process {

// From now on every process in this control group, and in all below it, gets EPERM for the metadata
// service; they last as long as the group, and go with it. process.metadata
Status refuse_metadata(int cgroup);

}  // namespace hyops::process
