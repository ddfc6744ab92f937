// Which process it is: a pid alone may by now belong to somebody else, or to another boot.
#include <charconv>

#include "base/file.hpp"
#include "base/text.hpp"
#include "process/spawn.hpp"

namespace hyops::process {
namespace {

struct Stat {
  char state = '?';
  int64_t start_ticks = 0;
};

// The command name stands in brackets and may itself hold brackets and spaces: fields count from
// the last ')'.
std::optional<Stat> read_stat(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 65536);
  if (!text) return std::nullopt;
  const size_t bracket = text->rfind(')');
  if (bracket == std::string::npos || bracket + 2 >= text->size()) return std::nullopt;
  const auto fields = split(std::string_view(*text).substr(bracket + 2), ' ');
  if (fields.size() < 20) return std::nullopt;
  Stat stat{fields[0].empty() ? '?' : fields[0][0], 0};
  const std::string& ticks =
      fields[19];  // field 22 of the line; the first two are before the bracket
  const auto parsed = std::from_chars(ticks.data(), ticks.data() + ticks.size(), stat.start_ticks);
  if (parsed.ec != std::errc()) return std::nullopt;
  return stat;
}

}  // namespace

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

std::optional<Identity> identify(pid_t pid) {
  const auto stat = pid > 0 ? read_stat(pid) : std::nullopt;
  if (!stat) return std::nullopt;
  return Identity{pid, stat->start_ticks, boot_id()};
}

bool is_alive(const Identity& identity) {
  const auto stat = identity.pid > 0 ? read_stat(identity.pid) : std::nullopt;
  return stat && stat->state != 'Z' && stat->state != 'X' &&
         stat->start_ticks == identity.start_ticks && boot_id() == identity.boot_id;
}

}  // namespace hyops::process
