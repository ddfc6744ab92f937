#include "base/catalogue/areas.hpp"

namespace hyops::catalogue_of {

std::span<const CatalogueEntry> plan() {
  using enum FailureClass;
  static constexpr CatalogueEntry entries[] = {
      {"plan.malformed", invalid,
       "A plan document cannot be read, or its order contradicts itself. It was changed or made by "
       "another version.",
       "Plan again with `hyops plan`."},
      {"plan.unfaithful", denied,
       "A plan is not what its blueprint, lane and profile give: it was changed after it was made. "
       "Approvals do not help; nothing was done.",
       "Plan again with `hyops plan`, and have that approved."},
      {"plan.input.unknown", invalid, "An --input names no input of any step of the blueprint.",
       "hyops blueprint show BLUEPRINT"},
      {"plan.input.missing", invalid,
       "A required input has no value in any layer: module default, profile, lane, blueprint, "
       "operator.",
       "Give it with --input STEP.INPUT=VALUE, or in the lane's [defaults]."},
      {"plan.lock.missing", denied,
       "The plan uses something that the lane's hyops.lock does not name.",
       "Review it, then hyops lane lock LANE BLUEPRINT."},
      {"plan.lock.changed", denied,
       "The plan uses something that is not, byte for byte, what the lane's hyops.lock names.",
       "Review the change, then hyops lane lock LANE BLUEPRINT."},
      {"plan.authority", invalid,
       "A step moves the lane's secret authority to one that the lane does not name, or where to "
       "is not known when it is planned (E6).",
       "home is the lane's [secrets], standby its [secrets.standby] in lane.toml."},
      {"plan.fact.missing", invalid, "A blueprint refers to a fact that the lane does not state.",
       "Add it under [facts] in the lane's lane.toml."},
      {"plan.state.missing", invalid,
       "A blueprint refers to published outputs that are not there in this lane and epoch. Results "
       "of another lane or an earlier drill never count (E9).",
       "hyops state list --lane LANE"},
      {"policy.public_address", denied,
       "No public address is the default everywhere; asking for one needs a declared reason (A7).",
       "Use a private address, or state public_reason."},
      {"policy.project_id", denied,
       "One project that owns everything hides who may touch what. The roles are host_project, "
       "control_project and workload_project (C4).",
       "Name the roles in the lane's [projects]."},
      {"policy.egress_undeclared", denied,
       "A runner-local target needs declared egress for bootstrap and tool delivery, or an "
       "explicit "
       "none (A1).",
       "Add an egress step to the blueprint."},
      {"policy.execution_plane", denied,
       "DR blueprints run from a runner that stands in the recovery target's plane (E1).",
       "Remove execution_plane from the blueprint."},
      {"policy.overlay_only", denied,
       "A routed overlay is good for normal operation, but on-prem may be gone when a DR blueprint "
       "runs. It is refused as its only path (A2).",
       "Set connectivity.expect in the profile to a path that does not end at the lost site, such "
       "as "
       "runner-local."},
      {"policy.public_access", denied,
       "Access over a public address that closes itself is for drills and breaking glass, never "
       "what "
       "a live lane expects (A5).",
       "Set connectivity.expect in the lane's profile to runner-local or bastion-explicit."},
      {"policy.public_port", denied,
       "A step would open a port to the outside. That is for drills and breaking glass: the "
       "profile "
       "says so in its defaults of access/session, somebody else approves, the plan has a reason "
       "and "
       "names who is let in, and no database is ever opened (A5).",
       "Bind access/session to another mode, or give public_reason and public_sources under a "
       "profile whose defaults of access/session say break_glass = true."},
      {"policy.cost_unknown", denied,
       "The price of something the run would open is not known. Unknown is denied, never taken as "
       "zero (G3, L20).",
       "Have the provider state its price."},
      {"policy.cost_exceeded", denied,
       "The run would cost more than the profile's budget allows (G3).",
       "Ask the owner of the profile for a larger budget."},
      {"policy.bastion_unnamed", denied,
       "Hosts are reached through a bastion, and the lane names none. A bastion is never inferred "
       "for a cloud target; on-prem and in the lab a jump host is taken by itself only in zones "
       "that "
       "the lane declares (A3).",
       "Name it in lane.toml: [plugins.\"...bastion-explicit\"] bastion = { name = ..., host_key = "
       "... }"},
      {"policy.access_platform", denied,
       "An access mode that belongs to one platform is optional there and a default nowhere. Its "
       "pack declares the platforms it is for, and these hosts stand on none of them (A4).",
       "Bind access/session to a pack of another mode in the lane's profile, or state the lane's "
       "fact platform for hosts that the plan does not place."},
      {"policy.cutover_early", denied,
       "Clients are sent to a new place only after its data was restored and found ready (E4). A "
       "plan that cuts over without both does not run, whoever approved it.",
       "Plan again from a blueprint that checks clean: hyops blueprint check"},
      {"policy.secrets_late", denied,
       "Secrets reach a target in a phase of their own, with evidence of their own, before anybody "
       "is sent there (E5).",
       "Plan again from a blueprint that checks clean: hyops blueprint check"},
      {"policy.public_downgrade", denied,
       "What blueprint, profile and lane declare private does not become public by a word at "
       "planning (E8). Who wants it public says so where it is reviewed.",
       "Take the --input back, or declare the address and its public_reason in the lane."},
      {"policy.approval_implicit", denied,
       "A live lane runs nothing that nobody had to approve, and nobody approves what they asked "
       "for "
       "(E8, L11).",
       "Set approvals.required to 1 or more in the lane's profile."},
      {"policy.repository_hard_coded", denied,
       "The backup repository is declared in the lane, where it can be found when sites are down. "
       "One that is written into a blueprint or typed at planning is refused (E8).",
       "Bind the input to a fact of the lane: { from = \"lane.repository\" }"},
      {"policy.access_mode", denied,
       "The profile declares how hosts are reached, and the pack that it binds reaches them in "
       "another way (E8).",
       "Bind access/session to a pack of the declared mode, or declare the other one in "
       "connectivity.expect."},
      {"policy.dns_binding", denied,
       "Which authority and which name a cutover moves is the lane's binding. A blueprint or an "
       "operator that names another one would reach into what is not this lane's (G6).",
       "State api, authority, zone and name as facts of the lane, and refer to them."},
      {"policy.fence_unproven", denied,
       "Promotion and cutover take the proof of a fence from a step of the same run (L12). A proof "
       "that somebody types is none.",
       "Refer to the proof of a step in phase fence: { from = \"fence-site.proof\" }"},
      {"policy.control_site", denied,
       "A part of the shared control plane stands in the primary site and is lost with it, so "
       "nobody "
       "could decide, approve or read records when it matters (D1).",
       "Move it, and say so in the lane's fact control_sites; or plan with --accept "
       "policy.control_site=REASON."},
      {"policy.gate_missing", denied,
       "In a live lane a person should look before clients are moved (G2). The lane's profile "
       "waits "
       "for nobody.",
       "Add \"cutover\" to gates.before in the profile, or plan with --accept "
       "policy.gate_missing=REASON."},
      {"policy.profile", denied,
       "The lane's profile has a rule of its own, and the plan breaks it. The message names the "
       "rule "
       "and the field.",
       "Change the field, or ask the owner of the profile. A should of a profile can be passed "
       "over: "
       "hyops plan --accept RULE=REASON"},
      {"policy.window", denied,
       "The lane's profile lets runs start only in certain hours, and this is none of them.",
       "Wait, or ask the owner of the profile; hyops policy check PLAN says when."},
      {"policy.validation", denied,
       "The lane's profile wants steps in certain phases of whatever cuts over, and the plan has "
       "none in one of them.",
       "Add such a step to the blueprint."},
      {"policy.accept", denied,
       "Only a should can be passed over, only where a plan does not do it, and only with a "
       "reason. "
       "A must cannot: nobody's reason outweighs it.",
       "hyops policy list"},
  };
  return entries;
}

}  // namespace hyops::catalogue_of
