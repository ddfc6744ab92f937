// Secrets travel sealed to the runners that may open them, and are opened nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace hyops::trust {

class SealKey {  // X25519 key pair of a runner
 public:
  static Result<SealKey> generate();
  // The same rules as for signing keys: trust.key.{link,mode,malformed}.
  static Result<SealKey> load(const std::filesystem::path& file);
  Status save(const std::filesystem::path& file) const;  // mode 0600; trust.key.exists
  std::string public_text() const;                       // base64 of 32 bytes, 44 characters
  // Opens what seal_to made for this key: trust.seal.open
  Result<Secret> unseal(std::string_view sealed) const;

 private:
  explicit SealKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;  // secret key, then public key
};

// libsodium's crypto_box_seal, as base64. trust.seal.public when `public_text` is no usable key.
Result<std::string> seal_to(std::string_view public_text, std::string_view bytes);

struct BundleContents {
  std::string name;
  int64_t version = 1, created_ms = 0, expires_ms = 0;
  std::vector<std::string> recipients;  // public_text of runners
};
// The offline bundle, byte by byte in core/trust/README.md; the plugin offline-bundle opens it.
// Names as is_name, 1 to 1024 of them, values of at most 1 MiB and 16 MiB together, 1 to 256
// recipients. trust.seal.bundle, trust.seal.public
Result<std::string> seal_bundle(const BundleContents& about,
                                const std::vector<std::pair<std::string, Secret>>& secrets);

struct BundleListing {  // what anyone may know of a bundle
  BundleContents about;
  std::vector<std::string> names;
};
// Strict about the form; nothing of it is authenticated before a recipient opens it.
// trust.seal.bundle
Result<BundleListing> list_bundle(std::string_view bundle);

}  // namespace hyops::trust
