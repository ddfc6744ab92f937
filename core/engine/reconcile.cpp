// What becomes of steps whose outcome is unknown: an observation decides, or a person's signed
// word.
#include "base/digest.hpp"
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
    if (past->second.interrupted) {  // its tool may be at work: a look now would see half of it
      choices.push_back({step.id, "interrupted",
                         "its core died, and the attempt has not been found again yet", "",
                         past->second.attempt, "", std::string(contract::name(step.driver)),
                         step.pack, step.idempotent});
      continue;
    }
    auto inputs = known.inputs_of(step);
    if (!inputs) return pass(inputs);
    auto found = steps.look(step, *inputs, past->second);
    if (!found) return pass(found);
    if (!found->choice.empty())
      if (auto written = run.journal.write("step.reconciled", found->event); !written)
        return pass(written);
    choices.push_back({step.id, get_string(found->event, "seen"), found->sight.evidence,
                       found->choice, past->second.attempt, found->key,
                       std::string(contract::name(step.driver)), step.pack, step.idempotent});
  }
  if (auto released = ledger.release_lease(run.plan.lane, id, lease->token); !released)
    return pass(released);
  return choices;
}

namespace {

// What a person says the step gave must be what its module declares, like a tool's own outputs.
Status check_stated_outputs(const Setup& setup, const plan::Step& step, const Json& outputs) {
  contract::Diagnostics problems;
  contract::Catalog catalog(setup.catalog);
  const auto* module = catalog.module(step.module, {}, problems);
  if (!module) return Failure(problems.front());
  for (const auto& [name, field] : module->outputs) {
    if (!outputs.contains(name))
      return fail("engine.outputs.missing",
                  "the statement on step " + step.id + " gives no output \"" + name + "\"");
    if (auto good = contract::check_value(field, outputs[name]); !good)
      return pass(good, "output " + name + " of the statement on step " + step.id);
  }
  return {};
}

}  // namespace

Status state_outcome(const Setup& setup, ledger::Ledger& ledger,
                     const trust::SignedDocument& signed_statement) {
  auto claimed = trust::parse_statement(signed_statement.document);
  if (!claimed) return pass(claimed);
  const RunId run(claimed->run);
  auto plan = admitted_plan(ledger, run);
  if (!plan) return pass(plan);
  contract::Catalog catalog(setup.catalog);
  auto here = surroundings(setup, catalog, *plan);
  if (!here) return pass(here);
  auto statement = trust::check_statement(signed_statement, here->lane);
  if (!statement) return pass(statement);
  auto history = read_history(ledger, run);
  if (!history) return pass(history);
  const auto* step = plan->find(statement->step);
  const auto past = history->steps.find(statement->step);
  if (!step || past == history->steps.end() || past->second.outcome_known)
    return fail("engine.step.not_unknown",
                "the outcome of step " + printable(statement->step, 80) + " is not unknown");
  if (past->second.interrupted)
    return fail("engine.step.not_unknown",
                "step " + statement->step + " was interrupted and may still be at work",
                "hyops run resume " + run.value);
  if (past->second.attempt != statement->attempt)
    return fail("engine.step.not_this", "the statement is on attempt " +
                                            std::to_string(statement->attempt) + " of step " +
                                            statement->step + "; unknown is attempt " +
                                            std::to_string(past->second.attempt));
  if (statement->choice == "adopt")
    if (auto whole = check_stated_outputs(setup, *step, statement->outputs); !whole) return whole;
  Json body{{"step", statement->step},
            {"attempt", statement->attempt},
            {"choice", statement->choice},
            {"seen", "stated"},
            {"evidence", statement->reason},
            {"by", statement->by},
            {"statement", digest_of(signed_statement.document)}};
  if (statement->choice == "adopt") body["outputs"] = statement->outputs;
  const std::string name =
      "statements/" + statement->step + "-" + std::to_string(statement->attempt) + ".json";
  return ledger.append_all(
      run, {{"step.reconciled", body}}, {},
      {{name, signed_statement.document}, {name + ".minisig", signed_statement.signature}});
}

}  // namespace hyops::engine
