// What is checked, and what it is given to work on.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "plugin/manifest.hpp"

namespace hyops::plugin::check {

// check.toml, beside plugin.toml:
//   [config]                          as a lane would have it under [plugins."ID"]
//   [secrets]                         values of the secrets that the configuration names
//   [inputs."hyops.provider/1"]       of plan, apply (open, resolve), observe
//   [platform."/hosts/old"]           documents that stand on http://platform.test at the beginning
//   [exec]                            values of "{name}" for hyops.exec/1: identity_file = "/..."
//   seal_key = "/.../runner.seal"     what hyops.unseal/1 opens with
// All of it may be left out: then the configuration is empty and the inputs are plain ones.
struct Subject {
  Manifest manifest;
  std::string sha256;  // of plugin.so, as it stood when the check began
  Json config;         // checked, with defaults
  std::map<std::string, Json> inputs;
  std::map<std::string, std::string> secrets;
  Json documents = Json::object(), exec_values = Json::object();
  std::filesystem::path seal_key;
  std::filesystem::path helper;  // hyops-plugin-host
  uint64_t seed = 1;             // of everything random
};

// `with` names another check.toml; empty: the one in the folder, if there is one.
// plugin.manifest.*, plugin.config.*, plugin.check.invalid, plugin.file.missing
Result<Subject> read_subject(const std::filesystem::path& folder, const std::filesystem::path& with,
                             std::filesystem::path helper);

}  // namespace hyops::plugin::check
