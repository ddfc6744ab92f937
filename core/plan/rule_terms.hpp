// Words that more than one rule is written in: which steps a plan has and what they say.
#pragma once

#include <algorithm>
#include <string>

#include "plan/policy.hpp"

namespace hyops::plan {

// Fields, as findings name them.
inline std::string at(const Step& step) { return "steps." + step.id; }
inline std::string at(const Step& step, const std::string& input) {
  return at(step) + ".inputs." + input;
}

// What is written of an input, or null where there is none or it is not known when planning.
inline Json value_of(const Step& step, const char* input) {
  const auto found = step.inputs.find(input);
  return found != step.inputs.end() && found->second.known ? found->second.value : Json();
}
inline bool says(const Step& step, const char* input, const char* value) {
  return value_of(step, input) == value;
}

template <class Want>
const Step* find_step(const Plan& plan, Want want) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), want);
  return found == plan.steps.end() ? nullptr : &*found;
}
inline const Step* step_of(const Plan& plan, contract::Phase phase) {
  return find_step(plan, [&](const Step& step) { return step.phase == phase; });
}
// The step of this plan that an input comes from; null where it comes from elsewhere.
inline const Step* source_of(const Plan& plan, const Step& step, const std::string& input) {
  const auto found = step.inputs.find(input);
  if (found == step.inputs.end() || found->second.reference.empty()) return nullptr;
  return plan.find(found->second.reference.substr(0, found->second.reference.find('.')));
}

inline bool is_dr(const Plan& plan) { return plan.blueprint.starts_with("dr/"); }
inline bool is_live(const Plan& plan) { return plan.lane_kind == "live"; }

}  // namespace hyops::plan
