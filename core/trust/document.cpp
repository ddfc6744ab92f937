#include "trust/document.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"

namespace hyops::trust {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Shown to people before they sign: a control character could hide what stands before it.
bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

}  // namespace

bool is_digest(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  return text.size() == prefix.size() + 64 && text.starts_with(prefix) &&
         std::all_of(text.begin() + prefix.size(), text.end(), is_hex);
}

Document::Document(std::string_view text, std::string_view what) {
  auto parsed = parse_json(text, what, max_document_bytes);
  const auto spelled = parsed ? canonical(*parsed) : Result<std::string>("");
  if (!parsed)
    problem_ = parsed.error().message;
  else if (!parsed->is_object())
    problem_ = "it is not a JSON object";
  else if (!spelled || *spelled != text)
    problem_ = "it is not in canonical form";
  else
    root_ = std::move(*parsed);
}

void Document::complain(std::string problem) {
  if (!problem_) problem_ = std::move(problem);
}

const Json* Document::take(const char* member) {
  if (problem_) return nullptr;
  const auto found = root_.find(member);
  if (found == root_.end()) {
    complain(std::string("the member \"") + member + "\" is missing");
    return nullptr;
  }
  ++taken_;
  return &*found;
}

std::string Document::text(const char* member, size_t max_bytes) {
  const Json* value = take(member);
  if (!value) return {};
  if (!value->is_string()) {
    complain(std::string("\"") + member + "\" is not text");
    return {};
  }
  auto out = value->get<std::string>();
  if (out.size() > max_bytes || !is_plain(out)) {
    complain(std::string("\"") + member + "\" is longer than " + std::to_string(max_bytes) +
             " bytes or has control characters");
    return {};
  }
  return out;
}

std::string Document::name_or_empty(const char* member) {
  auto out = text(member, 64);
  if (!out.empty() && !is_name(out))
    complain(std::string("\"") + member + "\" is not a name: \"" + printable(out, 64) + "\"");
  return out;
}

std::string Document::name(const char* member) {
  auto out = name_or_empty(member);
  if (out.empty()) complain(std::string("\"") + member + "\" is empty");
  return out;
}

std::string Document::digest(const char* member) {
  auto out = text(member, 71);
  if (!is_digest(out)) complain(std::string("\"") + member + "\" is not a digest (sha256:...)");
  return out;
}

std::string Document::nonce(const char* member) {
  auto out = text(member, 128);
  const bool good = std::all_of(out.begin(), out.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  if (out.size() < 16 || !good)
    complain(std::string("\"") + member +
             "\" is not 16 to 128 letters, digits, dashes or underscores");
  return out;
}

int64_t Document::integer(const char* member, int64_t min, int64_t max) {
  const Json* value = take(member);
  if (!value) return min;
  // Unsigned values beyond int64 stay unsigned in the parser: they must not wrap around to small
  // ones.
  const bool fits =
      value->is_number_integer() &&
      (!value->is_number_unsigned() || value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  const int64_t out = fits ? value->get<int64_t>() : min;
  if (!fits || out < min || out > max) {
    complain(std::string("\"") + member + "\" is not a whole number from " + std::to_string(min) +
             " to " + std::to_string(max));
    return min;
  }
  return out;
}

bool Document::boolean(const char* member) {
  const Json* value = take(member);
  if (value && !value->is_boolean())
    complain(std::string("\"") + member + "\" is neither true nor false");
  return value && value->is_boolean() && value->get<bool>();
}

const Json* Document::object(const char* member) {
  const Json* value = take(member);
  if (value && !value->is_object()) {
    complain(std::string("\"") + member + "\" is not an object");
    return nullptr;
  }
  return value;
}

std::optional<std::string> Document::done() {
  if (!problem_ && taken_ != root_.size()) complain("it has members that do not belong there");
  return problem_;
}

}  // namespace hyops::trust
