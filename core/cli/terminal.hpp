// Text on a terminal: how many columns it takes, how it is cut, how it is coloured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hyops::cli {

// Colour never stands alone: the words say the same.
enum class Paint { plain, faint, strong, good, warn, bad };

struct Span {
  std::string text;
  Paint paint = Paint::plain;
};
using Line = std::vector<Span>;

// Columns of printable UTF-8: wide characters take two, combining ones none.
int columns(std::string_view text);

// At most `width` columns, never through a character; a cut text ends in "...". Control characters
// (also those of ISO 6429 hidden in UTF-8) and direction marks become "?".
std::string fit(std::string_view text, int width);

// The same, filled up with spaces.
std::string cell(std::string_view text, int width);

// Words of a paragraph in lines of at most `width` columns.
std::vector<std::string> wrap(std::string_view text, int width);

// One line of a terminal: cut to `width` columns (0: any), with colour where it is wanted.
std::string draw(const Line& line, int width, bool colour);

struct Size {
  int width = 80, height = 24;
};
Size terminal_size(int fd);  // 80 x 24 where nobody knows

// A table for people: each column as wide as its widest cell, the last one as it comes.
std::vector<std::string> table(const std::vector<std::string>& head,
                               const std::vector<std::vector<std::string>>& rows);

// "4.1s", "2m 3s", "1h 4m": short enough for a column.
std::string short_time(long long ms);
// The same without an empty second part: "15m".
std::string round_time(long long ms);

}  // namespace hyops::cli
