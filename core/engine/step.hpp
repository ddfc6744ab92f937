// One step from intent to ending: attempts under one key, outcome, retry by class, and a look where
// the outcome is unknown.
#pragma once

#include <optional>

#include "engine/drivers/driver.hpp"
#include "engine/history.hpp"

namespace hyops::engine {

struct StepEnd {
  std::string ending;  // ok adopted failed unknown
  std::string reason;
  Json outputs = Json::object();
  bool stopped = false;  // failed, because the run was stopped
};

bool opens_access(const plan::Step& step);
// What a look at an unknown outcome says, and what follows from it.
struct Settlement {
  Sight sight;
  std::string choice;  // adopt, retry; empty: nothing follows, a person must state it
  Json event;          // step.reconciled; without a choice it is not written
  std::string key;     // idempotency key of the step
};

class StepRunner {
 public:
  StepRunner(Shared& shared, contract::Catalog& catalog);
  ~StepRunner();
  // `inputs` are complete; `before` is what the ledger knows of earlier attempts. Thread-safe.
  // An error is one of the run: the ledger could not keep a fact, so nothing more may happen.
  Result<StepEnd> run(const plan::Step& step, const Json& inputs, const StepHistory& before);
  // Looks at a fence once more and makes its proof anew, where it is still in place (L1).
  Result<Json> look_at_fence(const plan::Step& step, const Json& inputs, const StepHistory& before);
  // A read-only look at a step whose outcome is unknown.
  Result<Settlement> look(const plan::Step& step, const Json& inputs, const StepHistory& before);
  // Closes what an access step opened or may have; `outputs` of the step, where they are known.
  Status close_access(const plan::Step& step, const Json& outputs);

 private:
  Result<Call> call_for(const plan::Step& step, const Json& inputs, int attempt);
  // began_mono_ms: of what is found again, by the same boot's clock; nothing where it is not known.
  Result<Outcome> attempt(Call& call, bool reattach, std::optional<int64_t> began_mono_ms);
  Result<StepEnd> end(const Call& call, std::string ending, std::string reason, Json outputs);
  Settlement judge(const Call& call);
  Result<StepEnd> adopt(const Call& call, const Settlement& found);
  // Of an unknown outcome; nothing: it is to be repeated. `doubtful`: as in StepHistory.
  Result<std::optional<StepEnd>> settle(const Call& call, const Error& why, bool& doubtful);
  Result<StepEnd> give_up(const Call& call, const std::string& why, bool doubtful);
  Result<StepEnd> fail_for_good(const Call& call, const std::string& why, bool doubtful);
  Status check_outputs(const Call& call, const Json& outputs);
  Status prove_fence(const Call& call, Json& outputs);
  Driver& driver(contract::Driver which);
  Json retry_rule(const Error& error) const;  // of the profile, by the error's class
  int64_t pause_after(const Error& error) const;
  bool pause(int64_t ms);  // false: the run was stopped meanwhile

  Shared& shared_;
  contract::Catalog& catalog_;
  std::mutex catalog_mutex_;
  std::map<contract::Driver, std::unique_ptr<Driver>> drivers_;
};

}  // namespace hyops::engine
