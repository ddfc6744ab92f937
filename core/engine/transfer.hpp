// A run on its way between machines: the order to a runner, the record back, and the state it
// published.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/admission.hpp"
#include "engine/setup.hpp"

namespace hyops::engine {

// What a dispatcher sends: signed documents and the plan; no key and no secret (K3).
Json to_order(const Admission& admission);
Result<Admission> parse_order(const Json& order);  // engine.order.malformed

// What the other end said instead: {"errors":[...]}, empty where it is something else. Its words
// are shown as they came, less what a terminal would obey.
std::vector<Error> errors_in(const Json& answer);

// A record as a stream: one line of canonical JSON with paths and sizes, then the files' bytes in
// that order.
Status send_record(const std::filesystem::path& record, int fd);
// Takes such a stream into a new folder. Paths are checked: nothing is written outside (K6). The
// folder is complete or not there: engine.transfer.{malformed,truncated}, or the error of the other
// end.
Status receive_record(int fd, const std::filesystem::path& into);

// Is it the record of that run, in the lane and with the plan it was ordered with? A runner of one
// lane has nothing to say about another (G6): engine.record.other_run.
Status check_record_of(ledger::Ledger& ledger, const RunId& run,
                       const std::filesystem::path& record);
// Makes the outputs of the verified record of a run on another runner the lane's state here, all or
// none. Refuses where the state here is newer than the record (L3) or of a later epoch (E9):
// engine.state.newer.
Status import_state(ledger::Ledger& ledger, const RunId& run, const std::filesystem::path& record);

}  // namespace hyops::engine
