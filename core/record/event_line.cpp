// Reads backwards over the members whose form is fixed; what is left in front is the body.
#include "record/event_line.hpp"

#include <algorithm>
#include <charconv>

#include "base/digest.hpp"

namespace hyops::record {
namespace {

constexpr size_t hex_digits = 64;
constexpr std::string_view hash_key = ",\"hash\":\"", redacted_key = "\",\"redacted\":\"", close = "\"}";

bool is_hex(std::string_view text) {
  return text.size() == hex_digits && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

// Takes `,"key":` and what follows it off the end of `text` and gives what followed.
std::optional<std::string_view> take_last(std::string_view& text, std::string_view key) {
  const size_t at = text.rfind(key);
  if (at == std::string_view::npos) return std::nullopt;
  const auto value = text.substr(at + key.size());
  text = text.substr(0, at);
  return value;
}

bool to_number(std::optional<std::string_view> text, int64_t& number) {
  if (!text || text->empty() || (text->size() > 1 && text->front() == '0')) return false;   // one spelling only
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  return read.ec == std::errc() && read.ptr == text->data() + text->size();
}

bool to_text(std::optional<std::string_view> quoted, std::string_view& text) {
  if (!quoted || quoted->size() < 2 || quoted->front() != '"' || quoted->back() != '"') return false;
  text = quoted->substr(1, quoted->size() - 2);
  return text.find_first_of("\"\\") == std::string_view::npos;
}

}  // namespace

bool EventLine::intact() const {
  Sha256 sum;
  sum.update(head);
  sum.update("}");
  return sum.hex() == (redacted.empty() ? hash : redacted);
}

std::optional<EventLine> parse_event_line(std::string_view line) {
  EventLine event;
  constexpr size_t plain = hash_key.size() + hex_digits + close.size();
  constexpr size_t longer = plain + redacted_key.size() + hex_digits;
  const auto at = [&](size_t from_end, std::string_view key) {
    return line.size() > from_end && line.substr(line.size() - from_end, key.size()) == key;
  };
  if (!line.ends_with(close)) return std::nullopt;
  if (at(plain, hash_key)) {
    event.head = line.substr(0, line.size() - plain);
  } else if (at(longer, hash_key) && at(close.size() + hex_digits + redacted_key.size(), redacted_key)) {
    event.head = line.substr(0, line.size() - longer);
    event.redacted = line.substr(line.size() - close.size() - hex_digits, hex_digits);
    if (!is_hex(event.redacted)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  event.hash = line.substr(event.head.size() + hash_key.size(), hex_digits);
  if (!is_hex(event.hash)) return std::nullopt;

  auto rest = event.head;
  if (!to_number(take_last(rest, ",\"wall_ms\":"), event.wall_ms)) return std::nullopt;
  if (!to_text(take_last(rest, ",\"type\":"), event.type)) return std::nullopt;
  if (!to_number(take_last(rest, ",\"seq\":"), event.seq)) return std::nullopt;
  if (!to_text(take_last(rest, ",\"run\":"), event.run)) return std::nullopt;
  if (!to_text(take_last(rest, ",\"previous\":"), event.previous) || !is_hex(event.previous)) return std::nullopt;
  constexpr std::string_view open = "{\"body\":";
  if (!rest.starts_with(open) || rest.size() == open.size()) return std::nullopt;
  event.body = rest.substr(open.size());
  return event;
}

std::string_view text_member(std::string_view body, std::string_view name) {
  int depth = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const size_t begin = i + 1;
    for (++i; i < body.size() && body[i] != '"'; ++i)
      if (body[i] == '\\') ++i;
    if (i >= body.size()) return {};
    if (depth != 1 || body.substr(begin, i - begin) != name || body.substr(i + 1, 2) != ":\"") continue;
    const size_t value = i + 3;
    const size_t end = body.find('"', value);
    return end == std::string_view::npos ? std::string_view() : body.substr(value, end - value);
  }
  return {};
}

}  // namespace hyops::record
