// The few lines that nearly every check begins and ends with.
#include "plugin/check/finding.hpp"

#include <array>

#include "base/text.hpp"

namespace hyops::plugin::check {

Finding failed(const std::string& what, const Error& error) {
  return failed(what + ": " + error.message + " [" + error.code + "]");
}

const Role& role_of(const std::string& interface) {
  static constexpr std::array<Role, 4> roles{{
      {"hyops.provider/1", "plan", "plan", "apply", "observe", "release", "hosts"},
      {"hyops.egress/1", "plan", "plan", "apply", "observe", "release", ""},
      {"hyops.access/1", "", "prove", "open", "observe", "close", "endpoints"},
      {"hyops.secret/1", "", "probe", "resolve", "", "", ""},
  }};
  static constexpr Role none{"", "", "", "", "", "", ""};
  for (const auto& role : roles)
    if (interface == role.interface) return role;
  return none;  // a manifest that was read has no other
}

Running start(const Subject& subject, World& world, bool services) {
  auto session = Session::open(subject, world);
  if (!session) return {pass(session)};
  if (auto created = session->create({}, services); !created) return {pass(created)};
  return {std::move(session)};
}

Finding for_each_role(const Subject& subject,
                      const std::function<Finding(const Role&, const Json&)>& work) {
  Finding all = skipped("");
  for (const auto& id : subject.manifest.implements) {
    const Finding one = work(role_of(id), subject.inputs.at(id));
    if (one.outcome == Outcome::failed) return one;
    if (one.outcome == Outcome::ok && all.outcome == Outcome::skipped) all = ok("");
    if (!one.reason.empty() && one.outcome == all.outcome)
      all.reason += (all.reason.empty() ? "" : "; ") + one.reason;
  }
  return all;
}

Json given(const Role& role, std::string_view verb, Json inputs, const Json& emitted) {
  const std::string undone = verb == role.undo ? role.undone : "";
  if (!undone.empty())
    return {{undone, emitted.is_object() ? emitted.value(undone, Json::array()) : Json::array()}};
  if (emitted.is_object()) inputs.update(emitted);
  return inputs;
}

}  // namespace hyops::plugin::check
