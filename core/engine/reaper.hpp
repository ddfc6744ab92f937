// The reaper by itself: what runs left open in a lane is seen and closed without a run of one's
// own.
#pragma once

#include <string>
#include <vector>

#include "contract/types.hpp"
#include "engine/left_open.hpp"
#include "engine/setup.hpp"
#include "ledger/ledger.hpp"

namespace hyops::engine {

struct ReapRequest {
  bool look_only = false;
  std::string run;         // of this run alone
  std::string by, reason;  // who asks; why, where it takes a person's word that a core is gone
};

struct Reaped {
  // open: nobody looks after it, and it was only looked for. kept: somebody does, or holds the
  // lane. unclear: that takes a person's word.
  enum class Fate { open, closed, kept, unclear, failed };
  LeftOpen open;
  // Of its run as this ledger has it: the run's status, "interrupted", or "elsewhere" where
  // another machine carries it out, or nobody knows who does.
  std::string owner;
  Fate fate = Fate::open;
  std::string why;  // of kept, unclear and failed; of closed: why its run does not say so
};

struct Reaping {
  std::vector<Reaped> all;
  std::vector<std::pair<std::string, Error>> unasked;  // access plugins that could not say
};

// Closes what no core looks after any more (A5): what is open where an access plugin enforces it,
// and endpoints at this machine. Never what belongs to a run whose core lives, nor, without a
// person's word (`run` and `reason`), what belongs to one that cannot be seen from here; and
// nothing at all in a lane that somebody holds. It works under the lane's lease, so that no run
// goes on meanwhile, but with the token each thing was opened under: no core that lives elsewhere
// is ever fenced by it. What is closed stands in the chain of its run, where this ledger has it,
// and in the record of one that ended, as access.reaped {plugin, key, what, opened_by,
// opened_under, ends_ms, by, reason}; of any other run the same stands in the lane's state, under
// access/reaped#RUN.
Result<Reaping> reap_lane(const Setup& setup, ledger::Ledger& ledger, const contract::Lane& lane,
                          const ReapRequest& request);

}  // namespace hyops::engine
