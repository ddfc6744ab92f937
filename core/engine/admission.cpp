#include "engine/admission.hpp"

#include <algorithm>
#include <map>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/horizon.hpp"
#include "engine/reserve.hpp"
#include "engine/secrets.hpp"
#include "engine/window.hpp"
#include "plan/policy.hpp"
#include "trust/approval.hpp"

namespace hyops::engine {
namespace {

// E2: runner-local work runs on a bootstrapped runner of the target's plane, or not at all.
Status check_runner(const Setup& setup, const plan::Plan& plan, const contract::Lane& lane) {
  if (plan.execution_plane != "runner-local") return {};
  const std::string there = lane.runner_in(plan.target);
  const std::string where_instead =
      plan.target.empty() ? "Plan it for the plane of a runner, then approve that: hyops plan "
                            "BLUEPRINT --target PLANE"
      : there.empty()     ? "Name a runner of plane " + plan.target + " in " + lane.file.string() +
                            ", where it was made by: hyops runner init --plane " + plan.target
                      : "hyops run dispatch PLAN --runner " + there;
  auto attestation = read_attestation(setup);
  if (!attestation) return pass(attestation);
  if (!*attestation)
    return fail("engine.runner.none",
                "this machine is not a bootstrapped runner, and the plan runs runner-local (E2)",
                where_instead);
  if ((*attestation)->plane != plan.target)
    return fail("engine.runner.plane",
                "this runner stands in plane " + (*attestation)->plane + ", and the plan " +
                    (plan.target.empty() ? "selects no target" : "targets " + plan.target) +
                    " (E2)",
                where_instead);
  // Which machines those are is the lane's word: keys that it does not know sign no record of it.
  const auto is_this = [&](const auto& named) {
    return named.second.key == (*attestation)->key && named.second.plane == (*attestation)->plane;
  };
  if (!lane.runners.empty() && std::none_of(lane.runners.begin(), lane.runners.end(), is_this))
    return fail("engine.runner.lane", "lane " + lane.name + " knows no runner of plane " +
                                          (*attestation)->plane + " with the key of this one, " +
                                          (*attestation)->name + " (E2)");
  return {};
}

// E8: the backup source that the decision declares ("stanza@host") is the one that is restored
// from.
Status check_repository(const trust::Decision& decision, const plan::Plan& plan) {
  for (const auto& step : plan.steps) {
    const auto repository = step.inputs.find("repository"), stanza = step.inputs.find("stanza");
    if (decision.repository.empty() || repository == step.inputs.end() ||
        stanza == step.inputs.end() || !repository->second.known || !stanza->second.known ||
        !repository->second.value.is_object() || !stanza->second.value.is_string())
      continue;
    const std::string planned = stanza->second.value.get<std::string>() + "@" +
                                get_string(repository->second.value, "name");
    if (planned != decision.repository)
      return fail("engine.decision.repository",
                  "the decision declares the repository " + printable(decision.repository, 120) +
                      ", and step " + step.id + " would use " + printable(planned, 120) + " (E8)");
  }
  return {};
}

Result<std::optional<trust::Decision>> check_origin(const Admission& admission,
                                                    const plan::Plan& plan,
                                                    const Surroundings& here, int64_t now) {
  const auto& wanted = here.blueprint.decision;
  if (!plan.origin.contains("decision")) {
    if (!wanted.empty() && here.lane.kind == "live")
      return fail("engine.decision.required", "blueprint " + plan.blueprint +
                                                  " starts from a signed decision (" +
                                                  join(wanted, " or ") + ")");
    // It would stand in the record as the origin of a run that it did not start.
    if (admission.decision)
      return fail("engine.decision.other",
                  "a decision was handed over, and the plan was made on a request");
    return std::nullopt;
  }
  if (!admission.decision)
    return fail("engine.decision.missing", "the plan names a decision, but none was handed over");
  auto decision = trust::check_decision(admission.decision->document, admission.decision->signature,
                                        here.lane, now);
  if (!decision) return pass(decision);
  if (digest_of(admission.decision->document) != get_string(plan.origin["decision"], "digest"))
    return fail("engine.decision.other", "the decision is not the one the plan was made from");
  if (std::find(wanted.begin(), wanted.end(), decision->type) == wanted.end())
    return fail("engine.decision.type",
                "a " + decision->type + " decision does not start blueprint " + plan.blueprint);
  if (decision->target != plan.target)
    return fail("engine.decision.target",
                "the decision selects " + decision->target + ", the plan targets " + plan.target);
  if (auto same = check_repository(*decision, plan); !same) return pass(same);
  return std::optional(*decision);
}

}  // namespace

Result<std::string> origin_digest(const plan::Plan& plan) {
  if (plan.origin.contains("decision")) return get_string(plan.origin["decision"], "digest");
  return digest_of_json(plan.origin.value("request", Json::object()));
}

namespace {

// What an approval of this plan has to be. `requesters`: who starts it, and who signed its
// decision; who asked for the plan stands in it.
Result<trust::ApprovalNeed> approval_need(const plan::Plan& plan, const Surroundings& here,
                                          std::vector<std::string> requesters,
                                          bool decision_wants_one) {
  auto digest = plan::digest(plan);
  auto origin = origin_digest(plan);
  auto blast = digest_of_json(plan.blast_radius);
  if (!digest || !origin || !blast)
    return fail("plan.malformed", "the plan has no digestible origin or blast radius");
  trust::ApprovalNeed need;
  need.decision = *origin;
  need.plan = digest->value;
  need.lane = plan.lane;
  need.blast_radius = *blast;
  need.cost_micro = get_int(plan.cost, "estimate_micro", -1);
  need.max_window_ms = here.profile.approval_valid_ms;
  need.required = std::max(here.profile.approvals_required, decision_wants_one ? 1 : 0);
  if (plan.origin.contains("request"))
    requesters.push_back(get_string(plan.origin["request"], "by"));
  need.requesters = std::move(requesters);
  need.requester_may_approve = !here.profile.approver_is_not_requester;
  need.permitted = here.profile.approval_by;
  return need;
}

// What a run is admitted by.
struct Accepted {
  std::optional<trust::Decision> decision;
  trust::ApprovalNeed need;
  std::vector<trust::Approval> approvals;
};

Result<Accepted> accept(const Admission& admission, const plan::Plan& plan,
                        const Surroundings& here, int64_t now) {
  if (auto open = plan::judge_time(plan, here.profile, now); !open) return pass(open);
  auto decision = check_origin(admission, plan, here, now);
  if (!decision) return pass(decision);
  std::vector<std::string> requesters{admission.requester};
  if (*decision) requesters.push_back((*decision)->decider);
  auto need =
      approval_need(plan, here, std::move(requesters), *decision && (*decision)->requires_approval);
  if (!need) return pass(need);
  auto approvals = trust::check_approvals(admission.approvals, *need, here.lane, now);
  if (!approvals) return pass(approvals);
  return Accepted{std::move(*decision), std::move(*need), std::move(*approvals)};
}

ledger::Documents kept(const std::vector<trust::SignedDocument>& approvals, bool named_apart) {
  ledger::Documents out;
  for (const auto& document : approvals) {
    // What is no approval at all is not kept as one: nobody could verify the record.
    if (!trust::parse_approval(document.document)) continue;
    const std::string digest = sha256_hex(document.document).substr(0, 12);
    const std::string name =
        is_name(document.name) ? document.name + (named_apart ? "-" + digest : "") : digest;
    out.emplace_back("approvals/" + name + ".json", document.document);
    out.emplace_back("approvals/" + name + ".json.minisig", document.signature);
  }
  return out;
}

std::pair<std::string, Json> accepted(const trust::Approval& approval) {
  return {"approval.accepted", Json{{"approver", approval.approver},
                                    {"plan", approval.plan},
                                    {"until_ms", approval.until_ms},
                                    {"from_ms", approval.from_ms},
                                    {"cost_cap_micro", approval.cost_cap_micro}}};
}

ledger::Once used(const trust::Approval& approval) {
  return {"approval", approval.approver + ":" + approval.nonce};
}

// L18: a run that could not end before something that it needs is not begun.
Result<Json> look_at_horizon(const plan::Plan& plan, ledger::Ledger& ledger, const Needs& needs,
                             int64_t now) {
  auto expected = forecast(plan, &ledger);
  if (!expected) return pass(expected);
  const Outlook outlook = look_ahead(*expected, needs, now);
  if (outlook.is == Outlook::Is::not_enough)
    return fail("engine.horizon", outlook.sentence + " (L18)", outlook.first->renew);
  Json body{{"sentence", outlook.sentence},
            {"at_most_ms", expected->at_most_ms},
            {"measured_ms", expected->measured_ms},
            {"enough", outlook.is == Outlook::Is::enough}};
  if (outlook.first)
    body["first"] = {{"what", outlook.first->what}, {"ends_ms", outlook.first->ends_ms}};
  return body;
}

}  // namespace

Result<plan::Plan> admitted_plan(ledger::Ledger& ledger, const RunId& run) {
  auto document = ledger.plan_of(run);
  if (!document) return pass(document);
  return plan::parse_plan(*document);
}

Status renew(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
             const std::vector<trust::SignedDocument>& approvals) {
  const int64_t now = setup.clock().wall_ms();
  auto row = ledger.run(run);
  if (!row) return pass(row);
  auto plan = admitted_plan(ledger, run);
  if (!plan) return pass(plan);
  contract::Catalog catalog(setup.catalog);
  auto here = surroundings(setup, catalog, *plan);
  if (!here) return pass(here);
  auto documents = ledger.documents(run);
  if (!documents) return pass(documents);
  std::map<std::string, std::string> admitted(documents->begin(), documents->end());
  std::vector<std::string> requesters{row->requester};
  if (admitted.count("decision.json")) {
    auto decider =
        trust::decider_of(admitted["decision.json"], admitted["decision.json.minisig"], here->lane);
    if (!decider) return pass(decider);
    requesters.push_back(std::move(*decider));
  }
  auto need = approval_need(*plan, *here, std::move(requesters), true);
  if (!need) return pass(need);
  auto set = ledger.clock_set_ms();
  if (!set) return pass(set);
  auto good = open_by_both_clocks(now, *set, [&](int64_t at) {
    return trust::check_approvals(approvals, *need, here->lane, at);
  });
  if (!good) return pass(good);
  std::vector<ledger::Once> once;
  ledger::Events events;
  for (const auto& approval : *good) {
    once.push_back(used(approval));
    events.push_back(accepted(approval));
  }
  return ledger.add_to_run(run, once, kept(approvals, true), events);
}

Result<RunId> admit(const Setup& setup, ledger::Ledger& ledger, const Admission& admission) {
  const int64_t now = setup.clock().wall_ms();
  auto plan = plan::parse_plan(admission.plan);
  if (!plan) return pass(plan);
  auto digest = plan::digest(*plan);
  if (!digest) return pass(digest);
  contract::Catalog catalog(setup.catalog);
  auto here = surroundings(setup, catalog, *plan);
  if (!here) return pass(here);
  if (auto ok = check_runner(setup, *plan, here->lane); !ok) return pass(ok);
  if (auto ok = plan::check_faithful(*plan, here->blueprint, here->lane, catalog); !ok)
    return pass(ok);
  contract::Diagnostics problems;
  plan::judge(*plan, here->profile, problems, &here->lane, &here->blueprint);
  if (!problems.empty()) return Failure(contract::first_of(problems));
  if (auto alone = check_names(setup, *plan); !alone) return pass(alone);
  auto set = ledger.clock_set_ms();
  if (!set) return pass(set);
  auto by = open_by_both_clocks(now, *set,
                                [&](int64_t at) { return accept(admission, *plan, *here, at); });
  if (!by) return pass(by);

  Needs needs;
  std::vector<std::pair<std::string, int64_t>> until;
  for (const auto& approval : by->approvals)
    until.emplace_back(approval.approver, approval.until_ms);
  needs.always = approvals_need(until, by->need.required, "RUN");
  if (by->decision) needs.until_irreversible.push_back(decision_need(*by->decision));
  needs.secrets = bundle_needs(*plan, here->lane);
  auto horizon = look_at_horizon(*plan, ledger, needs, now);
  if (!horizon) return pass(horizon);

  // Before decision and approvals are used up for a run that could not start anything.
  if (auto room = require_room(setup.home); !room) return pass(room);
  const RunId run = admission.run.empty() ? new_run_id(now) : RunId(admission.run);
  if (!is_name(run.value))
    return fail("file.name", "\"" + printable(run.value, 80) + "\" cannot be the id of a run");
  auto known = ledger.find_run(run);
  if (!known) return pass(known);
  if (*known) return fail("ledger.run.exists", "run " + run.value + " exists already");
  // D3: each decision and approval is good for one run, also after a restart.
  std::vector<ledger::Once> once;
  if (by->decision) once.push_back({"decision", by->decision->nonce});
  for (const auto& approval : by->approvals) once.push_back(used(approval));

  ledger::RunRow row;
  row.id = run;
  row.lane = plan->lane;
  row.blueprint = plan->blueprint;
  row.status = "planned";
  row.plan = *digest;
  row.created_ms = row.updated_ms = now;
  row.requester = admission.requester;
  Json inputs = Json::object();
  for (const auto& step : plan->steps)
    for (const auto& [name, input] : step.inputs)
      inputs[step.id][name] = {
          {"value", input.value}, {"known", input.known}, {"from", input.from}};
  ledger::Documents documents;
  if (admission.decision) {
    documents.emplace_back("decision.json", admission.decision->document);
    documents.emplace_back("decision.json.minisig", admission.decision->signature);
  }
  const auto given = kept(admission.approvals, false);
  documents.insert(documents.end(), given.begin(), given.end());
  ledger::Events events{{"run.admitted", Json{{"plan", digest->value},
                                              {"requester", admission.requester},
                                              {"least_token", admission.least_token}}}};
  for (const auto& approval : by->approvals) events.push_back(accepted(approval));
  events.emplace_back("horizon.judged", *horizon);
  for (const auto& [rule, why] : plan->accepted)
    events.emplace_back("policy.accepted",
                        Json{{"rule", rule}, {"reason", why.reason}, {"from", why.from}});
  if (auto made = make_folders(setup.run_folder(run.value)); !made) return pass(made);
  if (auto created = ledger.create_run(row, admission.plan, inputs, once, documents, events);
      !created)
    return pass(created);
  return run;
}

}  // namespace hyops::engine
