// state list|show: what a lane's steps published, and since when.
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "cli/system.hpp"
#include "cli/terminal.hpp"

namespace hyops::cli {
namespace {

Json to_json(const ledger::Slot& slot) {
  return {{"key", slot.key},
          {"version", slot.version},
          {"epoch", slot.epoch},
          {"released", slot.value.is_null()},
          {"value", slot.value},
          {"run", slot.run},
          {"step", slot.step},
          {"wall_ms", slot.wall_ms},
          {"time", to_rfc3339(slot.wall_ms)}};
}

// The lane's epoch as its file has it; 0 where the file cannot be read: then nothing is said about
// epochs.
int64_t epoch_of(const Context& context, const std::string& lane) {
  auto loaded = load_lane(context, lane);
  return loaded ? loaded->epoch : 0;
}

std::string condition(const ledger::Slot& slot, int64_t epoch) {
  if (slot.value.is_null()) return "released";
  if (epoch != 0 && slot.epoch != epoch) return "other epoch";  // E9: never counts in this one
  return "held";
}

Result<std::string> lane_given(const po::variables_map& given, const std::string& command) {
  if (!given.count("lane"))
    return fail("cli.usage", "the command needs --lane LANE.", "hyops " + command + " --help");
  const std::string lane = option(given, "lane");
  if (!is_name(lane))
    return fail("file.name", "\"" + printable(lane, 80) + "\" cannot be the name of a lane");
  return lane;
}

int list_state(Context& context, const po::variables_map& given) {
  const auto lane = lane_given(given, "state list");
  if (!lane) return context.report(lane.error());
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto slots = ledger->slots(*lane);
  if (!slots) return context.report(slots.error());
  const int64_t epoch = epoch_of(context, *lane);
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& slot : *slots) {
    Json one = to_json(slot);
    one["condition"] = condition(slot, epoch);
    list.push_back(std::move(one));
    rows.push_back({slot.key, condition(slot, epoch), std::to_string(slot.version),
                    std::to_string(slot.epoch), to_rfc3339(slot.wall_ms), slot.run, slot.step});
  }
  context.answer({{"lane", *lane}, {"epoch", epoch}, {"slots", list}});
  if (rows.empty()) {
    context.say("lane " + *lane + " holds no state");
    return exit_ok;
  }
  for (const auto& line :
       table({"KEY", "CONDITION", "VERSION", "EPOCH", "WRITTEN", "RUN", "STEP"}, rows))
    context.say(line);
  return exit_ok;
}

int show_state(Context& context, const po::variables_map& given) {
  const auto lane = lane_given(given, "state show");
  if (!lane) return context.report(lane.error());
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  const std::string key = option(given, "key");
  auto slot = ledger->slot(*lane, key);
  if (!slot) return context.report(slot.error());
  if (slot->version == 0) {
    std::vector<std::string> known;
    if (auto all = ledger->slots(*lane))
      for (const auto& one : *all) known.push_back(one.key);
    return context.report(make_error(
        "cli.slot.unknown",
        "lane " + *lane + " holds no \"" + printable(key, 120) + "\"." + did_you_mean(key, known),
        "hyops state list --lane " + *lane));
  }
  auto history = ledger->slot_history(*lane, key);
  if (!history) return context.report(history.error());
  const int64_t epoch = epoch_of(context, *lane);
  Json answer = to_json(*slot), past = Json::array();
  for (const auto& one : *history) past.push_back(to_json(one));
  answer["lane"] = *lane;
  answer["condition"] = condition(*slot, epoch);
  answer["history"] = past;
  context.answer(answer);
  context.say(slot->key + "  lane " + *lane + "  " + condition(*slot, epoch) + "  version " +
              std::to_string(slot->version) + "  epoch " + std::to_string(slot->epoch));
  context.say("  written " + to_rfc3339(slot->wall_ms) + " by step " + printable(slot->step) +
              " of run " + printable(slot->run));
  for (const auto& line :
       split(slot->value.dump(2, ' ', false, Json::error_handler_t::replace), '\n'))
    context.say("    " + printable(line, 2000));
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : *history)
    rows.push_back({std::to_string(one.version), one.value.is_null() ? "released" : "written",
                    std::to_string(one.epoch), to_rfc3339(one.wall_ms), one.run, one.step});
  context.say("");
  for (const auto& line : table({"VERSION", "WHAT", "EPOCH", "WHEN", "RUN", "STEP"}, rows))
    context.say("  " + line);
  return exit_ok;
}

}  // namespace

void add_state_commands(Commands& commands) {
  const auto lane = [](po::options_description_easy_init add) {
    add("lane", po::value<std::string>(), "the lane");
  };
  commands.push_back({"state",
                      "list",
                      "--lane LANE",
                      "what the steps of a lane published",
                      "State of another epoch than the lane's is shown and never counts (E9).\n"
                      "  hyops state list --lane drill",
                      {},
                      lane,
                      list_state});
  commands.push_back(
      {"state",
       "show",
       "KEY --lane LANE",
       "one published value with its history",
       "KEY is module#instance.\n  hyops state show compute/host#db-cloud --lane drill",
       {"key"},
       lane,
       show_state});
}

}  // namespace hyops::cli
