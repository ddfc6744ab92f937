#include "engine/opened.hpp"

namespace hyops::engine {

namespace {

// Where secrets come from by the run's own last word on it, and the token that this was under.
struct LastWord {
  std::string authority;
  int64_t token = 0;
};

// Where the plan begins, what was moved since by a step or, as a core of this run saw, by another
// run, and what a step has moved that was adopted since: it may have written no event.
LastWord last_word(const plan::Plan& plan, const History& history) {
  LastWord word{plan.secrets_from, history.began_token};
  if (!history.moved_to.empty()) word = {history.moved_to, history.moved_token};
  for (const auto& step : plan.steps)
    if (const auto past = history.steps.find(step.id);
        !step.authority.empty() && past != history.steps.end() &&
        past->second.ending == "adopted" && past->second.ended_token >= word.token)
      word = {step.authority, past->second.ended_token};
  return word;
}

// Where another run of the lane, approved like this one, has moved its secrets since then (L19):
// tokens grow with every core that takes the lane. Nothing: none has.
Result<std::optional<Opened::Moved>> moved_since(ledger::Ledger& ledger, const plan::Plan& plan,
                                                 const RunId& run, const LastWord& word) {
  auto slot = ledger.slot(plan.lane, plan::authority_slot);
  if (!slot) return pass(slot);
  const std::string to = get_string(slot->value, "authority");
  if (slot->version == 0 || slot->epoch != plan.epoch || slot->run == run.value ||
      to == word.authority)
    return std::nullopt;
  auto mover = read_history(ledger, RunId(slot->run));
  if (!mover) return pass(mover);
  if (mover->token <= word.token) return std::nullopt;
  return std::optional(Opened::Moved{word.authority, to, slot->run});
}

}  // namespace

Result<std::unique_ptr<Opened>> open_run(const Setup& setup, ledger::Ledger& ledger,
                                         const RunId& run, Observer& observer) {
  auto plan = admitted_plan(ledger, run);
  if (!plan) return pass(plan);
  contract::Catalog catalog(setup.catalog);
  auto here = surroundings(setup, catalog, *plan);
  if (!here) return pass(here);
  auto digest = plan::digest(*plan);
  if (!digest) return pass(digest);
  auto registry =
      plugin::Registry::open(plugin::standard_sources(setup.prefix, setup.home, plan->lane));
  if (!registry) return pass(registry);
  auto journal = Journal::open(ledger, run, observer, setup.clock());
  if (!journal) return pass(journal);
  auto history = read_history(ledger, run);
  if (!history) return pass(history);
  // What the chain says was admitted is what runs (L10); the plan itself stands outside of it.
  if (history->plan != digest->value)
    return fail("ledger.broken",
                "the plan of run " + run.value + " is not the one that was admitted");
  std::string authority = last_word(*plan, *history).authority;
  return std::make_unique<Opened>(Opened{std::move(*plan),
                                         digest->value,
                                         std::move(catalog),
                                         std::move(*here),
                                         std::move(*registry),
                                         std::move(*journal),
                                         std::move(*history),
                                         std::move(authority),
                                         {}});
}

Result<ledger::Lease> take_lane(Opened& run, ledger::Ledger& ledger) {
  auto lease = ledger.take_lease(run.plan.lane, run.journal.run(), run.history.least_token);
  if (!lease) return pass(lease);
  auto history = read_history(ledger, run.journal.run());
  if (!history) return pass(history);
  run.history = std::move(*history);
  if (run.history.boot_id != lease->boot_id)
    for (auto& [ignored, step] : run.history.steps) step.began_mono_ms.reset();
  else if (run.history.clock_ms)
    run.journal.went_on_from(*run.history.clock_ms);
  const LastWord word = last_word(run.plan, run.history);
  run.authority = word.authority;
  if (!run.history.started) return lease;
  auto moved = moved_since(ledger, run.plan, run.journal.run(), word);
  if (!moved) return pass(moved);
  run.moved = std::move(*moved);
  if (run.moved) run.authority = run.moved->to;
  return lease;
}

Session::Session(const Setup& setup, Opened& run, int64_t token)
    : cancellation(setup.run_folder(run.journal.run().value),
                   [&journal = run.journal](Cancel asked) {
                     (void)journal.write("run.stopping",
                                         {{"now", asked == Cancel::now}});  // or after the steps
                   }),
      secrets(setup, run.registry, run.here.lane, confidant_of(run.journal), run.authority),
      shared{setup,       run.plan, run.plan_digest, run.here.lane, run.registry,
             run.journal, secrets,  cancellation,    token} {
  run.journal.hold({run.plan.lane, token}, setup.home);
}

int64_t Shared::may_last_until_ms(const std::string& step) const {
  if (!forecast) return 0;
  const auto found = forecast->steps.find(step);
  return found == forecast->steps.end() ? 0 : setup.clock().wall_ms() + found->second.ms;
}

}  // namespace hyops::engine
