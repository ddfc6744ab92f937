// runner reap: closing what runs left open that no core looks after any more (A5), without a run.
#include <algorithm>

#include "base/text.hpp"
#include "cli/lane_check.hpp"
#include "cli/site.hpp"
#include "cli/system.hpp"
#include "cli/terminal.hpp"
#include "engine/reaper.hpp"

namespace hyops::cli {
namespace {

using engine::Reaped;

const char* name_of(Reaped::Fate fate) {
  using enum Reaped::Fate;
  switch (fate) {
    case closed:
      return "closed";
    case kept:
      return "kept";
    case unclear:
      return "unclear";
    case failed:
      return "failed";
    case open:
      break;
  }
  return "open";
}

struct Seen {
  std::vector<std::pair<std::string, Reaped>> all;                   // lane, what
  std::vector<std::tuple<std::string, std::string, Error>> unasked;  // lane, plugin, why
};

Json answer_of(const Seen& seen) {
  Json open = Json::array(), unasked = Json::array();
  for (const auto& [lane, one] : seen.all)
    open.push_back({{"lane", lane},
                    {"run", one.open.run},
                    {"owner", one.owner},
                    {"step", one.open.step},
                    {"plugin", one.open.plugin},
                    {"what", one.open.what},
                    {"ends_ms", one.open.ends_ms},
                    {"fate", name_of(one.fate)},
                    {"why", one.why}});
  for (const auto& [lane, plugin, error] : seen.unasked)
    unasked.push_back({{"lane", lane}, {"plugin", plugin}, {"error", to_json(error)}});
  return {{"open", open}, {"unasked", unasked}};
}

void tell(Context& context, const Seen& seen, bool look_only) {
  if (seen.all.empty()) context.say("nothing stands open");
  std::vector<std::vector<std::string>> rows;
  for (const auto& [lane, one] : seen.all)
    rows.push_back({lane, printable(one.open.run, 64), one.owner, printable(one.open.what, 200),
                    to_rfc3339(one.open.ends_ms), name_of(one.fate)});
  if (!rows.empty())
    for (const auto& line : table({"LANE", "RUN", "WHICH IS", "OPEN", "UNTIL", "NOW"}, rows))
      context.say(line);
  for (const auto& [lane, one] : seen.all)
    if (!one.why.empty())
      context.say("  " + std::string(name_of(one.fate)) + " " + printable(one.open.what, 200) +
                  ": " + printable(one.why, 600));
  for (const auto& [lane, plugin, error] : seen.unasked)
    context.say("  lane " + lane + (plugin.empty() ? "" : ": " + plugin + " cannot be asked") +
                ": " + printable(error.text(), 600));
  if (look_only && std::any_of(seen.all.begin(), seen.all.end(), [](const auto& one) {
        return one.second.fate == Reaped::Fate::open;
      }))
    context.say("  next: hyops runner reap");
}

int code_of(const Seen& seen) {
  const auto any = [&](Reaped::Fate fate) {
    return std::any_of(seen.all.begin(), seen.all.end(),
                       [&](const auto& one) { return one.second.fate == fate; });
  };
  if (any(Reaped::Fate::failed)) return exit_failed;
  if (!seen.unasked.empty()) return exit_unavailable;
  return any(Reaped::Fate::unclear) ? exit_conflict : exit_ok;
}

int reap(Context& context, const po::variables_map& given) {
  const engine::ReapRequest request{flag(given, "dry-run"), option(given, "run"), requester(given),
                                    option(given, "reason")};
  if (!request.run.empty() && !is_name(request.run))
    return context.report(make_error(
        "cli.run.name", "\"" + printable(request.run, 80) + "\" cannot be the id of a run"));
  if (!request.reason.empty() && (request.run.empty() || !given.count("by")))
    return context.report(make_error("engine.statement.incomplete",
                                     "a reason is a person's word about one run",
                                     "hyops runner reap --run RUN --by NAME --reason TEXT"));
  const engine::Setup setup = setup_of(context);
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  Seen seen;
  const auto lanes = given.count("lane") ? std::vector{option(given, "lane")} : lane_names(context);
  for (const auto& name : lanes) {
    auto lane = load_lane(context, name);
    if (!lane && given.count("lane")) return context.report(lane.error());
    auto reaping = lane ? engine::reap_lane(setup, *ledger, *lane, request)
                        : Result<engine::Reaping>(Failure(lane.error()));
    if (!reaping) {
      seen.unasked.emplace_back(name, "", reaping.error());
      continue;
    }
    for (auto& one : reaping->all) seen.all.emplace_back(name, std::move(one));
    for (auto& [plugin, error] : reaping->unasked)
      seen.unasked.emplace_back(name, plugin, std::move(error));
  }
  context.answer(answer_of(seen));
  tell(context, seen, request.look_only);
  return code_of(seen);
}

}  // namespace

void add_runner_reap_command(Commands& commands) {
  commands.push_back(
      {"runner",
       "reap",
       "",
       "close what runs left open that nobody looks after any more",
       "Ports that public-ephemeral opened, asked for where they are enforced, and endpoints at "
       "this machine: of runs that\n"
       "ended, were interrupted or wait. What belongs to a run whose core lives is kept, and so is "
       "everything in a lane\n"
       "that somebody holds. Whether the core of another runner's run lives cannot be seen from "
       "here: that takes a\n"
       "person's word. A run that is resumed opens again what it needs.\n"
       "  hyops runner reap --dry-run\n"
       "  hyops runner reap --lane drill --run r0abc1xyz --by alice --reason \"its machine burned "
       "down\"\n"
       "Exit code: 0 nothing is open that nobody looks after, 1 something could not be closed, 4 "
       "something waits for a\n"
       "person's word, 5 a plugin or lane could not be asked.",
       {},
       [](po::options_description_easy_init add) {
         add("lane", po::value<std::string>(), "only this lane; default: all of this machine")(
             "run", po::value<std::string>(), "only what this run left; its whole id")(
             "by", po::value<std::string>(), "who asks; default: the login name")(
             "reason", po::value<std::string>(),
             "how they know that the runner of --run is gone for good")(
             "dry-run", "only say what is open, until when, and by which run");
       },
       reap});
}

}  // namespace hyops::cli
