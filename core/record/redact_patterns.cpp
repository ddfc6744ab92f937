// The second net: hand-written recognisers that look ahead by a bounded number of bytes, so that
// they give the same answer however a stream is cut.
#include "record/redact_patterns.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace hyops::record {
namespace {

constexpr size_t max_userinfo = 256;  // user:password of a URL
constexpr size_t max_pem =
    64u << 10;  // no key is longer; what claims to be is let through after that
constexpr size_t max_pem_label = 40;
constexpr size_t max_separator = 12;  // between the header's name and its scheme
constexpr size_t minisign_rest = 24;  // characters that must follow before it is taken for a key

bool digit_or_upper(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }
bool alphanumeric(char c) { return digit_or_upper(c) || (c >= 'a' && c <= 'z'); }
bool among(char c, std::string_view set) { return set.find(c) != set.npos; }
bool of_token(char c) { return alphanumeric(c) || among(c, "-._~+/=%"); }
bool of_base64(char c) { return alphanumeric(c) || among(c, "+/="); }
// The body of a block, also where its line ends were escaped or quoted.
bool of_pem(char c) { return alphanumeric(c) || among(c, "+/=-:,.\\\"' \t\r\n"); }
bool ends_userinfo(char c) {
  return static_cast<unsigned char>(c) <= ' ' || among(c, "/?#\"'<>`\\|");
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

Pattern undecided(size_t trigger) { return {trigger, trigger, trigger, true, {}}; }

Pattern continued(std::string_view text, size_t trigger, size_t start, size_t from,
                  PatternTail::Kind kind) {
  Pattern pattern{trigger, start, from, false, PatternTail(kind)};
  pattern.end += pattern.tail.take(text.substr(from));
  return pattern;
}

std::optional<Pattern> pem_at(std::string_view text, size_t trigger, bool final) {
  constexpr std::string_view begin = "-----BEGIN ", dashes = "-----";
  const std::string_view rest = text.substr(trigger + begin.size(), max_pem_label + dashes.size());
  const size_t label = std::min(rest.find('-'), rest.size());
  if (!std::all_of(rest.begin(), rest.begin() + static_cast<long>(label),
                   [](char c) { return digit_or_upper(c) || c == ' '; }))
    return std::nullopt;
  if (label > max_pem_label) return std::nullopt;
  if (rest.size() < label + dashes.size()) {
    if (final || dashes.substr(0, rest.size() - label) != rest.substr(label)) return std::nullopt;
    return undecided(trigger);
  }
  if (rest.substr(label, dashes.size()) != dashes ||
      rest.substr(0, label).find("PRIVATE KEY") == std::string_view::npos)
    return std::nullopt;
  return continued(text, trigger, trigger, trigger + begin.size() + label + dashes.size(),
                   PatternTail::Kind::pem);
}

std::optional<Pattern> header_at(std::string_view text, size_t trigger, bool final) {
  constexpr std::string_view name = "uthorization";
  constexpr std::array<std::string_view, 4> schemes{"bearer", "basic", "token", "negotiate"};
  const auto early = [&]() -> std::optional<Pattern> {
    if (final) return std::nullopt;
    return undecided(trigger);
  };
  size_t at = trigger + name.size();
  size_t blanks = 0;
  for (; at < text.size() && among(text[at], "\"'\\: =\t>,"); ++at)
    if (++blanks > max_separator) return std::nullopt;
  if (at == text.size()) return early();
  if (blanks == 0) return std::nullopt;
  size_t word = at;
  while (word < text.size() && word - at < 10 && alphanumeric(text[word])) ++word;
  std::string scheme(text.substr(at, word - at));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  if (word == text.size())
    return std::any_of(schemes.begin(), schemes.end(),
                       [&](std::string_view s) { return s.substr(0, scheme.size()) == scheme; })
               ? early()
               : std::nullopt;
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) return std::nullopt;
  size_t token = word;
  while (token < text.size() && token - word < 4 && among(text[token], " \t")) ++token;
  if (token == text.size()) return early();
  if (token == word || !of_token(text[token])) return std::nullopt;
  return continued(text, trigger, token, token, PatternTail::Kind::token);
}

std::optional<Pattern> age_at(std::string_view text, size_t trigger, bool final) {
  const size_t at = trigger + std::string_view("AGE-SECRET-KEY-1").size();
  if (at == text.size()) return final ? std::nullopt : std::optional(undecided(trigger));
  if (!alphanumeric(text[at])) return std::nullopt;
  return continued(text, trigger, trigger, at, PatternTail::Kind::bech32);
}

// The user and password of a URL begin at `begin`; returns where they can at most reach.
size_t userinfo_end(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && end - begin < max_userinfo && !ends_userinfo(text[end])) ++end;
  return end;
}

// The start of the token that `at` stands in, or nothing if no "://" is right before it.
std::optional<size_t> after_scheme(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && at - begin <= max_userinfo && !ends_userinfo(text[begin - 1])) --begin;
  if (begin < 3 || text.substr(begin - 3, 3) != "://") return std::nullopt;
  return begin;
}

// The positions of a byte, by memchr(3), which looks at 32 bytes at a time. The bytes that are
// looked for are rare in logs.
template <class Act>
void for_each(std::string_view text, char byte, Act act) {
  for (size_t at = 0; at < text.size(); ++at) {
    const void* const found = std::memchr(text.data() + at, byte, text.size() - at);
    if (!found) return;
    at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    act(at);
  }
}

void find_urls(std::string_view text, bool final, std::vector<Pattern>& out) {
  size_t done = 0;  // within one user and password there may be more than one @
  for_each(text, '@', [&](size_t at) {
    const auto begin = at < done ? std::nullopt : after_scheme(text, at);
    if (!begin || at - *begin >= max_userinfo) return;
    const size_t end = userinfo_end(text, *begin);
    const size_t last = text.rfind('@', end - 1), colon = text.find(':', *begin);
    if (end == text.size() && end - *begin < max_userinfo && !final)
      out.push_back(undecided(*begin - 3));
    else if (colon != text.npos && colon + 1 < last)
      out.push_back({*begin - 3, colon + 1, last, false, {}});
    done = end;
  });
  if (final || text.empty()) return;
  // A URL that has just begun, or the beginning of "://" itself.
  if (const auto begin = after_scheme(text, text.size());
      begin && text.size() - *begin < max_userinfo)
    out.push_back(undecided(*begin - 3));
  else if (text.ends_with("://"))
    out.push_back(undecided(text.size() - 3));
  else if (text.ends_with(":/"))
    out.push_back(undecided(text.size() - 2));
  else if (text.back() == ':')
    out.push_back(undecided(text.size() - 1));
}

void find_aws_keys(std::string_view text, char before, bool final, std::vector<Pattern>& out) {
  constexpr size_t size = 20;
  constexpr std::string_view prefix = "AKIA";
  const auto consider = [&](size_t start) {  // where "AKIA" begins, perhaps not all of it there
    if (is_word(start == 0 ? before : text[start - 1])) return;
    const std::string_view key = text.substr(start, size);
    if (key.substr(0, prefix.size()) != prefix.substr(0, key.size()) ||
        !std::all_of(key.begin(), key.end(), digit_or_upper))
      return;
    if (start + size < text.size() ? is_word(text[start + size]) : key.size() < size && final)
      return;
    if (start + size >= text.size() && !final)
      out.push_back(undecided(start));
    else
      out.push_back({start, start, start + size, false, {}});
  };
  for_each(text, 'K', [&](size_t at) {
    if (at > 0 && text[at - 1] == 'A') consider(at - 1);
  });
  if (!text.empty() && text.back() == 'A' && !final) consider(text.size() - 1);
}

void find_minisign_keys(std::string_view text, bool final, std::vector<Pattern>& out) {
  constexpr std::string_view prefix = "RWRTY0Iy";
  constexpr size_t rare = 4;  // where its Y is
  const auto consider = [&](size_t start) {
    const std::string_view rest = text.substr(start, prefix.size() + minisign_rest);
    if (rest.substr(0, prefix.size()) != prefix.substr(0, rest.size()) ||
        !std::all_of(rest.begin(), rest.end(), of_base64))
      return;
    if (rest.size() == prefix.size() + minisign_rest)
      out.push_back(
          continued(text, start, start, start + prefix.size(), PatternTail::Kind::base64));
    else if (!final)
      out.push_back(undecided(start));
  };
  for_each(text, 'Y', [&](size_t at) {
    if (at >= rare && text[at - 1] == 'T') consider(at - rare);
  });
  for (size_t part = std::min(rare, text.size()); part > 0 && !final; --part)
    if (text.ends_with(prefix.substr(0, part))) consider(text.size() - part);
}

}  // namespace

bool is_word(char c) { return alphanumeric(c) || c == '_'; }

size_t PatternTail::take(std::string_view text) {
  size_t taken = 0;
  switch (kind_) {
    case Kind::none:
      return 0;
    case Kind::pem:
      return take_pem(text);
    case Kind::token:
      while (taken < text.size() && of_token(text[taken])) ++taken;
      break;
    case Kind::base64:
      while (taken < text.size() && of_base64(text[taken])) ++taken;
      break;
    case Kind::bech32:
      while (taken < text.size() && alphanumeric(text[taken])) ++taken;
      break;
  }
  if (taken < text.size()) kind_ = Kind::none;
  return taken;
}

size_t PatternTail::take_pem(std::string_view text) {
  constexpr uint64_t end_line = 0x2d2d2d2d2d454e44;  // "-----END"
  constexpr uint64_t five = 0x2d2d2d2d2d, mask = 0xffffffffff;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!of_pem(text[i]) || ++taken_ > max_pem) {
      kind_ = Kind::none;
      return i;
    }
    last_ = last_ << 8 | static_cast<unsigned char>(text[i]);
    if (!in_end_line_ && last_ == end_line) {
      in_end_line_ = true;
    } else if (in_end_line_ && (last_ & mask) == five) {
      kind_ = Kind::none;
      return i + 1;
    }
  }
  return text.size();
}

std::optional<Pattern> pattern_at(std::string_view text, size_t trigger, bool final) {
  switch (text[trigger]) {
    case '-':
      return pem_at(text, trigger, final);
    case 'u':
    case 'U':
      return header_at(text, trigger, final);
    default:
      return age_at(text, trigger, final);
  }
}

std::vector<std::string> triggers() {
  std::vector<std::string> out{"uthorization", "UTHORIZATION", "AGE-SECRET-KEY-1"};
  for (char label = 'A'; label <= 'Z'; ++label) out.push_back(std::string("-----BEGIN ") + label);
  return out;
}

void find_short_patterns(std::string_view text, char before, bool final,
                         std::vector<Pattern>& out) {
  find_urls(text, final, out);
  find_aws_keys(text, before, final, out);
  find_minisign_keys(text, final, out);
}

}  // namespace hyops::record
