// A person's signed yes to one plan (L11): bound to decision, plan, lane, blast radius, cost and
// time, so that it can be used for nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/types.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {

struct Approval {  // canonical JSON, signed like a decision
  int version = 1;
  std::string approver;  // name in the lane's [approvers]
  std::string decision;  // digest of the decision document, or of the request
  std::string plan;      // plan digest
  std::string lane;
  std::string blast_radius;  // digest of the plan's blast radius
  int64_t cost_cap_micro = 0;
  int64_t from_ms = 0, until_ms = 0;  // good from `from_ms` on, no more at `until_ms`
  std::string nonce;                  // 16 to 128 of [A-Za-z0-9_-]
};
Result<std::string> to_document(const Approval& approval);

// Strict, as for decisions ("approval" is the version). An empty or blank file is
// trust.approval.empty, anything else that is wrong trust.approval.malformed.
Result<Approval> parse_approval(std::string_view document);

struct SignedDocument {
  std::string name, document, signature;
};

struct ApprovalNeed {
  std::string decision, plan, lane, blast_radius;  // as above
  int64_t cost_micro =
      0;  // the plan's estimate, must be within each cap; negative: unknown, denied
  int required = 1;
  // Who asked, planned, decided or started: names of the lane, or public keys. None of them may
  // approve, under whatever name (L11), ...
  std::vector<std::string> requesters;
  bool requester_may_approve = false;  // ... but where the profile says so
  std::vector<std::string> permitted;  // whose approvals count; empty: every approver of the lane
  int64_t max_window_ms = 0;           // the longest until - from the profile allows; 0: any
};

// trust.approval.requester: whoever holds this key asked for the run, under whatever name.
Status check_is_another(const std::string& approver, const PublicKey& key, const ApprovalNeed& need,
                        const contract::Lane& lane);

struct ApprovalVerdict {
  std::string name;                  // of the document
  std::optional<Approval> approval;  // where it could be read
  std::optional<Error> problem;      // why it does not count; none: it counts
};
// One verdict a document, in order. Approvers are distinct by key: two names with one key count
// once.
// trust.approval.{empty,malformed,unknown_approver,signature,other_lane,other_decision,other_plan,
// other_blast_radius,cost,window,not_yet,expired,not_permitted,requester,duplicate}, the first that
// applies.
std::vector<ApprovalVerdict> judge_approvals(const std::vector<SignedDocument>& documents,
                                             const ApprovalNeed& need, const contract::Lane& lane,
                                             int64_t now_ms);

// The approvals that count, if `required` distinct approvers gave one. Documents that do not count
// do no harm beside enough good ones. Otherwise the error is that of the first bad document, with
// every other in its context, or trust.approval.too_few when none is bad.
Result<std::vector<Approval>> check_approvals(const std::vector<SignedDocument>& documents,
                                              const ApprovalNeed& need, const contract::Lane& lane,
                                              int64_t now_ms);

}  // namespace hyops::trust
