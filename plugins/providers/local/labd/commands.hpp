// What a person types: hyops-labd VERB.
#pragma once

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
};

// Brings the router, the daemon and the outside's web server up; does nothing that is done already.
Done bring_up(const UpOptions& options);

// What is still there after everything of the lab was removed, in words; empty: nothing.
Result<std::vector<std::string>> tear_down(const LabPaths& paths, const std::string& name);

// The daemon itself. Returns when it is told to end.
Done serve(const LabPaths& paths);

}  // namespace hyops::labd
