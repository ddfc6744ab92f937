// What becomes of steps whose outcome is unknown: an observation decides, or a person's recorded
// word.
#include "base/text.hpp"
#include "engine/run.hpp"
#include "engine/scheduler.hpp"

namespace hyops::engine {

Result<std::vector<Choice>> reconcile(const Setup& setup, ledger::Ledger& ledger, const RunId& id,
                                      Observer& observer) {
  auto opened = open_run(setup, ledger, id, observer);
  if (!opened) return pass(opened);
  Opened& run = **opened;
  auto lease = take_lane(run, ledger);
  if (!lease) return pass(lease);
  Session session(setup, run, lease->token);
  StepRunner steps(session.shared, run.catalog);
  Scheduler known(run, session.shared, steps);
  std::vector<Choice> choices;
  for (const auto& step : run.plan.steps) {
    const auto past = run.history.steps.find(step.id);
    if (past == run.history.steps.end() || past->second.outcome_known) continue;
    auto inputs = known.inputs_of(step);
    if (!inputs) return pass(inputs);
    auto sight = steps.look(step, *inputs, past->second);
    if (!sight) return pass(sight);
    Choice choice{step.id, "unclear", sight->evidence, ""};
    if (sight->seen == Sight::Seen::present)
      choice = {step.id, "present", sight->evidence, "adopt"};
    if (sight->seen == Sight::Seen::absent) choice = {step.id, "absent", sight->evidence, "retry"};
    if (!choice.resolved.empty()) {
      Json body{{"step", step.id},
                {"choice", choice.resolved},
                {"seen", choice.seen},
                {"evidence", choice.evidence}};
      if (choice.resolved == "adopt") body["outputs"] = sight->outputs;
      if (auto written = run.journal.write("step.reconciled", body); !written) return pass(written);
    }
    choices.push_back(std::move(choice));
  }
  if (auto released = ledger.release_lease(run.plan.lane, id, lease->token); !released)
    return pass(released);
  return choices;
}

Status state_outcome(ledger::Ledger& ledger, const RunId& run, const std::string& step,
                     const std::string& choice, const Json& outputs, const std::string& by,
                     const std::string& reason) {
  auto history = read_history(ledger, run);
  if (!history) return pass(history);
  const auto past = history->steps.find(step);
  if (past == history->steps.end() || past->second.outcome_known)
    return fail("engine.step.not_unknown",
                "the outcome of step " + printable(step, 80) + " is not unknown");
  if (by.empty() || reason.empty())
    return fail("engine.statement.incomplete", "a statement needs who makes it and why");
  Json body{
      {"step", step}, {"choice", choice}, {"seen", "stated"}, {"evidence", reason}, {"by", by}};
  if (choice == "adopt") body["outputs"] = outputs;
  auto event = ledger.append(run, "step.reconciled", body);
  if (!event) return pass(event);
  return {};
}

}  // namespace hyops::engine
