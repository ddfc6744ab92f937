// Access that nobody looks after any more: opened by a run whose core, runner or disk may be gone.
#pragma once

#include "engine/opened.hpp"

namespace hyops::engine {

// Whoever takes a lane closes what an older lease of it left open. Each access plugin that the lane
// configures is asked what stands open where it is enforced, so that neither the runner that opened
// it nor its ledger is needed. Written as access.reaped; what cannot be closed is
// access.reap_failed and has its end where it is enforced: a run never fails by it.
void reap_access(const Opened& run, Shared& shared);

}  // namespace hyops::engine
