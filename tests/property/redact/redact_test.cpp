// Whatever the secrets, their disguise, the text around them and the cuts of the stream: nothing
// gets out, and nothing else is touched (K2).
#include "record/redact.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>

#include "base/digest.hpp"

namespace hyops::record {
namespace {

// The disguises are made here by other means than in the redactor.
struct Disguise {
  const char* name;
  std::function<std::string(const std::string&)> apply;
};

std::string hex(const std::string& s, bool upper) {
  std::string out = to_hex({reinterpret_cast<const unsigned char*>(s.data()), s.size()});
  if (upper)
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return static_cast<char>(::toupper(c)); });
  return out;
}

std::string url64(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::string percent(const std::string& s, const std::string& keep) {
  std::string out;
  for (const char c : s) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    const bool plain = ::isalnum(static_cast<unsigned char>(c)) != 0 || keep.find(c) != keep.npos;
    out += plain ? std::string(1, c) : escaped;
  }
  return out;
}

std::string json(const std::string& s, bool ascii) {
  const std::string quoted = Json(s).dump(-1, ' ', ascii);
  return quoted.substr(1, quoted.size() - 2);
}

std::string single_quoted(const std::string& s) {
  std::string out;
  for (const char c : s) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out;
}

const std::vector<Disguise>& disguises() {
  static const std::vector<Disguise> all{
      {"plain", [](const std::string& s) { return s; }},
      {"hex", [](const std::string& s) { return hex(s, false); }},
      {"HEX", [](const std::string& s) { return hex(s, true); }},
      {"base64", [](const std::string& s) { return to_base64(s); }},
      {"base64url", [](const std::string& s) { return url64(to_base64(s)); }},
      {"RFC 3986", [](const std::string& s) { return percent(s, "-._~"); }},
      {"encodeURIComponent", [](const std::string& s) { return percent(s, "-._~!*'()"); }},
      {"JSON", [](const std::string& s) { return json(s, false); }},
      {"JSON in ASCII", [](const std::string& s) { return json(s, true); }},
      {"JSON in JSON", [](const std::string& s) { return json(json(s, false), false); }},
      {"shell", single_quoted},
  };
  return all;
}

// Letters, signs that escapes are made of, and characters of two to four bytes; no line breaks.
rc::Gen<std::string> secret() {
  static const std::vector<std::string> letters{"a", "B", "7", "x",  "Q",  "0", "_", "-", "/",
                                                "+", "=", "'", "\"", "\\", "$", "&", "<", "%",
                                                "{", "ö", "€", "😀",  "k",  "9", "Z", "m"};
  const auto letter = rc::gen::elementOf(letters);
  return rc::gen::mapcat(rc::gen::inRange<size_t>(8, 160), [letter](size_t size) {
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(size, letter),
                        [](const std::vector<std::string>& parts) {
                          std::string out;
                          for (const auto& part : parts) out += part;
                          return out;
                        });
  });
}

// Words of logs, none of them a secret or a pattern by itself.
rc::Gen<std::string> filler() {
  static const std::vector<std::string> words{
      "ok: ",      "[host] ", "TASK ", "a",    "B7",
      "\n",        "=",       "\"",    "\\",   ": ",
      "http://h/", "@",       "-----", "AKIA", "Authorization",
      "%",         "é",       "0",     "'",    "\r\n"};
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(words)),
                      [](const std::vector<std::string>& parts) {
                        std::string out;
                        for (const auto& part : parts) out += part;
                        return out;
                      });
}

Redactor redactor(const std::vector<std::string>& secrets) {
  std::vector<Redactor::Named> named;
  for (const auto& value : secrets) named.push_back({"s", Secret(value)});
  return std::move(*Redactor::create(named));
}

std::string streamed(const Redactor& by, const std::string& text,
                     const std::vector<size_t>& sizes) {
  Redactor::Stream stream(by);
  std::string out;
  size_t at = 0;
  for (size_t i = 0; at < text.size(); ++i) {
    const size_t size = sizes.empty() ? 1 : std::max<size_t>(1, sizes[i % sizes.size()]);
    out += stream.feed(std::string_view(text).substr(at, size));
    at += size;
  }
  return out + stream.finish();
}

TEST(RedactProperty, no_disguised_secret_gets_out_however_the_stream_is_cut) {
  EXPECT_TRUE(rc::check([] {
    const auto value = *secret();
    const auto& disguise = *rc::gen::elementOf(disguises());
    const auto before = *filler(), after = *filler();
    const std::string shown = disguise.apply(value);
    const std::string text = before + shown + after;
    const auto by = redactor({value, *secret()});
    const std::string whole = by.redact(text);
    RC_TAG(std::string(disguise.name));
    // Of base64 the last character and the padding may stay: they depend on more than the secret.
    RC_ASSERT(whole.find(shown.substr(0, shown.size() * 3 / 4)) == std::string::npos);
    RC_ASSERT(whole.find(value) == std::string::npos);
    RC_ASSERT(whole.find("[redacted:") != std::string::npos);
    RC_ASSERT(streamed(by, text, {}) == whole);
    RC_ASSERT(streamed(by, text,
                       *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 40))) ==
              whole);
    for (size_t cut = before.size(); cut <= before.size() + shown.size();
         cut += 1 + shown.size() / 64) {
      Redactor::Stream stream(by);
      std::string parts = stream.feed(std::string_view(text).substr(0, cut));
      parts += stream.feed(std::string_view(text).substr(cut));
      RC_ASSERT(parts + stream.finish() == whole);
    }
  }));
}

TEST(RedactProperty, base64_of_a_secret_among_other_bytes_does_not_get_out) {
  EXPECT_TRUE(rc::check([] {
    const auto value = *secret();
    const auto before = *filler(), after = *filler();
    const std::string shown = to_base64(before + value + after);
    const std::string left = redactor({value}).redact(shown);
    // What is left must not decode to as much as the middle of the secret, wherever its groups
    // begin.
    const std::string middle = value.substr(2, value.size() - 4);
    for (size_t shift = 0; shift < 4; ++shift) {
      std::string rest = left.substr(std::min(shift, left.size()));
      rest.resize(rest.size() / 4 * 4);
      for (size_t at = 0; at + 4 <= rest.size(); at += 4)
        if (!from_base64(rest.substr(at, 4))) rest.replace(at, 4, "AAAA");
      const auto bytes = from_base64(rest);
      RC_ASSERT(!bytes || bytes->find(middle) == std::string::npos);
    }
  }));
}

TEST(RedactProperty, text_without_a_secret_is_not_touched) {
  EXPECT_TRUE(rc::check([] {
    const auto text = *filler();
    const auto by = redactor({"Vw3kq8ZrT1u", "c0rrect-horse-battery", "-----BEGIN TEST-----x"});
    RC_ASSERT(by.redact(text) == text);
    RC_ASSERT(streamed(by, text, {}) == text);
  }));
}

// Small alphabets make overlaps, repetitions and unfinished beginnings of everything likely.
TEST(RedactProperty, a_stream_says_what_the_whole_text_says) {
  EXPECT_TRUE(rc::check([] {
    static const std::vector<std::string> parts{"ab",
                                                "ba",
                                                "a",
                                                "b",
                                                "abab",
                                                "-----BEGIN ",
                                                "PRIVATE KEY-----",
                                                "-----END ",
                                                "-----",
                                                "://",
                                                ":",
                                                "u:p",
                                                "@",
                                                "/",
                                                "Authorization",
                                                ": ",
                                                "Bearer ",
                                                "Basic",
                                                " ",
                                                "AKIA",
                                                "IOSFODNN7EXAMPLE",
                                                "AGE-SECRET-KEY-1",
                                                "RWRTY0Iy",
                                                "AAAAAAAAAAAAAAAAAAAAAAAA",
                                                "\n",
                                                "=",
                                                "12",
                                                "1234",
                                                "K",
                                                "A"};
    const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts));
    std::string text;
    for (const auto& piece : pieces) text += piece;
    const auto by = redactor(
        {"abababa", "babababb", "ab-----BEGIN ", "1234", "KEY-----\nab", "p@/abab", "AAAAAAAAab"});
    const std::string whole = by.redact(text);
    RC_ASSERT(streamed(by, text, {}) == whole);
    RC_ASSERT(streamed(by, text,
                       *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(1, 20))) ==
              whole);
  }));
}

}  // namespace
}  // namespace hyops::record
