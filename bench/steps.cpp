// What the engine adds to a step: first its ledger alone, then a whole step whose tool is
// /bin/true.
#include "support/site.hpp"

#include "durable.hpp"
#include "parts.hpp"
#include "process/step_host.hpp"
#include "site_steps.hpp"

namespace hyops::bench {
namespace {

const Json intent{{"step", "s1"},
                  {"attempt", 1},
                  {"key", std::string(32, 'a')},
                  {"input_digest", "sha256:" + std::string(64, 'b')},
                  {"driver", "process"},
                  {"pack", "test/noop"},
                  {"fencing_token", 1},
                  {"inputs", Json::object()}};
const Json outcome{
    {"step", "s1"}, {"attempt", 1}, {"ms", 12}, {"status", "ok"}, {"outputs", Json::object()}};
// What the process driver starts, without an engine around it.
void run_hosted(const std::filesystem::path& folder) {
  process::ToolRequest request;
  request.step_folder = request.directory = folder;
  request.argv = {"/bin/true"};
  need(process::start_tool(built("libexec/hyops/hyops-step-host"), request));
  need(process::wait_tool(folder, -1));
}

const Json ended{{"step", "s1"}, {"ending", "ok"}, {"reason", ""}};

}  // namespace

void measure_ledger(Table& table) {
  tests::Site site;
  add_noop(site);
  site.blueprint(noop_chain(1));
  const RunId run = need(site.admit(site.plan()));
  RawCommits raw(site.path() / "raw.db");
  const std::string before = intent.dump(), after = outcome.dump() + ended.dump();
  const auto pair = in_turns(
      200,
      [&] {
        need(site.ledger->append(run, "step.intent", intent));
        need(site.ledger->append_all(run, {{"step.outcome", outcome}, {"step.ended", ended}}));
      },
      [&] {
        raw.commit(before);
        raw.commit(after);
      });
  Row row{"ledger's part of a step: intent, then outcome and ending",
          "ms",
          pair.ours,
          "two raw durable SQLite commits of the same bytes",
          pair.peer,
          "<= 1.3 x",
          {}};
  row.held = row.ratio() <= 1.3;
  table.add(std::move(row));
}

void measure_steps(Table& table) {
  constexpr int steps = 20, runs = 6;
  tests::Site site;
  add_noop(site);
  site.blueprint(noop_chain(steps));
  const Json plan = site.plan();
  RawCommits raw(site.path() / "raw.db");
  const std::string before = intent.dump(), after = outcome.dump() + ended.dump();
  Samples each, whole, hosted, bare, spawned, commits;
  for (int i = 0; i < runs; ++i) {
    StepTimes times;
    whole.add(time_ms([&] { times = run_steps(site, plan); }) / steps);
    // From one intent to the next: everything between them is what a step costs.
    for (size_t at = 1; at < times.intents.size(); ++at)
      each.add(times.intents[at] - times.intents[at - 1]);
    for (int n = 0; n < steps; ++n) {
      const double process = time_ms([] { run_bare({{"/bin/true"}, {}}); });
      const double committed = time_ms([&] {
        raw.commit(before);
        raw.commit(after);
      });
      spawned.add(process);
      commits.add(committed);
      bare.add(process + committed);
      const auto folder = site.path() / ("hosted-" + std::to_string(i * steps + n));
      need(make_folders(folder));
      hosted.add(time_ms([&] { run_hosted(folder); }));
    }
  }
  const Samples own = each.less(hosted.median());
  Row engine{"the engine's own part of a step, both commits included (a step less its tool's run)",
             "ms",
             own,
             "two raw durable SQLite commits",
             commits,
             "<= 1.3 x",
             {}};
  engine.held = engine.ratio() <= 1.3;
  table.add(std::move(engine));
  table.add({"of it besides the commits",
             "ms",
             own.less(commits.median()),
             "",
             {},
             "< 2 ms",
             own.median() - commits.median() < 2});
  table.add({"/bin/true under a step host, which outlives the core",
             "ms",
             hosted,
             "posix_spawn of /bin/true",
             spawned,
             "",
             {}});
  table.add({"a step whose tool is /bin/true, intent to intent",
             "ms",
             each,
             "posix_spawn of /bin/true and two raw commits",
             bare,
             "",
             {}});
  table.add({"the same with its share of admission, start, publishing and the record (20 steps)",
             "ms",
             whole,
             "posix_spawn of /bin/true alone",
             spawned,
             "",
             {}});
}

}  // namespace hyops::bench
