#include "lab/client_log.hpp"

#include <charconv>

#include "base/text.hpp"

namespace hyops::lab {
namespace {

bool read_number(const std::string& word, int64_t& into) {
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), into);
  return problem == std::errc() && end == word.data() + word.size();
}

}  // namespace

std::vector<Acknowledged> read_client_log(std::string_view text) {
  std::vector<Acknowledged> out;
  const auto lines = split(text, '\n');
  for (size_t i = 0; i + 1 < lines.size(); ++i) {  // what follows the last newline was cut
    const auto words = split(lines[i], ' ');
    Acknowledged line;
    if (words.size() >= 3 && words[0] == "acknowledged" && read_number(words[1], line.number) &&
        read_number(words[2], line.wall_ms))
      out.push_back(line);
  }
  return out;
}

std::vector<int64_t> lost_rows(const std::vector<Acknowledged>& log,
                               const std::set<int64_t>& present, int64_t until_ms) {
  std::vector<int64_t> out;
  for (const auto& line : log)
    if (line.wall_ms < until_ms && !present.count(line.number)) out.push_back(line.number);
  return out;
}

int64_t first_after(const std::vector<Acknowledged>& log, int64_t since_ms) {
  for (const auto& line : log)
    if (line.wall_ms >= since_ms) return line.wall_ms;
  return 0;
}

int64_t last_before(const std::vector<Acknowledged>& log, int64_t until_ms) {
  int64_t last = 0;
  for (const auto& line : log)
    if (line.wall_ms < until_ms) last = line.wall_ms;
  return last;
}

}  // namespace hyops::lab
