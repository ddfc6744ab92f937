// What a plan was made from, as it stands on this machine now: the same, or the plan does not run
// here.
#pragma once

#include "engine/setup.hpp"
#include "plan/plan.hpp"

namespace hyops::engine {

struct Surroundings {
  contract::Lane lane;
  contract::Profile profile;
  contract::Blueprint blueprint;
};
// Verified against the digests in the plan: engine.lane.*, engine.profile.changed,
// engine.blueprint.changed, engine.module.changed, plan.lock.*
Result<Surroundings> surroundings(const Setup& setup, contract::Catalog& catalog,
                                  const plan::Plan& plan);

// G6: a name at an authority belongs to one lane of this installation. engine.lane.name_bound where
// another lane states both as its facts, too.
Status check_names(const Setup& setup, const plan::Plan& plan);

}  // namespace hyops::engine
