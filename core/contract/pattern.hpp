// Patterns of string fields, matched in time that hostile text cannot blow up.
#pragma once

#include <memory>
#include <regex>
#include <string>

#include "base/result.hpp"

namespace hyops::contract {

// Patterns are over bytes: each is an equivalence class of its own. Asking the locale instead is
// two thirds of what compiling a pattern costs.
struct ByteTraits : std::regex_traits<char> {
  template <class Forward>
  std::string transform_primary(Forward first, Forward last) const {
    return {first, last};
  }
};

// Anchored at both ends. The subset of ECMAScript without back-references and look-ahead: exactly
// what an automaton can match without going back.
class Pattern {
 public:
  static Result<std::shared_ptr<const Pattern>> compile(
      const std::string& text);                  // contract.pattern.malformed
  bool matches(const std::string& value) const;  // false beyond 4096 bytes

 private:
  using Regex = std::basic_regex<char, ByteTraits>;
  explicit Pattern(Regex regex) : regex_(std::move(regex)) {}
  Regex regex_;
};

}  // namespace hyops::contract
