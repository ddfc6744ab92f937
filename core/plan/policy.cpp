// Obligations that can be judged before anything happens. Each refusal names the obligation's ID.
#include "plan/policy.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace hyops::plan {
namespace {

// What an address or access mode says of itself, wherever a step carries it.
bool says(const Step& step, const char* input, const char* value) {
  const auto found = step.inputs.find(input);
  return found != step.inputs.end() && found->second.known && found->second.value == value;
}

bool has_reason(const Step& step) {
  const auto found = step.inputs.find("public_reason");
  return found != step.inputs.end() && found->second.value.is_string() &&
         !found->second.value.get<std::string>().empty();
}

template <class Want>
bool any_step(const Plan& plan, Want want) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), want);
}

bool is_dr(const Plan& plan) { return plan.blueprint.starts_with("dr/"); }

void declared_egress(const Judged& judged, const Refuse& refuse) {
  const auto& plan = judged.plan;
  const bool places =
      any_step(plan, [](const Step& s) { return s.phase == contract::Phase::place; });
  const bool reaches =
      any_step(plan, [](const Step& s) { return s.interface == "hyops.access/1"; });
  const bool egress = any_step(plan, [](const Step& s) { return s.module.starts_with("egress/"); });
  if (plan.execution_plane == "runner-local" && places && reaches && !egress)
    refuse(
        "the blueprint places hosts for runner-local access but declares no egress step; "
        "an offline target declares it with mode \"none\"");
}

void no_overlay_alone(const Judged& judged, const Refuse& refuse) {
  if (is_dr(judged.plan) && judged.profile.connectivity == "private-overlay")
    refuse("profile " + judged.profile.name +
           " expects connectivity private-overlay, and the far end of an overlay may be what "
           "was lost: it is never the only path of a DR blueprint");
}

void no_public_access(const Judged& judged, const Refuse& refuse) {
  if (judged.plan.lane_kind == "live" && judged.profile.connectivity == "public-ephemeral")
    refuse("profile " + judged.profile.name +
           " expects connectivity public-ephemeral in the live lane " + judged.plan.lane +
           "; it is for drills");
}

// Where data lives no outside looks in; the same words as in the plugin.
bool is_database(const std::string& role) {
  for (const char* word : {"sql", "database", "mariadb", "mongo", "redis", "etcd"})
    if (role.find(word) != std::string::npos) return true;
  return role == "db";
}

// What is written of an input, or nothing where it is not known when planning.
Json value_of(const Step& step, const char* input) {
  const auto found = step.inputs.find(input);
  return found != step.inputs.end() && found->second.known ? found->second.value : Json();
}

bool allows_break_glass(const contract::Profile& profile) {
  const auto session = profile.defaults.find("access/session");
  if (session == profile.defaults.end()) return false;
  const auto said = session->second.find("break_glass");
  return said != session->second.end() && said->second == true;
}

// A step that opens a port to the outside (A5). The plugin judges again what it is given.
void narrow_public_access(const Judged& judged, const Refuse& refuse) {
  for (const auto& step : judged.plan.steps) {
    if (step.plugin != "hyops.access.public-ephemeral") continue;
    const auto no = [&](const std::string& why) { refuse("step " + step.id + " " + why); };
    if (!allows_break_glass(judged.profile))
      no("opens a port to the outside, and the defaults of access/session in profile " +
         judged.profile.name + " do not say break_glass = true");
    if (judged.profile.approvals_required < 1 || !judged.profile.approver_is_not_requester)
      no("opens a port to the outside, and profile " + judged.profile.name +
         " wants no approval by somebody else than who asks");
    const Json reason = value_of(step, "public_reason"), sources = value_of(step, "public_sources");
    if (!reason.is_string() ||
        reason.get_ref<const std::string&>().find_first_not_of(" \t") == std::string::npos)
      no("opens a port to the outside without a public_reason");
    if (!sources.is_array() || sources.empty())
      no("opens a port to the outside and names no public_sources");
    else
      for (const auto& source : sources)
        if (source.get<std::string>().ends_with("/0")) no("lets everybody in: " + source.dump());
    const auto hosts = step.inputs.find("hosts");
    const auto* placed = hosts == step.inputs.end()
                             ? nullptr
                             : judged.plan.find(hosts->second.reference.substr(
                                   0, hosts->second.reference.find('.')));
    const Json role = placed ? value_of(*placed, "role") : Json();
    if (role.is_string() && is_database(role.get<std::string>()))
      no("opens a port of a database, the hosts of step " + placed->id + ": it never is");
  }
}

void no_public_address(const Judged& judged, const Refuse& refuse) {
  for (const auto& step : judged.plan.steps)
    if (says(step, "address", "public") && !has_reason(step))
      refuse("step " + step.id + " asks for a public address without a public_reason");
}

void project_roles(const Judged& judged, const Refuse& refuse) {
  for (const auto& step : judged.plan.steps)
    if (step.inputs.count("project_id"))
      refuse("step " + step.id +
             " names a project_id; roles are host, control and workload project");
}

void runner_local(const Judged& judged, const Refuse& refuse) {
  if (is_dr(judged.plan) && judged.plan.execution_plane != "runner-local")
    refuse("a DR blueprint runs runner-local, not " + judged.plan.execution_plane);
}

void known_price(const Judged& judged, const Refuse& refuse) {
  const auto unpriced = judged.plan.cost.value("unpriced", std::vector<std::string>{});
  if (judged.profile.unknown_cost_denied && !unpriced.empty())
    refuse("the price of " + join(unpriced) + " is unknown, and unknown is not zero");
}

void within_budget(const Judged& judged, const Refuse& refuse) {
  const auto& profile = judged.profile;
  const int64_t estimate = get_int(judged.plan.cost, "estimate_micro");
  if (profile.cost_max_micro && estimate > *profile.cost_max_micro)
    refuse("a day of this costs " + std::to_string(estimate) + " micro-" + profile.cost_currency +
           ", more than the budget of " + std::to_string(*profile.cost_max_micro));
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = {
      {"A1", "policy.egress_undeclared",
       "Hosts that a runner reaches directly have their egress declared, \"none\" included.",
       declared_egress},
      {"A2", "policy.overlay_only",
       "A routed overlay is never the only path of a DR blueprint: its far end may be lost.",
       no_overlay_alone},
      {"A5", "policy.public_access", "Public access is for drills, never what a live lane expects.",
       no_public_access},
      {"A5", "policy.public_port",
       "A port is opened to the outside where a profile allows break-glass, for a reason, for "
       "named "
       "sources, after an approval, and never in front of a database.",
       narrow_public_access},
      {"A7", "policy.public_address", "No public address without a declared reason.",
       no_public_address},
      {"C4", "policy.project_id",
       "Projects are named by role (host, control, workload), never by a bare project_id.",
       project_roles},
      {"E1", "policy.execution_plane", "A DR blueprint runs on a runner at its target.",
       runner_local},
      {"G3", "policy.cost_unknown", "What has no known price is denied: unknown is not zero (L20).",
       known_price},
      {"G3", "policy.cost_exceeded", "A run stays within the budget of its profile.",
       within_budget},
  };
  return all;
}

void judge(const Plan& plan, const contract::Profile& profile, contract::Diagnostics& problems) {
  for (const auto& rule : rules())
    rule.judge({plan, profile}, [&](std::string sentence) {
      problems.push_back(make_error(rule.code, std::move(sentence) + " (" + rule.id + ")"));
    });
}

}  // namespace hyops::plan
