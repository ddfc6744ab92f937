// TOML in, typed structs out; every error of a file in one pass, each with its place and a
// suggestion.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/types.hpp"

namespace hyops::contract {

using Diagnostics = std::vector<Error>;  // each with a Place; empty = fine
// Where one error has to do for all of them (there is one at least): it says how many more there
// are.
Error first_of(const Diagnostics& problems);

// Each loader appends what is wrong to `problems` and returns nothing if anything was. `file` names
// the document in errors. Codes: contract.toml.*, contract.key.*, contract.value.*,
// contract.name.*.
std::optional<Module> load_module(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Pack> load_pack(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Profile> load_profile(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Lane> load_lane(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Blueprint> load_blueprint(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Lock> load_lock(const std::filesystem::path& file, Diagnostics& problems);
std::string write_lock(const Lock& lock);

// Typed input fields of a document that is not a contract of ours ([inputs.x] tables of a
// plugin.toml), and any TOML document as JSON after the same hostile-input checks (dates refused).
std::optional<Fields> load_fields(const Json& table, const std::string& file,
                                  Diagnostics& problems);
std::optional<Json> load_toml(const std::filesystem::path& file, Diagnostics& problems);
std::optional<Json> parse_toml(std::string_view text, const std::string& file,
                               Diagnostics& problems);

// The catalogue folder. Loads a file when it is first asked for and keeps it. A name that is not
// there appends contract.unknown.module (pack, profile, blueprint) with near names, at `asked_at`.
class Catalog {
 public:
  explicit Catalog(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const Module* module(const std::string& name, const Place& asked_at, Diagnostics& problems);
  const Pack* pack(const std::string& name, const Place& asked_at, Diagnostics& problems);
  const Profile* profile(const std::string& name, const Place& asked_at, Diagnostics& problems);
  const Blueprint* blueprint(const std::string& name, const Place& asked_at, Diagnostics& problems);
  std::vector<std::string> names(
      const std::string& kind) const;  // "modules", "packs", "profiles", "blueprints"
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::optional<Module>> modules_;
  std::map<std::string, std::optional<Pack>> packs_;
  std::map<std::string, std::optional<Profile>> profiles_;
  std::map<std::string, std::optional<Blueprint>> blueprints_;
};

// What one file cannot know: unknown modules, inputs and outputs that do not exist, types that do
// not fit, cycles (with their path), phase order (a need of a later phase; E4, E5: data and secrets
// before cutover), a missing or one-sided twin (G10), required inputs that are not bound (profile
// and lane defaults are for optional ones). Iterative; 100,000 steps are fine. With `reachable`
// steps that need nothing of an earlier phase are fine: phases are barriers.
void check_blueprint(const Blueprint& blueprint, Catalog& catalog, Diagnostics& problems);

// Does the profile bind every module the blueprint uses to a pack that implements it?
void check_bindings(const Blueprint& blueprint, const Profile& profile, Catalog& catalog,
                    Diagnostics& problems);

// Does a profile bind what exists, to packs that implement it, and do its defaults fit their
// inputs?
void check_profile(const Profile& profile, Catalog& catalog, Diagnostics& problems);

// Is a value of this type what a profile's rule wants? contract.value.*
Status check_rule(const ProfileRule& rule, const Type& type, const Json& value);

// C4, the profile's lane kinds, and whether the lane's defaults fit their inputs.
void check_lane(const Lane& lane, Catalog& catalog, Diagnostics& problems);

// The digests of what the catalogue contributes to a plan: blueprint, its modules, the packs the
// profile binds to them and what those want of plugins and tools, the profile. `plugin_digest`
// knows the plugins of this machine.
Result<Lock> digest_sources(
    const Blueprint& blueprint, const Profile& profile, Catalog& catalog,
    const std::function<Result<std::string>(const std::string& plugin)>& plugin_digest);

// The JSON Schema of a whole contract file: "module", "pack", "profile", "lane", "blueprint",
// "lock".
std::optional<Json> file_schema(const std::string& kind);

}  // namespace hyops::contract
