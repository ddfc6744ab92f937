// A profile's own rules: limits on inputs, the times at which runs may start, and shoulds that are
// musts here. Nothing in these tables can take from an obligation.
#include "contract/profile_rules.hpp"

#include <algorithm>
#include <cstdio>

#include "base/text.hpp"
#include "contract/pattern.hpp"
#include "contract/shapes.hpp"

namespace hyops::contract {
namespace {

constexpr int64_t minute_ms = 60'000, day_ms = 24 * 60 * minute_ms, week_ms = 7 * day_ms;
const std::vector<std::string> days = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// A bound: of a number itself, of anything else its length.
void read_limit(Table& table, const char* key, std::optional<int64_t>& out) {
  int64_t value = 0;
  if (table.integer(key, value, INT64_MIN / 2, INT64_MAX / 2)) out = value;
}

void read_networks(Table& table, ProfileRule& rule, Source& source) {
  if (!table.read("within", rule.within)) return;
  const Node& list = *table.get("within");
  for (size_t i = 0; i < rule.within.size(); ++i)
    if (const auto expected = misspelled(Kind::cidr, rule.within[i]); !expected.empty())
      source.wrong(list.items[i], "contract.value.cidr",
                   table.path("within") + " has \"" + printable(rule.within[i], 60) +
                       "\", expected " + expected);
}

ProfileRule read_rule(const Node& node, size_t at, Source& source) {
  ProfileRule rule;
  Table table(node, "rule[" + std::to_string(at) + "]", source);
  if (table.read("id", rule.id, Need::required))
    check_name(table.get("id"), rule.id, 0, table.path("id"), source);
  table.read("sentence", rule.sentence, Need::required);
  if (table.read("module", rule.module))
    check_name(table.get("module"), rule.module, 1, table.path("module"), source);
  table.read("input", rule.field.name, Need::required);
  rule.field.place = source.place(node);
  if (const Node* choices = table.get("one_of");
      choices && expect(*choices, Node::Is::list, table.path("one_of"), source))
    for (const auto& item : choices->items) rule.field.one_of.push_back(json_of(item));
  if (table.read("pattern", rule.field.pattern)) {
    auto compiled = Pattern::compile(rule.field.pattern);
    if (compiled)
      rule.field.matcher = *compiled;
    else
      source.wrong(*table.get("pattern"), std::move(compiled.error()));
  }
  read_limit(table, "min", rule.field.min);
  read_limit(table, "max", rule.field.max);
  read_networks(table, rule, source);
  std::string severity = "must";
  if (table.choice("severity", severity, {"must", "should"}) && severity == "should")
    rule.severity = Severity::should;
  table.done();
  const Field& field = rule.field;
  if (field.one_of.empty() && field.pattern.empty() && !field.min && !field.max &&
      rule.within.empty())
    source.wrong(node, "contract.value.empty",
                 table.path("input") +
                     " is limited by nothing: one_of, pattern, min, max or "
                     "within");
  return rule;
}

// "mon-fri 20:00-06:00", "sun 00:00-24:00", "daily 01:00-05:00": UTC.
bool read_span(const std::string& text, std::vector<Window::Span>& out) {
  const size_t space = text.find(' ');
  if (space == std::string::npos) return false;
  const auto ends = split(text.substr(0, space), '-');
  size_t first = 0, last = 6;
  if (text.substr(0, space) != "daily") {
    const auto number = [](const std::string& day) {
      return static_cast<size_t>(std::find(days.begin(), days.end(), day) - days.begin());
    };
    if (ends.size() > 2) return false;
    first = number(ends.front());
    last = number(ends.back());
    if (first > 6 || last > 6 || last < first) return false;
  }
  const std::string times = text.substr(space + 1);
  int hour = 0, minute = 0, until_hour = 0, until_minute = 0, read = 0;
  if (times.size() != 11 ||
      std::sscanf(times.c_str(), "%2d:%2d-%2d:%2d%n", &hour, &minute, &until_hour, &until_minute,
                  &read) != 4 ||
      read != 11 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || until_hour < 0 ||
      until_minute < 0 || until_minute > 59 || until_hour > 24 ||
      (until_hour == 24 && until_minute > 0))
    return false;
  const int64_t from = (hour * 60 + minute) * minute_ms;
  int64_t until = (until_hour * 60 + until_minute) * minute_ms;
  if (until <= from) until += day_ms;  // past midnight
  for (size_t day = first; day <= last; ++day)
    out.push_back(
        {static_cast<int64_t>(day) * day_ms + from, static_cast<int64_t>(day) * day_ms + until});
  return true;
}

void read_window(Table& table, Profile& profile, Source& source) {
  auto window = table.table("window");
  if (!window) return;
  std::vector<std::string> spans;
  if (window->read("open", spans, Need::required)) {
    const Node& list = *window->get("open");
    profile.places["window.open"] = source.place(list);
    if (spans.empty())
      source.wrong(list, "contract.value.empty", "window.open is empty: no run could ever start");
    for (size_t i = 0; i < spans.size(); ++i)
      if (!read_span(spans[i], profile.window.open))
        source.wrong(list.items[i], "contract.value.window",
                     "window.open has \"" + printable(spans[i], 60) +
                         "\", expected days and hours in UTC like \"mon-fri 20:00-06:00\" or "
                         "\"daily 00:00-24:00\"");
  }
  if (window->read("except", profile.window.except))
    for (const auto& item : window->get("except")->items)
      one_of(item, item.text, {"burst", "failover", "failback"}, "window.except", source);
  window->done();
}

void read_severity(Table& table, Profile& profile, Source& source) {
  table.each("severity", [&](const Member& member) {
    const std::string path = "severity.\"" + member.key + "\"";
    if (!expect(member.value, Node::Is::text, path, source)) return;
    if (member.value.text != "must")
      return source.wrong(member.value, "contract.profile.loosens",
                          path + " is \"" + printable(member.value.text, 40) +
                              "\"; a profile may make a should a must and nothing else");
    profile.severity[member.key] = Severity::must;
    profile.places["severity." + member.key] = source.place(member.value);
  });
}

// Every address in a value: of a host or endpoint, or spelled out; nested in lists as it may be.
bool all_within(const Json& value, const std::vector<std::string>& networks) {
  if (value.is_array())
    return std::all_of(value.begin(), value.end(),
                       [&](const Json& item) { return all_within(item, networks); });
  const std::string address = value.is_object()   ? get_string(value, "address")
                              : value.is_string() ? value.get<std::string>()
                                                  : std::string();
  return std::any_of(networks.begin(), networks.end(),
                     [&](const std::string& network) { return lies_in(address, network); });
}

}  // namespace

bool Window::is_open(int64_t wall_ms) const {
  // 1970 began on a Thursday.
  const int64_t at = ((wall_ms + 3 * day_ms) % week_ms + week_ms) % week_ms;
  return open.empty() || std::any_of(open.begin(), open.end(), [&](const Span& span) {
           return (at >= span.from && at < span.until) || at + week_ms < span.until;
         });
}

Status check_rule(const ProfileRule& rule, const Type& type, const Json& value) {
  Field whole = rule.field;
  whole.type = type;
  if (type.kind == Kind::list) {  // its length is limited by min and max, its items by the rest
    Field item = rule.field;
    item.type = *type.of;
    item.min = item.max = std::nullopt;
    whole.one_of.clear();
    whole.pattern.clear();
    for (const auto& one : value)
      if (auto good = check_value(item, one); !good) return good;
  }
  if (auto good = check_value(whole, value); !good) return good;
  if (rule.within.empty() || all_within(value, rule.within)) return {};
  return fail("contract.value.address", rule.field.name + " is " + printable(value.dump(), 100) +
                                            ", expected addresses within " + join(rule.within));
}

void read_rules(Table& table, Profile& profile, Source& source) {
  if (const Node* rules = table.get("rule");
      rules && expect(*rules, Node::Is::list, "rule", source))
    for (size_t i = 0; i < rules->items.size(); ++i) {
      if (!expect(rules->items[i], Node::Is::table, "rule[" + std::to_string(i) + "]", source))
        continue;
      profile.rules.push_back(read_rule(rules->items[i], i, source));
      for (size_t before = 0; before + 1 < profile.rules.size(); ++before)
        if (profile.rules[before].id == profile.rules.back().id)
          source.wrong(rules->items[i], "contract.name.malformed",
                       "two rules are called " + printable(profile.rules.back().id, 64));
    }
  read_window(table, profile, source);
  read_severity(table, profile, source);
}

}  // namespace hyops::contract
