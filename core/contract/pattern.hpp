// Patterns of string fields, matched in time that hostile text cannot blow up.
#pragma once

#include <memory>
#include <regex>
#include <string>

#include "base/result.hpp"

namespace hyops::contract {

// Anchored at both ends. The subset of ECMAScript without back-references and look-ahead: exactly
// what an automaton can match without going back.
class Pattern {
 public:
  static Result<std::shared_ptr<const Pattern>> compile(
      const std::string& text);                  // contract.pattern.malformed
  bool matches(const std::string& value) const;  // false beyond 4096 bytes

 private:
  explicit Pattern(std::regex regex) : regex_(std::move(regex)) {}
  std::regex regex_;
};

}  // namespace hyops::contract
