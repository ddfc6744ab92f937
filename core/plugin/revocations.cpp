// Revocations are added and superseded, never dropped: a list that is older than the one that
// stands here would bring back what its vendor took away.
#include "plugin/revocations.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "plugin/toml_table.hpp"
#include "plugin/trust_store.hpp"

namespace hyops::plugin {
namespace {

namespace fs = std::filesystem;

constexpr const char* invalid = "plugin.trust.invalid";
constexpr size_t most_bytes = 1u << 20;

bool has_prefix(const std::vector<std::string>& prefixes, const std::string& id) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return id.starts_with(prefix); });
}

Result<Revocation> read_revocation(const Json& item, const fs::path& file) {
  TomlTable table(item, file.string() + ": a [[revoked]]", invalid);
  Revocation out{{},
                 table.text("digest", false),
                 table.text("plugin", false),
                 table.list("versions", false),
                 table.text("reason", true),
                 {},
                 file};
  const std::string key = table.text("key", false);
  if (int(!key.empty()) + int(!out.digest.empty()) + int(!out.plugin.empty()) != 1)
    table.wrong("should name one key, digest or plugin");
  if (out.plugin.empty() && !out.versions.empty()) table.wrong("has versions of no plugin");
  if (auto good = table.done(); !good) return pass(good);
  if (key.empty()) return out;
  auto parsed = trust::parse_public_key(key);
  if (!parsed) return fail(invalid, file.string() + ": " + parsed.error().message);
  out.key = std::move(*parsed);
  return out;
}

Result<std::vector<Revocation>> read_all(TomlTable& table, const fs::path& file) {
  std::vector<Revocation> out;
  for (const auto& item : table.tables("revoked")) {
    auto revoked = read_revocation(item, file);
    if (!revoked) return pass(revoked);
    out.push_back(std::move(*revoked));
  }
  return out;
}

int64_t serial_of(TomlTable& table) {
  const auto serial = table.take("serial", Json::value_t::number_integer, true).get<int64_t>();
  if (serial < 1) table.wrong("should have a serial above 0");
  return serial;
}

Result<RevocationList> read_list(Json item, const fs::path& file) {
  TomlTable table(std::move(item), file.string() + ": [list]", invalid);
  RevocationList list{
      {}, serial_of(table), table.text("digest", true), table.list("ids", true), file};
  auto signer = trust::parse_public_key(table.text("signer", true));
  if (auto good = table.done(); !good) return pass(good);
  if (!signer) return fail(invalid, file.string() + ": " + signer.error().message);
  if (list.ids.empty()) return fail(invalid, file.string() + ": a [list] needs ids");
  list.signer = std::move(*signer);
  return list;
}

std::string to_toml(const Revocation& revoked) {
  std::string text = "[[revoked]]\n";
  if (!revoked.key.text.empty()) text += "key = " + toml_text(revoked.key.text) + "\n";
  if (!revoked.digest.empty()) text += "digest = " + toml_text(revoked.digest) + "\n";
  if (!revoked.plugin.empty()) text += "plugin = " + toml_text(revoked.plugin) + "\n";
  if (!revoked.versions.empty()) text += "versions = " + toml_list(revoked.versions) + "\n";
  return text + "reason = " + toml_text(revoked.reason) + "\n";
}

// By the key's material: its number is not its own (two keys can bear one).
fs::path place_of(const fs::path& folder, const trust::PublicKey& signer) {
  return folder / ("revoked-by-" + sha256_hex(signer.material()).substr(0, 16) + ".toml");
}

Status check_newer(const TrustStore& store, const RevocationList& list) {
  for (const auto& before : store.lists()) {
    if (before.signer.material() != list.signer.material()) continue;
    if (before.serial > list.serial ||
        (before.serial == list.serial && before.digest != list.digest))
      return fail("plugin.revocations.older",
                  list.file.string() + " is list " + std::to_string(list.serial) + " of the key " +
                      list.signer.id + "; list " + std::to_string(before.serial) +
                      (before.serial == list.serial ? ", which says something else," : "") +
                      " was taken before");
  }
  return {};
}

}  // namespace

std::string Revocation::what() const {
  if (!key.text.empty()) return "the key " + key.id;
  if (!digest.empty()) return digest;
  return plugin + (versions.empty() ? ", every version" : " " + join(versions));
}

bool Revocation::covers(const std::vector<std::string>& prefixes) const {
  return ids.empty() || std::all_of(prefixes.begin(), prefixes.end(),
                                    [&](const auto& prefix) { return has_prefix(ids, prefix); });
}

bool Revocation::names(const Manifest& manifest) const {
  if (!digest.empty()) return digest == manifest.digest;
  return plugin == manifest.id &&
         (versions.empty() ||
          std::find(versions.begin(), versions.end(), manifest.version) != versions.end());
}

Status read_revocations(TomlTable& table, const fs::path& file, std::vector<Revocation>& revoked,
                        std::vector<RevocationList>& lists) {
  auto found = read_all(table, file);
  if (!found) return pass(found);
  if (Json item = table.take("list", Json::value_t::object, false); !item.empty()) {
    auto list = read_list(std::move(item), file);
    if (!list) return pass(list);
    for (auto& one : *found) one.ids = list->ids;
    lists.push_back(std::move(*list));
  }
  std::move(found->begin(), found->end(), std::back_inserter(revoked));
  return {};
}

Status add_revocation(const fs::path& folder, const Revocation& revoked) {
  if (revoked.reason.empty()) return fail(invalid, "a revocation needs a reason");
  const fs::path file = folder / "revoked.toml";
  std::error_code problem;
  std::string text;
  if (fs::exists(file, problem)) {
    auto before = read_file(file, most_bytes);
    if (!before) return pass(before);
    text = *before + (before->ends_with('\n') ? "" : "\n");
  }
  if (auto made = make_folders(folder); !made) return made;
  return write_file(file, text + to_toml(revoked));
}

Result<VendorList> parse_vendor_list(std::string_view text, const fs::path& file) {
  auto document = read_toml(text, file.string(), invalid);
  if (!document) return pass(document);
  TomlTable table(std::move(*document), file.string(), invalid);
  VendorList list{serial_of(table), {}};
  auto revoked = read_all(table, file);
  if (!revoked) return pass(revoked);
  if (auto good = table.done(); !good) return pass(good);
  list.revoked = std::move(*revoked);
  return list;
}

Status sign_vendor_list(const fs::path& file, const trust::SecretKey& key) {
  auto text = read_file(file, most_bytes);
  if (!text) return pass(text);
  auto list = parse_vendor_list(*text, file);
  if (!list) return pass(list);
  auto signature = key.sign(*text, "hyops revocations " + std::to_string(list->serial));
  if (!signature) return pass(signature);
  return write_file(file.string() + ".minisig", *signature);
}

Result<RevocationList> take_vendor_list(const TrustStore& store, const fs::path& folder,
                                        const fs::path& file, int64_t now_ms) {
  auto text = read_file(file, most_bytes);
  if (!text) return pass(text);
  auto signature = read_file(file.string() + ".minisig", 1u << 16);
  if (!signature) return fail("plugin.signature.missing", "nobody has signed " + file.string());
  auto signer = store.signer_of(file.string(), *text, *signature, now_ms);
  if (!signer) return pass(signer);
  auto said = parse_vendor_list(*text, file);
  if (!said) return pass(said);
  RevocationList list{signer->key, said->serial, digest_of(*text), signer->ids, file};
  for (const auto& revoked : said->revoked)
    if (!revoked.plugin.empty() && !has_prefix(list.ids, revoked.plugin))
      return fail("plugin.scope.id", "the key \"" + signer->name + "\" has a say about " +
                                         join(list.ids) + "*, but not about " + revoked.plugin);
  if (auto newer = check_newer(store, list); !newer) return pass(newer);
  list.file = place_of(folder, list.signer);
  std::string out = "[list]\nsigner = " + toml_text(list.signer.text) +
                    "\nserial = " + std::to_string(list.serial) +
                    "\ndigest = " + toml_text(list.digest) + "\nids = " + toml_list(list.ids) +
                    "\n";
  for (const auto& revoked : said->revoked) out += to_toml(revoked);
  if (auto made = make_folders(folder); !made) return pass(made);
  if (auto written = write_file(list.file, out); !written) return pass(written);
  return list;
}

}  // namespace hyops::plugin
