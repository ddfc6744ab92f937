// Who could change a file behind our back: only root may, or the user of a core that is not root's.
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace hyops::plugin {

// Checks a file or folder and every folder above it, down from `base` (not included) or, where the
// path does not lie below that, from "/". Each must belong to root (or to the user hyops runs as,
// who is somebody else only where the core is not root's) and be writable by nobody else; a sticky
// folder like /tmp passes, for nobody can replace there what is not theirs. Links are resolved
// first. What stands at `base` or above is as trustworthy as the running hyops itself, which
// came from there. plugin.folder.owner, plugin.folder.writable; fine for what is not there.
Status check_owner(const std::filesystem::path& path, const std::filesystem::path& base = {});

}  // namespace hyops::plugin
