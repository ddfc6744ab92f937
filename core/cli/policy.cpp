// hyops policy: the obligations that are enforced before a run, and how a plan stands to them.
#include <algorithm>
#include <set>

#include "base/catalogue.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/terminal.hpp"
#include "plan/policy.hpp"

namespace hyops::cli {
namespace {

Json to_json(const plan::Rule& rule) {
  return {{"id", rule.id}, {"code", rule.code}, {"sentence", rule.sentence}};
}

int list_rules(Context& context, const po::variables_map&) {
  Json list = Json::array();
  for (const auto& rule : plan::rules()) {
    list.push_back(to_json(rule));
    context.say(cell(rule.id, 4) + " " + cell(rule.code, 26) + " " + rule.sentence);
  }
  context.say("\n  next: hyops policy explain ID");
  context.answer({{"rules", list}});
  return exit_ok;
}

int explain_rule(Context& context, const po::variables_map& given) {
  const std::string wanted = option(given, "rule");
  Json found = Json::array();
  std::vector<std::string> known;
  for (const auto& rule : plan::rules()) {
    known.emplace_back(rule.id);
    if (wanted != rule.id && wanted != rule.code) continue;
    const CatalogueEntry* entry = find_in_catalogue(rule.code);
    Json told = to_json(rule);
    told["paragraph"] = entry->paragraph;
    told["next"] = entry->next;
    found.push_back(told);
    context.say(std::string(found.size() > 1 ? "\n" : "") + rule.id + "  " + rule.sentence + "\n");
    for (const auto& line : wrap(entry->paragraph, 90)) context.say("  " + line);
    context.say("\n  code: " + std::string(rule.code) + "\n  next: " + std::string(entry->next));
  }
  if (found.empty())
    return context.report(make_error(
        "cli.policy.unknown",
        "there is no rule \"" + printable(wanted, 80) + "\"." + did_you_mean(wanted, known)));
  context.answer({{"rules", found}});
  return exit_ok;
}

int check_plan(Context& context, const po::variables_map& given) {
  auto plan = read_plan(option(given, "plan"));
  if (!plan) return context.report(plan.error());
  auto lane = load_lane(context, plan->lane);
  if (!lane) return context.report(lane.error());
  contract::Diagnostics problems;
  contract::Catalog catalog(context.places.catalog);
  const auto* profile = catalog.profile(lane->profile, {}, problems);
  if (!profile) return context.report(problems);
  Json told = Json::array();
  for (const auto& rule : plan::rules()) {
    Json findings = Json::array();
    rule.judge({*plan, *profile}, [&](std::string sentence) {
      findings.push_back(sentence);
      problems.push_back(make_error(rule.code, std::move(sentence) + " (" + rule.id + ")"));
    });
    Json line = to_json(rule);
    line["holds"] = findings.empty();
    line["findings"] = findings;
    told.push_back(line);
    if (findings.empty()) context.say("holds   " + cell(rule.id, 4) + " " + rule.sentence);
  }
  if (!problems.empty()) return context.report(problems);
  context.answer({{"rules", told}});
  return exit_ok;
}

}  // namespace

void add_policy_commands(Commands& commands) {
  commands.push_back({"policy",
                      "list",
                      "",
                      "the obligations that every plan is held against before it may run",
                      "No profile, lane or option switches one off.",
                      {},
                      nullptr,
                      list_rules});
  commands.push_back({"policy",
                      "explain",
                      "RULE",
                      "what one of them wants, why, and what to do; by ID or code",
                      "  hyops policy explain A7",
                      {"rule"},
                      nullptr,
                      explain_rule});
  commands.push_back({"policy",
                      "check",
                      "PLAN",
                      "how a plan document stands to each of them, in its lane on this machine",
                      "  hyops plan dr/postgresql-failover --lane drill --to plan.json\n"
                      "  hyops policy check plan.json",
                      {"plan"},
                      nullptr,
                      check_plan});
}

}  // namespace hyops::cli
