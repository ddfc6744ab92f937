// Disk that is kept back for evidence: a new side effect is refused before its record could be at
// risk, and what runs already may always say how it ended (L8).
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace hyops::engine {

// Good where <home>/evidence.reserve holds its blocks (a sixteenth of the disk, 1 to 16 MiB) and as
// much again is free; takes the blocks back where an earlier run needed them. engine.disk.reserve
Status require_room(const std::filesystem::path& home);

// Frees the reserved blocks: for the caller that could otherwise not write what happened.
void give_up_room(const std::filesystem::path& home);

}  // namespace hyops::engine
