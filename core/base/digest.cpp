#include "base/digest.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>

#include "base/file.hpp"

namespace hyops {
namespace {

crypto_hash_sha256_state* as_state(std::array<unsigned char, 128>& bytes) {
  static_assert(sizeof(crypto_hash_sha256_state) <= 128);
  return std::launder(reinterpret_cast<crypto_hash_sha256_state*>(bytes.data()));
}

}  // namespace

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Sha256::Sha256() {
  new (state_.data()) crypto_hash_sha256_state;
  crypto_hash_sha256_init(as_state(state_));
}

void Sha256::update(std::string_view bytes) {
  crypto_hash_sha256_update(as_state(state_), as_bytes(bytes), bytes.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> out;
  crypto_hash_sha256_final(as_state(state_), out.data());
  return to_hex(out);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string digest_of(std::string_view bytes) { return "sha256:" + sha256_hex(bytes); }

Result<std::string> digest_of_json(const Json& value) {
  auto text = canonical(value);
  if (!text) return pass(text);
  return digest_of(*text);
}

Result<std::string> digest_of_file(const std::filesystem::path& file) {
  Sha256 hash;
  auto read = read_chunks(file, [&](std::string_view chunk) { hash.update(chunk); });
  if (!read) return pass(read);
  return "sha256:" + hash.hex();
}

Result<std::string> digest_of_tree(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> lines;
  std::error_code problem;
  for (fs::recursive_directory_iterator it(folder, problem), end; !problem && it != end;
       it.increment(problem)) {
    const auto status = it->symlink_status(problem);
    if (problem) break;
    if (fs::is_directory(status)) continue;
    const std::string name = it->path().lexically_relative(folder).generic_string();
    if (!fs::is_regular_file(status))
      return fail("file.name", it->path().string() + " is neither a file nor a folder");
    auto digest = digest_of_file(it->path());
    if (!digest) return pass(digest);
    const bool runs = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
    lines.push_back(name + '\0' + (runs ? "x" : "-") + *digest + '\n');
  }
  if (problem)
    return fail("file.read", "cannot read " + folder.string() + ": " + problem.message());
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  for (const auto& line : lines) hash.update(line);
  return "sha256:" + hash.hex();
}

std::string to_hex(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), as_bytes(bytes), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();  // the terminating zero that sodium counts
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  size_t size = 0;
  const char* end = nullptr;
  // libsodium 1.0.18 takes '+' and '/' with the high bit set for themselves; one value has one
  // spelling here.
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) > 0x7f; }) ||
      sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return fail("json.syntax", "text that must be base64 is not");
  out.resize(size);
  return out;
}

}  // namespace hyops
