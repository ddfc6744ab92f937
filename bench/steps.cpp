// What the engine adds to a step: its ledger alone, a whole step whose driver does nothing, and one
// whose tool is /bin/true.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support/site.hpp"

#include "durable.hpp"
#include "engine/means.hpp"
#include "parts.hpp"
#include "process/step_host.hpp"
#include "site_steps.hpp"

namespace hyops::bench {
namespace fs = std::filesystem;
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

class Idle final : public engine::Driver {
 public:
  engine::Outcome execute(const engine::Call&, engine::Shared&) override {
    return engine::Outcome::good(Json::object());
  }
  engine::Outcome reattach(const engine::Call& call, engine::Shared& shared) override {
    return execute(call, shared);
  }
  engine::Sight observe(const engine::Call&, engine::Shared&) override { return {}; }
};

// This machine, but for the drivers: what is left of a step is the engine's own.
class WithoutTools final : public engine::Means {
 public:
  const Clock& clock() const override { return machine_.clock(); }
  void pause(int64_t ms) const override { machine_.pause(ms); }
  std::unique_ptr<engine::Executor> executor() const override { return machine_.executor(); }
  std::unique_ptr<engine::Driver> driver(contract::Driver) const override {
    return std::make_unique<Idle>();
  }
  Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                  const Json& config, plugin::Services services) const override {
    return machine_.plugin(registry, id, config, std::move(services));
  }

 private:
  const engine::Means& machine_ = engine::this_machine();
};

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

void measure_engine(Table& table) {
  constexpr int steps = 50, runs = 6;
  const WithoutTools means;
  tests::Site site;
  site.setup.means = &means;
  add_noop(site);
  site.blueprint(noop_chain(steps));
  const Json plan = site.plan();
  RawCommits raw(site.path() / "raw.db");
  const std::string before = intent.dump(), after = outcome.dump() + ended.dump();
  Samples own, commits;
  for (int i = 0; i < runs; ++i) {
    const StepTimes times = run_steps(site, plan);
    // From one intent to the next: everything between them is what a step costs.
    for (size_t at = 1; at < times.intents.size(); ++at)
      own.add(times.intents[at] - times.intents[at - 1]);
    for (int n = 0; n < steps; ++n)
      commits.add(time_ms([&] {
        raw.commit(before);
        raw.commit(after);
      }));
  }
  Row row{"the engine's own part of a step, both commits included",
          "ms",
          own,
          "two raw durable SQLite commits of the same bytes",
          commits,
          "<= 1.3 x",
          {}};
  row.held = row.ratio() <= 1.3;
  table.add(std::move(row));
}

// In a child, in which nothing grows but the run.
void measure_long_run(Table& table) {
  constexpr int steps = 10'000;  // about as many as a blueprint of a megabyte can have
  const WithoutTools means;
  tests::Site site;
  site.setup.means = &means;
  add_noop(site);
  site.blueprint(noop_chain(steps));
  const RunId run = need(site.admit(site.plan()));
  const auto size = [&] {
    double bytes = 0;
    for (const char* part : {"", "-wal"})
      if (const fs::path file = site.setup.ledger().string() + part; fs::exists(file))
        bytes += static_cast<double>(fs::file_size(file));
    return bytes;
  };
  const double before = size();
  ::malloc_trim(0);
  const fs::path told = site.path() / "told";
  const pid_t child = ::fork();
  if (child < 0) give_up("cannot fork");
  if (child == 0) {
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak of memory begins anew
    const double at_first = memory_of(::getpid(), "VmRSS");
    auto ledger = need(ledger::Ledger::open(site.setup.ledger()));
    tests::Quiet quiet;
    const auto status = need(engine::execute(site.setup, ledger, run, quiet));
    std::ofstream(told) << status << ' ' << memory_of(::getpid(), "VmHWM") - at_first;
    std::_Exit(0);
  }
  int ended = 0;
  if (::waitpid(child, &ended, 0) != child || ended != 0) give_up("the long run ended badly");
  std::ifstream in(told);
  std::string status;
  double added = 0;
  if (!(in >> status >> added) || status != "ok") give_up("the long run ended " + status);
  Samples memory, growth;
  memory.add(added);
  growth.add((size() - before) / static_cast<double>(need(site.ledger->chain_head(run)).seq));
  table.add({"memory that a run of 10,000 steps takes", "MiB", memory, "", {}, "", {}});
  table.add({"the ledger's growth for each event of it", "bytes", growth, "", {}, "", {}});
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
  const Samples around = each.less(hosted.median() + commits.median());
  table.add({"a step besides its tool's run and two raw commits: engine and driver",
             "ms",
             around,
             "",
             {},
             "< 2 ms",
             around.median() < 2});
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
