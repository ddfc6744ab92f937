// Files that hold secret keys: read and written in one place, so that their rules cannot differ.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace hyops::trust {

// Bytes on the stack that are wiped on every way out.
template <size_t size>
struct Wiped : std::array<char, size> {
  Wiped() { this->fill(0); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe(this->data(), size); }
  unsigned char* bytes() { return reinterpret_cast<unsigned char*>(this->data()); }
  std::string_view view() const { return {this->data(), size}; }
};

// The whole of a small file (at most 1 KiB) of mode 0600 or less that is not a link.
// file.open, trust.key.link, trust.key.mode, trust.key.malformed
Result<Secret> read_private_file(const std::filesystem::path& file);

// Makes the file with mode 0600 and flushes it; never replaces one. trust.key.exists, file.write
Status write_private_file(const std::filesystem::path& file, std::string_view contents);

// The base64 line after the "untrusted comment: " line of minisign's files, or nothing when the
// text is not exactly these two lines.
std::string_view line_below_comment(std::string_view text);

// Decodes base64 of exactly `size` bytes into `out`; false on anything else.
bool decode_exactly(std::string_view text, unsigned char* out, size_t size);

}  // namespace hyops::trust
