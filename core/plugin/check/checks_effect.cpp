// What a verb leaves in the world when it is repeated, cut off, or taken back.
#include "base/text.hpp"
#include "plugin/check/finding.hpp"

namespace hyops::plugin::check {
namespace {

constexpr int most_kills = 24;  // events of one call at which it is killed, one after the other

// What has to be the same when it is done again: when a session ends may differ.
Json lasting(Json answer) {
  if (answer.is_structured())
    for (auto& item : answer) item = lasting(item);
  if (answer.is_object()) answer.erase("expires_ms");
  return answer;
}

bool is_present(const Heard& seen) { return seen.judged && get_bool(*seen.judged, "present"); }

Finding cannot(const std::string& what, const Heard& heard) {
  if (!heard.judged) return failed(what, heard.judged.error());
  return failed(what);
}

// Takes back what a check has made; a plugin without that verb has nothing to take back.
Finding undo(Session& session, const Role& role, const Json& inputs, const std::string& key) {
  const std::string verb = role.undo;
  if (verb.empty()) return ok("");
  const auto heard = session.call(role.interface, verb, inputs, {.key = key});
  return heard.judged ? ok("") : failed(verb, heard.judged.error());
}

Finding apply_is_idempotent(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    const std::string make = role.make;
    World world(subject);
    Json first;
    size_t size = 0;
    for (int helper = 0; helper < 2; ++helper) {
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      for (int again = 0; again < 2; ++again) {
        const auto heard = plugin->call(role.interface, make, inputs);
        if (!heard.judged) return failed(make, heard.judged.error());
        if (first.is_null()) {
          first = lasting(*heard.judged);
          size = world.platform.size();
        }
        const std::string where = helper ? " in another process" : " again";
        if (lasting(*heard.judged) != first)
          return failed(make + where + " under one key answers otherwise");
        if (world.platform.size() != size)
          return failed(make + where +
                        " under one key made more: " + std::to_string(world.platform.size()) +
                        " instead of " + std::to_string(size));
      }
      if (helper == 1)
        if (auto done =
                undo(*plugin.session, role, given(role, role.undo, inputs, first), "check-1");
            done.outcome == Outcome::failed)
          return done;
    }
    return ok(make + " four times in two processes, once in effect");
  });
}

// After the kill: another process can tell, makes it whole under the same key, and sees it.
Finding recovers(const Subject& subject, World& world, const Role& role, const Json& inputs,
                 const std::string& key, bool was_done, size_t size) {
  const Manner same{.key = key};
  Running plugin = start(subject, world);
  if (!plugin) return plugin.why();
  const std::string look = role.look, make = role.make;
  if (!look.empty()) {
    const auto seen = plugin->call(role.interface, look, inputs, same);
    if (!seen.judged) return cannot(look + " cannot tell", seen);
    if (was_done && !is_present(seen)) return failed(look + " does not find what " + make + " did");
  }
  const auto again = plugin->call(role.interface, make, inputs, same);
  if (!again.judged) return cannot(make + " under the same key", again);
  if (!look.empty() && !is_present(plugin->call(role.interface, look, inputs, same)))
    return failed(look + " does not find it after " + make + " was repeated");
  if (world.platform.size() != size)
    return failed("there are " + std::to_string(world.platform.size()) + " of it instead of " +
                  std::to_string(size));
  return undo(*plugin.session, role, given(role, role.undo, inputs, *again.judged), key);
}

Finding kill_is_found(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    const std::string make = role.make;
    int events = 0;
    size_t size = 0;  // how much there is of it after an undisturbed call
    {
      World world(subject);
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      const auto whole = plugin->call(role.interface, make, inputs, {.key = "check-0"});
      if (!whole.judged) return failed(make, whole.judged.error());
      events = whole.events;
      size = world.platform.size();
      if (auto done =
              undo(*plugin.session, role, given(role, role.undo, inputs, *whole.judged), "check-0");
          done.outcome == Outcome::failed)
        return done;
    }
    const int last = std::min(events, most_kills);
    for (int event = 1; event <= last; ++event) {
      World world(subject);
      const std::string key = "check-" + std::to_string(event);
      Running plugin = start(subject, world);
      if (!plugin) return plugin.why();
      const auto heard = plugin->call(role.interface, make, inputs, {.key = key, .kill_at = event});
      if (!heard.killed && !heard.judged) return failed(make, heard.judged.error());
      auto found = recovers(subject, world, role, inputs, key, event == events, size);
      if (found.outcome == Outcome::failed)
        return failed("killed at event " + std::to_string(event) + " of " + std::to_string(events) +
                      " in " + make + ": " + found.reason);
    }
    return ok("killed at each of " + std::to_string(last) + " events of " + make);
  });
}

Finding release_twice(const Subject& subject) {
  return for_each_role(subject, [&](const Role& role, const Json& inputs) {
    const std::string verb = role.undo, look = role.look;
    if (verb.empty()) return skipped(std::string(role.interface) + " releases nothing");
    World world(subject);
    const size_t before = world.platform.size();
    Running plugin = start(subject, world);
    if (!plugin) return plugin.why();
    const auto made = plugin->call(role.interface, role.make, inputs);
    if (!made.judged) return failed(role.make, made.judged.error());
    for (const char* time : {"", " again", " a third time"})
      if (auto heard = plugin->call(role.interface, verb, given(role, verb, inputs, *made.judged));
          !heard.judged)
        return failed(verb + time, heard.judged.error());
    if (world.platform.size() > before)
      return failed(verb + " left " + std::to_string(world.platform.size() - before) + " behind");
    return ok(verb + " three times");
  });
}

}  // namespace

const std::vector<Check> effect_checks{
    {"apply-is-idempotent", "Again under one key, in any process: the same, and no more.",
     apply_is_idempotent},
    {"kill-in-apply", "Killed anywhere inside: another process finds it and makes it whole.",
     kill_is_found},
    {"release-twice", "Releasing again, or what is gone, is fine.", release_twice},
};

}  // namespace hyops::plugin::check
