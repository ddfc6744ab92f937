// A plan may come from another machine or an editor: it is made once more from its sources, and
// must come out the same.
#include "base/text.hpp"
#include "plan/plan.hpp"

namespace hyops::plan {
namespace {

// The world as the plan says it was found. Where two steps of a plan disagree about it, the plan
// that comes out differs from one of them.
struct Told {
  std::map<std::string, Json> state;
  std::map<std::string, std::string> plugins;
  std::vector<Json> forecasts;  // of its plugin steps, in the order in which resolve asks
  size_t asked = 0;

  World world() {
    return {[this](const std::string& key) -> Result<Json> {
              const auto found = state.find(key);
              return found == state.end() ? Json() : found->second;
            },
            [this](const contract::Pack&, const Json&) -> Result<Json> {
              return asked < forecasts.size() ? forecasts[asked++] : Json();
            },
            [this](const std::string& id) -> Result<std::string> { return plugins[id]; }};
  }
};

Told told_by(const Plan& plan, const contract::Blueprint& blueprint) {
  Told told;
  told.state[authority_slot] = {{"authority", plan.secrets_from}};
  for (const auto& step : plan.steps) {
    if (step.driver != contract::Driver::plugin) continue;
    told.plugins[step.plugin] = step.plugin_digest;
    told.forecasts.push_back(step.forecast);
  }
  std::map<std::string, const Step*> steps;
  for (const auto& step : plan.steps) steps[step.id] = &step;
  for (const auto& written : blueprint.steps)
    for (const auto& [name, binding] : written.inputs) {
      const auto step = steps.find(written.id);
      if (!binding.from || binding.from->of != contract::Reference::Of::state ||
          step == steps.end())
        continue;
      const auto input = step->second->inputs.find(name);
      if (input == step->second->inputs.end()) continue;
      // Where the operator said otherwise, the state was there all the same; what it held is not
      // told.
      Json& outputs = told.state[binding.from->module + "#" + binding.from->instance];
      if (input->second.from != "operator" || !outputs.contains(binding.from->name))
        outputs[binding.from->name] = input->second.value;
    }
  return told;
}

}  // namespace

Status check_faithful(const Plan& plan, const contract::Blueprint& blueprint,
                      const contract::Lane& lane, contract::Catalog& catalog) {
  Question question{
      &blueprint, &lane, plan.target, plan.origin, {}, {}, Question::Inputs::as_planned};
  for (const auto& [rule, why] : plan.accepted)
    if (why.from == "operator") question.accepted[rule] = why.reason;
  for (const auto& step : plan.steps)
    for (const auto& [name, input] : step.inputs)
      if (input.from == "operator") question.inputs[step.id + "." + name] = input.value;
  Told told = told_by(plan, blueprint);
  contract::Diagnostics problems;
  const auto again = resolve(question, catalog, told.world(), problems);
  if (!again) return Failure(std::move(problems.front()));
  if (to_json(*again) == to_json(plan)) return {};
  const auto sentences = diff(*again, plan);
  return fail("plan.unfaithful",
              "the plan is not what its blueprint, lane and profile give" +
                  (sentences.empty() ? std::string() : ": " + sentences.front()));
}

}  // namespace hyops::plan
