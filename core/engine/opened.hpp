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
  // That the lane's secrets come from: by the plan, then by its steps so far, then as another run
  // has moved them.
  std::string authority;
  struct Moved {
    std::string from, to, by_run;
  };
  std::optional<Moved> moved;  // of a run that goes on, since a core of it went by something else
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
