// hyops approval: a person reads what a plan would do, and signs exactly that.
#include <unistd.h>

#include <iostream>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/approvable.hpp"
#include "cli/site.hpp"
#include "cli/trust.hpp"
#include "engine/horizon.hpp"
#include "engine/secrets.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// The decision must be the plan's own and good now: an approval of anything else is worth nothing.
// Its decider is one of those who asked.
Status check_plan_s_decision(const po::variables_map& given, Approvable& what,
                             const contract::Lane& lane, int64_t now) {
  const bool decided = what.plan.origin.contains("decision");
  if (!decided && given.count("decision"))
    return fail("cli.usage", "this plan was asked for by a person; it has no decision");
  if (!decided) return {};
  if (auto there = needed(given, {"decision"}, "approval sign"); !there) return there;
  const std::string file = option(given, "decision");
  auto document = read_signed(file);
  if (!document) return pass(document);
  auto decision = trust::check_decision(document->document, document->signature, lane, now);
  if (!decision) return pass(decision);
  if (digest_of(document->document) != what.need.decision)
    return fail("trust.approval.other_decision",
                "the plan was made from another decision than " + file);
  what.need.requesters.push_back(decision->decider);
  return {};
}

Result<trust::Approval> asked_for(const po::variables_map& given, const Approvable& what,
                                  int64_t now) {
  const std::string cap = option(given, "cost-cap");
  auto micro = parse_money(cap);
  if (!micro) return pass(micro);
  if (what.need.cost_micro < 0 || *micro < what.need.cost_micro)
    return fail("trust.approval.cost", what.need.cost_micro < 0
                                           ? "what the plan costs is not known"
                                           : "the plan costs more than the cap of " + cap);
  int64_t valid_ms = what.need.max_window_ms > 0 ? what.need.max_window_ms : 3'600'000;
  if (given.count("valid")) {
    auto valid = parse_duration(option(given, "valid"));
    if (!valid) return pass(valid);
    valid_ms = *valid;
  }
  if (what.need.max_window_ms > 0 && valid_ms > what.need.max_window_ms)
    return fail("trust.approval.window", "the lane's profile lets an approval be good for " +
                                             show_duration(what.need.max_window_ms));
  trust::Approval out;
  out.approver = option(given, "as");
  out.decision = what.need.decision;
  out.plan = what.need.plan;
  out.lane = what.need.lane;
  out.blast_radius = what.need.blast_radius;
  out.cost_cap_micro = *micro;
  out.from_ms = now;
  out.until_ms = now + valid_ms;
  out.nonce = random_token();
  return out;
}

// L18: whoever approves sees whether what the run needs lasts until its end, this approval
// included. What could not is not signed.
Status show_horizon(Context& context, const po::variables_map& given, const Approvable& what,
                    const contract::Lane& lane, const trust::Approval& approval) {
  // Only where there is one: an approver's machine need not be a runner.
  std::optional<ledger::Ledger> ledger;
  if (fs::exists(setup_of(context).ledger())) {
    auto opened = use_ledger(context);
    if (!opened) return pass(opened);
    ledger.emplace(std::move(*opened));
  }
  auto forecast = engine::forecast(what.plan, ledger ? &*ledger : nullptr);
  if (!forecast) return pass(forecast);
  engine::Needs needs;
  needs.always = engine::approvals_need({{approval.approver, approval.until_ms}}, 1, "RUN");
  if (given.count("decision"))
    if (auto document = read_signed(option(given, "decision")))
      if (auto decision = trust::parse_decision(document->document))
        needs.until_irreversible.push_back(engine::decision_need(*decision));
  needs.secrets = engine::bundle_needs(what.plan, lane);
  const auto outlook = engine::look_ahead(*forecast, needs, approval.from_ms);
  context.say("  horizon           " + outlook.sentence);
  if (outlook.is != engine::Outlook::Is::not_enough) return {};
  return fail("engine.horizon", outlook.sentence + " (L18)", outlook.first->renew);
}

// Between two terminals a person is asked; in a script, naming the key is the yes.
bool agreed(const po::variables_map& given, const std::string& approver) {
  if (flag(given, "yes") || ::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1)
    return true;
  std::cout << "Approve this as " << approver << "? Type yes: " << std::flush;
  std::string word;
  return std::getline(std::cin, word) && word == "yes";
}

int sign(Context& context, const po::variables_map& given) {
  if (auto there = needed(given, {"as", "key", "cost-cap"}, "approval sign"); !there)
    return context.report(there.error());
  auto what = read_approvable(option(given, "plan"));
  if (!what) return context.report(what.error());
  auto lane = load_lane(context, option(given, "lane", what->plan.lane));
  if (!lane) return context.report(lane.error());
  if (what->plan.lane != lane->name)
    return context.report(
        make_error("trust.approval.other_lane",
                   "the plan is for lane " + what->plan.lane + ", not " + lane->name));
  const int64_t now = system_clock().wall_ms();
  if (auto good = check_plan_s_decision(given, *what, *lane, now); !good)
    return context.report(good.error());
  auto key = approver_key(option(given, "as"), option(given, "key"), *lane);
  if (!key) return context.report(key.error());
  auto approval = asked_for(given, *what, now);
  if (!approval) return context.report(approval.error());
  auto document = trust::to_document(*approval);
  if (!document) return context.report(document.error());
  if (auto other =
          trust::check_is_another(approval->approver, key->public_key(), what->need, *lane);
      !other)
    return context.report(other.error());

  show_what_is_approved(context, *what);
  if (auto shown = show_horizon(context, given, *what, *lane, *approval); !shown)
    return context.report(shown.error());
  if (!agreed(given, approval->approver)) return context.say("Nothing was signed."), exit_cancelled;
  const fs::path file = fs::path(option(given, "to", ".")) / (approval->approver + ".json");
  auto written = write_signed(file, *document, *key,
                              "hyops approval by " + approval->approver + "\tlane:" + lane->name +
                                  "\tplan:" + approval->plan);
  if (!written) return context.report(written.error());
  context.say("Approved as " + approval->approver + " until " + to_rfc3339(approval->until_ms) +
              ", at most " + show_money(approval->cost_cap_micro) + ": " + file.string());
  context.answer({{"file", file.string()},
                  {"approval", Json::parse(*document)},
                  {"digest", digest_of(*document)}});
  return exit_ok;
}

int show_approval(Context& context, const po::variables_map& given) {
  auto document = read_file(option(given, "file"), 1u << 20);
  if (!document) return context.report(document.error());
  auto approval = trust::parse_approval(*document);
  if (!approval) return context.report(approval.error());
  context.say("approval by " + approval->approver);
  context.say("  lane          " + approval->lane);
  context.say("  good from     " + to_rfc3339(approval->from_ms));
  context.say("  good until    " + to_rfc3339(approval->until_ms));
  context.say("  cost cap      " + show_money(approval->cost_cap_micro));
  context.say("  plan          " + approval->plan);
  context.say("  decision      " + approval->decision);
  context.say("  blast radius  " + approval->blast_radius);
  context.say(
      "Nothing was checked but the form. Check it: hyops approval verify DIR --plan PLAN.json "
      "--lane " +
      approval->lane);
  context.answer({{"approval", Json::parse(*document)}, {"digest", digest_of(*document)}});
  return exit_ok;
}

int verify_approval(Context& context, const po::variables_map& given) {
  if (auto there = needed(given, {"plan"}, "approval verify"); !there)
    return context.report(there.error());
  auto what = read_approvable(option(given, "plan"));
  if (!what) return context.report(what.error());
  auto lane = load_lane(context, option(given, "lane", what->plan.lane));
  if (!lane) return context.report(lane.error());
  auto now = time_of_check(given);
  if (!now) return context.report(now.error());
  auto documents = read_approvals(option(given, "folder"));
  if (!documents) return context.report(documents.error());
  what->need.lane = lane->name;
  if (given.count("by")) what->need.requesters.push_back(option(given, "by"));

  Json list = Json::array();
  for (const auto& verdict : trust::judge_approvals(*documents, what->need, *lane, *now)) {
    context.say((verdict.problem ? "  no   " : "  good ") + printable(verdict.name, 80) +
                (verdict.problem ? ": " + verdict.problem->text() : ""));
    list.push_back({{"name", verdict.name},
                    {"good", !verdict.problem},
                    {"approver", verdict.approval ? verdict.approval->approver : ""},
                    {"code", verdict.problem ? verdict.problem->code : ""}});
  }
  auto good = trust::check_approvals(*documents, what->need, *lane, *now);
  if (!good) return context.report(good.error());
  context.say(std::to_string(good->size()) + " good, " + std::to_string(what->need.required) +
              " needed, at " + to_rfc3339(*now) + ".");
  context.answer(
      {{"good", true}, {"at_ms", *now}, {"required", what->need.required}, {"approvals", list}});
  return exit_ok;
}

}  // namespace

void add_approval_commands(Commands& commands) {
  const auto text = [] { return po::value<std::string>(); };
  commands.push_back(
      {"approval",
       "sign",
       "PLAN.json",
       "approve a plan: sign its digest, blast radius, cost and time",
       "  hyops approval sign plan.json --decision decision.json --as alice --key "
       "alice.key \\\n"
       "    --valid 1h --cost-cap 5.00 --to approvals\n\n"
       "Shows what would be touched, then writes alice.json and alice.json.minisig.\n"
       "--json: {\"file\",\"digest\",\"approval\":{...}}",
       {"plan"},
       [text](po::options_description_easy_init add) {
         add("decision", text(), "the decision the plan was made from")(
             "lane", text(), "the lane, default the plan's")(
             "as", text(), "your name among the lane's approvers")(
             "key", text(), "your secret key")("valid", text(),
                                               "how long, default what the profile allows")(
             "cost-cap", text(), "the most it may cost, in the plan's currency: 5.00")(
             "to", text(), "folder, default here")("yes", "do not ask on a terminal");
       },
       sign});
  commands.push_back({"approval",
                      "show",
                      "FILE",
                      "show an approval without checking it",
                      "--json: {\"approval\":{...},\"digest\"}",
                      {"file"},
                      {},
                      show_approval});
  commands.push_back(
      {"approval",
       "verify",
       "DIR",
       "check approvals against a plan",
       "Every *.json in DIR with its .minisig. Whether one was used before, the runner knows.\n"
       "--json: "
       "{\"good\",\"at_ms\",\"required\",\"approvals\":[{\"name\",\"approver\",\"good\",\"code\"}]"
       "}",
       {"folder"},
       [text](po::options_description_easy_init add) {
         add("plan", text(), "the plan")("lane", text(), "the lane, default the plan's")(
             "by", text(), "who asked for the run, default as in the plan's request")(
             "at", text(), "check for this time, 2026-03-01T02:03:04.005Z");
       },
       verify_approval});
}

}  // namespace hyops::cli
