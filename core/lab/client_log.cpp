#include "lab/client_log.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace hyops::lab {
namespace {

bool read_number(const std::string& word, int64_t& into) {
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), into);
  return problem == std::errc() && end == word.data() + word.size();
}

// The place of a moment in the log: behind the last line that is older.
auto place_of(const std::vector<Acknowledged>& log, int64_t wall_ms) {
  return std::find_if(log.rbegin(), log.rend(),
                      [&](const Acknowledged& line) { return line.wall_ms < wall_ms; })
      .base();
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
  std::set<int64_t> lost;
  for (auto line = log.begin(); line != place_of(log, until_ms); ++line)
    if (!present.count(line->number)) lost.insert(line->number);
  return {lost.begin(), lost.end()};
}

int64_t lost_window_ms(const std::vector<Acknowledged>& log, const std::vector<int64_t>& lost,
                       int64_t until_ms) {
  const std::set<int64_t> wanted(lost.begin(), lost.end());
  const auto first = std::find_if(log.begin(), log.end(), [&](const Acknowledged& line) {
    return wanted.count(line.number) > 0;
  });
  return first == log.end() ? 0 : std::max<int64_t>(0, until_ms - first->wall_ms);
}

Outage outage(const std::vector<Acknowledged>& log, int64_t since_ms) {
  const auto place = place_of(log, since_ms);
  Outage found;
  if (place != log.end()) found.served_ms = place->wall_ms;
  if (place != log.begin()) found.last_ms = std::prev(place)->wall_ms;
  return found;
}

}  // namespace hyops::lab
