// Signing and verifying, apart from how keys are kept.
#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "trust/keys.hpp"
#include "trust/private_file.hpp"

namespace hyops::trust {
namespace {

constexpr size_t signature_size = crypto_sign_BYTES;
constexpr size_t packed_size = 2 + number_size + signature_size;  // minisign's SigStruct
constexpr size_t max_comment = 4096, max_file = 16384;
constexpr std::string_view untrusted_prefix = "untrusted comment: ";
constexpr std::string_view trusted_prefix = "trusted comment: ";

std::string prehash(std::string_view message) {
  std::string hash(crypto_generichash_BYTES_MAX, '\0');  // BLAKE2b-512
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), as_bytes(message),
                     message.size(), nullptr, 0);
  return hash;
}

// Printed on terminals and kept in records: no line breaks, no escape sequences. minisign itself
// separates fields by tabs.
bool is_one_plain_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// The four lines of a .minisig file, decoded.
struct Parts {
  std::string number, signature, global, comment;
  bool prehashed = true;
};

Result<Parts> take_apart(std::string_view text) {
  const auto malformed = [](const char* why) {
    return fail("trust.signature.malformed",
                std::string("the signature is not a .minisig file: ") + why);
  };
  if (text.empty()) return malformed("it is empty");
  if (text.size() > max_file) return malformed("it is too long");
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto lines = split(text, '\n');
  if (lines.size() != 4) return malformed("it must have four lines");
  if (!lines[0].starts_with(untrusted_prefix))
    return malformed("its first line is no untrusted comment");
  if (!lines[2].starts_with(trusted_prefix))
    return malformed("its third line is no trusted comment");

  unsigned char packed[packed_size], global[signature_size];
  if (!decode_exactly(lines[1], packed, sizeof packed))
    return malformed("its second line is damaged");
  if (!decode_exactly(lines[3], global, sizeof global))
    return malformed("its fourth line is damaged");
  Parts parts;
  if (std::memcmp(packed, "Ed", 2) == 0)
    parts.prehashed = false;
  else if (std::memcmp(packed, "ED", 2) != 0)
    return malformed("its algorithm is unknown");
  parts.number.assign(reinterpret_cast<const char*>(packed) + 2, number_size);
  parts.signature.assign(reinterpret_cast<const char*>(packed) + 2 + number_size, signature_size);
  parts.global.assign(reinterpret_cast<const char*>(global), signature_size);
  parts.comment = lines[2].substr(trusted_prefix.size());
  if (parts.comment.size() > max_comment || !is_one_plain_line(parts.comment))
    return malformed("its trusted comment is too long or has control characters");
  return parts;
}

bool is_signed(std::string_view message, std::string_view signature, std::string_view point) {
  return crypto_sign_verify_detached(as_bytes(signature), as_bytes(message), message.size(),
                                     as_bytes(point)) == 0;
}

}  // namespace

Result<std::string> SecretKey::sign(std::string_view message,
                                    std::string_view trusted_comment) const {
  if (trusted_comment.size() > max_comment || !is_one_plain_line(trusted_comment))
    return fail("trust.signature.comment",
                "the trusted comment is not one plain line of at most 4096 bytes");
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  const unsigned char* pair = as_bytes(bytes_.reveal()) + number_size;
  const std::string hash = prehash(message);
  std::string signature(signature_size, '\0'), global(signature_size, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, as_bytes(hash),
                       hash.size(), pair);
  const std::string covered = signature + std::string(trusted_comment);
  crypto_sign_detached(reinterpret_cast<unsigned char*>(global.data()), nullptr, as_bytes(covered),
                       covered.size(), pair);
  const std::string packed = "ED" + std::string(bytes_.reveal().substr(0, number_size)) + signature;
  return std::string(untrusted_prefix) + "signature from hyops key " + public_key().id + "\n" +
         to_base64(packed) + "\n" + std::string(trusted_prefix) + std::string(trusted_comment) +
         "\n" + to_base64(global) + "\n";
}

Result<Signed> verify(std::string_view message, std::string_view signature,
                      const std::vector<PublicKey>& keys) {
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  auto parts = take_apart(signature);
  if (!parts) return pass(parts);
  const std::string hash = parts->prehashed ? prehash(message) : std::string();
  const std::string_view covered = parts->prehashed ? std::string_view(hash) : message;
  const std::string global_covered = parts->signature + parts->comment;

  bool known = false;
  for (const auto& key : keys) {
    // By the text alone: `id` beside it is what we print, not what decides.
    auto parsed = parse_public_key(key.text);
    if (!parsed) continue;
    unsigned char raw[2 + number_size + crypto_sign_PUBLICKEYBYTES];
    decode_exactly(parsed->text, raw, sizeof raw);
    if (std::memcmp(raw + 2, parts->number.data(), number_size) != 0) continue;
    known = true;
    const std::string point = parsed->material();
    if (is_signed(covered, parts->signature, point) &&
        is_signed(global_covered, parts->global, point))
      return Signed{parsed->id, parts->comment, std::move(*parsed)};
  }
  if (known)
    return fail("trust.signature.wrong",
                "the signature does not belong to these bytes: they, the signature "
                "or its comment were changed");
  return fail("trust.signature.unknown_key",
              "the signature was made by a key that is not trusted here");
}

}  // namespace hyops::trust
