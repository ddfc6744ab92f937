#include "base/clock.hpp"

#include <sys/timex.h>
#include <time.h>

#include <charconv>
#include <cstdio>
#include <limits>

#include "base/text.hpp"

namespace hyops {
namespace {

int64_t read_clock(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override { return read_clock(CLOCK_REALTIME); }
  int64_t mono_ms() const override { return read_clock(CLOCK_BOOTTIME); }
  bool is_kept() const override {
    timex state{};  // asks, and changes nothing
    return ::adjtimex(&state) != -1 && (state.status & STA_UNSYNC) == 0;
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_rfc3339(int64_t wall_ms) {
  time_t seconds = wall_ms / 1000;
  int64_t ms = wall_ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(ms));
  return text;
}

Result<int64_t> from_rfc3339(const std::string& text) {
  const bool whole_seconds = text.size() == 20 && text.ends_with('Z');
  const std::string full = whole_seconds ? text.substr(0, 19) + ".000Z" : text;
  tm parts{};
  int ms = 0;
  const int read =
      std::sscanf(full.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms);
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const int64_t wall_ms = read == 7 ? static_cast<int64_t>(::timegm(&parts)) * 1000 + ms : 0;
  if (read != 7 || to_rfc3339(wall_ms) != full)  // a 13th month reads as next year's first
    return fail("value.duration",
                "\"" + printable(text, 40) + "\" is not a time like 2026-03-01T02:03:04.005Z");
  return wall_ms;
}

Result<int64_t> parse_duration(std::string_view text) {
  int64_t number = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = 86'400'000;
  if (problem != std::errc() || factor == 0 || number < 0 ||
      number > std::numeric_limits<int64_t>::max() / 86'400'000)
    return fail("value.duration", "\"" + std::string(text) + "\" is not a duration like 15m");
  return number * factor;
}

std::string show_duration(int64_t ms) {
  if (ms < 1000) return std::to_string(ms) + " ms";
  const int64_t seconds = ms / 1000;
  if (seconds < 60) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ms) / 1000.0);
    return text;
  }
  if (seconds < 3600)
    return std::to_string(seconds / 60) + "m " + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds / 3600) + "h " + std::to_string(seconds / 60 % 60) + "m";
}

}  // namespace hyops
