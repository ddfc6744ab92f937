// Who said so: everything of this folder in one include, for callers that check a whole request.
#pragma once

#include "trust/acceptance.hpp"  // IWYU pragma: export
#include "trust/approval.hpp"    // IWYU pragma: export
#include "trust/checkpoint.hpp"  // IWYU pragma: export
#include "trust/decision.hpp"    // IWYU pragma: export
#include "trust/keys.hpp"        // IWYU pragma: export
#include "trust/seal.hpp"        // IWYU pragma: export
#include "trust/statement.hpp"   // IWYU pragma: export
#include "trust/witness.hpp"     // IWYU pragma: export
