// Everything a run needs, opened in the order it is needed and closed in reverse.
#pragma once

#include <memory>

#include "engine/admission.hpp"
#include "engine/cancel.hpp"
#include "engine/drivers/driver.hpp"
#include "engine/history.hpp"

namespace hyops::engine {

struct Opened {
  plan::Plan plan;
  std::string plan_digest;
  contract::Catalog catalog;
  Surroundings here;
  plugin::Registry registry;
  Journal journal;
  History history;
  std::string
      authority;  // that the lane's secrets come from: by the plan, then by its steps so far
};
Result<std::unique_ptr<Opened>> open_run(const Setup& setup, ledger::Ledger& ledger,
                                         const RunId& run, Observer& observer);

// Takes the lane, then reads the history once more: the core that had it may have gone on until
// then.
Result<ledger::Lease> take_lane(Opened& run, ledger::Ledger& ledger);

// The part that steps share, under the lease that was taken for the lane.
struct Session {
  Session(const Setup& setup, Opened& run, int64_t token);
  Cancellation cancellation;
  SecretStore secrets;
  Shared shared;
};

}  // namespace hyops::engine
