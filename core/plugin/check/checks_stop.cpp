// Stopping: when somebody wants it to, and when the time is up.
#include "base/clock.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

constexpr int64_t most_ms = 1000;
constexpr int most_events = 6;  // after which it is told to stop, one after the other

// A helper that was stopped has left something: the next one repeats it, whole, and takes it back.
Finding clean_up(const Subject& subject, World& world, const Role& role, const Json& inputs) {
  if (std::string(role.undo).empty()) return ok("");
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  const auto made = plugin->call(role.interface, role.make, inputs);
  if (!made.judged) return failed(std::string("after the stop, ") + role.make, made.judged.error());
  const auto undone =
      plugin->call(role.interface, role.undo, given(role, role.undo, inputs, *made.judged));
  return undone.judged ? ok("") : failed(role.undo, undone.judged.error());
}

Finding stops(const Subject& subject, const Role& role, const Json& inputs, Manner manner,
              const std::string& why, bool* reached = nullptr) {
  World world(subject);
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  manner.patience_ms = std::max<int64_t>(manner.left_ms, 30'000) + 2 * most_ms;
  const auto heard = plugin->call(role.interface, role.make, inputs, manner);
  if (reached) *reached = heard.stop_ms >= 0;
  if (is_broken(heard.judged)) return failed(why, heard.judged.error());
  if (heard.stop_ms > most_ms)
    return failed(why + ": it went on for " + show_duration(heard.stop_ms));
  return clean_up(subject, world, role, inputs);
}

Finding honours_cancel(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    int event = 0;
    for (bool reached = true; reached && event < most_events; ++event) {
      const std::string why =
          std::string(role.make) + " was told to stop at event " + std::to_string(event);
      auto found = stops(subject, role, inputs, {.cancel_at = event}, why, &reached);
      if (found.outcome == Outcome::failed) return found;
    }
    return ok(std::string(role.make) + " stopped within 1 s at each of " + std::to_string(event) +
              " events");
  });
}

Finding honours_deadline(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    for (const int64_t left : {0, 1, 20, 200}) {
      const std::string why =
          std::string(role.make) + " had a deadline of " + std::to_string(left) + " ms";
      auto found = stops(subject, role, inputs, {.left_ms = left}, why);
      if (found.outcome == Outcome::failed) return found;
    }
    return ok(std::string(role.make) + " ended within 1 s of every deadline");
  });
}

}  // namespace

const std::vector<Check> stop_checks{
    {"honours-cancel", "Told to stop, at any point, it returns within 1 s.", honours_cancel},
    {"honours-deadline", "Once its time is up it returns within 1 s.", honours_deadline},
};

}  // namespace hyops::plugin::check
