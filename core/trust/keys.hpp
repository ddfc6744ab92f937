// Ed25519 keys and signatures in minisign's own file formats, so that `minisign -V` alone can check
// whatever hyops signs, and people may make their keys with `minisign -G -W`.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace hyops::trust {

constexpr size_t number_size = 8;  // of a key's number, in keys and in signatures

struct PublicKey {
  // The number as 16 upper-case hex digits (minisign prints it without leading zeros): a name,
  // never proof of identity.
  std::string id;
  std::string text;  // the base64 line of a minisign .pub file ("RW...", 56 characters)
  // Two keys are one key when their material is: the id inside is free for anyone to choose.
  std::string material() const;  // the 32 bytes of the curve point; empty if `text` is no key
};
// One line, or a whole .pub file. trust.key.public
Result<PublicKey> parse_public_key(std::string_view text);
std::string public_key_file(const PublicKey& key);  // the two lines of a .pub file

class SecretKey {
 public:
  static Result<SecretKey> generate();
  // Reads an unencrypted secret key: ours, or `minisign -G -W`. Refuses links (trust.key.link),
  // files that anyone but the owner can read (trust.key.mode), keys with a password
  // (trust.key.password) and keys whose halves do not belong together (trust.key.malformed).
  static Result<SecretKey> load(const std::filesystem::path& file);
  // Writes the key (mode 0600) and, beside it, <stem>.pub. Never replaces either: trust.key.exists.
  Status save(const std::filesystem::path& file, std::string_view comment) const;
  PublicKey public_key() const;
  // The text of a .minisig file (prehashed, "ED"). The trusted comment is one line of at most 4096
  // bytes without control characters but tabs; it is signed, too. trust.signature.comment
  Result<std::string> sign(std::string_view message, std::string_view trusted_comment) const;

 private:
  explicit SecretKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;  // 8 bytes key number, 32 bytes seed, 32 bytes public key
};

struct Signed {
  std::string key_id;
  std::string trusted_comment;
  PublicKey key;  // which of the keys it was
};
// Checks the text of a .minisig file over `message`: the signature (prehashed "ED" or legacy "Ed")
// and the global one over the trusted comment. The first, untrusted line is not covered by any
// signature. trust.signature.malformed, trust.signature.unknown_key, trust.signature.wrong
Result<Signed> verify(std::string_view message, std::string_view signature,
                      const std::vector<PublicKey>& keys);

}  // namespace hyops::trust
