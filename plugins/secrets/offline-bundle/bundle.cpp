// The format stands in README.md and in core/trust/README.md; libsodium does the work.
#include "bundle.hpp"

#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hyops/plugin.hpp"

namespace hyops::bundle {
namespace {

using nlohmann::json;
using sdk::Failed;

constexpr size_t max_size = 64u << 20;
constexpr size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;

Failed malformed(const std::string& why) {
  return Failed("invalid/secret.bundle.malformed", "the bundle " + why);
}

// Standard alphabet, padded, into a buffer of the caller's.
void decode(std::string_view text, std::string& out) {
  out.resize(text.size() / 4 * 3 + 3);
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    throw malformed("holds something that is not base64");
  out.resize(size);
}

json parse(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) throw malformed("is not a JSON object");
  static const std::vector<std::string> members{"body",       "bundle",     "created_ms",
                                                "expires_ms", "name",       "names",
                                                "nonce",      "recipients", "version"};
  std::vector<std::string> found;
  for (const auto& [key, value] : document.items()) found.push_back(key);
  if (found != members) throw malformed("lacks members or has others than it may");
  for (const char* number : {"bundle", "created_ms", "expires_ms", "version"})
    if (!document[number].is_number_integer())
      throw malformed("has a time or version that is no number");
  for (const char* word : {"body", "name", "nonce"})
    if (!document[word].is_string()) throw malformed("has a name, nonce or body that is no text");
  if (document["bundle"] != 1) throw malformed("is of a format this plugin does not know");
  if (!document["recipients"].is_object() || !document["names"].is_array())
    throw malformed("lists no names or recipients");
  return document;
}

}  // namespace

Wiped::~Wiped() { sodium_memzero(bytes_.data(), bytes_.size()); }

Bundle read_bundle(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in || text.empty())
    throw Failed("unavailable/secret.bundle.missing", file + " cannot be read");
  if (text.size() > max_size) throw malformed("is larger than 64 MiB");
  json document = parse(text);
  if (document.dump() != text) throw malformed("is not in canonical form: it was changed");
  Bundle bundle;
  bundle.name = document["name"];
  bundle.version = document["version"];
  bundle.created_ms = document["created_ms"];
  bundle.expires_ms = document["expires_ms"];
  for (const auto& [who, sealed] : document["recipients"].items())
    if (sealed.is_string()) bundle.recipients[who] = sealed;
  for (const auto& name : document["names"])
    if (name.is_string()) bundle.names.push_back(name);
  decode(document["nonce"].get_ref<const std::string&>(), bundle.nonce);
  decode(document["body"].get_ref<const std::string&>(), bundle.body);
  if (bundle.nonce.size() != nonce_size || bundle.body.size() < tag_size)
    throw malformed("is cut short");
  document.erase("body");
  bundle.additional = document.dump();
  return bundle;
}

void open_values(const Bundle& bundle, const std::string& data_key,
                 const std::vector<std::string>& wanted,
                 const std::function<void(const std::string&, const std::string&)>& take) {
  if (data_key.size() != key_size) throw malformed("was sealed with a key of another size");
  for (const auto& name : wanted)
    if (std::find(bundle.names.begin(), bundle.names.end(), name) == bundle.names.end())
      throw Failed("invalid/secret.unknown",
                   "the bundle " + bundle.name + " holds no secret \"" + name.substr(0, 64) + "\"");
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  Wiped plain(bundle.body.size() - tag_size);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.text().data()), nullptr, nullptr,
          bytes(bundle.body), bundle.body.size(), bytes(bundle.additional),
          bundle.additional.size(), bytes(bundle.nonce), bytes(data_key)) != 0)
    throw malformed("does not open: it was changed since it was sealed");
  // {"name":"base64",...} and nothing that needs an escape. A JSON library would leave copies of
  // the values.
  for (const auto& name : wanted) {
    const std::string mark = "\"" + name + "\":\"";
    const size_t at = plain.text().find(mark);
    const size_t from = at + mark.size();
    const size_t end = at == std::string::npos ? at : plain.text().find('"', from);
    if (end == std::string::npos)
      throw Failed("invalid/secret.unknown", "the bundle lists " + name + ", but does not hold it");
    Wiped value(0);
    value.text().reserve((end - from) / 4 * 3 + 4);
    decode(std::string_view(plain.text()).substr(from, end - from), value.text());
    take(name, value.text());
  }
}

}  // namespace hyops::bundle
