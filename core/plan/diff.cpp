// Two plans compared in sentences a person can approve by.
#include <unordered_map>

#include "base/text.hpp"
#include "plan/plan.hpp"

namespace hyops::plan {
namespace {

std::string shown(const Input& input) {
  return input.known
             ? printable(input.value.dump(-1, ' ', false, Json::error_handler_t::replace), 120)
             : "unknown until " + input.reference;
}

void compare_steps(const Step& before, const Step& after, std::vector<std::string>& out) {
  const std::string who = "step " + after.id;
  const auto changed = [&](const char* what, const std::string& a, const std::string& b) {
    if (a != b) out.push_back(who + ": " + what + " was " + a + ", is " + b);
  };
  changed("module", before.module, after.module);
  changed("phase", std::string(name(before.phase)), std::string(name(after.phase)));
  changed("driver", std::string(name(before.driver)), std::string(name(after.driver)));
  changed("pack", before.pack + " " + before.pack_version, after.pack + " " + after.pack_version);
  if (before.pack == after.pack && before.pack_version == after.pack_version &&
      before.pack_digest != after.pack_digest)
    out.push_back(who + ": the files of pack " + after.pack + " changed under the same version");
  changed("needs", join(before.needs), join(after.needs));
  changed("time-out", std::to_string(before.timeout_ms) + " ms",
          std::to_string(after.timeout_ms) + " ms");
  for (const auto& [input, value] : after.inputs) {
    const auto old = before.inputs.find(input);
    if (old == before.inputs.end())
      out.push_back(who + ": input " + input + " is new: " + shown(value) + " (from " + value.from +
                    ")");
    else if (shown(old->second) != shown(value))
      out.push_back(who + ": input " + input + " was " + shown(old->second) + " (from " +
                    old->second.from + "), is " + shown(value) + " (from " + value.from + ")");
    else if (old->second.from != value.from)
      out.push_back(who + ": input " + input + " is the same, but now from " + value.from +
                    " instead of " + old->second.from);
  }
  for (const auto& [input, value] : before.inputs)
    if (!after.inputs.count(input))
      out.push_back(who + ": input " + input + " is gone; it was " + shown(value));
}

}  // namespace

std::vector<std::string> diff(const Plan& before, const Plan& after) {
  std::vector<std::string> out;
  const auto changed = [&](const char* what, const std::string& a, const std::string& b) {
    if (a != b) out.push_back(std::string(what) + " was " + a + ", is " + b);
  };
  changed("the lane", before.lane + " (" + before.lane_kind + ")",
          after.lane + " (" + after.lane_kind + ")");
  changed("the target", before.target, after.target);
  changed("the profile", before.profile, after.profile);
  changed("the blueprint", before.blueprint + " " + before.blueprint_version,
          after.blueprint + " " + after.blueprint_version);
  for (const char* what : {"hosts", "addresses", "dns_names", "secrets", "files", "irreversible"}) {
    const auto list = [&](const Plan& plan) {
      return plan.blast_radius.value(what, std::vector<std::string>{});
    };
    changed((std::string("blast radius, ") + what + ":").c_str(), join(list(before)),
            join(list(after)));
  }
  changed("the cost of an hour", before.cost.dump(), after.cost.dump());
  for (const auto& [rule, value] : after.policy.items())
    changed(("policy " + rule).c_str(), before.policy.value(rule, Json()).dump(), value.dump());
  const auto by_id = [](const Plan& plan) {
    std::unordered_map<std::string, const Step*> index;
    for (const auto& step : plan.steps) index.emplace(step.id, &step);
    return index;
  };
  const auto old_steps = by_id(before), new_steps = by_id(after);
  for (const auto& step : after.steps) {
    if (const auto old = old_steps.find(step.id); old != old_steps.end())
      compare_steps(*old->second, step, out);
    else
      out.push_back("step " + step.id + " is new (" + step.module + ", phase " +
                    std::string(name(step.phase)) + ")");
  }
  for (const auto& step : before.steps)
    if (!new_steps.count(step.id)) out.push_back("step " + step.id + " is gone");
  return out;
}

}  // namespace hyops::plan
