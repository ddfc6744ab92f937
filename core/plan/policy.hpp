// The obligations that a plan can be held against before anything happens, one rule each, and the
// rules that a profile adds.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"

namespace hyops::plan {

// What a rule looks at. Lane and blueprint are there where they are at hand: they tell where a
// field was written.
struct Judged {
  const Plan& plan;
  const contract::Profile& profile;
  const contract::Lane* lane = nullptr;
  const contract::Blueprint* blueprint = nullptr;
};
// How a rule says what broke it: the field ("steps.db-host.inputs.address",
// "profile.connectivity.expect") and a sentence.
using Report = std::function<void(std::string field, std::string sentence)>;

struct Rule {
  std::string_view id;        // of the obligation: "A7"
  std::string_view code;      // of its refusals: "policy.public_address"
  std::string_view sentence;  // what it wants
  contract::Severity severity;
  void (*judge)(const Judged& judged, const Report& report);
};

// All of them, in the order of their IDs. None can be switched off, and no profile makes a must a
// should.
const std::vector<Rule>& rules();

struct Finding {
  std::string id;    // of the obligation, or of the profile's rule
  std::string code;  // "policy.profile" for the latter
  std::string key;   // by which it can be accepted: the code, or the profile's id of the rule
  std::string field, sentence;
  contract::Severity severity = contract::Severity::must;
  std::optional<Accepted> accepted;  // of a should that the plan passes over
  std::optional<Place> place;        // where the field is written
  bool refuses() const { return severity == contract::Severity::must || !accepted; }
};
// Everything that stands against the plan, the accepted included: rules first, then the profile's.
std::vector<Finding> findings(const Judged& judged);
Error refusal(const Finding& finding);

// May a run of this plan start now? policy.window
Status judge_time(const Plan& plan, const contract::Profile& profile, int64_t wall_ms);

// The key under which the operator's word counts: a code, an ID with one should, or the id of a
// should of the profile. policy.accept for all else, also where it is a must.
Result<std::string> acceptable(const std::string& word, const contract::Profile& profile);

}  // namespace hyops::plan
