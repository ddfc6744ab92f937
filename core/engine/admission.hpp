// Who may start a run: the plan as approved, the decision, the approvals, the lane and this machine
// are held against each other; only then does a run exist.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/surroundings.hpp"
#include "ledger/ledger.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {

struct Admission {
  Json plan;                                      // the document, as approved
  std::optional<trust::SignedDocument> decision;  // where the plan's origin is one
  std::vector<trust::SignedDocument> approvals;
  std::string requester;
  std::string run;          // given by a dispatcher; empty: a new id
  int64_t least_token = 0;  // the dispatcher's fencing token
};

// Refuses with the code of what does not hold: plan.unfaithful, engine.lane.*,
// engine.profile.changed, engine.blueprint.changed, engine.runner.* (E2), engine.decision.*,
// trust.decision.*, trust.approval.*, policy.*, engine.horizon (L18), ledger.used. A refused
// admission leaves nothing behind; what it used up (nonces) is only used by an admitted run, and
// stays used after a restart.
Result<RunId> admit(const Setup& setup, ledger::Ledger& ledger, const Admission& admission);

// Fresh approvals of the plan of a run that goes on longer than the first ones (L18): the same
// checks, and as good for this one run alone.
Status renew(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
             const std::vector<trust::SignedDocument>& approvals);

// The plan that a run was admitted with. ledger.run.unknown, plan.malformed
Result<plan::Plan> admitted_plan(ledger::Ledger& ledger, const RunId& run);

// The digest that stands for a plan's origin in approvals: of the decision document, or of the
// request.
Result<std::string> origin_digest(const plan::Plan& plan);

}  // namespace hyops::engine
