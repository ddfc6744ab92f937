#include "trust/keys.hpp"

#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "trust/private_file.hpp"

namespace hyops::trust {
namespace {

// minisign 0.11, src/minisign.h: PubkeyStruct and SeckeyStruct, packed, in this order.
constexpr size_t point_size = 32, pair_size = 64, check_size = 32;
constexpr size_t public_size = 2 + number_size + point_size;
constexpr size_t number_at = 2 + 2 + 2 + 32 + 8 + 8;  // after algorithms, salt, opslimit, memlimit
constexpr size_t pair_at = number_at + number_size;
constexpr size_t check_at = pair_at + pair_size;
constexpr size_t secret_size = check_at + check_size;

// minisign prints the key number as a little-endian 64-bit integer, without zeros before it.
std::string show_number(const unsigned char* number) {
  std::string out;
  for (size_t i = number_size; i-- > 0;) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += digits[number[i] >> 4];
    out += digits[number[i] & 15];
  }
  return out.substr(std::min(out.find_first_not_of('0'), out.size() - 1));
}

PublicKey public_key_of(const unsigned char* number, const unsigned char* point) {
  std::string raw = "Ed";
  raw.append(reinterpret_cast<const char*>(number), number_size);
  raw.append(reinterpret_cast<const char*>(point), point_size);
  return {show_number(number), to_base64(raw)};
}

// BLAKE2b over algorithm, number and key pair. `minisign -G -W` of 0.11 leaves 32 zero bytes
// instead.
void compute_check(const unsigned char* key, unsigned char* out) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, check_size);
  crypto_generichash_update(&state, key, 2);
  crypto_generichash_update(&state, key + number_at, number_size + pair_size);
  crypto_generichash_final(&state, out, check_size);
  sodium_memzero(&state, sizeof state);
}

// The public half is derived again from the seed: signing with halves that do not belong together
// would give the secret key away.
bool halves_belong_together(const unsigned char* pair) {
  unsigned char point[point_size];
  Wiped<pair_size> derived;
  return crypto_sign_seed_keypair(point, derived.bytes(), pair) == 0 &&
         sodium_memcmp(derived.data(), pair, pair_size) == 0;
}

}  // namespace

std::string PublicKey::material() const {
  unsigned char raw[public_size];
  if (!decode_exactly(text, raw, sizeof raw)) return {};
  return {reinterpret_cast<const char*>(raw + 2 + number_size), point_size};
}

Result<PublicKey> parse_public_key(std::string_view text) {
  std::string_view line = text;
  if (text.starts_with("untrusted comment")) {
    line = line_below_comment(text);
  } else if (line.ends_with('\n')) {
    line.remove_suffix(1);
  }
  unsigned char raw[public_size];
  if (!decode_exactly(line, raw, sizeof raw) || raw[0] != 'E' || raw[1] != 'd')
    return fail("trust.key.public", "\"" + printable(line, 60) + "\" is not a minisign public key");
  return public_key_of(raw + 2, raw + 2 + number_size);
}

std::string public_key_file(const PublicKey& key) {
  return "untrusted comment: minisign public key " + key.id + "\n" + key.text + "\n";
}

Result<SecretKey> SecretKey::generate() {
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  Wiped<number_size + pair_size> bytes;
  unsigned char point[point_size];
  randombytes_buf(bytes.data(), number_size);
  crypto_sign_keypair(point, bytes.bytes() + number_size);
  return SecretKey(Secret(bytes.view()));
}

Result<SecretKey> SecretKey::load(const std::filesystem::path& file) {
  auto text = read_private_file(file);
  if (!text) return pass(text);
  const auto malformed = [&](const char* why) {
    return fail("trust.key.malformed", file.string() + " is not a minisign secret key: " + why);
  };
  Wiped<secret_size> raw;
  if (!decode_exactly(line_below_comment(text->reveal()), raw.bytes(), secret_size))
    return malformed("it must be a comment line and one line of base64");
  if (std::memcmp(raw.data(), "Ed", 2) != 0) return malformed("unknown signature algorithm");
  if (std::memcmp(raw.data() + 2, "Sc", 2) == 0)
    return fail("trust.key.password", "the key " + file.string() + " is protected by a password");
  if (std::memcmp(raw.data() + 2, "\0\0", 2) != 0) return malformed("unknown key derivation");
  if (std::memcmp(raw.data() + 4, "B2", 2) != 0) return malformed("unknown checksum algorithm");
  unsigned char expected[check_size];
  compute_check(raw.bytes(), expected);
  const unsigned char* const found = raw.bytes() + check_at;
  if (sodium_memcmp(found, expected, check_size) != 0 && !sodium_is_zero(found, check_size))
    return malformed("its checksum is wrong");
  if (!halves_belong_together(raw.bytes() + pair_at))
    return malformed("its two halves do not belong together");
  return SecretKey(Secret(raw.view().substr(number_at, number_size + pair_size)));
}

Status SecretKey::save(const std::filesystem::path& file, std::string_view comment) const {
  auto public_file = file;
  public_file.replace_extension(".pub");
  if (public_file == file)
    return fail("file.name", "a secret key cannot be named " + file.string());
  std::error_code problem;
  if (std::filesystem::exists(std::filesystem::symlink_status(public_file, problem)))
    return fail("trust.key.exists",
                public_file.string() + " is there already; keys are never overwritten");

  Wiped<secret_size> raw;
  std::memcpy(raw.data(), "Ed\0\0B2", 6);
  std::memcpy(raw.data() + number_at, bytes_.reveal().data(), number_size + pair_size);
  compute_check(raw.bytes(), raw.bytes() + check_at);
  Wiped<sodium_base64_ENCODED_LEN(secret_size, sodium_base64_VARIANT_ORIGINAL)> line;
  sodium_bin2base64(line.data(), line.size(), raw.bytes(), secret_size,
                    sodium_base64_VARIANT_ORIGINAL);
  line.back() = '\n';  // over the terminating zero

  // One buffer of full size from the start: growing would leave copies of the key behind.
  const std::string head = "untrusted comment: " + printable(comment, 200) + "\n";
  Wiped<512> whole;
  std::memcpy(whole.data(), head.data(), head.size());
  std::memcpy(whole.data() + head.size(), line.data(), line.size());
  auto written = write_private_file(file, whole.view().substr(0, head.size() + line.size()));
  if (!written) return written;
  auto beside = write_file(public_file, public_key_file(public_key()), 0644);
  if (!beside) ::unlink(file.c_str());  // half a pair helps nobody, and a second try must work
  return beside;
}

PublicKey SecretKey::public_key() const {
  const auto* bytes = reinterpret_cast<const unsigned char*>(bytes_.reveal().data());
  return public_key_of(bytes, bytes + number_size + point_size);
}

}  // namespace hyops::trust
