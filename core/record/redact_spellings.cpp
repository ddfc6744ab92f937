// The spellings of a secret: plain, base64, hex, byte by byte, and the escapes of URLs, JSON,
// shells and HTML.
#include "record/redact_spellings.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>

namespace hyops::record {
namespace {

using List = std::vector<std::string>;
using Escape = std::function<std::optional<std::string>(unsigned char)>;  // nothing: stays as it is

constexpr std::string_view standard64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view upper_digits = "0123456789ABCDEF", lower_digits = "0123456789abcdef";

bool among(unsigned char c, std::string_view set) {
  return set.find(static_cast<char>(c)) != set.npos;
}

bool letter_or_digit(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string two(unsigned char c, std::string_view digits) {
  return {digits[c >> 4], digits[c & 15]};
}

std::string each(std::string_view text, const Escape& escape) {
  std::string out;
  for (const char c : text) {
    const auto escaped = escape(static_cast<unsigned char>(c));
    if (escaped)
      out += *escaped;
    else
      out += c;
  }
  return out;
}

std::string encode64(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += alphabet[bits << (6 - count) & 63];
  return out;
}

// What surrounds a secret shifts it by 0, 1 or 2 bytes against the groups of three; of each shift
// the characters are taken that depend on bits of the secret alone.
void add_base64(std::string_view secret, List& out) {
  for (size_t shift = 0; shift < 3; ++shift) {
    const std::string shifted = std::string(shift, '\0') + std::string(secret);
    const size_t from = (shift * 8 + 5) / 6, to = shifted.size() * 8 / 6;
    for (const auto alphabet : {standard64, url64})
      if (to > from) out.push_back(encode64(shifted, alphabet).substr(from, to - from));
  }
}

// A line may break anywhere within it, each 64 characters at the earliest: the parts that are whole
// are found by themselves, and at most one is left at each break.
void add_broken_base64(std::string_view secret, List& out) {
  constexpr size_t shortest = 24;  // characters; parts of less would be found in other words
  for (size_t shift = 0; shift < 3; ++shift) {
    const std::string coded = encode64(std::string(shift, '\0') + std::string(secret), standard64);
    const size_t from = (shift * 8 + 5) / 6, to = (shift + secret.size()) * 8 / 6;
    if (to - from < shortest) continue;
    const size_t parts = to - from < 64 ? 2 : 3, size = (to - from) / parts;
    for (size_t part = 0; part < parts; ++part)
      out.push_back(coded.substr(from + part * size, size));
  }
}

// base64(1) breaks lines after 76 characters, PEM writers after 64.
void add_wrapped_base64(std::string_view secret, List& out) {
  for (const size_t width : {size_t{57}, size_t{48}})  // bytes that make such a line
    for (size_t at = 0; secret.size() > width && at < secret.size(); at += width)
      if (secret.size() - at >= shortest_line) add_base64(secret.substr(at, width), out);
}

void add_hex(std::string_view secret, List& out) {
  for (const auto digits : {lower_digits, upper_digits})
    out.push_back(each(secret, [&](unsigned char c) { return two(c, digits); }));
}

// Byte by byte: how C, Go, Rust and Java print a buffer, and openssl, od and strace -xx bytes.
void add_dumps(std::string_view secret, List& out) {
  struct Dump {
    std::string_view before, between;
    std::string_view digits;  // none: in decimal
  };
  for (const Dump& dump : {Dump{"\\x", "", lower_digits},
                           {"", ":", lower_digits},
                           {"", ":", upper_digits},
                           {"", " ", lower_digits},
                           {"", " ", upper_digits},
                           {"0x", ", ", lower_digits},
                           {"", " ", {}},
                           {"", ", ", {}},
                           {"", ",", {}}}) {
    std::string text;
    for (const char c : secret) {
      const auto byte = static_cast<unsigned char>(c);
      if (!text.empty()) text += dump.between;
      text += dump.before;
      text += dump.digits.empty() ? std::to_string(byte) : two(byte, dump.digits);
    }
    out.push_back(std::move(text));
  }
}

void add_percent(std::string_view secret, List& out) {
  // Characters left alone by: RFC 3986 encoders, encodeURIComponent, encodeURI, path encoders,
  // nobody.
  constexpr std::array<std::string_view, 5> kept{"-._~", "-._~!*'()", "-._~!*'();,/?:@&=+$#",
                                                 "-._~/", ""};
  for (const auto digits : {upper_digits, lower_digits}) {
    const auto percent = [&](unsigned char c) { return "%" + two(c, digits); };
    for (const auto keep : kept)
      out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
        if (letter_or_digit(c) || among(c, keep)) return std::nullopt;
        return percent(c);
      }));
    out.push_back(each(secret, percent));
    out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {  // HTML forms
      if (c == ' ') return "+";
      if (letter_or_digit(c) || among(c, "-._*")) return std::nullopt;
      return percent(c);
    }));
  }
}

// Decodes one code point; 0 bytes taken means that the text is not UTF-8 here.
std::pair<uint32_t, size_t> code_point(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  size_t size = first < 0x80 ? 1 : 0;
  if (first >= 0xc2) size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (size == 0 || size > text.size()) return {0, 0};
  uint32_t point = size == 1 ? first : first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {0, 0};
    point = point << 6 | (at(i) & 0x3f);
  }
  return {point, size};
}

struct JsonStyle {
  bool slash = false;       // "\/", as PHP writes
  bool ascii = false;       // \uXXXX for everything that is not ASCII, as Python writes
  std::string_view html{};  // characters of HTML that are written as \u003c and the like
  std::string_view digits = lower_digits;
};

std::string json_escaped(std::string_view text, const JsonStyle& style) {
  std::string out;
  const auto unit = [&](uint32_t u) {
    out += "\\u" + two(static_cast<unsigned char>(u >> 8), style.digits) +
           two(static_cast<unsigned char>(u), style.digits);
  };
  while (!text.empty()) {
    const char c = text.front();
    const auto [point, size] = code_point(text);
    const size_t taken = size == 0 ? 1 : size;
    constexpr std::string_view named = "\b\f\n\r\t\"\\", names = "bfnrt\"\\";
    if (const size_t at = named.find(c); at != named.npos)
      out += {'\\', names[at]};
    else if (c == '/' && style.slash)
      out += "\\/";
    else if (size == 1 && (point < 0x20 || point == 0x7f))
      unit(point);
    else if (size == 1 && among(static_cast<unsigned char>(c), style.html))
      unit(point);
    else if (size > 1 && style.ascii && point >= 0x10000) {
      unit(0xd800 + ((point - 0x10000) >> 10));
      unit(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else if (size > 1 && style.ascii)
      unit(point);
    else
      out += text.substr(0, taken);
    text.remove_prefix(taken);
  }
  return out;
}

// A piece of a secret may begin and end within a character: those bytes are left to its neighbours.
std::string_view whole_characters(std::string_view text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  for (int i = 0; i < 3 && !text.empty() && continues(text.front()); ++i) text.remove_prefix(1);
  for (size_t back = 1; back <= 4 && back <= text.size(); ++back) {
    const std::string_view last = text.substr(text.size() - back);
    if (continues(last.front())) continue;
    if (static_cast<unsigned char>(last.front()) >= 0xc2 && code_point(last).second == 0)
      text.remove_suffix(back);
    break;
  }
  return text;
}

void add_json(std::string_view secret, List& out) {
  std::vector<JsonStyle> styles;
  for (const auto digits : {lower_digits, upper_digits})
    for (const bool ascii : {false, true})
      for (const bool slash : {false, true})
        styles.push_back({.slash = slash, .ascii = ascii, .html = {}, .digits = digits});
  styles.push_back({.html = "<>&"});                                                         // Go
  styles.push_back({.ascii = true, .html = "<>&'+`", .digits = upper_digits});               // .NET
  styles.push_back({.slash = true, .ascii = true, .html = "<>&'", .digits = upper_digits});  // PHP
  const auto exact = [&](std::string_view text) {
    for (const auto& style : styles) {
      const std::string once = json_escaped(text, style);
      out.push_back(json_escaped(once, {}));  // JSON in a string of JSON, as Ansible prints results
      out.push_back(once);
    }
  };
  exact(secret);
  if (const auto inner = whole_characters(secret); inner.size() != secret.size()) exact(inner);
}

void add_shell(std::string_view secret, List& out) {
  for (const std::string_view quote : {"'\\''", "'\"'\"'"})
    out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
      return c == '\'' ? std::optional<std::string>(quote) : std::nullopt;
    }));
  const auto backslash_before = [&](auto&& needs) {
    out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
      return needs(c) ? std::optional<std::string>({'\\', static_cast<char>(c)}) : std::nullopt;
    }));
  };
  backslash_before([](unsigned char c) { return among(c, "$`\"\\"); });
  // libpq and Node, RFC 5424, .pgpass
  for (const std::string_view special : {"'\\", "\"\\]", ":\\", "'\"\\"})
    backslash_before([&](unsigned char c) { return among(c, special); });
  backslash_before([](unsigned char c) { return among(c, "$`\"\\!"); });
  for (const std::string_view safe :
       {"_@%+=:./-#~", "_@%+=:,./-", "_%+=:./-", "_@%+:,./-", "_%+:,./-", "_@%+:./-"})
    backslash_before(
        [&](unsigned char c) { return c < 0x80 && !letter_or_digit(c) && !among(c, safe); });
  // $'...', and how C and Python print strings.
  for (const bool octal : {true, false})
    for (const std::string_view quotes : {"'\\", "\"\\", "\\", "'\"\\"})
      out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
        constexpr std::string_view named = "\a\b\f\n\r\t\v", names = "abfnrtv";
        if (const size_t at = named.find(static_cast<char>(c)); at != named.npos)
          return std::string{'\\', names[at]};
        if (among(c, quotes)) return std::string{'\\', static_cast<char>(c)};
        if (c >= 0x20 && c < 0x7f) return std::nullopt;
        if (octal)
          return std::string{'\\', static_cast<char>('0' + (c >> 6)),
                             static_cast<char>('0' + (c >> 3 & 7)),
                             static_cast<char>('0' + (c & 7))};
        return "\\x" + two(c, lower_digits);
      }));
}

// SQL and YAML, CSV, ODBC: the quote twice.
void add_doubled(std::string_view secret, List& out) {
  for (const char quote : {'\'', '"', '}'})
    out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
      if (c != static_cast<unsigned char>(quote)) return std::nullopt;
      return std::string(2, quote);
    }));
}

void add_html(std::string_view secret, List& out) {
  struct Quotes {
    const char* one;
    const char* two;
  };
  for (const Quotes& quotes : {Quotes{"&#39;", "&quot;"},
                               {"&#x27;", "&quot;"},
                               {"&apos;", "&quot;"},
                               {"&#39;", "&#34;"},
                               {"&#x27;", "&#x22;"},
                               {"'", "\""},
                               {"'", "&quot;"}})
    out.push_back(each(secret, [&](unsigned char c) -> std::optional<std::string> {
      if (c == '&') return "&amp;";
      if (c == '<') return "&lt;";
      if (c == '>') return "&gt;";
      if (c == '\'') return quotes.one;
      if (c == '"') return quotes.two;
      return std::nullopt;
    }));
}

// Characters by their numbers: of all that are not ASCII (Python), of all signs (OWASP's encoders).
void add_numbered_html(std::string_view secret, List& out) {
  const auto numbered = [&](auto&& stays, bool decimal) {
    std::string text;
    for (std::string_view rest = secret; !rest.empty();) {
      const auto [point, size] = code_point(rest);
      if (size == 0) return;  // no text: nobody writes it so
      char hex[16];
      std::snprintf(hex, sizeof hex, "x%x", point);
      if (size == 1 && stays(rest.front()))
        text += rest.front();
      else
        text += "&#" + (decimal ? std::to_string(point) : std::string(hex)) + ";";
      rest.remove_prefix(size);
    }
    out.push_back(std::move(text));
  };
  for (const bool decimal : {true, false}) {
    numbered([](char) { return true; }, decimal);
    for (const std::string_view kept : {"", ",.-_", " ,.-_"})
      numbered([&](char c) { return letter_or_digit(c) || among(c, kept); }, decimal);
  }
}

void add_escaped(std::string_view secret, List& out) {
  add_hex(secret, out);
  add_dumps(secret, out);
  add_percent(secret, out);
  add_json(secret, out);
  add_shell(secret, out);
  add_doubled(secret, out);
  add_html(secret, out);
  add_numbered_html(secret, out);
}

void add_all(std::string_view secret, List& out) {
  out.emplace_back(secret);
  add_base64(secret, out);
  add_broken_base64(secret, out);
  // A document in base64, such as the configuration of a registry.
  if (const std::string inside = json_escaped(secret, {}); inside != secret)
    add_base64(inside, out);
  add_escaped(secret, out);
}

void add_pieces(std::string_view secret, List& out) {
  if (secret.size() <= whole_limit) return add_all(secret, out);
  for (size_t at = 0; at + piece_size < secret.size(); at += piece_step)
    add_all(secret.substr(at, piece_size), out);
  add_all(secret.substr(secret.size() - piece_size), out);
}

}  // namespace

std::string_view trimmed(std::string_view secret) {
  constexpr std::string_view blank = " \t\r\n";
  const size_t from = secret.find_first_not_of(blank);
  if (from == secret.npos) return {};
  return secret.substr(from, secret.find_last_not_of(blank) - from + 1);
}

std::vector<std::string> spellings(std::string_view secret) {
  List out;
  add_pieces(secret, out);
  add_wrapped_base64(secret, out);
  if (secret.find('\n') == secret.npos) return out;
  for (size_t at = 0; at < secret.size();) {
    const size_t end = std::min(secret.find('\n', at), secret.size());
    const std::string_view line = trimmed(secret.substr(at, end - at));
    if (line.size() >= shortest_line) add_pieces(line, out);
    at = end + 1;
  }
  return out;
}

std::vector<std::string> short_spellings(std::string_view secret) {
  List out;
  out.emplace_back(secret);
  add_escaped(secret, out);
  out.push_back(encode64(secret, standard64));
  return out;
}

}  // namespace hyops::record
