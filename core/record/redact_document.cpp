// A tool may escape what it writes in ways that no list of spellings foresees; parsed, it is plain.
#include "record/redact_document.hpp"

#include <algorithm>
#include <optional>

namespace hyops::record {
namespace {

// Nothing where it is no JSON.
std::optional<std::string> redact_values(std::string_view bytes, const Redactor& redactor) {
  const auto parsed = parse_json(bytes, "document");
  if (!parsed) return std::nullopt;
  const Json clean = redactor.redact(*parsed);
  if (clean == *parsed) return std::string(bytes);
  std::string out = clean.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (bytes.ends_with('\n')) out += '\n';  // the end of a line is part of a file of lines
  return out;
}

std::string redact_lines(std::string_view bytes, const Redactor& redactor) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = bytes.substr(at, end - at);
    out += redact_values(line, redactor).value_or(std::string(line));
    if (end < bytes.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string redact_document(std::string_view bytes, const Redactor& redactor) {
  auto clean = redact_values(bytes, redactor);
  return redactor.redact(clean ? *clean : redact_lines(bytes, redactor));
}

}  // namespace hyops::record
