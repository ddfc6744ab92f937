// Manifest, signature and key scope, in that order, without running anything.
#include "plugin/registry.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/load.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> out;
  if (const auto found = object.find(key); found != object.end() && found->is_array())
    for (const auto& item : *found)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

Result<std::vector<TrustedKey>> read_trust(const fs::path& file) {
  contract::Diagnostics problems;
  auto document = contract::load_toml(file, problems);
  if (!document)
    return fail("plugin.trust.invalid",
                problems.empty() ? file.string() + " cannot be read" : problems.front().text());
  std::vector<TrustedKey> keys;
  for (const auto& item : document->value("key", Json::array())) {
    TrustedKey key{get_string(item, "name"), {}, texts(item, "ids"), texts(item, "interfaces")};
    auto parsed = trust::parse_public_key(get_string(item, "key"));
    if (!parsed || key.name.empty() || key.ids.empty() || key.interfaces.empty())
      return fail("plugin.trust.invalid", file.string() +
                                              ": a [[key]] needs name, key, ids and interfaces" +
                                              (parsed ? "" : ": " + parsed.error().message));
    key.key = std::move(*parsed);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<fs::path> sorted_below(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code problem;
  for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem))
    out.push_back(it->path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> trust_files(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const auto& place : places) {
    std::error_code ignored;
    if (fs::is_regular_file(place, ignored)) files.push_back(place);
    if (fs::is_directory(place, ignored))
      for (const auto& file : sorted_below(place))
        if (file.extension() == ".toml") files.push_back(file);
  }
  return files;
}

std::vector<fs::path> plugin_folders(const std::vector<fs::path>& places) {
  std::vector<fs::path> folders;
  for (const auto& place : places)
    for (const auto& folder : sorted_below(place))
      if (fs::exists(folder / "plugin.toml")) folders.push_back(folder);
  return folders;
}

Failure signature_failure(const Error& why, const fs::path& folder) {
  const std::string& code = why.code;
  const char* ours = code.ends_with("unknown_key") ? "plugin.signature.unknown_key"
                     : code.ends_with("wrong")     ? "plugin.signature.wrong"
                                                   : "plugin.signature.malformed";
  return fail(ours, (folder / "plugin.toml").string() + ": " + why.message);
}

Status check_scope(const TrustedKey& key, const Manifest& manifest) {
  if (std::none_of(key.ids.begin(), key.ids.end(),
                   [&](const std::string& prefix) { return manifest.id.starts_with(prefix); }))
    return fail("plugin.scope.id", "the key \"" + key.name + "\" may sign " + join(key.ids) +
                                       "..., but not " + manifest.id);
  for (const auto& interface : manifest.implements)
    if (std::find(key.interfaces.begin(), key.interfaces.end(), interface) == key.interfaces.end())
      return fail("plugin.scope.interface",
                  "the key \"" + key.name + "\" may not sign plugins of " + interface);
  return {};
}

}  // namespace

Sources standard_sources(const fs::path& prefix, const fs::path& home) {
  return {{prefix / "lib/hyops/plugins", home / "plugins"},
          {prefix / "share/hyops/trust", home / "trust"},
          prefix / "libexec/hyops/hyops-plugin-host"};
}

Result<Registry> Registry::open(Sources sources) {
  std::vector<TrustedKey> keys;
  for (const auto& file : trust_files(sources.trust)) {
    auto found = read_trust(file);
    if (!found) return pass(found);
    std::move(found->begin(), found->end(), std::back_inserter(keys));
  }
  return Registry(std::move(sources), std::move(keys));
}

Result<std::pair<Manifest, std::string>> Registry::check(const fs::path& folder) const {
  // The bytes that were verified are the bytes that are parsed: the file is read once.
  auto text = read_file(folder / "plugin.toml", 1u << 20);
  if (!text) return fail("plugin.manifest.missing", text.error().message);
  auto manifest = parse_manifest(*text, folder);
  if (!manifest) return pass(manifest);
  auto signature = read_file(folder / "plugin.toml.minisig", 1u << 16);
  if (!signature)
    return fail("plugin.signature.missing",
                "nobody has signed " + (folder / "plugin.toml").string());
  std::vector<trust::PublicKey> keys;
  for (const auto& trusted : keys_) keys.push_back(trusted.key);
  auto good = trust::verify(*text, *signature, keys);
  if (!good) return signature_failure(good.error(), folder);
  Status scope = fail("plugin.signature.unknown_key", "no trusted key has the id " + good->key_id);
  for (const auto& trusted : keys_) {  // one key may stand in several entries, each with its scope
    if (trusted.key.id != good->key_id) continue;
    scope = check_scope(trusted, *manifest);
    if (scope) return std::pair{std::move(*manifest), trusted.name};
  }
  return pass(scope);
}

std::vector<Entry> Registry::list() const {
  std::vector<Entry> entries;
  for (const auto& folder : plugin_folders(sources_.plugins)) {
    Entry entry{folder.filename().string(), {}, folder, {}, {}};
    if (auto said = load_manifest(folder)) {
      entry.id = said->id;
      entry.version = said->version;
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
  return out;
}

Result<std::string> Registry::digest(const std::string& id) const {
  auto folder = folder_of(id);
  if (!folder) return pass(folder);
  return digest_of_file(*folder / "plugin.toml");
}

}  // namespace hyops::plugin
