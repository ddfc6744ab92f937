#include "engine/measured.hpp"

#include "engine/run.hpp"
#include "record/record.hpp"

namespace hyops::engine {

Status note_measured(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
                     const Measured& measured) {
  if (measured.by.empty() || measured.source.empty() ||
      (!measured.served_ms && !measured.rows_lost))
    return fail("engine.measured.incomplete",
                "say when service was back or what was lost, who says so and how they know");
  auto row = ledger.run(run);
  if (!row) return pass(row);
  const std::string status = row->status;
  if (status != "ok" && status != "failed" && status != "cancelled" && status != "unknown")
    return fail("engine.measured.going_on", "run " + run.value + " is " + status +
                                                "; only where it ended can its record be made");

  auto redactor = record::Redactor::create({});
  if (!redactor) return pass(redactor);
  if (auto safe = record::check_leaks(ledger, run, *redactor); !safe) return safe;

  std::vector<std::pair<std::string, Json>> events;
  const Json stated{{"by", measured.by}, {"source", measured.source}};
  if (measured.served_ms) {
    Json marker = stated;
    marker["name"] = "client.first_write";
    marker["wall_ms"] = *measured.served_ms;
    events.emplace_back("marker", marker);
  }
  if (measured.rows_lost) {
    Json marker = stated;
    marker["name"] = "client.rows";
    marker["rows_lost"] = *measured.rows_lost;
    if (measured.rows_acknowledged) marker["rows_acknowledged"] = *measured.rows_acknowledged;
    if (measured.lost_ms) marker["lost_ms"] = *measured.lost_ms;
    events.emplace_back("marker", marker);
  }
  Unwatched nobody;
  auto journal = Journal::open(ledger, run, nobody, setup.clock());
  if (!journal) return pass(journal);
  if (auto written = journal->write_all(events); !written) return written;
  return write_record(setup, ledger, *journal);
}

}  // namespace hyops::engine
