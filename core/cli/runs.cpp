#include "cli/runs.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/terminal.hpp"
#include "process/spawn.hpp"
#include "record/record.hpp"

namespace hyops::cli {
namespace {

constexpr int most_searched = 100'000;  // runs an abbreviated id is looked for in

std::string when(int64_t wall_ms) {  // 2026-03-01 02:03:04Z
  std::string text = to_rfc3339(wall_ms);
  if (text.size() < 19) return text;
  text.resize(19);
  text[10] = ' ';
  return text + 'Z';
}

bool is_over(const std::string& status) {
  return status == "ok" || status == "failed" || status == "cancelled" || status == "unknown";
}

int64_t duration_of(const ledger::RunRow& run, bool abandoned) {
  const bool still = !is_over(run.status) && !abandoned;
  return std::max<int64_t>(0, (still ? system_clock().wall_ms() : run.updated_ms) - run.created_ms);
}

int list_runs(Context& context, const po::variables_map& given) {
  const int most = given["most"].as<int>();
  if (most < 1 || most > most_searched)
    return context.report(make_error("cli.usage", "--most takes a number from 1 to 100000.",
                                     "hyops run list --help"));
  std::vector<ledger::RunRow> runs;
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  if (std::filesystem::exists(context.places.ledger())) {
    auto ledger = read_ledger(context);
    if (!ledger) return context.report(ledger.error());
    auto found = ledger->runs(option(given, "lane"), most);
    if (!found) return context.report(found.error());
    const std::string status = option(given, "status");
    for (const auto& run : *found) {
      if (!status.empty() && run.status != status) continue;
      const bool abandoned = carrier_of(*ledger, run) == ledger::Holder::dead;
      list.push_back({{"run", run.id.value},
                      {"status", run.status},
                      {"abandoned", abandoned},
                      {"blueprint", run.blueprint},
                      {"lane", run.lane},
                      {"created_ms", run.created_ms},
                      {"created", to_rfc3339(run.created_ms)},
                      {"updated_ms", run.updated_ms},
                      {"duration_ms", duration_of(run, abandoned)},
                      {"requester", run.requester},
                      {"runner", run.runner},
                      {"plan", run.plan.value}});
      rows.push_back({run.id.value, abandoned ? "interrupted" : run.status, run.blueprint, run.lane,
                      when(run.created_ms), short_time(duration_of(run, abandoned)),
                      run.requester});
    }
  }
  context.answer({{"runs", list}});
  if (rows.empty()) {
    context.say("no runs" + (given.count("lane")
                                 ? " in lane " + printable(option(given, "lane"), 80)
                                 : std::string(" yet")));
    context.say("  next: hyops plan BLUEPRINT --lane LANE, then hyops run start PLAN");
    return exit_ok;
  }
  for (const auto& line :
       table({"RUN", "STATUS", "BLUEPRINT", "LANE", "STARTED", "DURATION", "REQUESTER"}, rows))
    context.say(line);
  return exit_ok;
}

}  // namespace

Result<ledger::Ledger> read_ledger(const Context& context) {
  std::error_code problem;
  if (!std::filesystem::exists(context.places.ledger(), problem) && !problem)
    return fail("cli.ledger.none", "there is no ledger in " +
                                       printable(context.places.home.string(), 200) +
                                       ", so no run was ever started from there");
  return ledger::Ledger::open(context.places.ledger());
}

Result<ledger::RunRow> find_run(ledger::Ledger& ledger, const std::string& word) {
  if (!is_name(word))
    return fail("cli.run.name", "\"" + printable(word, 80) + "\" cannot be the id of a run");
  if (word == "last") {
    auto newest = ledger.runs({}, 1);
    if (!newest) return pass(newest);
    if (newest->empty()) return fail("cli.run.none", "the ledger holds no run yet");
    return newest->front();
  }
  auto exact = ledger.find_run(RunId(word));
  if (!exact) return pass(exact);
  if (*exact) return **exact;
  auto all = ledger.runs({}, most_searched);
  if (!all) return pass(all);
  std::vector<const ledger::RunRow*> found;
  std::vector<std::string> ids;
  for (const auto& run : *all) {
    ids.push_back(run.id.value);
    if (word.size() >= 3 && (run.id.value.starts_with(word) || run.id.value.ends_with(word)))
      found.push_back(&run);
  }
  if (found.size() == 1) return *found[0];
  if (found.empty())
    return fail("ledger.run.unknown", "there is no run \"" + printable(word, 80) +
                                          "\" in this ledger." + did_you_mean(word, ids));
  std::vector<std::string> some;
  for (size_t i = 0; i < std::min<size_t>(5, found.size()); ++i) some.push_back(found[i]->id.value);
  return fail("cli.run.ambiguous", "\"" + word + "\" may be any of " +
                                       std::to_string(found.size()) + " runs: " + join(some) +
                                       (found.size() > some.size() ? ", ..." : ""));
}

int exit_code_of(const std::string& status) {
  if (status == "ok") return exit_ok;
  if (status == "unknown") return exit_unknown;
  if (status == "cancelled") return exit_cancelled;
  if (status == "waiting" || status == "planned" || status == "dispatched") return exit_unavailable;
  return exit_failed;
}

ledger::Holder carrier_of(ledger::Ledger& ledger, const ledger::RunRow& run) {
  using ledger::Holder;
  if (run.status != "running") return Holder::alive;
  const auto lease = ledger.lease(run.lane);
  if (!lease) return Holder::unclear;
  if (!*lease || (*lease)->holder != run.id.value) return Holder::dead;  // the lane went on
  return ledger.judge(**lease).value_or(Holder::unclear);
}

std::string say_unclear(ledger::Ledger& ledger, const ledger::RunRow& run) {
  const auto lease = ledger.lease(run.lane);
  const bool told = lease && *lease;
  return "Run " + run.id.value + " is carried out by " +
         (told ? "process " + std::to_string((*lease)->pid) + " on machine " + (*lease)->host
               : std::string("a process that the ledger does not tell")) +
         ". Whether it lives cannot be seen from here.";
}

std::string waits_before(ledger::Ledger& ledger, const ledger::RunRow& run) {
  std::string gate;
  if (run.status != "waiting") return gate;
  (void)ledger.each_event_of(run.id, {"gate.opened", "gate.confirmed"},
                             [&](const ledger::Event& event) {
                               const std::string phase = get_string(event.body, "phase");
                               if (event.type == "gate.opened")
                                 gate = phase;
                               else if (phase == gate)
                                 gate.clear();
                               return true;
                             });
  return gate;
}

std::filesystem::path record_of(const Context& context, const RunId& run) {
  const auto record = context.places.runs() / run.value / "record";
  return is_name(run.value) && std::filesystem::exists(record / "SHA256SUMS") ? record : "";
}

bool is_elsewhere(const Json& story) { return !story.contains("steps"); }

Result<Json> story_of(const Context& context, ledger::Ledger& ledger, const ledger::RunRow& run) {
  auto chain = ledger.chain_head(run.id);
  if (!chain) return pass(chain);
  // Whoever carries a run out writes its chain; whoever sends it does not.
  const bool sent = chain->seq == 0 && !run.runner.empty() && run.status != "refused";
  if (const auto record = record_of(context, run.id); sent && !record.empty())
    return record::summary(record);
  auto story = record::summary(ledger, run.id);
  if (story && sent)
    for (const char* known_there : {"approvals", "steps", "phases", "headline", "duration_ms"})
      story->erase(known_there);
  return story;
}

std::string next_command(const ledger::RunRow& run, ledger::Holder carrier,
                         const std::string& gate) {
  const std::string& id = run.id.value;
  if (carrier == ledger::Holder::dead) return "hyops run resume " + id;
  if (carrier == ledger::Holder::unclear)
    return "hyops run follow " + id +
           " on that machine; if it is gone for good, hyops run abandon " + id +
           " --by NAME --reason TEXT";
  if (run.status == "planned") return "hyops run resume " + id;
  if (run.status == "dispatched") return "hyops run collect " + id;
  if (run.status == "refused")
    return "mend what runner " + run.runner + " said, then hyops run dispatch the plan again";
  if (run.status == "running") return "hyops run follow " + id;
  if (run.status == "waiting")
    return gate.empty()
               ? "hyops run resume " + id
               : "hyops run confirm " + id + " " + gate + " --by NAME, then hyops run resume " + id;
  if (run.status == "unknown") return "hyops run reconcile " + id;
  if (run.status == "failed") return "mend what failed, then hyops run resume " + id;
  if (run.status == "cancelled") return "hyops run resume " + id;
  return {};
}

void add_run_view_commands(Commands& commands) {
  commands.push_back({"run",
                      "list",
                      "",
                      "the runs of this machine, newest first",
                      "A run whose process is gone without an ending shows as interrupted: resume "
                      "goes on with it.\n"
                      "  hyops run list --lane prod --status failed",
                      {},
                      [](po::options_description_easy_init add) {
                        add("lane", po::value<std::string>(), "only of this lane")(
                            "status", po::value<std::string>(),
                            "only planned, running, waiting, ok, failed, cancelled or unknown")(
                            "most", po::value<int>()->default_value(50), "how many to look at");
                      },
                      list_runs});
  commands.push_back({"run",
                      "show",
                      "RUN",
                      "what became of a run, step by step, and what to do next",
                      "RUN is an id, its beginning or end where that is unique, or \"last\".\n"
                      "The last lines of a failed step's log are shown with it.\n"
                      "  hyops run show last",
                      {"run"},
                      nullptr,
                      show_run});
  commands.push_back(
      {"run",
       "follow",
       "RUN",
       "watch a run that another process carries out, to its end",
       "Draws what `hyops run start` draws. Stopping to look (Ctrl-C) does not stop the run.\n"
       "Ends with the next command where nobody carries the run out, or where that cannot be "
       "seen.\n"
       "Exit code: that of the run's status (0 ok, 1 failed, 5 waiting, 6 unknown, 7 cancelled).\n"
       "  hyops run follow last",
       {"run"},
       nullptr,
       follow_run});
}

}  // namespace hyops::cli
