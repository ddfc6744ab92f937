// Any bytes, cut anywhere: a stream says what the whole text says, and no secret gets out.
#include "record/redact.hpp"

#include <cstdint>
#include <cstdlib>

using hyops::record::Redactor;

namespace {

// Signs that encodings treat specially, short and long, one inside of another.
const Redactor& redactor() {
  static const Redactor made = [] {
    std::vector<Redactor::Named> named;
    for (const char* value :
         {"hunter2secret", "abababab", "p'a\"s\\s/w&<d", "1234", "babababb\nline-two-of-it\n"})
      named.push_back({"s", hyops::Secret(value)});
    return std::move(*Redactor::create(named));
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  // The first byte seeds the cuts, the rest is the text.
  uint32_t state = bytes[0];
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const std::string whole = redactor().redact(text);
  if (whole.find("hunter2secret") != whole.npos || whole.find("aHVudGVyMnNlY3Jld") != whole.npos)
    std::abort();
  Redactor::Stream stream(redactor());
  std::string parts;
  for (size_t at = 0; at < text.size();) {
    state = state * 1664525 + 1013904223;
    const size_t piece = 1 + (state >> 24) % 37;
    parts += stream.feed(text.substr(at, piece));
    at += piece;
  }
  parts += stream.finish();
  if (parts != whole) std::abort();
  return 0;
}
