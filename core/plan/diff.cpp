// Two plans compared in sentences a person can approve by.
#include <algorithm>
#include <unordered_map>

#include "base/text.hpp"
#include "plan/plan.hpp"

namespace hyops::plan {
namespace {

constexpr size_t longest = 120;  // characters of a value in a sentence

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string text_of(const Input& input) {
  return input.known ? text_of(input.value) : "unknown until " + input.reference;
}

// A long value is shown from a little before where the two part, never cut where they are still the
// same: what differs is what people look for.
std::string shown(const std::string& value, const std::string& beside = {}) {
  const auto parts = std::mismatch(value.begin(), value.end(), beside.begin(), beside.end());
  const size_t at = static_cast<size_t>(parts.first - value.begin()), lead = longest / 3;
  if (value.size() <= longest || at <= longest / 2) return printable(value, longest);
  return "..." + printable(value.substr(at - lead), longest);
}

class Sentences {
 public:
  explicit Sentences(std::string about) : about_(std::move(about)) {}
  // Compared whole, however little of it is shown.
  void changed(const std::string& what, const std::string& was, const std::string& is) {
    if (was != is) say(what + " was " + shown(was, is) + ", is " + shown(is, was));
  }
  void changed(const std::string& what, const Json& was, const Json& is) {
    changed(what, text_of(was), text_of(is));
  }
  // A digest says only that something did.
  void other(const std::string& what, const std::string& was, const std::string& is) {
    if (was != is) say(what);
  }
  void say(const std::string& sentence) { all.push_back(about_ + sentence); }
  std::vector<std::string> all;

 private:
  std::string about_;
};

void compare_inputs(const Step& before, const Step& after, Sentences& out) {
  for (const auto& [input, value] : after.inputs) {
    const auto old = before.inputs.find(input);
    if (old == before.inputs.end()) {
      out.say("input " + input + " is new: " + shown(text_of(value)) + " (from " + value.from +
              ")");
      continue;
    }
    const std::string was = text_of(old->second), is = text_of(value);
    if (was != is)
      out.say("input " + input + " was " + shown(was, is) + " (from " + old->second.from +
              "), is " + shown(is, was) + " (from " + value.from + ")");
    else if (old->second.from != value.from)
      out.say("input " + input + " is the same, but now from " + value.from + " instead of " +
              old->second.from);
  }
  for (const auto& [input, value] : before.inputs)
    if (!after.inputs.count(input))
      out.say("input " + input + " is gone; it was " + shown(text_of(value)));
}

std::vector<std::string> compare_steps(const Step& before, const Step& after) {
  Sentences out("step " + after.id + ": ");
  out.changed("module", before.module, after.module);
  out.changed("instance", before.instance, after.instance);
  out.changed("phase", std::string(name(before.phase)), std::string(name(after.phase)));
  out.changed("driver", std::string(name(before.driver)), std::string(name(after.driver)));
  out.changed("pack", before.pack + " " + before.pack_version,
              after.pack + " " + after.pack_version);
  if (before.pack == after.pack && before.pack_version == after.pack_version)
    out.other("the files of pack " + after.pack + " changed under the same version",
              before.pack_digest, after.pack_digest);
  out.changed("plugin", before.plugin + " " + before.interface + " " + before.verb,
              after.plugin + " " + after.interface + " " + after.verb);
  if (before.plugin == after.plugin)
    out.other("the files of plugin " + after.plugin + " changed", before.plugin_digest,
              after.plugin_digest);
  out.changed("needs", join(before.needs), join(after.needs));
  out.changed("time-out", std::to_string(before.timeout_ms) + " ms",
              std::to_string(after.timeout_ms) + " ms");
  out.changed("irreversible", Json(before.irreversible), Json(after.irreversible));
  out.changed("reach of the metadata service", Json(before.metadata), Json(after.metadata));
  out.changed("safe to repeat", Json(before.idempotent), Json(after.idempotent));
  out.changed("limited resources", join(before.resources), join(after.resources));
  out.changed("outputs", Json(before.outputs), Json(after.outputs));
  out.changed("what its plugin foresees", before.forecast, after.forecast);
  compare_inputs(before, after, out);
  return std::move(out.all);
}

}  // namespace

std::vector<std::string> diff(const Plan& before, const Plan& after) {
  Sentences out("");
  out.changed("the lane", before.lane + " (" + before.lane_kind + ")",
              after.lane + " (" + after.lane_kind + ")");
  out.changed("the epoch", Json(before.epoch), Json(after.epoch));
  out.changed("the target", before.target, after.target);
  out.changed("the execution plane", before.execution_plane, after.execution_plane);
  out.changed("where secrets come from", before.secrets_from, after.secrets_from);
  out.changed("what it follows from", before.origin, after.origin);
  out.changed("the profile", before.profile, after.profile);
  out.changed("the blueprint", before.blueprint + " " + before.blueprint_version,
              after.blueprint + " " + after.blueprint_version);
  out.changed("the title", before.title, after.title);
  out.changed("the RTO in ms", Json(before.rto_ms.value_or(0)), Json(after.rto_ms.value_or(0)));
  out.changed("the RPO in ms", Json(before.rpo_ms.value_or(0)), Json(after.rpo_ms.value_or(0)));
  for (const char* what : blast_radius_members) {
    const auto list = [&](const Plan& plan) {
      return join(plan.blast_radius.value(what, std::vector<std::string>{}));
    };
    out.changed(std::string("blast radius, ") + what + ":", list(before), list(after));
  }
  out.changed("the cost", before.cost, after.cost);
  Json rules = before.policy;
  rules.update(after.policy);
  for (const auto& [rule, value] : rules.items())
    out.changed("policy " + rule, before.policy.value(rule, Json()),
                after.policy.value(rule, Json()));
  for (const auto& [rule, why] : after.accepted)
    if (const auto old = before.accepted.find(rule); old == before.accepted.end() ||
                                                     old->second.reason != why.reason ||
                                                     old->second.from != why.from)
      out.say("rule " + rule + " is passed over by " + why.from + ": " + shown(why.reason));
  for (const auto& [rule, why] : before.accepted)
    if (!after.accepted.count(rule)) out.say("rule " + rule + " is not passed over any more");
  out.changed("tools", Json(before.tools), Json(after.tools));
  const auto by_id = [](const Plan& plan) {
    std::unordered_map<std::string, const Step*> index;
    for (const auto& step : plan.steps) index.emplace(step.id, &step);
    return index;
  };
  const auto old_steps = by_id(before), new_steps = by_id(after);
  for (const auto& step : after.steps) {
    if (const auto old = old_steps.find(step.id); old != old_steps.end()) {
      auto said = compare_steps(*old->second, step);
      std::move(said.begin(), said.end(), std::back_inserter(out.all));
    } else {
      out.say("step " + step.id + " is new (" + step.module + ", phase " +
              std::string(name(step.phase)) + ")");
    }
  }
  for (const auto& step : before.steps)
    if (!new_steps.count(step.id)) out.say("step " + step.id + " is gone");
  // Files behind it all: last, for what they changed was said above.
  out.other("the file of blueprint " + after.blueprint + " changed", before.blueprint_digest,
            after.blueprint_digest);
  out.other("the file of lane " + after.lane + " changed", before.lane_digest, after.lane_digest);
  out.other("the file of profile " + after.profile + " changed", before.profile_digest,
            after.profile_digest);
  for (const auto& [module, digest] : after.modules)
    if (const auto old = before.modules.find(module); old != before.modules.end())
      out.other("the files of module " + module + " changed", old->second, digest);
  // Whatever no sentence is made for yet: other plans are never called the same.
  if (out.all.empty())
    for (const auto& change : Json::diff(to_json(before), to_json(after)))
      out.say("they differ at " + printable(get_string(change, "path"), longest));
  return std::move(out.all);
}

}  // namespace hyops::plan
