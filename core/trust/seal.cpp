#include "trust/seal.hpp"

#include <sodium.h>

#include <cstring>

#include "base/digest.hpp"
#include "trust/private_file.hpp"

namespace hyops::trust {
namespace {

constexpr size_t box_secret_size = crypto_box_SECRETKEYBYTES,
                 box_public_size = crypto_box_PUBLICKEYBYTES;
constexpr size_t box_pair_size = box_secret_size + box_public_size;

}  // namespace

Result<SealKey> SealKey::generate() {
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  Wiped<box_pair_size> pair;
  crypto_box_keypair(pair.bytes() + box_secret_size, pair.bytes());
  return SealKey(Secret(pair.view()));
}

Result<SealKey> SealKey::load(const std::filesystem::path& file) {
  auto text = read_private_file(file);
  if (!text) return pass(text);
  Wiped<box_pair_size> pair;
  unsigned char derived[box_public_size];
  if (!decode_exactly(line_below_comment(text->reveal()), pair.bytes(), box_pair_size) ||
      crypto_scalarmult_base(derived, pair.bytes()) != 0 ||
      std::memcmp(derived, pair.bytes() + box_secret_size, box_public_size) != 0)
    return fail("trust.key.malformed", file.string() + " is not a seal key of hyops");
  return SealKey(Secret(pair.view()));
}

Status SealKey::save(const std::filesystem::path& file) const {
  const std::string head = "untrusted comment: hyops seal key, public " + public_text() + "\n";
  Wiped<sodium_base64_ENCODED_LEN(box_pair_size, sodium_base64_VARIANT_ORIGINAL)> line;
  sodium_bin2base64(line.data(), line.size(), as_bytes(bytes_.reveal()), box_pair_size,
                    sodium_base64_VARIANT_ORIGINAL);
  line.back() = '\n';  // over the terminating zero
  Wiped<512> whole;
  std::memcpy(whole.data(), head.data(), head.size());
  std::memcpy(whole.data() + head.size(), line.data(), line.size());
  return write_private_file(file, whole.view().substr(0, head.size() + line.size()));
}

std::string SealKey::public_text() const {
  return to_base64(bytes_.reveal().substr(box_secret_size));
}

Result<Secret> SealKey::unseal(std::string_view sealed) const {
  const auto refuse = [] {
    return fail("trust.seal.open", "this is not sealed to the key of this runner, or was changed");
  };
  auto raw = from_base64(sealed);
  if (!raw || raw->size() < crypto_box_SEALBYTES) return refuse();
  std::string opened(raw->size() - crypto_box_SEALBYTES, '\0');
  const bool good =
      crypto_box_seal_open(reinterpret_cast<unsigned char*>(opened.data()), as_bytes(*raw),
                           raw->size(), as_bytes(bytes_.reveal()) + box_secret_size,
                           as_bytes(bytes_.reveal())) == 0;
  Secret out(opened);
  wipe(opened.data(), opened.size());
  if (!good) return refuse();
  return out;
}

Result<std::string> seal_to(std::string_view public_text, std::string_view bytes) {
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  unsigned char point[box_public_size];
  std::string sealed(bytes.size() + crypto_box_SEALBYTES, '\0');
  if (!decode_exactly(public_text, point, sizeof point) ||
      crypto_box_seal(reinterpret_cast<unsigned char*>(sealed.data()), as_bytes(bytes),
                      bytes.size(), point) != 0)
    return fail("trust.seal.public", "a recipient's key is not an X25519 public key in base64");
  return to_base64(sealed);
}

}  // namespace hyops::trust
