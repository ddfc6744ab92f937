// The interfaces and services of hyops/plugin.h by id: what may stand in a manifest and be called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hyops::plugin {

// The verbs of an interface in the order of its table; empty for one there is not.
const std::vector<std::string>& verbs_of(std::string_view interface);
std::vector<std::string> all_interfaces();
const std::vector<std::string>& all_services();

}  // namespace hyops::plugin
