// The drill: the main job on one machine, with nothing pretended, judged by a client that never
// stops writing.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::lab {

struct DrillRequest {
  std::filesystem::path prefix;      // the installed hyops that is drilled
  std::filesystem::path lab_folder;  // where the lab keeps itself
  std::string lab_name = "hyops";
  std::filesystem::path record;  // folder that gets the two records, drill.json and drill.html
  std::string fault;             // "core-kill@restore": injected into the failover; empty: none
  bool failover_only = false;    // end once the failover is judged
  bool keep = false;             // leave the lab up
  std::function<void(const std::string& line)> say;
};

struct Check {
  std::string what;  // "failover lost no row that was archived"
  bool held = false;
  std::string found;
};

struct DrillResult {
  bool passed = false;
  std::vector<Check> checks;
  Json facts;  // everything that was measured; the contents of drill.json
};

// Removes a lab that a drill was using when it was stopped.
Status clear_lab(const DrillRequest& request);

// Runs it whole. An error is one of the drill itself (lab, machine); an assertion that did not hold
// is a check of the result. The lab is down afterwards, whatever happened, unless it shall be kept.
Result<DrillResult> run_drill(const DrillRequest& request);

}  // namespace hyops::lab
