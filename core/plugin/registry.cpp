// Owner, manifest, signature, scope, revocation, pins and quarantine, in that order, without
// running anything.
#include "plugin/registry.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "plugin/ownership.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_below(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code problem;
  for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem))
    out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& places) {
  std::vector<fs::path> folders;
  for (const auto& place : places)
    for (const auto& folder : sorted_below(place))
      if (fs::exists(folder / "plugin.toml")) folders.push_back(folder);
  return folders;
}

}  // namespace

Sources standard_sources(const fs::path& prefix, const fs::path& home, const std::string& lane) {
  Sources sources{{prefix / "lib/hyops/plugins", home / "plugins"},
                  {prefix / "share/hyops/trust", home / "trust"},
                  prefix / "libexec/hyops/hyops-plugin-host",
                  {home / "plugins.lock"},
                  home / "quarantine",
                  prefix};
  if (is_name(lane)) sources.locks.push_back(home / "lanes" / lane / "plugins.lock");
  return sources;
}

Result<Registry> Registry::open(Sources sources, const Clock& clock) {
  auto trusted = TrustStore::open(sources.trust, sources.base);
  if (!trusted) return pass(trusted);
  Registry registry(std::move(sources), std::move(*trusted), clock);
  for (const auto& file : registry.sources_.locks) {
    auto lock = read_lock(file);
    if (!lock) return pass(lock);
    registry.locks_.emplace_back(file, std::move(*lock));
  }
  return registry;
}

Result<std::pair<Manifest, std::string>> Registry::check(const fs::path& folder) const {
  for (const char* name : {"plugin.toml", object_name})
    if (auto ours = check_owner(folder / name, sources_.base); !ours) return pass(ours);
  // The bytes that were verified are the bytes that are parsed: the file is read once.
  auto text = read_file(folder / "plugin.toml", 1u << 20);
  if (!text) return fail("plugin.manifest.missing", text.error().message);
  auto manifest = parse_manifest(*text, folder);
  if (!manifest) return pass(manifest);
  auto signature = read_file(folder / "plugin.toml.minisig", 1u << 16);
  if (!signature)
    return fail("plugin.signature.missing",
                "nobody has signed " + (folder / "plugin.toml").string());
  auto signer = trust_.judge(*manifest, *text, *signature, clock_->wall_ms());
  if (!signer) return pass(signer);
  for (const auto& [file, lock] : locks_)
    if (auto same = check_pin(lock, file, manifest->id, {manifest->version, manifest->digest});
        !same)
      return pass(same);
  if (auto healthy = quarantine().admit(manifest->id, manifest->digest); !healthy)
    return pass(healthy);
  return std::pair{std::move(*manifest), std::move(*signer)};
}

std::vector<Entry> Registry::list() const {
  std::vector<Entry> entries;
  for (const auto& folder : plugin_folders(sources_.plugins)) {
    Entry entry{folder.filename().string(), {}, {}, folder, {}, {}};
    if (auto said = load_manifest(folder)) {
      entry.id = said->id;
      entry.version = said->version;
      entry.digest = said->digest;
    }
    auto checked = check(folder);
    if (checked)
      entry.signed_by = checked->second;
    else
      entry.problem = checked.error();
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<fs::path> Registry::folder_of(const std::string& id) const {
  // Installed plugins stand in a folder of their own id: found without reading all the others.
  std::vector<fs::path> found;
  for (const auto& place : sources_.plugins)
    if (is_name(id) && fs::exists(place / id / "plugin.toml")) found.push_back(place / id);
  if (found.size() > 1)
    return fail("plugin.ambiguous",
                id + " stands in " + found[0].string() + " and in " + found[1].string());
  if (found.size() == 1) return found[0];
  std::vector<std::string> names;
  for (const auto& folder : plugin_folders(sources_.plugins))
    names.push_back(folder.filename().string());
  return fail("plugin.unknown",
              "there is no plugin " + printable(id, 80) + "." + did_you_mean(id, names));
}

Result<Manifest> Registry::trusted(const std::string& id) const {
  auto folder = folder_of(id);
  if (!folder) return pass(folder);
  auto checked = check(*folder);
  if (!checked) return pass(checked);
  if (checked->first.id != id)
    return fail("plugin.manifest.invalid", folder->string() + " holds " + checked->first.id +
                                               "; a plugin stands in a folder of its own id");
  return std::move(checked->first);
}

Result<Json> Registry::describe(const std::string& id) const {
  auto folder = folder_of(id);
  if (!folder) return pass(folder);
  auto said = load_manifest(*folder);
  if (!said) return pass(said);
  Json out = plugin::describe(*said);
  auto checked = check(*folder);
  if (checked)
    out["signed_by"] = checked->second;
  else
    out["refused"] = {{"code", checked.error().code}, {"message", checked.error().message}};
  for (const auto& about : quarantine().list())
    if (about.plugin == said->id) out["quarantine"] = to_json(about);
  return out;
}

Result<std::string> Registry::digest(const std::string& id) const {
  auto manifest = trusted(id);
  if (!manifest) return pass(manifest);
  return std::move(manifest->digest);
}

}  // namespace hyops::plugin
