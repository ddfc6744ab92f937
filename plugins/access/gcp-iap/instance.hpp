// Which instance of Compute Engine a host of the step's inputs is.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "hyops/plugin.hpp"

namespace hyops::access {

using nlohmann::json;

// C4: which project it is follows from its role, never from the host or from a bare id.
struct Project {
  std::string role;  // host_project, control_project, workload_project
  std::string id;
};
// denied/access.iap.project: no role, or a role without a project.
Project project_of(const json& settings);

struct Instance {
  std::string zone, name;
};
// From the provider's own name of it, "projects/P/zones/Z/instances/N". denied/access.iap.platform
// for a host of another platform (A4), denied/access.iap.project for one of another project.
Instance instance_of(const json& host, const Project& project);

}  // namespace hyops::access
