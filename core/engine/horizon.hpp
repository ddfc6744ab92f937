// The credential horizon (L18): what a run needs and when it ends, held against how long the rest
// of the run takes. Judged before people approve, where a run is admitted, and before each step.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/setup.hpp"
#include "ledger/ledger.hpp"
#include "plan/plan.hpp"
#include "trust/trust.hpp"

namespace hyops::engine {

struct Expiry {
  std::string what;     // "the approval by alice"
  int64_t ends_ms = 0;  // wall clock
  std::string renew;    // what to do about it, naming a command
};

// How long the steps of a plan take: as long as the longest of the last runs of the same blueprint
// in the lane took for it, or, where it never ran here, as long as its time-out lets it.
struct Forecast {
  struct Step {
    int64_t ms = 0;
    bool measured = false;
  };
  std::map<std::string, Step> steps;
  int64_t at_most_ms = 0;   // all of the plan, phase after phase
  int64_t measured_ms = 0;  // the same of the measured steps alone: less than that it cannot be
  size_t measured = 0;      // how many
};
// Without a ledger nothing was measured.
Result<Forecast> forecast(const plan::Plan& plan, ledger::Ledger* ledger);

// What all steps need, as far as it is known here: the approvals, so many as are required; the
// decision, until the first irreversible step is done, for from there on it is carried out; the
// lane's sealed bundle, where steps take secrets.
struct Needs {
  std::vector<Expiry> always, until_irreversible, secrets;
  std::vector<Expiry> all() const;  // the first to end first
};
std::vector<Expiry> approvals_need(
    const std::vector<std::pair<std::string, int64_t>>& until_by_approver, int required,
    const std::string& run);
Expiry decision_need(const trust::Decision& decision);
std::optional<Expiry> bundle_need(const contract::SecretAuthority& authority);
// Of every authority that the plan's secrets come from.
std::vector<Expiry> bundle_needs(const plan::Plan& plan, const contract::Lane& lane);

// For people: the first of them that ends before the run may have, and which that is.
struct Outlook {
  enum class Is { enough, perhaps, not_enough } is = Is::enough;
  std::optional<Expiry> first;  // what ends first; nothing where nothing ends
  std::string sentence;
};
Outlook look_ahead(const Forecast& forecast, const Needs& needs, int64_t now_ms);

// Does the step take secrets, itself or through its plugin's configuration?
bool takes_secrets(const plan::Step& step, const contract::Lane& lane);

// What the step needs and what ends before the step could: access sessions among its inputs are
// looked at, too. Nothing: it may start.
struct Lapse {
  Expiry expiry;
  std::string sentence;
};
std::optional<Lapse> judge_step(const plan::Step& step, const Json& inputs,
                                const contract::Lane& lane, const Forecast& forecast,
                                const Needs& needs, bool irreversible_done, int64_t now_ms);

}  // namespace hyops::engine
