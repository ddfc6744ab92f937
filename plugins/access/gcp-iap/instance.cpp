// IAP carries to instances of Google's Compute Engine and to nothing else: a host of another
// platform is refused here, whatever the profile says.
#include "instance.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace hyops::access {

using sdk::Failed;

Project project_of(const json& settings) {
  Project project{settings.value("project", "workload_project"), {}};
  constexpr std::array roles{"host_project", "control_project", "workload_project"};
  if (std::find(roles.begin(), roles.end(), project.role) == roles.end())
    throw Failed("denied/access.iap.project",
                 "\"" + project.role.substr(0, 80) +
                     "\" is no role of a project (C4): project is host_project, control_project or "
                     "workload_project, and the setting of that name says which project has it");
  project.id = settings.value(project.role, "");
  if (project.id.empty())
    throw Failed("denied/access.iap.project", "the instances stand in the " + project.role +
                                                  ", and no setting " + project.role +
                                                  " says which project that is (C4)");
  return project;
}

Instance instance_of(const json& host, const Project& project) {
  const std::string name = host.value("name", ""), placement = host.value("placement", "");
  std::array<std::string, 6> part;  // projects P zones Z instances N
  std::istringstream parts(placement);
  size_t count = 0;
  for (std::string each; std::getline(parts, each, '/'); ++count)
    if (count < part.size()) part[count] = each;
  if (count != part.size() || part[0] != "projects" || part[2] != "zones" ||
      part[4] != "instances" || part[3].empty() || part[5].empty())
    throw Failed("denied/access.iap.platform",
                 "the host " + name.substr(0, 64) +
                     " is no instance of Compute Engine (its placement is \"" +
                     placement.substr(0, 100) +
                     "\"): gcp-iap reaches nothing else and stands for no other mode (A4)");
  if (part[1] != project.id)
    throw Failed("denied/access.iap.project", "the host " + name.substr(0, 64) + " stands in " +
                                                  part[1].substr(0, 100) + ", not in the " +
                                                  project.role + " " + project.id);
  return {part[3], part[5]};
}

}  // namespace hyops::access
