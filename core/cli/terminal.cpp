#include "cli/terminal.hpp"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/text.hpp"

namespace hyops::cli {
namespace {

struct Range {
  uint32_t first, last;
};

template <size_t n>
bool within(const std::array<Range, n>& ranges, uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.first <= point && point <= range.last;
  });
}

// Unicode 15: marks that stand on the character before them, and East Asian wide ones with emoji.
// Coarse on purpose: a column too many never breaks a line, so doubtful ranges count as wide.
constexpr std::array<Range, 6> none{{{0x0300, 0x036f},
                                     {0x200b, 0x200d},
                                     {0x20d0, 0x20ff},
                                     {0xfe00, 0xfe0f},
                                     {0xfe20, 0xfe2f},
                                     {0xfeff, 0xfeff}}};
constexpr std::array<Range, 9> wide{{{0x1100, 0x115f},
                                     {0x231a, 0x231b},
                                     {0x2e80, 0xa4cf},
                                     {0xac00, 0xd7a3},
                                     {0xf900, 0xfaff},
                                     {0xfe30, 0xfe6f},
                                     {0xff00, 0xffe6},
                                     {0x1f300, 0x1faff},
                                     {0x20000, 0x3fffd}}};
// C1 controls are escape sequences for some terminals; marks of direction turn a line around.
constexpr std::array<Range, 5> hostile{
    {{0x00, 0x1f}, {0x7f, 0x9f}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}}};

struct Character {
  std::string_view bytes;
  int columns;
};

// `text` is what printable() gave: whole characters only.
Character take(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t size = std::min<size_t>(text.size(), lead < 0x80    ? 1
                                                    : lead >= 0xf0 ? 4
                                                    : lead >= 0xe0 ? 3
                                                                   : 2);
  uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i)
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
  if (within(hostile, point)) return {"?", 1};
  return {text.substr(0, size), within(none, point) ? 0 : within(wide, point) ? 2 : 1};
}

size_t bytes_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  return std::min<size_t>(text.size(), lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2);
}

constexpr size_t longest_text = 4000;  // of one line: nobody reads more of it

std::string_view code(Paint paint) {
  switch (paint) {
    case Paint::faint:
      return "\x1b[2m";
    case Paint::strong:
      return "\x1b[1m";
    case Paint::good:
      return "\x1b[32m";
    case Paint::warn:
      return "\x1b[33m";
    case Paint::bad:
      return "\x1b[1;31m";
    default:
      return "";
  }
}

}  // namespace

int columns(std::string_view text) {
  int sum = 0;
  for (size_t at = 0; at < text.size(); at += bytes_of(text.substr(at)))
    sum += take(text.substr(at)).columns;
  return sum;
}

std::string fit(std::string_view text, int width) {
  const std::string clean = printable(text, longest_text);
  const std::string_view whole = clean;
  std::string out, short_one;  // short_one: as far as "..." still fits
  int used = 0;
  for (size_t at = 0; at < whole.size(); at += bytes_of(whole.substr(at))) {
    const Character next = take(whole.substr(at));
    if (used + next.columns > width) return width >= 3 ? short_one + "..." : out;
    used += next.columns;
    out += next.bytes;
    if (used <= width - 3) short_one = out;
  }
  return out;
}

std::string cell(std::string_view text, int width) {
  std::string out = fit(text, width);
  const int have = columns(out);
  if (have < width) out.append(static_cast<size_t>(width - have), ' ');
  return out;
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines(1);
  for (const auto& word : split(text, ' ')) {
    if (!lines.back().empty() && columns(lines.back()) + 1 + columns(word) > width)
      lines.emplace_back();
    if (!lines.back().empty()) lines.back() += ' ';
    lines.back() += word;
  }
  return lines;
}

std::string draw(const Line& line, int width, bool colour) {
  std::string out;
  int left = width > 0 ? width : static_cast<int>(longest_text);
  for (const auto& span : line) {
    const std::string text = fit(span.text, left);
    left -= columns(text);
    if (colour && span.paint != Paint::plain && !text.empty())
      out.append(code(span.paint)).append(text).append("\x1b[0m");
    else
      out += text;
    if (left <= 0) break;
  }
  return out;
}

Size terminal_size(int fd) {
  winsize found{};
  if (::ioctl(fd, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) return {};
  return {std::max<int>(20, found.ws_col), std::max<int>(5, found.ws_row)};
}

std::vector<std::string> table(const std::vector<std::string>& head,
                               const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const auto& name : head) widths.push_back(columns(name));
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(fit(row[i], static_cast<int>(longest_text))));
  std::vector<std::string> out;
  const auto put = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? fit(row[i], static_cast<int>(longest_text))
                                  : cell(row[i], widths[i]) + "  ";
    line.erase(line.find_last_not_of(' ') + 1);
    out.push_back(std::move(line));
  };
  put(head);
  for (const auto& row : rows) put(row);
  return out;
}

std::string short_time(long long ms) {
  ms = std::max(0LL, ms);
  char text[48];
  if (ms < 60'000)
    std::snprintf(text, sizeof text, "%lld.%llds", ms / 1000, ms / 100 % 10);
  else if (ms < 3'600'000)
    std::snprintf(text, sizeof text, "%lldm %llds", ms / 60'000, ms / 1000 % 60);
  else
    std::snprintf(text, sizeof text, "%lldh %lldm", ms / 3'600'000, ms / 60'000 % 60);
  return text;
}

std::string round_time(long long ms) {
  std::string text = short_time(ms);
  for (const char* empty : {".0s", " 0s", " 0m"})
    if (text.ends_with(empty)) {
      text.resize(text.size() - 3);
      if (*empty == '.') text += 's';
      break;
    }
  return text;
}

}  // namespace hyops::cli
