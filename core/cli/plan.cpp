// hyops plan: what would run, with what, from where, touching what, at what cost; and two plans
// compared.
#include <algorithm>
#include <iomanip>
#include <iostream>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "cli/site.hpp"
#include "engine/horizon.hpp"
#include "engine/secrets.hpp"
#include "engine/world.hpp"

namespace hyops::cli {
namespace {

// --input STEP.INPUT=VALUE: JSON where it is, else text.
Result<std::map<std::string, Json>> operator_inputs(const po::variables_map& given) {
  std::map<std::string, Json> out;
  if (!given.count("input")) return out;
  for (const auto& word : given["input"].as<std::vector<std::string>>()) {
    const size_t at = word.find('=');
    if (at == std::string::npos || word.find('.') > at)
      return fail("cli.usage",
                  "--input wants STEP.INPUT=VALUE, not \"" + printable(word, 80) + "\"");
    const std::string value = word.substr(at + 1);
    auto parsed = parse_json(value, "--input");
    out[word.substr(0, at)] = parsed ? *parsed : Json(value);
  }
  return out;
}

// --accept RULE=REASON
Result<std::map<std::string, std::string>> accepted_rules(const po::variables_map& given) {
  std::map<std::string, std::string> out;
  if (!given.count("accept")) return out;
  for (const auto& word : given["accept"].as<std::vector<std::string>>()) {
    const size_t at = word.find('=');
    if (at == std::string::npos || at == 0)
      return fail("cli.usage", "--accept wants RULE=REASON, not \"" + printable(word, 80) + "\"");
    out[word.substr(0, at)] = word.substr(at + 1);
  }
  return out;
}

void print_list(Context& context, const char* title, const Json& list) {
  if (list.empty()) return;
  std::vector<std::string> words;
  for (const auto& item : list) words.push_back(printable(item.get<std::string>(), 160));
  std::string name = title;
  std::replace(name.begin(), name.end(), '_', ' ');
  name.resize(std::max<size_t>(name.size() + 1, 16), ' ');
  context.say("  " + name + join(words, "\n" + std::string(name.size() + 2, ' ')));
}

void print_plan(Context& context, const plan::Plan& plan, const std::string& digest) {
  context.say(plan.title + "\n");
  context.say("  blueprint       " + plan.blueprint + " " + plan.blueprint_version);
  context.say("  lane            " + plan.lane + " (" + plan.lane_kind + ", epoch " +
              std::to_string(plan.epoch) + "), profile " + plan.profile);
  context.say("  runs            " + plan.execution_plane + ", target " +
              (plan.target.empty() ? "not selected" : plan.target));
  if (plan.secrets_from != contract::home_authority)
    context.say("  secrets         from " + plan.secrets_from +
                ", where an earlier run moved them");
  if (plan.rto_ms)
    context.say("  RTO             " + show_duration(*plan.rto_ms) +
                (plan.rpo_ms ? ", RPO " + show_duration(*plan.rpo_ms) : ""));
  std::string phase;
  for (const auto& step : plan.steps) {
    if (phase != contract::name(step.phase)) {
      phase = contract::name(step.phase);
      context.say("\n" + phase);
    }
    context.say("  " + step.id + "  " + step.module + " by " + step.pack + " " + step.pack_version +
                " (" + std::string(contract::name(step.driver)) +
                (step.plugin.empty() ? "" : " " + step.plugin + " " + step.verb) + ", at most " +
                show_duration(step.timeout_ms) + ")" + (step.irreversible ? "  IRREVERSIBLE" : ""));
    for (const auto& [name, input] : step.inputs)
      context.say(
          "      " + name + " = " +
          (input.known
               ? printable(input.value.dump(-1, ' ', false, Json::error_handler_t::replace), 100)
               : "unknown until step " + split(input.reference, '.')[0] + " has run") +
          "   <- " + input.from);
  }
  context.say("\nblast radius");
  bool any = false;
  for (const char* what : plan::blast_radius_members) {
    const Json& touched = member(plan.blast_radius, what);
    any = any || !touched.empty();
    print_list(context, what, touched);
  }
  if (!any) context.say("  no host, address, name, secret or file is declared by any step");
  const int64_t micro = get_int(plan.cost, "estimate_micro");
  std::ostringstream cost;
  cost << "cost              " << micro / 1'000'000 << '.' << std::setw(2) << std::setfill('0')
       << micro / 10'000 % 100 << ' ' << get_string(plan.cost, "currency") << " for a day";
  context.say("\n" + cost.str());
  if (!plan.cost["unpriced"].empty()) print_list(context, "unpriced", plan.cost["unpriced"]);
  const Json& need = plan.policy["approvals"];
  const auto by = need.value("by", std::vector<std::string>{});
  context.say("approvals         " + std::to_string(get_int(need, "required")) + " needed" +
              (by.empty() ? "" : " of " + join(by)) +
              (get_bool(need, "requester_may_approve") ? "" : ", not by the requester"));
  for (const auto& [rule, why] : plan.accepted)
    context.say("passed over       " + rule + " by " + why.from + ": " +
                printable(why.reason, 200));
  context.say("digest            " + digest);
}

int make_plan(Context& context, const po::variables_map& given) {
  auto inputs = operator_inputs(given);
  if (!inputs) return context.report(inputs.error());
  auto accepted = accepted_rules(given);
  if (!accepted) return context.report(accepted.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto ledger = use_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto registry = open_registry(context, lane->name);
  if (!registry) return context.report(registry.error());

  std::optional<trust::Decision> decided;
  plan::Question question;
  question.lane = &*lane;
  question.target = option(given, "target");
  question.inputs = std::move(*inputs);
  question.accepted = std::move(*accepted);
  if (given.count("decision")) {
    auto document = read_signed(option(given, "decision"));
    if (!document) return context.report(document.error());
    auto decision = trust::check_decision(document->document, document->signature, *lane,
                                          system_clock().wall_ms());
    if (!decision) return context.report(decision.error());
    question.origin = {{"decision",
                        {{"id", decision->id},
                         {"type", decision->type},
                         {"digest", digest_of(document->document)}}}};
    if (question.target.empty()) question.target = decision->target;
    decided = *decision;
  } else {
    question.origin = {
        {"request", {{"by", requester(given)}, {"reason", option(given, "reason", "not given")}}}};
  }
  contract::Diagnostics problems;
  contract::Catalog catalog(context.places.catalog);
  question.blueprint = catalog.blueprint(option(given, "blueprint"), {}, problems);
  if (!question.blueprint) return context.report(problems);
  engine::LocalWorld local(&*ledger, *registry, *lane);
  auto plan = plan::resolve(question, catalog, local.world(), problems);
  if (!plan) return context.report(problems);
  plan::judge(*plan, *catalog.profile(lane->profile, {}, problems), problems, &*lane,
              question.blueprint);
  if (auto alone = engine::check_names(setup_of(context), *plan); !alone)
    problems.push_back(alone.error());
  if (const auto file = setup_of(context).lock_file(lane->name); std::filesystem::exists(file)) {
    const auto lock = contract::load_lock(file, problems);
    if (lock)
      if (auto agreed = plan::check_lock(*plan, *lock); !agreed) problems.push_back(agreed.error());
  }
  if (!problems.empty()) return context.report(problems);
  auto digest = plan::digest(*plan);
  auto text = canonical(plan::to_json(*plan));
  if (!digest || !text) return context.report(digest ? text.error() : digest.error());
  if (given.count("to"))
    if (auto written = write_file(option(given, "to"), *text); !written)
      return context.report(written.error());
  context.answer({{"digest", digest->value}, {"plan", plan::to_json(*plan)}});
  if (!context.json) print_plan(context, *plan, digest->value);
  auto forecast = engine::forecast(*plan, &*ledger);
  if (!forecast) return context.report(forecast.error());
  engine::Needs needs;
  if (decided) needs.until_irreversible.push_back(engine::decision_need(*decided));
  needs.secrets = engine::bundle_needs(*plan, *lane);
  context.say("horizon           " +
              engine::look_ahead(*forecast, needs, system_clock().wall_ms()).sentence);
  if (given.count("to")) context.say("written to        " + option(given, "to"));
  return exit_ok;
}

int compare_plans(Context& context, const po::variables_map& given) {
  auto before = read_plan(option(given, "before")), after = read_plan(option(given, "after"));
  if (!before) return context.report(before.error());
  if (!after) return context.report(after.error());
  const auto sentences = plan::diff(*before, *after);
  context.answer({{"differences", sentences}});
  for (const auto& sentence : sentences) context.say(sentence);
  if (sentences.empty()) context.say("the plans are the same");
  return exit_ok;
}

}  // namespace

void add_plan_commands(Commands& commands) {
  commands.push_back(
      {"plan",
       "",
       "BLUEPRINT",
       "what a run would do, touch and cost; nothing is changed",
       "The plan and its digest are what people approve, and what runs is exactly that.\n"
       "  hyops plan dr/postgresql-failover --lane drill --decision decision.json --to plan.json",
       {"blueprint"},
       [](po::options_description_easy_init add) {
         add("lane", po::value<std::string>()->required(), "the lane")(
             "decision", po::value<std::string>(),
             "the signed decision it follows from (its signature beside it)")(
             "target", po::value<std::string>(),
             "the execution plane; default: the decision's target")(
             "reason", po::value<std::string>(), "why, where there is no decision")(
             "by", po::value<std::string>(), "who asks; default: the login name")(
             "input", po::value<std::vector<std::string>>(),
             "STEP.INPUT=VALUE, above all other layers; repeatable")(
             "accept", po::value<std::vector<std::string>>(),
             "RULE=REASON: pass a should over; the reason stays in plan and record; repeatable")(
             "to", po::value<std::string>(), "write the plan document there");
       },
       make_plan});
  commands.push_back({"plan",
                      "diff",
                      "BEFORE AFTER",
                      "what differs between two plan documents, in words",
                      "",
                      {"before", "after"},
                      {},
                      compare_plans});
}

}  // namespace hyops::cli
