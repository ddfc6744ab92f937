// run measured: what clients saw of a recovery goes into its record, so that RTO and RPO are
// judged.
#include "engine/measured.hpp"

#include "base/clock.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"

namespace hyops::cli {

int note_measured(Context& context, const po::variables_map& given) {
  engine::Measured measured;
  if (given.count("served-at")) {
    auto at = from_rfc3339(option(given, "served-at"));
    if (!at) return context.report(at.error());
    measured.served_ms = *at;
  }
  if (given.count("rows-lost")) measured.rows_lost = given["rows-lost"].as<int64_t>();
  if (given.count("rows-acknowledged"))
    measured.rows_acknowledged = given["rows-acknowledged"].as<int64_t>();
  if (given.count("lost")) {
    auto lost = parse_duration(option(given, "lost"));
    if (!lost) return context.report(lost.error());
    measured.lost_ms = *lost;
  }
  measured.by = requester(given);
  measured.source = option(given, "source");
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  const engine::Setup setup = setup_of(context);
  if (auto noted = engine::note_measured(setup, *ledger, run->id, measured); !noted)
    return context.report(noted.error());
  const std::string record = (setup.run_folder(run->id.value) / "record").string();
  context.answer({{"run", run->id.value}, {"record", record}});
  context.say("noted; the record was written anew\n  next: hyops record report " + record);
  return exit_ok;
}

}  // namespace hyops::cli
