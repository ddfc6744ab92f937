// Holds a plan against the obligations and its profile's own rules, and says where what breaks them
// was written.
#include "plan/policy.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"

namespace hyops::plan {
namespace {

using contract::Severity;

const contract::Step* written_step(const Judged& judged, const std::string& id) {
  if (!judged.blueprint) return nullptr;
  for (const auto& step : judged.blueprint->steps)
    if (step.id == id) return &step;
  return nullptr;
}

// "steps.ID.inputs.NAME", "profile.KEY", "lane....", "blueprint....".
std::optional<Place> place_of(const Judged& judged, const std::string& field) {
  const size_t dot = field.find('.');
  const std::string first = field.substr(0, dot),
                    rest = dot == std::string::npos ? "" : field.substr(dot + 1);
  if (first == "profile") {
    const auto found = judged.profile.places.find(rest);
    if (found != judged.profile.places.end()) return found->second;
    if (judged.profile.file.empty()) return std::nullopt;
    return Place{judged.profile.file.string(), 0, 0};
  }
  if (first == "lane" && judged.lane) return Place{judged.lane->file.string(), 0, 0};
  if (first == "blueprint" && judged.blueprint)
    return Place{(judged.blueprint->folder / "blueprint.toml").string(), 0, 0};
  if (first != "steps") return std::nullopt;
  const auto parts = split(rest, '.');
  const auto* step = written_step(judged, parts[0]);
  if (!step) return std::nullopt;
  if (parts.size() == 3)
    if (const auto bound = step->inputs.find(parts[2]); bound != step->inputs.end())
      return bound->second.place;
  return step->place;
}

bool wants(const contract::ProfileRule& rule, const Step& step) {
  return rule.module.empty() || rule.module == step.module;
}

Status hold(const contract::ProfileRule& rule, const Input& input, const Json& value) {
  const auto type = contract::parse_type(input.type);
  if (!type || value.is_null()) return {};
  return contract::check_rule(rule, *type, value);
}

class Findings {
 public:
  explicit Findings(const Judged& judged) : judged_(judged) {}

  std::vector<Finding> run() {
    for (const auto& rule : rules())
      rule.judge(judged_, [&](std::string field, std::string sentence) {
        const bool tightened = judged_.profile.severity.count(std::string(rule.code)) > 0;
        add({std::string(rule.id),
             std::string(rule.code),
             std::string(rule.code),
             std::move(field),
             std::move(sentence),
             tightened ? Severity::must : rule.severity,
             {},
             {}});
      });
    for (const auto& rule : judged_.profile.rules) add_rule(rule);
    phases();
    return std::move(out_);
  }

 private:
  void add(Finding finding) {
    if (finding.severity == Severity::should)
      if (const auto why = judged_.plan.accepted.find(finding.key);
          why != judged_.plan.accepted.end())
        finding.accepted = why->second;
    finding.place = place_of(judged_, finding.field);
    out_.push_back(std::move(finding));
  }

  void add_rule(const contract::ProfileRule& rule) {
    for (const auto& step : judged_.plan.steps) {
      if (!wants(rule, step)) continue;
      const auto found = step.inputs.find(rule.field.name);
      if (found == step.inputs.end() || !found->second.known) continue;
      if (auto good = hold(rule, found->second, found->second.value); !good)
        add({rule.id,
             "policy.profile",
             rule.id,
             "steps." + step.id + ".inputs." + rule.field.name,
             "step " + step.id + ": " + good.error().message + ": " + rule.sentence,
             rule.severity,
             {},
             {}});
    }
  }

  void phases() {
    const auto has = [&](std::string_view phase) {
      return std::any_of(judged_.plan.steps.begin(), judged_.plan.steps.end(),
                         [&](const Step& step) { return contract::name(step.phase) == phase; });
    };
    if (!has("cutover")) return;
    for (const auto& phase : judged_.profile.validation_phases)
      if (!has(phase))
        add({"validation",
             "policy.validation",
             "policy.validation",
             "profile.validation.phases",
             "profile " + judged_.profile.name + " wants a step of phase " + phase +
                 " in what cuts over",
             Severity::must,
             {},
             {}});
  }

  const Judged& judged_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> findings(const Judged& judged) { return Findings(judged).run(); }

Error refusal(const Finding& finding) {
  Error error = make_error(finding.code, finding.sentence + " (" + finding.id + ")");
  error.context.push_back("field " + finding.field);
  if (finding.severity == Severity::should)
    error.next = "Mend it, or pass it over: hyops plan ... --accept " + finding.key + "=REASON";
  error.place = finding.place;
  return error;
}

Result<std::string> acceptable(const std::string& word, const contract::Profile& profile) {
  std::vector<std::string> known;
  std::string found;
  bool must = false;
  for (const auto& rule : rules()) {
    const bool tightened = profile.severity.count(std::string(rule.code)) > 0;
    const bool named = rule.id == word || rule.code == word;
    if (rule.severity == Severity::must || tightened) {
      must = must || named;
      continue;
    }
    known.emplace_back(rule.code);
    if (named) found = found.empty() ? std::string(rule.code) : "";
  }
  for (const auto& rule : profile.rules) {
    must = must || (rule.id == word && rule.severity == Severity::must);
    if (rule.severity == Severity::must) continue;
    known.push_back(rule.id);
    if (rule.id == word) found = rule.id;
  }
  if (!found.empty()) return found;
  return fail("policy.accept", "\"" + printable(word, 80) + "\" is " +
                                   (must ? "a must" : "no rule") +
                                   ", and only a should can be passed over: " + join(known) + "." +
                                   did_you_mean(word, known));
}

void judge(const Plan& plan, const contract::Profile& profile, contract::Diagnostics& problems,
           const contract::Lane* lane, const contract::Blueprint* blueprint) {
  const auto found = findings({plan, profile, lane, blueprint});
  for (const auto& finding : found)
    if (finding.refuses()) problems.push_back(refusal(finding));
  for (const auto& [code, ignored] : profile.severity)
    if (std::none_of(rules().begin(), rules().end(),
                     [&, name = code](const Rule& rule) { return rule.code == name; }))
      problems.push_back(make_error("policy.profile", "profile " + profile.name + " tightens \"" +
                                                          printable(code, 80) +
                                                          "\", which is no rule"));
  for (const auto& [key, why] : plan.accepted)
    if (std::none_of(found.begin(), found.end(), [&, name = key](const Finding& finding) {
          return finding.key == name && finding.accepted;
        }))
      problems.push_back(make_error("policy.accept", "there is nothing to pass over at " +
                                                         printable(key, 80) + " (" + why.from +
                                                         ": " + printable(why.reason, 200) + ")"));
}

Status judge_inputs(const Plan& plan, const Step& step, const Json& inputs,
                    const contract::Profile& profile) {
  for (const auto& rule : profile.rules) {
    const auto found = step.inputs.find(rule.field.name);
    if (!wants(rule, step) || found == step.inputs.end() || found->second.known ||
        !inputs.contains(rule.field.name) || plan.accepted.count(rule.id))
      continue;
    if (auto good = hold(rule, found->second, inputs[rule.field.name]); !good)
      return fail("policy.profile", "step " + step.id + ": " + good.error().message + ": " +
                                        rule.sentence + " (" + rule.id + ")");
  }
  return {};
}

Status judge_time(const Plan& plan, const contract::Profile& profile, int64_t wall_ms) {
  const auto& window = profile.window;
  const std::string type =
      plan.origin.contains("decision") ? get_string(plan.origin["decision"], "type") : "";
  if (window.is_open(wall_ms) ||
      std::find(window.except.begin(), window.except.end(), type) != window.except.end())
    return {};
  return fail("policy.window", "profile " + profile.name + " lets no run start at " +
                                   to_rfc3339(wall_ms) + " (window.open, UTC)");
}

}  // namespace hyops::plan
