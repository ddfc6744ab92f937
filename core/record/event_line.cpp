// Reads backwards over the members whose form is fixed; what is left in front is the body.
#include "record/event_line.hpp"

#include <algorithm>
#include <charconv>

#include "base/digest.hpp"

namespace hyops::record {
namespace {

constexpr size_t hex_digits = 64;
constexpr std::string_view hash_key = ",\"hash\":\"", redacted_key = "\",\"redacted\":\"",
                           close = "\"}";

bool is_hex(std::string_view text) {
  return text.size() == hex_digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The members behind the body have a fixed form, so nothing is searched for: each is read from the
// end of `text` and taken off together with the `,"key":` that must stand before it.
bool take_key(std::string_view& text, std::string_view key) {
  if (!text.ends_with(key)) return false;
  text.remove_suffix(key.size());
  return true;
}

bool take_number(std::string_view& text, std::string_view key, int64_t& number) {
  size_t begin = text.size();
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  const auto digits = text.substr(begin);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0'))
    return false;  // one spelling only
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  text = text.substr(0, begin);
  return read.ec == std::errc() && take_key(text, key);
}

// Names and digests need no escapes; one that has them is not ours.
bool take_text(std::string_view& text, std::string_view key, std::string_view& value) {
  if (!text.ends_with('"')) return false;
  size_t begin = text.size() - 1;
  while (begin > 0 && text[begin - 1] != '"') --begin;
  if (begin == 0) return false;
  value = text.substr(begin, text.size() - 1 - begin);
  text = text.substr(0, begin - 1);
  return value.find('\\') == std::string_view::npos && take_key(text, key);
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
  } else if (at(longer, hash_key) &&
             at(close.size() + hex_digits + redacted_key.size(), redacted_key)) {
    event.head = line.substr(0, line.size() - longer);
    event.redacted = line.substr(line.size() - close.size() - hex_digits, hex_digits);
    if (!is_hex(event.redacted)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  event.hash = line.substr(event.head.size() + hash_key.size(), hex_digits);
  // Where nothing was redacted the hash is compared with a computed one, which is hex.
  if (!event.redacted.empty() && !is_hex(event.hash)) return std::nullopt;

  auto rest = event.head;
  if (!take_number(rest, ",\"wall_ms\":", event.wall_ms)) return std::nullopt;
  if (!take_text(rest, ",\"type\":", event.type)) return std::nullopt;
  if (!take_number(rest, ",\"seq\":", event.seq)) return std::nullopt;
  if (!take_text(rest, ",\"run\":", event.run)) return std::nullopt;
  if (!take_text(rest, ",\"previous\":", event.previous) || event.previous.size() != hex_digits)
    return std::nullopt;
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
    if (depth != 1 || body.substr(begin, i - begin) != name || body.substr(i + 1, 2) != ":\"")
      continue;
    const size_t value = i + 3;
    const size_t end = body.find('"', value);
    return end == std::string_view::npos ? std::string_view() : body.substr(value, end - value);
  }
  return {};
}

}  // namespace hyops::record
