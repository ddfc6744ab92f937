// The second net: what is a secret by its shape, though nobody told us its value (K2).
//
//   a private-key block of PEM    -----BEGIN ... PRIVATE KEY----- to its end
//   a header with credentials     Authorization: Bearer ..., Basic ..., Token ..., also as JSON
//   a password in a URL           scheme://user:password@host
//   an AWS access key id          AKIA and 16 more
//   secret keys of age, minisign  AGE-SECRET-KEY-1..., RWRTY0Iy...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hyops::record {

// What follows the start of a pattern and ends it; kept across the chunks of a stream in a few
// bytes.
class PatternTail {
 public:
  enum class Kind : char { none, token, base64, bech32, pem };
  PatternTail() = default;
  explicit PatternTail(Kind kind) : kind_(kind) {}
  bool open() const { return kind_ != Kind::none; }
  // How many bytes of the text still belong to the pattern; fewer than all: the pattern has ended
  // there.
  size_t take(std::string_view text);

 private:
  size_t take_pem(std::string_view text);
  Kind kind_ = Kind::none;
  bool in_end_line_ = false;
  uint64_t last_ = 0;  // the last eight bytes
  size_t taken_ = 0;
};

struct Pattern {
  size_t trigger = 0;  // where it was recognised from: to be kept if it is not decided yet
  size_t start = 0;    // what is replaced
  size_t end = 0;
  bool undecided = false;  // the text ends too early to tell
  PatternTail tail;        // open: continues after `end`
};

// Literals that begin a pattern; they are searched for together with the secrets. None is shorter
// than 12 bytes, so that they do not slow the search down.
std::vector<std::string> triggers();

// Looks at one found trigger. `final`: no text follows.
std::optional<Pattern> pattern_at(std::string_view text, size_t trigger, bool final);

// The patterns that have no trigger of that length: URLs, AWS keys, minisign's. `before` is the
// byte before the text, or 0.
void find_short_patterns(std::string_view text, char before, bool final, std::vector<Pattern>& out);

bool is_word(char c);  // [A-Za-z0-9_]

}  // namespace hyops::record
