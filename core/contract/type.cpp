// The names of types, drivers, phases and references, and which type may stand for which.
#include <algorithm>
#include <array>
#include <utility>

#include "contract/types.hpp"

namespace hyops::contract {
namespace {

constexpr std::array<std::pair<std::string_view, Kind>, 11> kinds = {{{"string", Kind::string},
                                                                      {"int", Kind::integer},
                                                                      {"bool", Kind::boolean},
                                                                      {"duration", Kind::duration},
                                                                      {"address", Kind::address},
                                                                      {"cidr", Kind::cidr},
                                                                      {"dns_name", Kind::dns_name},
                                                                      {"host", Kind::host},
                                                                      {"endpoint", Kind::endpoint},
                                                                      {"secret", Kind::secret},
                                                                      {"digest", Kind::digest}}};

constexpr std::array<std::string_view, 5> drivers = {"process", "ansible", "terraform", "packer",
                                                     "plugin"};

constexpr std::array<std::string_view, 11> phases = {"fence",   "egress", "place",    "access",
                                                     "secrets", "data",   "workload", "readiness",
                                                     "cutover", "rearm",  "publish"};

std::optional<Type> parse(std::string_view text, int depth) {
  for (const auto& [word, kind] : kinds)
    if (word == text) return Type{kind, nullptr};
  for (const auto& [word, kind] :
       {std::pair{std::string_view("list<"), Kind::list}, {"map<", Kind::map}}) {
    if (depth > 3 || !text.starts_with(word) || !text.ends_with('>')) continue;
    auto inner = parse(text.substr(word.size(), text.size() - word.size() - 1), depth + 1);
    if (!inner) return std::nullopt;
    return Type{kind, std::make_shared<const Type>(std::move(*inner))};
  }
  return std::nullopt;
}

bool textual(Kind kind) {
  return kind == Kind::string || kind == Kind::address || kind == Kind::cidr ||
         kind == Kind::dns_name || kind == Kind::digest;
}

}  // namespace

std::string Type::text() const {
  if (kind == Kind::list || kind == Kind::map)
    return (kind == Kind::list ? "list<" : "map<") + (of ? of->text() : "string") + ">";
  for (const auto& [word, known] : kinds)
    if (known == kind) return std::string(word);
  return {};
}

bool Type::operator==(const Type& other) const {
  if (kind != other.kind || !of != !other.of) return false;
  return !of || *of == *other.of;
}

std::optional<Type> parse_type(std::string_view text) { return parse(text, 0); }

bool fits(const Type& from, const Type& to) {
  if (from == to) return true;
  if (from.kind == to.kind && from.of && to.of) return fits(*from.of, *to.of);
  return (from.kind == Kind::string || to.kind == Kind::string) && textual(from.kind) &&
         textual(to.kind);
}

std::string_view name(Driver driver) { return drivers[static_cast<size_t>(driver)]; }

std::string_view name(Phase phase) { return phases[static_cast<size_t>(phase)]; }

std::optional<Phase> phase(std::string_view name) {
  const auto found = std::find(phases.begin(), phases.end(), name);
  if (found == phases.end()) return std::nullopt;
  return static_cast<Phase>(found - phases.begin());
}

std::string Reference::text() const {
  switch (of) {
    case Of::step:
      return step + "." + name;
    case Of::lane:
      return "lane." + name;
    case Of::state:
      return "state:" + module + "#" + instance + "." + name;
  }
  return {};
}

}  // namespace hyops::contract
