// A date in a signed document is held against a clock that somebody may have set.
#pragma once

#include <functional>

#include "base/result.hpp"

namespace hyops::engine {

// What `open` says of now. Where the clock was set (`set_ms`, Ledger::clock_set_ms), that has to
// hold by the clock before, too: setting it opens no window early and keeps none open.
// engine.clock.set
Status open_by_both_clocks(int64_t now_ms, int64_t set_ms,
                           const std::function<Status(int64_t now_ms)>& open);

}  // namespace hyops::engine
