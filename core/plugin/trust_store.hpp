// Whom this runner believes about plugins: keys with their scope and end, and what was revoked.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugin/revocations.hpp"

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

  // Who signed something else than a plugin: the key, with the ids of all its entries that have
  // not ended. plugin.signature.{malformed,unknown_key,wrong}, plugin.key.{revoked,expired}.
  Result<TrustedKey> signer_of(const std::string& what, std::string_view text,
                               std::string_view signature, int64_t now_ms) const;

  const std::vector<TrustedKey>& keys() const { return keys_; }
  const std::vector<Revocation>& revocations() const { return revocations_; }
  const std::vector<RevocationList>& lists() const { return lists_; }

 private:
  // Which of the keys signed these bytes; errors of trust::verify. What was good once is not
  // computed again: a core asks about the same few manifests for every verb. What it counts for is
  // judged each time.
  Result<trust::PublicKey> signed_by(std::string_view text, std::string_view signature) const;

  struct Seen {
    std::mutex mutex;
    std::map<std::pair<std::string, std::string>, trust::PublicKey> good;  // text, signature
  };

  std::vector<TrustedKey> keys_;
  std::vector<Revocation> revocations_;
  std::vector<RevocationList> lists_;
  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
};

// For `hyops plugin trust`; `folder` is <home>/trust. One file a key, <name>.toml.
// plugin.trust.{exists,unknown,invalid}, file.*.
Status add_trusted_key(const std::filesystem::path& folder, const TrustedKey& key);
Status remove_trusted_key(const std::filesystem::path& folder, const std::string& name);

// "2028-01-01" -> ms of its beginning, UTC. plugin.trust.invalid
Result<int64_t> parse_day(const std::string& day);

}  // namespace hyops::plugin
