// Time as a dependency: durations from a monotonic clock, dates from the wall, both replaceable.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace hyops {

// A wall clock that moved by less against the other one was not set: clock daemons do that.
inline constexpr int64_t least_clock_step_ms = 2000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t wall_ms() const = 0;  // since 1970 UTC; may jump
  virtual int64_t mono_ms() const = 0;  // only differences mean anything; never jumps
  // A time service keeps the wall clock, as far as the kernel knows: it was not set by hand since.
  virtual bool is_kept() const { return false; }
};

const Clock& system_clock();

std::string to_rfc3339(int64_t wall_ms);                // 2026-03-01T02:03:04.005Z
Result<int64_t> from_rfc3339(const std::string& text);  // value.duration on anything else
Result<int64_t> parse_duration(std::string_view text);  // "15m" -> 900000
std::string show_duration(int64_t ms);                  // 900000 -> "15m 0s", for people

}  // namespace hyops
