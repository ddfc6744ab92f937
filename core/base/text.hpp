// Words for people: the nearest of a set of names, and lists in a sentence.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace hyops {

// The candidate that a typing error would have made `word`, or empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// " Did you mean x?" for a near miss, else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// "1 step", "2 steps"
std::string counted(std::integral auto count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}
std::string join(const std::vector<std::string>& parts, std::string_view between = ", ");
std::vector<std::string> split(std::string_view text, char at);

// Control characters and broken UTF-8 replaced, cut at `max` bytes: safe for a terminal or a log
// line.
std::string printable(std::string_view text, size_t max = 400);

}  // namespace hyops
