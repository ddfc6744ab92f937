// plugin.toml: what a plugin says of itself before any of its code runs.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "contract/types.hpp"
#include "plugin/interfaces.hpp"

namespace hyops::plugin {

struct Manifest {
  std::string id;                              // dotted, vendor first: "hyops.local.compute"
  std::string version, title, vendor, status;  // status: stable | preview | drill
  int abi_major = 1, abi_minor = 0;
  std::vector<std::string> implements;   // "hyops.provider/1"
  std::vector<std::string> services;     // host services it needs: "hyops.http/1"
  std::vector<std::string> http_hosts;   // "host:port", or "{config.api}" for a configured URL
  std::vector<std::string> executables;  // what hyops.exec/1 and hyops.stream/1 may run, by name
  std::vector<std::string> shipped;      // files of its own folder that they may run as well
  contract::Fields inputs;               // the schema of its configuration
  std::vector<std::string> read_paths;   // what it opens itself: paths, or "{config.bundle}"
  std::vector<std::string> direct;       // "tcp:443", "udp:53": connections of its own making
  std::map<std::string, std::string> files;  // file beside plugin.toml -> sha256 (64 hex digits)
  std::string digest;                        // "sha256:..." of plugin.toml itself
  std::filesystem::path folder;
};

// The shared object of every plugin has this name, beside plugin.toml and plugin.toml.minisig.
inline constexpr const char* object_name = "plugin.so";

// plugin.manifest.missing, plugin.manifest.invalid (each with its place), plugin.manifest.abi,
// plugin.manifest.interface, plugin.manifest.service.
Result<Manifest> load_manifest(const std::filesystem::path& folder);
Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& folder);

// The configuration a lane gives, checked against `inputs`: defaults filled in, durations in ms,
// unknown and missing keys refused (plugin.config.*).
Result<Json> check_config(const Manifest& manifest, const Json& given);

// The names of the secrets that a checked configuration names: the only ones a plugin may use (K5).
std::vector<std::string> secrets_of(const Manifest& manifest, const Json& config);

// What a manifest declares with "{config.NAME}" replaced by the setting, each value of it where
// that is a list or a map; a setting that is not given declares nothing.
std::vector<std::string> configured(const std::vector<std::string>& declared, const Json& config);

// What is said to people and programs about a plugin; runs none of its code.
Json describe(const Manifest& manifest);

}  // namespace hyops::plugin
