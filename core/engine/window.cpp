#include "engine/window.hpp"

#include <cstdlib>

#include "base/clock.hpp"

namespace hyops::engine {

std::string how_far_set(int64_t set_ms) {
  return show_duration(std::abs(set_ms)) + (set_ms > 0 ? " ahead" : " back");
}

Failure closed_before(int64_t set_ms, const Error& why) {
  return fail("engine.clock.set", "the clock of this machine was set " + how_far_set(set_ms) +
                                      ", and by the clock before: " + why.message);
}

}  // namespace hyops::engine
