// Reading signed documents strictly: exactly the members that are expected, in their one spelling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace hyops::trust {

constexpr size_t max_document_bytes = 64u << 10;
constexpr int64_t max_time_ms = 253'402'300'799'999;  // the last millisecond of the year 9999
constexpr int64_t max_exact_integer =
    9'007'199'254'740'991;  // beyond it other readers of JSON round

// Takes members one by one and remembers the first complaint; `done` finds what nobody took.
class Document {
 public:
  // Fails the document unless it is an object in canonical form.
  Document(std::string_view text, std::string_view what);

  std::string text(const char* member, size_t max_bytes);  // UTF-8 without control characters
  std::string name(const char* member);                    // is_name
  std::string name_or_empty(const char* member);
  std::string digest(const char* member);  // sha256:<64 hex digits>
  std::string nonce(const char* member);
  int64_t integer(const char* member, int64_t min, int64_t max);
  bool boolean(const char* member);
  const Json* object(const char* member);  // nullptr: complained
  void complain(std::string problem);

  // The first complaint or, where there is none, a member that nobody took.
  std::optional<std::string> done();

 private:
  const Json* take(const char* member);

  Json root_;
  size_t taken_ = 0;
  std::optional<std::string> problem_;
};

bool is_digest(std::string_view text);

}  // namespace hyops::trust
