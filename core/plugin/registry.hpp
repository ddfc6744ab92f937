// Which plugins stand on this machine, and which of them a trusted key vouches for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/lock.hpp"
#include "plugin/quarantine.hpp"
#include "plugin/trust_store.hpp"

namespace hyops::plugin {

struct Sources {
  std::vector<std::filesystem::path>
      plugins;  // folders of plugin folders; one that is absent is empty
  std::vector<std::filesystem::path> trust;    // trust files, or folders of *.toml
  std::filesystem::path helper;                // libexec/hyops/hyops-plugin-host
  std::vector<std::filesystem::path> locks{};  // plugins.lock files; those absent pin nothing
  std::filesystem::path quarantine{};          // folder of crash rows; empty: none are kept
  std::filesystem::path base{};                // as trustworthy as hyops itself (ownership.hpp)
};

// The sources of an installed or built tree, and what an operator added under the home folder, with
// the pins of a lane where one is named.
Sources standard_sources(const std::filesystem::path& prefix, const std::filesystem::path& home,
                         const std::string& lane = {});

struct Entry {
  std::string id;  // of the manifest, or the folder's name where that cannot be read
  std::string version, digest;
  std::filesystem::path folder;
  std::string signed_by;  // name of the trusted key; empty: see problem
  std::optional<Error> problem;
};

class Registry {
 public:
  // Reads trust files and locks; plugins are read when they are asked for. plugin.trust.invalid,
  // plugin.lock.invalid, plugin.folder.*. `clock` outlives the registry.
  static Result<Registry> open(Sources sources, const Clock& clock = system_clock());

  // Every plugin folder with what stands against using it. Runs no vendor code.
  std::vector<Entry> list() const;

  // The manifest after everything that can be known without running the plugin has been checked:
  // plugin.unknown (with near names), plugin.ambiguous, plugin.folder.*, plugin.manifest.*,
  // plugin.signature.*, plugin.key.*, plugin.revoked, plugin.scope.*, plugin.lock.*,
  // plugin.quarantined.
  Result<Manifest> trusted(const std::string& id) const;

  // As plugin::describe, with who signed it or why it is refused, and what is remembered of
  // crashes.
  Result<Json> describe(const std::string& id) const;

  // "sha256:..." of plugin.toml, which pins every file of the plugin: for hyops.lock and for plans.
  // What would not run is not pinned: errors of trusted().
  Result<std::string> digest(const std::string& id) const;

  const Sources& sources() const { return sources_; }
  const TrustStore& trust() const { return trust_; }
  Quarantine quarantine() const { return Quarantine(sources_.quarantine, *clock_); }

 private:
  Registry(Sources sources, TrustStore trust, const Clock& clock)
      : sources_(std::move(sources)), trust_(std::move(trust)), clock_(&clock) {}
  Result<std::filesystem::path> folder_of(const std::string& id) const;
  Result<std::pair<Manifest, std::string>> check(const std::filesystem::path& folder) const;

  Sources sources_;
  TrustStore trust_;
  std::vector<std::pair<std::filesystem::path, Lock>> locks_;
  const Clock* clock_;
};

// Writes the digests of the folder's files into plugin.toml's [files] and signs it: the last step
// of a plugin's build. plugin.manifest.*, trust.key.*, file.*.
Status sign(const std::filesystem::path& folder, const trust::SecretKey& key);

}  // namespace hyops::plugin
