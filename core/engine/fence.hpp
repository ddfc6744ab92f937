// The proof of a fence (L12): what a tool claims becomes a document that is good for this run's
// lane, decision and moment alone, and promotion and cutover are held against it before they start.
#pragma once

#include <string>
#include <string_view>

#include "engine/setup.hpp"
#include "plan/plan.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {

// network-isolated, host-powered-off, repository-revoked, primary-stopped, loss-accepted
bool is_fence_kind(std::string_view kind);

// For which run a proof is, and when it is looked at.
struct FenceContext {
  const plan::Plan& plan;
  const contract::Lane& lane;
  std::string run;
  int64_t now_ms = 0, clock_set_ms = 0;  // the latter: Ledger::clock_set_ms
};

// A step of phase fence hands over {"kind","subject","by","evidence"} as JSON text; all are text
// but the subject, which is {"zone"} and, or, {"hosts":[{"name","address"}]}. What comes back is
// the proof: the same with "proof":1, lane, origin (digest of the decision or request), run, step
// and observed_ms, as canonical JSON. The evidence of loss-accepted is the signed document, which
// is verified here. engine.fence.malformed, trust.acceptance.*, engine.clock.set
Result<std::string> make_proof(const std::string& claim, const std::string& step,
                               const FenceContext& context);

// Is this a proof of a fence that still holds for this run? engine.fence.malformed,
// engine.fence.foreign (another lane, decision, run or no fence step of it), engine.fence.stale
// (older than policy.proof_age_ms of the plan, or from the future; L1), trust.acceptance.*
Status check_proof(const std::string& proof, const FenceContext& context);

// Is it about each of these hosts, or about its zone? A host is {"name","address","zone"} or an
// address as text; hosts may be one, a list or null. It is known by its name or its own address.
// engine.fence.uncovered
Status check_cover(const std::string& proof, const Json& hosts);

}  // namespace hyops::engine
