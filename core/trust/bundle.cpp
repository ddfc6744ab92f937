// The offline bundle: one body under a random key, that key sealed to each runner that may open it.
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "trust/document.hpp"
#include "trust/private_file.hpp"
#include "trust/seal.hpp"

namespace hyops::trust {
namespace {

constexpr size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t max_secrets = 1024, max_value = 1u << 20, max_total = 16u << 20,
                 max_recipients = 256;

using Named = std::pair<std::string, Secret>;

// A string that never grows after its first allocation and is wiped at its end.
struct WipedText {
  explicit WipedText(size_t size) { text.reserve(size); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { wipe(text.data(), text.size()); }
  std::string text;
};

Failure refuse(const std::string& why) {
  return fail("trust.seal.bundle", "the bundle cannot be: " + why);
}

Status check_contents(const BundleContents& about, const std::vector<const Named*>& sorted) {
  if (!is_name(about.name)) return refuse("its name is not a name");
  if (about.version < 1 || about.version > max_exact_integer)
    return refuse("its version is not 1 or more");
  if (about.created_ms < 0 || about.expires_ms <= about.created_ms ||
      about.expires_ms > max_time_ms)
    return refuse("it must expire after it is made, before the year 10000");
  if (about.recipients.empty() || about.recipients.size() > max_recipients)
    return refuse("it needs 1 to 256 recipients");
  if (sorted.empty() || sorted.size() > max_secrets) return refuse("it needs 1 to 1024 secrets");
  size_t total = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (!is_name(sorted[i]->first))
      return refuse("a secret's name has characters no name may have");
    if (i > 0 && sorted[i]->first == sorted[i - 1]->first)
      return refuse("the secret " + sorted[i]->first + " is given twice");
    if (sorted[i]->second.size() > max_value)
      return refuse("the secret " + sorted[i]->first + " is over 1 MiB");
    total += sorted[i]->second.size();
  }
  if (total > max_total) return refuse("its secrets are over 16 MiB together");
  return {};
}

size_t encoded_size(size_t bytes) {  // with sodium's terminating zero
  return sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL);
}

// {"name":"base64",...} by hand: a JSON library would leave copies of the values in freed memory.
// Names are is_name, so nothing needs an escape and sorting makes it canonical.
void write_plain(const std::vector<const Named*>& sorted, std::string& out) {
  out += '{';
  for (const auto* secret : sorted) {
    if (out.size() > 1) out += ',';
    out += '"' + secret->first + "\":\"";
    const size_t at = out.size(), room = encoded_size(secret->second.size());
    out.resize(at + room);
    sodium_bin2base64(out.data() + at, room,
                      reinterpret_cast<const unsigned char*>(secret->second.reveal().data()),
                      secret->second.size(), sodium_base64_VARIANT_ORIGINAL);
    out.back() = '"';  // over the terminating zero
  }
  out += '}';
}

size_t plain_size(const std::vector<const Named*>& sorted) {
  size_t size = 2;
  for (const auto* secret : sorted)
    size += secret->first.size() + 6 + encoded_size(secret->second.size());
  return size;
}

}  // namespace

Result<std::string> seal_bundle(const BundleContents& about, const std::vector<Named>& secrets) {
  if (sodium_init() < 0) return fail("internal.defect", "libsodium does not start");
  std::vector<const Named*> sorted;
  for (const auto& secret : secrets) sorted.push_back(&secret);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->first < b->first; });
  if (auto good = check_contents(about, sorted); !good) return pass(good);

  Wiped<key_size> key;
  randombytes_buf(key.data(), key_size);
  std::string nonce(nonce_size, '\0');
  randombytes_buf(nonce.data(), nonce_size);

  Json bundle{{"bundle", 1},
              {"name", about.name},
              {"version", about.version},
              {"created_ms", about.created_ms},
              {"expires_ms", about.expires_ms},
              {"recipients", Json::object()},
              {"names", Json::array()},
              {"nonce", to_base64(nonce)}};
  for (const auto& recipient : about.recipients) {
    auto sealed = seal_to(recipient, key.view());
    if (!sealed) return sealed;
    bundle["recipients"][recipient] = std::move(*sealed);
  }
  for (const auto* secret : sorted) bundle["names"].push_back(secret->first);
  auto additional = canonical(bundle);
  if (!additional) return additional;

  WipedText plain(plain_size(sorted));
  write_plain(sorted, plain.text);
  std::string body(plain.text.size() + tag_size, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      reinterpret_cast<unsigned char*>(body.data()), nullptr,
      reinterpret_cast<const unsigned char*>(plain.text.data()), plain.text.size(),
      reinterpret_cast<const unsigned char*>(additional->data()), additional->size(), nullptr,
      reinterpret_cast<const unsigned char*>(nonce.data()), key.bytes());
  bundle["body"] = to_base64(body);
  return canonical(bundle);
}

Result<BundleListing> list_bundle(std::string_view bundle) {
  const auto malformed = [](std::string why) {
    return fail("trust.seal.bundle", "this is not a bundle: " + std::move(why));
  };
  auto parsed = parse_json(bundle, "the bundle", 64u << 20);
  if (!parsed) return malformed(parsed.error().message);
  constexpr std::string_view members[] = {"bundle",     "name",       "version",
                                          "created_ms", "expires_ms", "recipients",
                                          "names",      "nonce",      "body"};
  if (!parsed->is_object() || parsed->size() != std::size(members))
    return malformed("it lacks or adds members");
  for (const auto member : members)
    if (!parsed->contains(member)) return malformed("it has no \"" + std::string(member) + "\"");
  const auto spelled = canonical(*parsed);
  if (!spelled || *spelled != bundle) return malformed("it is not in canonical form");

  const auto& in = *parsed;
  BundleListing out;
  if (get_int(in, "bundle") != 1) return malformed("it is of another version");
  out.about.name = get_string(in, "name");
  out.about.version = get_int(in, "version");
  out.about.created_ms = get_int(in, "created_ms", -1);
  out.about.expires_ms = get_int(in, "expires_ms", -1);
  if (!is_name(out.about.name) || out.about.version < 1 || out.about.created_ms < 0 ||
      out.about.expires_ms <= out.about.created_ms || out.about.expires_ms > max_time_ms)
    return malformed("its name, version or times are out of range");
  unsigned char nonce[nonce_size], point[crypto_box_PUBLICKEYBYTES];
  unsigned char sealed[key_size + crypto_box_SEALBYTES];
  if (!decode_exactly(get_string(in, "nonce"), nonce, sizeof nonce))
    return malformed("its nonce is damaged");
  if (!in["recipients"].is_object() || !in["names"].is_array())
    return malformed("its lists are no lists");
  for (const auto& [recipient, key] : in["recipients"].items()) {
    if (!decode_exactly(recipient, point, sizeof point) || !key.is_string() ||
        !decode_exactly(key.get_ref<const std::string&>(), sealed, sizeof sealed))
      return malformed("a recipient is damaged");
    out.about.recipients.push_back(recipient);
  }
  for (const auto& name : in["names"]) {
    if (!name.is_string() || !is_name(name.get_ref<const std::string&>()) ||
        (!out.names.empty() && out.names.back() >= name.get_ref<const std::string&>()))
      return malformed("its names are not sorted names");
    out.names.push_back(name.get<std::string>());
  }
  const auto body = from_base64(get_string(in, "body"));
  if (!body || body->size() < tag_size + 2) return malformed("its body is damaged");
  return out;
}

}  // namespace hyops::trust
