// Obligations that can be judged before anything happens, each with the field that breaks it.
#include "base/text.hpp"
#include "plan/access_rules.hpp"
#include "plan/rule_terms.hpp"

namespace hyops::plan {
namespace {

using contract::Phase;
using contract::Severity;

// A value that somebody wrote into a blueprint or typed at planning, not what a lane declares.
bool is_literal(const Input& input) {
  return input.from == "operator" || input.from.starts_with("blueprint ");
}

// --- composition
void project_roles(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    if (step.inputs.count("project_id"))
      report(
          at(step, "project_id"),
          "step " + step.id + " names a project_id; roles are host, control and workload project");
}

// --- decision
void control_outside(const Judged& judged, const Report& report) {
  if (!is_dr(judged.plan) || !judged.lane) return;
  const auto& facts = judged.lane->facts;
  const auto primary = facts.find("primary_site"), sites = facts.find("control_sites");
  if (primary == facts.end() || sites == facts.end() || !sites->second.is_object()) return;
  for (const auto& [part, site] : sites->second.items())
    if (site == primary->second)
      report("lane.facts.control_sites." + part, printable(part, 60) + " of lane " +
                                                     judged.lane->name +
                                                     " stands in the primary site and is lost "
                                                     "with it");
}

// --- execution
void runner_local(const Judged& judged, const Report& report) {
  if (is_dr(judged.plan) && judged.plan.execution_plane != "runner-local")
    report("blueprint.execution_plane",
           "a DR blueprint runs runner-local, not " + judged.plan.execution_plane);
}

void data_before_cutover(const Judged& judged, const Report& report) {
  const Step* cutover = step_of(judged.plan, Phase::cutover);
  for (const auto phase : {Phase::data, Phase::readiness})
    if (cutover && !step_of(judged.plan, phase))
      report(at(*cutover), "step " + cutover->id + " cuts over, and no step of phase " +
                               std::string(contract::name(phase)) + " comes before it");
}

void secrets_before_cutover(const Judged& judged, const Report& report) {
  const Step* cutover = step_of(judged.plan, Phase::cutover);
  const Step* taker = find_step(judged.plan, [](const Step& step) {
    if (step.phase == Phase::cutover || step.phase == Phase::fence) return false;
    return std::any_of(step.inputs.begin(), step.inputs.end(), [](const auto& input) {
      return input.second.type.find("secret") != std::string::npos;
    });
  });
  if (cutover && taker && !step_of(judged.plan, Phase::secrets))
    report(at(*taker), "step " + taker->id +
                           " takes a secret before the cutover, and no step of phase secrets "
                           "brings it");
}

void approval_stays_explicit(const Judged& judged, const Report& report) {
  if (is_live(judged.plan) && judged.profile.approvals_required < 1)
    report("profile.approvals.required",
           "nobody has to approve what runs in the live lane " + judged.plan.lane);
  if (is_live(judged.plan) && !judged.profile.approver_is_not_requester)
    report("profile.approvals.distinct_from_requester",
           "who asks for a run of the live lane " + judged.plan.lane + " may approve it");
}

void repository_of_the_lane(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    if (const auto found = step.inputs.find("repository");
        found != step.inputs.end() && found->second.known && is_literal(found->second))
      report(at(step, "repository"), "step " + step.id + " takes its repository from " +
                                         found->second.from + ", not from what the lane declares");
}

// --- governance
void person_before_cutover(const Judged& judged, const Report& report) {
  const Step* cutover = step_of(judged.plan, Phase::cutover);
  const auto& gates = judged.profile.gates_before;
  if (cutover && is_live(judged.plan) &&
      std::find(gates.begin(), gates.end(), "cutover") == gates.end())
    report("profile.gates.before", "profile " + judged.profile.name + " lets step " + cutover->id +
                                       " of the live lane " + judged.plan.lane +
                                       " move clients while nobody looks");
}

void known_price(const Judged& judged, const Report& report) {
  const auto unpriced = judged.plan.cost.value("unpriced", std::vector<std::string>{});
  if (!unpriced.empty())
    report("cost.unpriced",
           "the price of " + join(unpriced) + " is unknown, and unknown is not zero");
}

void within_budget(const Judged& judged, const Report& report) {
  const auto& profile = judged.profile;
  const int64_t estimate = get_int(judged.plan.cost, "estimate_micro");
  if (profile.cost_max_micro && estimate > *profile.cost_max_micro)
    report("profile.cost.max_per_run",
           "a day of this costs " + std::to_string(estimate) + " micro-" + profile.cost_currency +
               ", more than the budget of " + std::to_string(*profile.cost_max_micro));
}

void dns_of_the_lane(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps) {
    if (!step.module.starts_with("dns/")) continue;
    for (const char* input : {"api", "authority", "zone", "name", "api_key"})
      if (const auto found = step.inputs.find(input);
          found != step.inputs.end() && found->second.known && is_literal(found->second))
        report(at(step, input), "step " + step.id + " takes its " + input + " from " +
                                    found->second.from + "; which name and authority is lane " +
                                    judged.plan.lane + "'s to say");
  }
}

// --- fence
void fence_of_this_run(const Judged& judged, const Report& report) {
  for (const auto& step : judged.plan.steps)
    for (const auto& name : step.proofs) {
      const auto found = step.inputs.find(name);
      if (found == step.inputs.end()) continue;
      const Input& input = found->second;
      if (input.known && input.value == Json("")) {  // good where there is nothing to be fenced
        for (const auto& hosts : step.fenced)
          if (const auto at_hosts = step.inputs.find(hosts);
              at_hosts != step.inputs.end() && !at_hosts->second.value.empty())
            report(at(step, name), "step " + step.id + " takes no proof of a fence, and " + hosts +
                                       " could still take writes");
        continue;
      }
      const Step* source = source_of(judged.plan, step, name);
      if (input.known || !source || source->phase != Phase::fence)
        report(at(step, name), "step " + step.id + " takes its proof of a fence from " +
                                   input.from + ", which is no step of phase fence of this run");
    }
}

}  // namespace

const std::vector<Rule>& rules() {
  using enum Severity;
  static const std::vector<Rule> all = {
      {"A1", "policy.egress_undeclared",
       "Hosts that a runner reaches directly have their egress declared, \"none\" included.", must,
       declared_egress},
      {"A2", "policy.overlay_only",
       "A routed overlay is never the only path of a DR blueprint: its far end may be lost.", must,
       no_overlay_alone},
      {"A3", "policy.bastion_unnamed",
       "A bastion is named; one is taken by itself in the site's own and the lab's zones alone.",
       must, named_bastion},
      {"A4", "policy.access_platform",
       "An access mode that is of one platform reaches hosts of that platform alone.", must,
       mode_of_the_platform},
      {"A5", "policy.public_access", "Public access is for drills, never what a live lane expects.",
       must, no_public_access},
      {"A5", "policy.public_port",
       "A port is opened to the outside where a profile allows break-glass, for a reason, for "
       "named sources, after an approval, and never in front of a database.",
       must, narrow_public_access},
      {"A7", "policy.public_address", "No public address without a declared reason.", must,
       no_public_address},
      {"C4", "policy.project_id",
       "Projects are named by role (host, control, workload), never by a bare project_id.", must,
       project_roles},
      {"D1", "policy.control_site",
       "What decides, approves and keeps records stands outside the primary site.", should,
       control_outside},
      {"E1", "policy.execution_plane", "A DR blueprint runs on a runner at its target.", must,
       runner_local},
      {"E4", "policy.cutover_early",
       "Nothing is cut over before its data was restored and found ready.", must,
       data_before_cutover},
      {"E5", "policy.secrets_late", "Secrets come in a phase of their own before the cutover.",
       must, secrets_before_cutover},
      {"E8", "policy.public_downgrade",
       "What was declared private does not become public by a word at planning.", must,
       nothing_made_public},
      {"E8", "policy.approval_implicit",
       "In a live lane somebody approves, and never who asked (L11).", must,
       approval_stays_explicit},
      {"E8", "policy.repository_hard_coded",
       "The backup repository is the one that the lane declares.", must, repository_of_the_lane},
      {"E8", "policy.access_mode", "Hosts are reached in the mode that the profile declares.", must,
       access_as_declared},
      {"G2", "policy.gate_missing", "In a live lane a person looks before the cutover.", should,
       person_before_cutover},
      {"G3", "policy.cost_unknown", "What has no known price is denied: unknown is not zero (L20).",
       must, known_price},
      {"G3", "policy.cost_exceeded", "A run stays within the budget of its profile.", must,
       within_budget},
      {"G6", "policy.dns_binding",
       "A lane moves only the names that it declares, at its authority.", must, dns_of_the_lane},
      {"L12", "policy.fence_unproven",
       "Promotion and cutover take the proof of a fence from a step of the same run.", must,
       fence_of_this_run},
  };
  return all;
}

}  // namespace hyops::plan
