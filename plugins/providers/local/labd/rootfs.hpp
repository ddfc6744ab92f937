// Assembles a host's root file system inside its own mount namespace and moves into it.
#pragma once

#include <string>

#include "error.hpp"
#include "files.hpp"

namespace hyops::labd {

struct RootPlan {
  fs::path host_dir;
  fs::path runner_layer;  // empty: the image has none
  bool groups = false;    // it has control groups of its own (host_group.hpp)
};

// To be called by PID 1 of a host, in a fresh mount namespace. Afterwards the machine's file system
// is unreachable but for the read-only lower layers of /usr, /etc and the package database.
Done enter_root(const RootPlan& plan);

}  // namespace hyops::labd
