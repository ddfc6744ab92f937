// SHA-256 digests, written "sha256:<64 hex digits>" in documents and bare in SHA256SUMS.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace hyops {

class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  std::string hex();  // ends the computation
 private:
  alignas(16) std::array<unsigned char, 128> state_;
};

std::string sha256_hex(std::string_view bytes);
std::string digest_of(std::string_view bytes);          // "sha256:..."
Result<std::string> digest_of_json(const Json& value);  // over the canonical form
Result<std::string> digest_of_file(const std::filesystem::path& file);

// Over the sorted (relative path, mode bit x, digest) lines of every regular file below; a symbolic
// link or special file in the tree is an error (file.name): nothing outside may be pinned by
// accident.
Result<std::string> digest_of_tree(const std::filesystem::path& folder);

const unsigned char* as_bytes(std::string_view text);  // as libsodium takes them; borrowed
std::string to_hex(std::span<const unsigned char> bytes);
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);  // standard alphabet, padded

}  // namespace hyops
