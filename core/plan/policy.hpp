// The obligations that a plan can be held against before anything happens, one rule each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace hyops::plan {

// What a rule looks at, and how it says what broke it: a sentence that names the step and the
// field.
struct Judged {
  const Plan& plan;
  const contract::Profile& profile;
};
using Refuse = std::function<void(std::string sentence)>;

struct Rule {
  const char* id;        // of the obligation: "A7"
  const char* code;      // of its refusals: "policy.public_address"
  const char* sentence;  // what it wants
  void (*judge)(const Judged& judged, const Refuse& refuse);
};

// All of them, in the order of their IDs. None can be switched off: a profile only adds to them.
const std::vector<Rule>& rules();

}  // namespace hyops::plan
