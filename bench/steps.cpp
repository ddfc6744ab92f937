// What the engine adds to a step: first its ledger alone, then a whole step whose tool is
// /bin/true.
#include "support/site.hpp"

#include "durable.hpp"
#include "parts.hpp"
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
  Samples each, whole, bare, spawned;
  for (int i = 0; i < runs; ++i) {
    StepTimes times;
    whole.add(time_ms([&] { times = run_steps(site, plan); }) / steps);
    // From one intent to the next: everything between them is what a step costs.
    for (size_t at = 1; at < times.intents.size(); ++at)
      each.add(times.intents[at] - times.intents[at - 1]);
    for (int n = 0; n < steps; ++n) {
      const double process = time_ms([] { run_bare({{"/bin/true"}, {}}); });
      spawned.add(process);
      bare.add(process + time_ms([&] {
                 raw.commit(before);
                 raw.commit(after);
               }));
    }
  }
  Row step{"a step whose tool is /bin/true, intent to intent",
           "ms",
           each,
           "posix_spawn of /bin/true and two raw commits",
           bare,
           "<= 1.3 x",
           {}};
  step.held = step.ratio() <= 1.3;
  table.add(std::move(step));
  table.add({"the same with its share of admission, start, publishing and the record (20 steps)",
             "ms",
             whole,
             "posix_spawn of /bin/true alone",
             spawned,
             "",
             {}});
}

}  // namespace hyops::bench
