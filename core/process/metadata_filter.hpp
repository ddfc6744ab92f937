// The programs that the kernel asks before a socket connects, or sends without having connected.
#pragma once

#include <array>
#include <cstddef>

#include "base/file.hpp"

namespace hyops::process {

inline constexpr size_t metadata_programs = 4;

// Loaded once for this process and what it hands them to: to be looked through by the kernel takes
// a program longer than all else here together. process.metadata
Result<std::array<int, metadata_programs>> loaded_metadata_programs();
// Those that our starter handed on stand at these descriptors, if at any.
void inherit_metadata_programs(int first);

// From now on every process in this control group, and in all below it, gets EPERM for the metadata
// service; they last as long as the group, and go with it. process.metadata
Status refuse_metadata(int cgroup);

}  // namespace hyops::process
