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
    } else if (event.type == "run.started" || event.type == "run.resumed") {
      history.started = true;
      history.token = get_int(body, "fencing_token");
      if (event.type == "run.started") history.began_token = history.token;
      const Json runner = body.value("runner", Json::object());
      if (const std::string boot_id = get_string(runner, "boot_id"); boot_id != history.boot_id) {
        history.boot_id = boot_id;
        for (auto& [ignored, at] : history.steps) at.began_mono_ms.reset();
      }
      if (runner.contains("mono_ms")) history.clock_ms = event.wall_ms - get_int(runner, "mono_ms");
    } else if (event.type == "clock.stepped") {
      if (history.clock_ms) *history.clock_ms += get_int(body, "by_ms");
    } else if (event.type == "step.intent") {
      auto& at = history.steps[step];
      at.attempt = static_cast<int>(get_int(body, "attempt"));
      at.outcome_known = false;
      at.interrupted = true;
      at.closed = false;
      at.stated.clear();
      at.began_mono_ms.reset();
      if (history.clock_ms) at.began_mono_ms = event.wall_ms - *history.clock_ms;
    } else if (event.type == "step.outcome") {
      auto& at = history.steps[step];
      at.interrupted = false;
      // A failure ends nothing that an attempt before it may have done.
      const std::string status = get_string(body, "status");
      at.outcome_known = status == "ok" || (status == "failed" && !at.doubtful);
      if (body.contains("outputs")) at.outputs = body["outputs"];
    } else if (event.type == "step.ended") {
      auto& at = history.steps[step];
      at.ending = get_string(body, "ending");
      at.reason = get_string(body, "reason");
      at.ended_token = history.token;
    } else if (event.type == "step.reconciled") {
      auto& at = history.steps[step];
      at.stated = get_string(body, "choice");
      at.doubtful = get_string(body, "seen") == "unclear";
      at.settled_by = get_string(body, "evidence");
      if (get_string(body, "seen") == "stated")
        at.settled_by = "stated by " + get_string(body, "by") + ": " + at.settled_by;
      at.outcome_known = true;
      at.interrupted = false;
      if (body.contains("outputs")) at.outputs = body["outputs"];
    } else if (event.type == "secret.transition") {
      history.moved_to = get_string(body, "to");
      history.moved_token = history.token;
    } else if (event.type == "gate.confirmed") {
      history.confirmed.insert(get_string(body, "phase"));
    } else if (event.type == "approval.accepted") {
      history.approved_until.emplace_back(get_string(body, "approver"), get_int(body, "until_ms"));
    } else if (event.type == "fence.observed") {
      history.steps[step].outputs = body.value("outputs", Json::object());
    } else if (event.type == "access.closed") {
      history.steps[step].closed = true;
    }
    return true;
  };
  auto read = ledger.each_event_of(
      run,
      {"run.admitted", "run.started", "run.resumed", "clock.stepped", "step.intent", "step.outcome",
       "step.ended", "step.reconciled", "gate.confirmed", "approval.accepted", "fence.observed",
       "access.closed", "secret.transition"},
      take);
  if (!read) return pass(read, "while reading the history of run " + run.value);
  return history;
}

}  // namespace hyops::engine
