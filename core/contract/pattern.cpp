#include "contract/pattern.hpp"

#include "base/text.hpp"

namespace hyops::contract {
namespace {

constexpr size_t max_pattern = 256;
constexpr size_t max_subject = 4096;

// Look-ahead would make libstdc++ start a second, backtracking match.
bool looks_ahead(const std::string& text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '(' && text[i + 1] == '?' && text[i + 2] != ':')
      return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<const Pattern>> Pattern::compile(const std::string& text) {
  const auto refuse = [&](const std::string& why) {
    return fail("contract.pattern.malformed", "the pattern \"" + printable(text, 80) + "\" " + why);
  };
  if (text.size() > max_pattern) return refuse("is longer than 256 characters");
  if (looks_ahead(text)) return refuse("looks ahead, which is not supported");
  try {
    // __polynomial: libstdc++'s breadth-first matcher. The default one backtracks: exponential on
    // (a+)+$ and a stack frame for each byte. It also refuses back-references.
    Regex regex(text, Regex::ECMAScript | std::regex_constants::__polynomial);
    return std::shared_ptr<const Pattern>(new Pattern(std::move(regex)));
  } catch (const std::regex_error& error) {
    return refuse(std::string("cannot be used: ") + error.what());
  }
}

bool Pattern::matches(const std::string& value) const {
  if (value.size() > max_subject) return false;
  try {
    return std::regex_match(value, regex_);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace hyops::contract
