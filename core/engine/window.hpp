// A date in a signed document is held against a clock that somebody may have set.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace hyops::engine {

// "1h 0m ahead", "59m 0s back". `set_ms`: Ledger::clock_set_ms, not 0.
std::string how_far_set(int64_t set_ms);
Failure closed_before(int64_t set_ms, const Error& why);  // engine.clock.set

// What `open(now_ms)`, a Result, says of now. Where the clock was set, it has to be good by the
// clock before, too: setting it opens no window early and keeps none open. engine.clock.set
template <class Open>
auto open_by_both_clocks(int64_t now_ms, int64_t set_ms, const Open& open)
    -> decltype(open(now_ms)) {
  auto now = open(now_ms);
  if (!now || set_ms == 0) return now;
  if (const auto before = open(now_ms - set_ms); !before)
    return closed_before(set_ms, before.error());
  return now;
}

}  // namespace hyops::engine
