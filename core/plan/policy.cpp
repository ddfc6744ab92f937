// Obligations that can be judged before anything happens. Each refusal names the obligation's ID.
#include "base/text.hpp"
#include "plan/plan.hpp"

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

}  // namespace

void judge(const Plan& plan, const contract::Profile& profile, contract::Diagnostics& problems) {
  const auto refuse = [&](std::string_view code, std::string message) {
    problems.push_back(make_error(code, std::move(message)));
  };
  bool egress = false, reaches_hosts = false;
  for (const auto& step : plan.steps) {
    if (step.module.starts_with("egress/")) egress = true;
    if (step.interface == "hyops.access/1") reaches_hosts = true;
    if (says(step, "address", "public") && !has_reason(step))
      refuse("policy.public_address",
             "step " + step.id + " asks for a public address without a public_reason (A7)");
    if (step.inputs.count("project_id"))
      refuse("policy.project_id",
             "step " + step.id +
                 " names a project_id; roles are host, control and workload project (C4)");
  }
  const bool places = [&] {
    for (const auto& step : plan.steps)
      if (step.phase == contract::Phase::place) return true;
    return false;
  }();
  if (plan.execution_plane == "runner-local" && places && reaches_hosts && !egress)
    refuse("policy.egress_undeclared",
           "the blueprint places hosts for runner-local access but declares no egress step; "
           "an offline target declares it with mode \"none\" (A1)");
  if (plan.blueprint.starts_with("dr/") && plan.execution_plane != "runner-local")
    refuse("policy.execution_plane",
           "a DR blueprint runs runner-local, not " + plan.execution_plane + " (E1)");
  if (plan.blueprint.starts_with("dr/") && profile.connectivity == "private-overlay")
    refuse("policy.overlay_only",
           "profile " + profile.name +
               " expects connectivity private-overlay, and the far end of an overlay may be what "
               "was lost: it is never the only path of a DR blueprint (A2)");
  if (plan.lane_kind == "live" && profile.connectivity == "public-ephemeral")
    refuse("policy.public_access", "profile " + profile.name +
                                       " expects connectivity public-ephemeral in the live lane " +
                                       plan.lane + "; it is for drills (A5)");
  const auto unpriced = plan.cost.value("unpriced", std::vector<std::string>{});
  if (profile.unknown_cost_denied && !unpriced.empty())
    refuse("policy.cost_unknown",
           "the price of " + join(unpriced) + " is unknown, and unknown is not zero (G3, L20)");
  const int64_t estimate = get_int(plan.cost, "estimate_micro");
  if (profile.cost_max_micro && estimate > *profile.cost_max_micro)
    refuse("policy.cost_exceeded", "a day of this costs " + std::to_string(estimate) + " micro-" +
                                       profile.cost_currency + ", more than the budget of " +
                                       std::to_string(*profile.cost_max_micro) + " (G3)");
}

}  // namespace hyops::plan
