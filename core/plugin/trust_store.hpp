// Whom this runner believes about plugins: keys with their scope and end, and what was revoked.
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
//   expires = "2028-01-01"                  # optional: from that day (UTC) on it counts no more
struct TrustedKey {
  std::string name;
  trust::PublicKey key;
  std::vector<std::string> ids, interfaces;
  int64_t expires_ms = 0;        // 0: never
  std::filesystem::path file{};  // where it stands
};

// What must not run whoever signed it; stands in trust files, too, and needs no network. Exactly
// one of key, digest and plugin says what is meant:
//   [[revoked]]
//   key = "RW..."                           # a stolen key: everything it ever signed
//   digest = "sha256:..."                   # one plugin.toml, as `hyops plugin list` shows it
//   plugin = "com.acme.clouds"              # with versions = ["1.0.0"], or all of them
//   reason = "CVE-2026-1234"
struct Revocation {
  trust::PublicKey key;
  std::string digest, plugin;
  std::vector<std::string> versions;
  std::string reason;
  std::filesystem::path file{};

  std::string what() const;  // "key ABCD", "com.acme.clouds 1.0.0"
};

class TrustStore {
 public:
  // Reads trust files, and folders of *.toml. Each must be root's (ownership.hpp): plugin.folder.*;
  // plugin.trust.invalid.
  static Result<TrustStore> open(const std::vector<std::filesystem::path>& places,
                                 const std::filesystem::path& base = {});

  // Name of the key that vouches for this text of plugin.toml: plugin.signature.{malformed,
  // unknown_key,wrong}, plugin.key.{revoked,expired}, plugin.scope.{id,interface}, plugin.revoked.
  Result<std::string> judge(const Manifest& manifest, std::string_view text,
                            std::string_view signature, int64_t now_ms) const;

  const std::vector<TrustedKey>& keys() const { return keys_; }
  const std::vector<Revocation>& revocations() const { return revocations_; }

 private:
  std::vector<TrustedKey> keys_;
  std::vector<Revocation> revocations_;
};

// For `hyops plugin trust`; `folder` is <home>/trust. One file a key, <name>.toml; revocations are
// appended to revoked.toml. plugin.trust.{exists,unknown,invalid}, file.*.
Status add_trusted_key(const std::filesystem::path& folder, const TrustedKey& key);
Status remove_trusted_key(const std::filesystem::path& folder, const std::string& name);
Status add_revocation(const std::filesystem::path& folder, const Revocation& revocation);

// "2028-01-01" -> ms of its beginning, UTC. plugin.trust.invalid
Result<int64_t> parse_day(const std::string& day);

}  // namespace hyops::plugin
