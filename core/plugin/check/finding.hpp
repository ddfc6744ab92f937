// What the checks share: what one of them found, and which verbs of an interface play which part.
#pragma once

#include <string>

#include "plugin/check/check.hpp"
#include "plugin/check/session.hpp"

namespace hyops::plugin::check {

struct Finding {
  Outcome outcome = Outcome::ok;
  std::string reason;
};
inline Finding ok(std::string reason) { return {Outcome::ok, std::move(reason)}; }
inline Finding failed(std::string reason) { return {Outcome::failed, std::move(reason)}; }
inline Finding skipped(std::string reason) { return {Outcome::skipped, std::move(reason)}; }
Finding failed(const std::string& what, const Error& error);  // "apply: the error [its code]"

struct Check {
  const char* name;
  const char* promise;
  Finding (*make)(const Subject& subject);
  bool starts = false;  // of loading: a plugin that fails it is not asked anything else
};

// The parts that verbs play; empty where the interface has no such verb.
struct Role {
  const char* interface;
  const char* plan;  // pure and repeatable to the byte
  const char* pure;  // reads only
  const char* make;  // has the effect
  const char* look;  // observe
  const char* undo;
  const char* undone;  // all that `undo` gets of what `make` emitted; empty: that and the inputs
};
const Role& role_of(const std::string& interface);

// A helper with the plugin in it, created; and the same for another one in the same world.
struct Running {
  Result<Session> session;
  explicit operator bool() const { return session.has_value(); }
  Session* operator->() { return &*session; }
  Finding why() const { return failed("it does not start", session.error()); }
};
Running start(const Subject& subject, World& world, bool services = true);

// Each interface in turn, until one fails; skipped only where all are. Reasons are put together.
Finding for_each_role(const Subject& subject,
                      const std::function<Finding(const Role&, const Json& inputs)>& work);

// What a verb gets: the step's inputs and what `make` has emitted, or what `undo` is to take back.
Json given(const Role& role, std::string_view verb, Json inputs, const Json& emitted);

// The tables of checks, one for each file checks_*.cpp.
extern const std::vector<Check> load_checks, life_checks, verb_checks, effect_checks, stop_checks,
    input_checks;

}  // namespace hyops::plugin::check
