#include "engine/window.hpp"

#include <cstdlib>

#include "base/clock.hpp"

namespace hyops::engine {

Status open_by_both_clocks(int64_t now_ms, int64_t set_ms,
                           const std::function<Status(int64_t)>& open) {
  auto now = open(now_ms);
  if (!now || set_ms == 0) return now;
  const auto before = open(now_ms - set_ms);
  if (before) return {};
  return fail("engine.clock.set", "the clock of this machine was set " +
                                      show_duration(std::abs(set_ms)) +
                                      (set_ms > 0 ? " ahead" : " back") +
                                      ", and by the clock before: " + before.error().message);
}

}  // namespace hyops::engine
