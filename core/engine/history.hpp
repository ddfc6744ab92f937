// What the ledger tells of a run so far, step by step: where a new core goes on.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "ledger/ledger.hpp"

namespace hyops::engine {

struct StepHistory {
  int attempt = 0;            // last one with an intent; 0: never started
  bool outcome_known = true;  // false: the core died between intent and outcome, or it was unknown
  bool interrupted = false;   // there is an intent without any outcome
  bool doubtful = false;      // repeated because that is safe: nobody saw if it had happened
  std::string ending;         // last step.ended; empty: none
  int64_t ended_token = 0;    // the fencing token of the core that wrote that
  std::string reason;
  Json outputs = Json::object();  // of ok, adopted
  std::string stated;             // "retry" or "adopt", from reconcile
  std::string settled_by;         // what that rests on: an observation, or who stated it and why
  bool closed = false;            // of access: what its last attempt may have opened was closed
  // When its last attempt began, on the monotonic clock of the boot it began in.
  std::optional<int64_t> began_mono_ms;
};

struct History {
  std::map<std::string, StepHistory> steps;
  std::set<std::string> confirmed;                              // phases
  std::vector<std::pair<std::string, int64_t>> approved_until;  // approver, ms; as they came
  int64_t least_token = 0;
  std::string requester, plan;  // plan: digest of what was admitted; empty where it never was
  bool started = false;
  int64_t began_token = 0, token = 0;  // fencing tokens of its first core and of its last
  std::string moved_to;     // where secrets come from since the last secret.transition; empty: none
  int64_t moved_token = 0;  // of the core that wrote that
  // Wall minus monotonic clock as the last core left it, in that boot of the machine.
  std::optional<int64_t> clock_ms;
  std::string boot_id;
};

Result<History> read_history(ledger::Ledger& ledger, const RunId& run);

}  // namespace hyops::engine
