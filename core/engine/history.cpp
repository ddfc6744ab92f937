#include "engine/history.hpp"

namespace hyops::engine {

Result<History> read_history(ledger::Ledger& ledger, const RunId& run) {
  History history;
  const auto take = [&](const ledger::Event& event) {
    const Json& body = event.body;
    const std::string step = get_string(body, "step");
    if (event.type == "run.admitted") {
      history.least_token = get_int(body, "least_token");
      history.requester = get_string(body, "requester");
      history.plan = get_string(body, "plan");
    } else if (event.type == "run.started") {
      history.started = true;
    } else if (event.type == "step.intent") {
      auto& at = history.steps[step];
      at.attempt = static_cast<int>(get_int(body, "attempt"));
      at.outcome_known = false;
      at.interrupted = true;
      at.stated.clear();
    } else if (event.type == "step.outcome") {
      auto& at = history.steps[step];
      at.interrupted = false;
      at.outcome_known = get_string(body, "status") != "unknown";
      if (body.contains("outputs")) at.outputs = body["outputs"];
    } else if (event.type == "step.ended") {
      auto& at = history.steps[step];
      at.ending = get_string(body, "ending");
      at.reason = get_string(body, "reason");
    } else if (event.type == "step.reconciled") {
      auto& at = history.steps[step];
      at.stated = get_string(body, "choice");
      at.outcome_known = true;
      at.interrupted = false;
      if (body.contains("outputs")) at.outputs = body["outputs"];
    } else if (event.type == "gate.confirmed") {
      history.confirmed.insert(get_string(body, "phase"));
    } else if (event.type == "access.opened") {
      history.open_access[step] = body;
    } else if (event.type == "access.closed") {
      history.open_access.erase(step);
    }
    return true;
  };
  auto read = ledger.each_event_of(
      run,
      {"run.admitted", "run.started", "step.intent", "step.outcome", "step.ended",
       "step.reconciled", "gate.confirmed", "access.opened", "access.closed"},
      take);
  if (!read) return pass(read, "while reading the history of run " + run.value);
  return history;
}

}  // namespace hyops::engine
