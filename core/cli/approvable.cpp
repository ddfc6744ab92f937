#include "cli/approvable.hpp"

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/trust.hpp"
#include "engine/admission.hpp"

namespace hyops::cli {
namespace {

std::vector<std::string> words_of(const Json& value) {
  const auto word = [](const Json& one) {
    return printable(one.is_string() ? one.get<std::string>() : one.dump(), 200);
  };
  std::vector<std::string> out;
  if (value.is_array())
    for (const auto& one : value) out.push_back(word(one));
  else if (!value.is_null() && value != false)
    out.push_back(word(value));  // not what a planner writes; hiding it would be worse
  return out;
}

}  // namespace

Result<Approvable> read_approvable(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) return pass(text);
  auto document = parse_json(*text, file.string());
  if (!document) return pass(document);
  auto plan = plan::parse_plan(*document);
  if (!plan) return pass(plan);
  auto digest = digest_of_json(*document);
  auto known = plan::digest(*plan);
  if (!digest) return pass(digest);
  if (!known) return pass(known);
  // What is shown is what was understood: a member that we drop must not be signed unseen.
  if (*digest != known->value)
    return fail("plan.malformed", file.string() + " holds more than a plan does");
  auto blast_radius = digest_of_json(plan->blast_radius);
  auto origin = engine::origin_digest(*plan);
  if (!blast_radius) return pass(blast_radius);
  if (!origin) return pass(origin);

  const Json& policy = member(plan->policy, "approvals");
  trust::ApprovalNeed need;
  need.decision = *origin;
  need.plan = *digest;
  need.lane = plan->lane;
  need.blast_radius = *blast_radius;
  need.cost_micro = get_int(plan->cost, "estimate_micro", -1);
  need.required = static_cast<int>(get_int(policy, "required", 1));
  need.requesters.push_back(get_string(member(plan->origin, "request"), "by"));
  need.requester_may_approve = get_bool(policy, "requester_may_approve");
  need.max_window_ms = get_int(policy, "valid_ms");
  for (const auto& name : member(policy, "by"))
    if (name.is_string()) need.permitted.push_back(name.get<std::string>());
  return Approvable{std::move(*plan), need};
}

void show_what_is_approved(Context& context, const Approvable& what) {
  const auto& plan = what.plan;
  const auto line = [&](const std::string& name, const std::string& value) {
    context.say("  " + name + std::string(name.size() < 18 ? 18 - name.size() : 1, ' ') + value);
  };
  context.say(printable(plan.title, 200));
  line("blueprint", printable(plan.blueprint + " " + plan.blueprint_version, 200));
  line("lane", printable(plan.lane + " (" + plan.lane_kind + ")", 100) + ", epoch " +
                   std::to_string(plan.epoch));
  line("target", printable(plan.target, 100));
  if (plan.origin.contains("request"))
    line("asked by", printable(get_string(member(plan.origin, "request"), "by") + ": " +
                                   get_string(member(plan.origin, "request"), "reason"),
                               400));
  else
    line("decision", printable(get_string(member(plan.origin, "decision"), "id"), 100));
  for (const auto& [kind, list] : plan.blast_radius.items())
    if (const auto touched = words_of(list); kind != "irreversible" && !touched.empty())
      line(printable(kind, 30), join(touched, ", "));
  const auto irreversible = words_of(member(plan.blast_radius, "irreversible"));
  line("IRREVERSIBLE", irreversible.empty() ? "nothing" : join(irreversible, ", "));
  line("cost", what.need.cost_micro < 0 ? "NOT KNOWN"
                                        : show_money(what.need.cost_micro) + " " +
                                              printable(get_string(plan.cost, "currency"), 8));
  const auto unpriced = words_of(member(plan.cost, "unpriced"));
  if (!unpriced.empty()) line("WITHOUT A PRICE", join(unpriced, ", "));
  for (const auto& [rule, why] : plan.accepted)
    line("PASSED OVER", printable(rule, 80) + " by " + printable(why.from, 80) + ": " +
                            printable(why.reason, 400));
  line("plan", what.need.plan);
}

}  // namespace hyops::cli
