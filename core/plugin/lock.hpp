// plugins.lock: which plugins a home or a lane was rehearsed with, pinned by digest.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.hpp"

namespace hyops::plugin {

// <home>/plugins.lock holds for the whole runner, lanes/<lane>/plugins.lock for one lane; both
// where both are. A plugin that is pinned and differs is refused, however well it is signed.
//   complete = true                         # optional: what is not listed is refused as well
//   [plugins."com.acme.clouds"]
//   version = "1.0.0"                       # for people
//   digest = "sha256:..."                   # of plugin.toml, which pins every file
struct Pin {
  std::string version, digest;
};
struct Lock {
  bool complete = false;
  std::map<std::string, Pin> pins;  // by plugin id
};

// An empty lock where there is no file. plugin.lock.invalid, plugin.folder.*
Result<Lock> read_lock(const std::filesystem::path& file);
Status write_lock(const std::filesystem::path& file, const Lock& lock);

// plugin.lock.changed, plugin.lock.missing (the lock is complete and does not list it)
Status check_pin(const Lock& lock, const std::filesystem::path& file, const std::string& id,
                 const Pin& found);

}  // namespace hyops::plugin
