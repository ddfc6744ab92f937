// A new plugin from the SDK's templates: small, whole, and good before its vendor has changed a
// line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace hyops::plugin {

struct Scaffold {
  std::filesystem::path templates;  // share/hyops/sdk/template
  std::string id, kind, vendor;     // kind: provider, egress, access, secret
  std::filesystem::path to;         // the new folder; must not be there
};
const std::vector<std::string>& kinds();

// Gives the files it made. plugin.new.name, plugin.new.kind, plugin.new.exists,
// plugin.new.template, file.*
Result<std::vector<std::filesystem::path>> make_new(const Scaffold& wanted);

}  // namespace hyops::plugin
