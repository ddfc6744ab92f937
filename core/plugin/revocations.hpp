// What must not run whoever signed it: said by this runner's owner, or by a vendor in a signed list
// that travels by any way, offline too, and that an older one never replaces.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "plugin/manifest.hpp"
#include "trust/trust.hpp"

namespace hyops::plugin {

class TomlTable;
class TrustStore;

// In a trust file. Exactly one of key, digest and plugin says what is meant:
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
  std::vector<std::string> ids{};  // counts for plugins of these prefixes only; empty: for all
  std::filesystem::path file{};

  std::string what() const;  // "key ABCD", "com.acme.clouds 1.0.0"
  bool covers(const std::vector<std::string>& prefixes) const;  // counts for all below them
  bool names(const Manifest& manifest) const;                   // by digest or by id and version
};

// A vendor's list as it stands in a trust file of its own, with the [[revoked]] of that file:
//   [list]
//   signer = "RW..."
//   serial = 3                              # of the newest list that was taken from this key
//   digest = "sha256:..."                   # of that list
//   ids = ["com.acme."]                     # what the key might sign when it was taken
struct RevocationList {
  trust::PublicKey signer;
  int64_t serial = 0;
  std::string digest;
  std::vector<std::string> ids;
  std::filesystem::path file{};
};

// Out of one trust file: its [[revoked]] and, where it has one, its [list]. plugin.trust.invalid
Status read_revocations(TomlTable& table, const std::filesystem::path& file,
                        std::vector<Revocation>& revoked, std::vector<RevocationList>& lists);

// Appends to <folder>/revoked.toml. plugin.trust.invalid, file.*
Status add_revocation(const std::filesystem::path& folder, const Revocation& revocation);

// What a vendor writes and signs; FILE.minisig stands beside it:
//   serial = 3                              # higher with every list
//   [[revoked]]
struct VendorList {
  int64_t serial = 0;
  std::vector<Revocation> revoked;
};
Result<VendorList> parse_vendor_list(std::string_view text, const std::filesystem::path& file);
Status sign_vendor_list(const std::filesystem::path& file, const trust::SecretKey& key);

// Takes a vendor's list into <folder> in the place of its predecessor. It counts for plugins that
// its key may sign, also after that key is forgotten. plugin.signature.*, plugin.key.{revoked,
// expired}, plugin.scope.id, plugin.revocations.older, plugin.trust.invalid, file.*
Result<RevocationList> take_vendor_list(const TrustStore& store,
                                        const std::filesystem::path& folder,
                                        const std::filesystem::path& file, int64_t now_ms);

}  // namespace hyops::plugin
