// hyops policy: the obligations that are enforced before a run, and how a plan stands to them.
#include <algorithm>
#include <set>

#include "base/catalogue.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/terminal.hpp"
#include "plan/policy.hpp"

namespace hyops::cli {
namespace {

std::string_view word(contract::Severity severity) {
  return severity == contract::Severity::must ? "must" : "should";
}

Json to_json(const plan::Rule& rule) {
  return {{"id", rule.id},
          {"code", rule.code},
          {"sentence", rule.sentence},
          {"severity", word(rule.severity)}};
}

Json to_json(const plan::Finding& finding) {
  Json out{{"field", finding.field},
           {"sentence", finding.sentence},
           {"accepted", finding.accepted ? Json(finding.accepted->reason) : Json()}};
  if (finding.place)
    out["place"] = {{"file", finding.place->file},
                    {"line", finding.place->line},
                    {"column", finding.place->column}};
  return out;
}

int list_rules(Context& context, const po::variables_map&) {
  Json list = Json::array();
  for (const auto& rule : plan::rules()) {
    list.push_back(to_json(rule));
    context.say(cell(std::string(rule.id), 4) + " " + cell(std::string(word(rule.severity)), 7) +
                cell(std::string(rule.code), 30) + " " + std::string(rule.sentence));
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
    context.say(std::string(found.size() > 1 ? "\n" : "") + std::string(rule.id) + "  " +
                std::string(rule.sentence) + "\n");
    for (const auto& line : wrap(entry->paragraph, 90)) context.say("  " + line);
    context.say("\n  code: " + std::string(rule.code) + ", a " + std::string(word(rule.severity)) +
                "\n  next: " + std::string(entry->next));
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
  const auto* blueprint = catalog.blueprint(plan->blueprint, {}, problems);
  if (!blueprint) return context.report(problems);
  const auto found = plan::findings({*plan, *profile, &*lane, blueprint});
  Json told = Json::array();
  // One line a rule: what it wants, and whether the plan does it.
  const auto tell = [&](Json line, const std::string& id, const auto& about) {
    line["findings"] = Json::array();
    for (const auto& finding : found)
      if (about(finding)) {
        line["findings"].push_back(to_json(finding));
        if (finding.accepted)
          context.say("passed  " + cell(id, 4) + " " + finding.sentence + "; " +
                      finding.accepted->from + ": " + printable(finding.accepted->reason, 200));
      }
    const bool holds = line["findings"].empty();
    line["holds"] = holds;
    if (holds) context.say("holds   " + cell(id, 4) + " " + get_string(line, "sentence"));
    told.push_back(std::move(line));
  };
  for (const auto& rule : plan::rules())
    tell(to_json(rule), std::string(rule.id),
         [&](const plan::Finding& finding) { return finding.code == rule.code; });
  for (const auto& rule : profile->rules)
    tell({{"id", rule.id},
          {"code", "policy.profile"},
          {"sentence", rule.sentence},
          {"severity", word(rule.severity)}},
         rule.id, [&](const plan::Finding& finding) {
           return finding.code == "policy.profile" && finding.key == rule.id;
         });
  const int64_t now = system_clock().wall_ms();
  plan::judge(*plan, *profile, problems, &*lane, blueprint);
  if (auto open = plan::judge_time(*plan, *profile, now); !open) problems.push_back(open.error());
  if (!problems.empty()) return context.report(problems);
  context.answer({{"rules", told}});
  return exit_ok;
}

}  // namespace

void add_policy_commands(Commands& commands) {
  commands.push_back(
      {"policy",
       "list",
       "",
       "the obligations that every plan is held against before it may run",
       "No profile, lane or option switches a must off. A should is passed over with a reason: "
       "hyops plan --accept RULE=REASON.",
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
