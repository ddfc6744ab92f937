// Which plugins stand on this machine, and which of them a trusted key vouches for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/manifest.hpp"
#include "trust/trust.hpp"

namespace hyops::plugin {

// A key and what it may sign. In a trust file (TOML):
//   [[key]]
//   name = "acme"
//   key = "RW..."                           # one line of a minisign .pub file
//   ids = ["com.acme."]                     # prefixes of plugin ids
//   interfaces = ["hyops.provider/1"]
struct TrustedKey {
  std::string name;
  trust::PublicKey key;
  std::vector<std::string> ids, interfaces;
};

struct Sources {
  std::vector<std::filesystem::path>
      plugins;  // folders of plugin folders; one that is absent is empty
  std::vector<std::filesystem::path> trust;  // trust files, or folders of *.toml
  std::filesystem::path helper;              // libexec/hyops/hyops-plugin-host
};

// The sources of an installed or built tree, and what an operator added under the home folder.
Sources standard_sources(const std::filesystem::path& prefix, const std::filesystem::path& home);

struct Entry {
  std::string id;  // of the manifest, or the folder's name where that cannot be read
  std::string version;
  std::filesystem::path folder;
  std::string signed_by;  // name of the trusted key; empty: see problem
  std::optional<Error> problem;
};

class Registry {
 public:
  // Reads trust files; plugins are read when they are asked for. plugin.trust.invalid.
  static Result<Registry> open(Sources sources);

  // Every plugin folder with what stands against using it. Runs no vendor code.
  std::vector<Entry> list() const;

  // The manifest after signature and key scope have been checked: plugin.unknown (with near names),
  // plugin.ambiguous, plugin.manifest.*, plugin.signature.{missing,malformed,unknown_key,wrong},
  // plugin.scope.{id,interface}.
  Result<Manifest> trusted(const std::string& id) const;

  // As plugin::describe, with who signed it or why it is refused.
  Result<Json> describe(const std::string& id) const;

  // "sha256:..." of plugin.toml, which pins every file of the plugin: for hyops.lock.
  Result<std::string> digest(const std::string& id) const;

  const Sources& sources() const { return sources_; }

 private:
  Registry(Sources sources, std::vector<TrustedKey> keys)
      : sources_(std::move(sources)), keys_(std::move(keys)) {}
  Result<std::filesystem::path> folder_of(const std::string& id) const;
  Result<std::pair<Manifest, std::string>> check(const std::filesystem::path& folder) const;

  Sources sources_;
  std::vector<TrustedKey> keys_;
};

// Writes the digests of the folder's files into plugin.toml's [files] and signs it: the last step
// of a plugin's build. plugin.manifest.*, trust.key.*, file.*.
Status sign(const std::filesystem::path& folder, const trust::SecretKey& key);

}  // namespace hyops::plugin
