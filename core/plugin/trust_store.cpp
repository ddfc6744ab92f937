// Trust files in and out, and the one judgement over a signed manifest.
#include "plugin/trust_store.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "plugin/ownership.hpp"
#include "plugin/toml_table.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

constexpr const char* trust_code = "plugin.trust.invalid";

Result<TrustedKey> read_key(const Json& item, const fs::path& file) {
  TomlTable table(item, file.string() + ": a [[key]]", trust_code);
  TrustedKey key{table.text("name", true),       {}, table.list("ids", true),
                 table.list("interfaces", true), 0,  file};
  auto parsed = trust::parse_public_key(table.text("key", true));
  const std::string expires = table.text("expires", false);
  if (auto good = table.done(); !good) return pass(good);
  if (key.name.empty() || key.ids.empty() || key.interfaces.empty())
    return fail(trust_code, file.string() + ": a [[key]] needs name, key, ids and interfaces");
  if (!parsed)
    return fail(trust_code, file.string() + ": the key \"" + printable(key.name, 60) +
                                "\": " + parsed.error().message);
  key.key = std::move(*parsed);
  if (expires.empty()) return key;
  auto day = parse_day(expires);
  if (!day) return pass(day, "in " + file.string());
  key.expires_ms = *day;
  return key;
}

std::vector<fs::path> trust_files(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const auto& place : places) {
    std::error_code problem;
    if (fs::is_regular_file(place, problem)) files.push_back(place);
    const auto first = static_cast<std::ptrdiff_t>(files.size());
    for (fs::directory_iterator it(place, problem), end; !problem && it != end;
         it.increment(problem))
      if (it->path().extension() == ".toml") files.push_back(it->path());
    std::sort(files.begin() + first, files.end());
  }
  return files;
}

Failure signature_failure(const Error& why, const std::string& file) {
  const std::string& code = why.code;
  const char* ours = code.ends_with("unknown_key") ? "plugin.signature.unknown_key"
                     : code.ends_with("wrong")     ? "plugin.signature.wrong"
                                                   : "plugin.signature.malformed";
  return fail(ours, file + ": " + why.message);
}

Status check_scope(const TrustedKey& key, const Manifest& manifest) {
  if (std::none_of(key.ids.begin(), key.ids.end(),
                   [&](const std::string& prefix) { return manifest.id.starts_with(prefix); }))
    return fail("plugin.scope.id", "the key \"" + key.name + "\" may sign " + join(key.ids) +
                                       "*, but not " + manifest.id);
  for (const auto& interface : manifest.implements)
    if (std::find(key.interfaces.begin(), key.interfaces.end(), interface) == key.interfaces.end())
      return fail("plugin.scope.interface",
                  "the key \"" + key.name + "\" may not sign plugins of " + interface);
  return {};
}

Status check_day(const TrustedKey& key, const std::string& what, int64_t now_ms) {
  if (!key.expires_ms || now_ms < key.expires_ms) return {};
  return fail("plugin.key.expired", "the trust in the key \"" + key.name + "\", which signed " +
                                        what + ", ended on " +
                                        to_rfc3339(key.expires_ms).substr(0, 10));
}

}  // namespace

Result<int64_t> parse_day(const std::string& day) {
  auto parsed = from_rfc3339(day + "T00:00:00Z");
  if (!parsed)
    return fail(trust_code, "\"" + printable(day, 40) + "\" is not a day like 2028-01-01");
  return *parsed;
}

Result<TrustStore> TrustStore::open(const std::vector<fs::path>& places, const fs::path& base) {
  TrustStore store;
  for (const auto& file : trust_files(places)) {
    if (auto good = check_owner(file, base); !good) return pass(good);
    auto document = read_toml(file, trust_code);
    if (!document) return pass(document);
    TomlTable table(std::move(*document), file.string(), trust_code);
    for (const auto& item : table.tables("key")) {
      auto key = read_key(item, file);
      if (!key) return pass(key);
      store.keys_.push_back(std::move(*key));
    }
    if (auto read = read_revocations(table, file, store.revocations_, store.lists_); !read)
      return pass(read);
    if (auto good = table.done(); !good) return pass(good);
  }
  return store;
}

Result<trust::PublicKey> TrustStore::signed_by(std::string_view text,
                                               std::string_view signature) const {
  std::pair<std::string, std::string> both(text, signature);
  {
    const std::lock_guard lock(seen_->mutex);
    if (const auto found = seen_->good.find(both); found != seen_->good.end()) return found->second;
  }
  // Revoked keys verify, too: "stolen" is a better answer than "unknown".
  std::vector<trust::PublicKey> candidates;
  for (const auto& trusted : keys_) candidates.push_back(trusted.key);
  for (const auto& revoked : revocations_)
    if (!revoked.key.text.empty()) candidates.push_back(revoked.key);
  auto good = trust::verify(text, signature, candidates);
  if (!good) return pass(good);
  const std::lock_guard lock(seen_->mutex);
  return seen_->good.emplace(std::move(both), std::move(good->key)).first->second;
}

Result<std::string> TrustStore::judge(const Manifest& manifest, std::string_view text,
                                      std::string_view signature, int64_t now_ms) const {
  auto good = signed_by(text, signature);
  if (!good) return signature_failure(good.error(), (manifest.folder / "plugin.toml").string());

  const std::string material = good->material();
  Manifest judged;  // the digest of what was verified, not of what was parsed
  judged.id = manifest.id;
  judged.version = manifest.version;
  judged.digest = digest_of(text);
  for (const auto& revoked : revocations_) {
    if (!revoked.covers({manifest.id})) continue;
    if (!revoked.key.text.empty() && revoked.key.material() == material)
      return fail("plugin.key.revoked", manifest.id + " is signed with the key " + good->id +
                                            ", which was revoked: " + revoked.reason);
    if (revoked.names(judged))
      return fail("plugin.revoked",
                  manifest.id + " " + manifest.version + " was revoked: " + revoked.reason);
  }
  Status scope = fail("plugin.signature.unknown_key", "no trusted key is " + good->id);
  for (const auto& trusted : keys_) {  // one key may stand in several entries, each with its scope
    if (trusted.key.material() != material) continue;
    scope = check_scope(trusted, manifest);
    if (scope) scope = check_day(trusted, manifest.id, now_ms);
    if (scope) return trusted.name;
  }
  return pass(scope);
}

Result<TrustedKey> TrustStore::signer_of(const std::string& what, std::string_view text,
                                         std::string_view signature, int64_t now_ms) const {
  auto good = signed_by(text, signature);
  if (!good) return signature_failure(good.error(), what);
  const std::string material = good->material();
  TrustedKey signer;
  Status day = fail("plugin.signature.unknown_key", "no trusted key is " + good->id);
  for (const auto& trusted : keys_) {
    if (trusted.key.material() != material) continue;
    if (auto now = check_day(trusted, what, now_ms); !now) {
      day = now;
      continue;
    }
    if (signer.name.empty()) signer = TrustedKey{trusted.name, trusted.key, {}, {}, 0, {}};
    signer.ids.insert(signer.ids.end(), trusted.ids.begin(), trusted.ids.end());
  }
  for (const auto& revoked : revocations_)
    if (!revoked.key.text.empty() && revoked.key.material() == material &&
        revoked.covers(signer.ids))
      return fail("plugin.key.revoked", what + " is signed with the key " + good->id +
                                            ", which was revoked: " + revoked.reason);
  if (signer.name.empty()) return pass(day);
  return signer;
}

Status add_trusted_key(const fs::path& folder, const TrustedKey& key) {
  if (!is_name(key.name))
    return fail("plugin.trust.invalid", "\"" + printable(key.name, 60) + "\" is no name for a key");
  const fs::path file = folder / (key.name + ".toml");
  std::error_code problem;
  if (fs::exists(fs::symlink_status(file, problem)))
    return fail("plugin.trust.exists", file.string() + " is there already");
  std::string text = "[[key]]\nname = " + toml_text(key.name) +
                     "\nkey = " + toml_text(key.key.text) + "\nids = " + toml_list(key.ids) +
                     "\ninterfaces = " + toml_list(key.interfaces) + "\n";
  if (key.expires_ms)
    text += "expires = " + toml_text(to_rfc3339(key.expires_ms).substr(0, 10)) + "\n";
  if (auto made = make_folders(folder); !made) return made;
  return write_file(file, text);
}

Status remove_trusted_key(const fs::path& folder, const std::string& name) {
  std::error_code problem;
  if (is_name(name) && fs::remove(folder / (name + ".toml"), problem)) return {};
  return fail("plugin.trust.unknown", "no file " + (folder / (name + ".toml")).string());
}

}  // namespace hyops::plugin
