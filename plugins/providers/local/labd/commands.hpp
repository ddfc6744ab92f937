// What a person types: hyops-labd VERB.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "error.hpp"
#include "paths.hpp"

namespace hyops::labd {

struct UpOptions {
  LabPaths paths;
  std::filesystem::path prefix;  // installed hyops tree for image runner; empty: none
  std::string name = "hyops";
  pid_t with = 0;  // the lab is taken down when this process ends, however it ends; 0: it stays
};

// Brings the router, the daemon and the outside's web server up; does nothing that is done already.
Done bring_up(const UpOptions& options);

// What is still there after everything of the lab was removed, in words; empty: nothing.
Result<std::vector<std::string>> tear_down(const LabPaths& paths, const std::string& name);

// Waits until the process `with` is gone, then tears the lab down as above.
Result<std::vector<std::string>> keep(const LabPaths& paths, const std::string& name, pid_t with);

// The daemon itself. Returns when it is told to end.
Done serve(const LabPaths& paths);

}  // namespace hyops::labd
