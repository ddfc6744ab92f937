#include "trust/approval.hpp"

#include <algorithm>
#include <set>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "trust/document.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {
namespace {

// The key material requesters may hold: under a name as approver or decider, or given as a key.
std::set<std::string> keys_of_requesters(const ApprovalNeed& need, const contract::Lane& lane) {
  std::set<std::string> out;
  const auto add = [&](std::string_view text) {
    if (const auto key = parse_public_key(text)) out.insert(key->material());
  };
  for (const auto& requester : need.requesters) {
    for (const auto* people : {&lane.approvers, &lane.deciders})
      if (const auto found = people->find(requester); found != people->end()) add(found->second);
    if (!requester.empty()) add(requester);
  }
  return out;
}

std::string who(const Approval& approval) { return "the approval by " + approval.approver; }

Status check_window(const Approval& approval, const ApprovalNeed& need, int64_t now_ms) {
  if (need.max_window_ms > 0 && approval.until_ms - approval.from_ms > need.max_window_ms)
    return fail("trust.approval.window", who(approval) + " is good for " +
                                             show_duration(approval.until_ms - approval.from_ms) +
                                             "; the profile allows " +
                                             show_duration(need.max_window_ms));
  if (now_ms < approval.from_ms)
    return fail("trust.approval.not_yet", who(approval) + " is only good from " +
                                              to_rfc3339(approval.from_ms) + " on; here it is " +
                                              to_rfc3339(now_ms));
  if (now_ms >= approval.until_ms)
    return fail("trust.approval.expired", who(approval) + " expired at " +
                                              to_rfc3339(approval.until_ms) + "; it is " +
                                              to_rfc3339(now_ms));
  return {};
}

Status check_binding(const Approval& approval, const ApprovalNeed& need) {
  if (approval.lane != need.lane)
    return fail("trust.approval.other_lane", who(approval) + " is for lane " + approval.lane +
                                                 ", not " + printable(need.lane, 64));
  if (approval.decision != need.decision)
    return fail("trust.approval.other_decision",
                who(approval) + " is for another decision or request");
  if (approval.plan != need.plan)
    return fail("trust.approval.other_plan", who(approval) + " is for another plan");
  if (approval.blast_radius != need.blast_radius)
    return fail("trust.approval.other_blast_radius",
                who(approval) + " is for another blast radius");
  if (need.cost_micro < 0)
    return fail("trust.approval.cost", "what the plan costs is not known, so no cap can cover it");
  if (need.cost_micro > approval.cost_cap_micro)
    return fail("trust.approval.cost", "the plan costs " + std::to_string(need.cost_micro) +
                                           " micro-units; " + who(approval) + " covers " +
                                           std::to_string(approval.cost_cap_micro));
  return {};
}

// Whose key signed it: the name in the document must be the lane's name for that key.
Result<PublicKey> check_signer(const Approval& approval, const SignedDocument& document,
                               const contract::Lane& lane) {
  const auto found = lane.approvers.find(approval.approver);
  if (found == lane.approvers.end())
    return fail(
        "trust.approval.unknown_approver",
        approval.approver + " is no approver of lane " + lane.name + "." + [&] {
          std::vector<std::string> names;
          for (const auto& [name, key] : lane.approvers) names.push_back(name);
          return did_you_mean(approval.approver, names);
        }());
  auto key = parse_public_key(found->second);
  if (!key) return pass(key, "the key of approver " + approval.approver + " in lane " + lane.name);
  if (auto signer = verify(document.document, document.signature, {*key}); !signer)
    return fail("trust.approval.signature",
                who(approval) + " is not signed by that person's key: " + signer.error().message);
  return *key;
}

}  // namespace

Result<std::string> to_document(const Approval& approval) {
  const Json members{{"approval", approval.version},
                     {"approver", approval.approver},
                     {"decision", approval.decision},
                     {"plan", approval.plan},
                     {"lane", approval.lane},
                     {"blast_radius", approval.blast_radius},
                     {"cost_cap_micro", approval.cost_cap_micro},
                     {"from_ms", approval.from_ms},
                     {"until_ms", approval.until_ms},
                     {"nonce", approval.nonce}};
  auto text = canonical(members);
  if (!text) return text;
  if (auto readable = parse_approval(*text); !readable)
    return pass(readable, "while writing an approval");
  return text;
}

Result<Approval> parse_approval(std::string_view document) {
  if (document.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return fail("trust.approval.empty", "the approval is an empty file");
  Document in(document, "the approval");
  Approval out;
  out.version = static_cast<int>(in.integer("approval", 1, 1));
  out.approver = in.name("approver");
  out.decision = in.digest("decision");
  out.plan = in.digest("plan");
  out.lane = in.name("lane");
  out.blast_radius = in.digest("blast_radius");
  out.cost_cap_micro = in.integer("cost_cap_micro", 0, max_exact_integer);
  out.from_ms = in.integer("from_ms", 0, max_time_ms);
  out.until_ms = in.integer("until_ms", 0, max_time_ms);
  out.nonce = in.nonce("nonce");
  if (out.until_ms <= out.from_ms) in.complain("its window ends before it begins");
  if (const auto problem = in.done())
    return fail("trust.approval.malformed", "the approval is malformed: " + *problem);
  return out;
}

Status check_is_another(const std::string& approver, const PublicKey& key, const ApprovalNeed& need,
                        const contract::Lane& lane) {
  if (need.requester_may_approve || !keys_of_requesters(need, lane).count(key.material()))
    return {};
  return fail("trust.approval.requester",
              approver + " asked for this run and cannot approve it (L11)");
}

std::vector<ApprovalVerdict> judge_approvals(const std::vector<SignedDocument>& documents,
                                             const ApprovalNeed& need, const contract::Lane& lane,
                                             int64_t now_ms) {
  std::set<std::string> counted;
  std::vector<ApprovalVerdict> verdicts;
  for (const auto& document : documents) {
    auto& verdict = verdicts.emplace_back(ApprovalVerdict{document.name, {}, {}});
    auto approval = parse_approval(document.document);
    if (!approval) {
      verdict.problem = approval.error();
      continue;
    }
    verdict.approval = *approval;
    const auto judge = [&]() -> Status {
      auto signer = check_signer(*approval, document, lane);
      if (!signer) return pass(signer);
      if (auto bound = check_binding(*approval, need); !bound) return bound;
      if (auto timely = check_window(*approval, need, now_ms); !timely) return timely;
      if (!need.permitted.empty() && std::find(need.permitted.begin(), need.permitted.end(),
                                               approval->approver) == need.permitted.end())
        return fail("trust.approval.not_permitted", "the profile lets " + join(need.permitted) +
                                                        " approve, not " + approval->approver);
      if (auto other = check_is_another(approval->approver, *signer, need, lane); !other)
        return other;
      if (!counted.insert(signer->material()).second)
        return fail("trust.approval.duplicate",
                    who(*approval) + " is a second one by the same key");
      return {};
    };
    if (auto good = judge(); !good) verdict.problem = std::move(good.error());
  }
  return verdicts;
}

Result<std::vector<Approval>> check_approvals(const std::vector<SignedDocument>& documents,
                                              const ApprovalNeed& need, const contract::Lane& lane,
                                              int64_t now_ms) {
  if (need.required < 0)
    return fail("internal.defect", "a negative number of approvals is required");
  std::vector<Approval> good;
  std::vector<const ApprovalVerdict*> bad;
  const auto verdicts = judge_approvals(documents, need, lane, now_ms);
  for (const auto& verdict : verdicts) {
    if (verdict.problem)
      bad.push_back(&verdict);
    else
      good.push_back(*verdict.approval);
  }
  if (good.size() >= static_cast<size_t>(need.required)) return good;

  const std::string count =
      std::to_string(good.size()) + " of " + std::to_string(need.required) + " approvals are there";
  if (bad.empty()) return fail("trust.approval.too_few", count);
  Error error = *bad.front()->problem;
  error.context.push_back("in " + printable(bad.front()->name, 200));
  for (size_t i = 1; i < bad.size(); ++i)
    error.context.push_back("also " + printable(bad[i]->name, 200) + ": " +
                            bad[i]->problem->text());
  error.context.push_back(count);
  return Failure(std::move(error));
}

}  // namespace hyops::trust
