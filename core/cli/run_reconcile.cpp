// run reconcile: what each way out of an unknown outcome would rest on, and a person's signed word
// where nothing else tells.
#include "cli/live.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "cli/statement.hpp"
#include "engine/history.hpp"
#include "engine/run.hpp"

namespace hyops::cli {
namespace {

// A statement that was signed elsewhere, or is signed now with a key that is here.
Result<trust::SignedDocument> statement_of(const Context& context, const po::variables_map& given,
                                           ledger::Ledger& ledger, const ledger::RunRow& run) {
  if (given.count("statement")) return read_signed(option(given, "statement"));
  auto lane = load_lane(context, run.lane);
  if (!lane) return pass(lane);
  auto history = engine::read_history(ledger, run.id);
  if (!history) return pass(history);
  const auto past = history->steps.find(option(given, given.count("adopt") ? "adopt" : "retry"));
  return make_statement(given, *lane, run.id.value,
                        past == history->steps.end() ? 1 : std::max(1, past->second.attempt));
}

int settle(Context& context, const po::variables_map& given, ledger::Ledger& ledger,
           const ledger::RunRow& run) {
  auto signed_statement = statement_of(context, given, ledger, run);
  if (!signed_statement) return context.report(signed_statement.error());
  auto statement = trust::parse_statement(signed_statement->document);
  if (!statement) return context.report(statement.error());
  if (statement->run != run.id.value)
    return context.report(
        make_error("engine.step.not_this",
                   "the statement is on run " + statement->run + ", not on " + run.id.value));
  if (auto stated = engine::state_outcome(setup_of(context), ledger, *signed_statement); !stated)
    return context.report(stated.error());
  context.answer({{"run", run.id.value},
                  {"step", statement->step},
                  {"choice", statement->choice},
                  {"by", statement->by}});
  context.say("stated and signed by " + statement->by + ": " + statement->choice + " " +
              statement->step + "\n  next: hyops run resume " + run.id.value);
  return exit_ok;
}

void tell_choice(Context& context, const engine::Choice& choice, const std::string& run) {
  context.say("step " + choice.step + ", attempt " + std::to_string(choice.attempt) + ": " +
              choice.seen + ", " + choice.evidence);
  if (choice.seen == "interrupted")
    return context.say("  next: hyops run resume " + run + ", which finds it again");
  context.say("  adopt  " +
              (choice.seen == "present" ? choice.evidence : std::string("nothing was seen of it")));
  context.say("  retry  under the same key " + choice.key + " with " + choice.driver + " pack " +
              choice.pack +
              (choice.idempotent ? ", which is declared safe to repeat"
                                 : ", which is not declared safe to repeat"));
  if (!choice.resolved.empty()) return context.say("  will " + choice.resolved);
  const std::string sign = " --as NAME --key FILE --reason TEXT";
  context.say("  ask    look for yourself, then one of:\n    hyops run reconcile " + run +
              " --adopt " + choice.step + " --outputs FILE" + sign + "\n    hyops run reconcile " +
              run + " --retry " + choice.step + sign +
              "\n    where the key is elsewhere: hyops statement sign " + run + " --attempt " +
              std::to_string(choice.attempt) + " ..., then --statement FILE here");
}

}  // namespace

int reconcile_run(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  if (given.count("statement") || given.count("adopt") || given.count("retry"))
    return settle(context, given, *ledger, *run);
  auto document = ledger->plan_of(run->id);
  if (!document) return context.report(document.error());
  Result<std::vector<engine::Choice>> choices = std::vector<engine::Choice>{};
  {
    const auto view = make_view(context, *document, run->id);
    choices = engine::reconcile(setup_of(context), *ledger, run->id, *view);
  }
  if (!choices) return context.report(choices.error());
  Json list = Json::array();
  bool open = false;
  for (const auto& choice : *choices) {
    list.push_back({{"step", choice.step},
                    {"seen", choice.seen},
                    {"evidence", choice.evidence},
                    {"resolved", choice.resolved},
                    {"attempt", choice.attempt},
                    {"key", choice.key},
                    {"driver", choice.driver},
                    {"pack", choice.pack},
                    {"idempotent", choice.idempotent}});
    tell_choice(context, choice, run->id.value);
    open = open || choice.resolved.empty();
  }
  if (choices->empty()) context.say("no step of run " + run->id.value + " has an unknown outcome");
  if (!open)
    context.say(std::string("  next: hyops run ") + (run->status == "ok" ? "show " : "resume ") +
                run->id.value);
  context.answer({{"run", run->id.value}, {"choices", list}});
  return open ? exit_unknown : exit_ok;
}

}  // namespace hyops::cli
