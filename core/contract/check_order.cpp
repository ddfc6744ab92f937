// Whether the steps of a blueprint can be put in an order at all, and in none that cuts over too early.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "contract/check.hpp"

namespace hyops::contract {
namespace {

// Removes, from the front, every step whose needs are all removed; what stays needs a circle or is one.
std::vector<bool> on_or_behind_a_cycle(const Dependencies& dependencies) {
  const size_t count = dependencies.size();
  std::vector<size_t> open(count);
  std::vector<std::vector<size_t>> dependents(count);
  std::vector<size_t> ready;
  for (size_t i = 0; i < count; ++i) {
    open[i] = dependencies[i].size();
    for (const size_t need : dependencies[i]) dependents[need].push_back(i);
    if (open[i] == 0) ready.push_back(i);
  }
  std::vector<bool> stuck(count, true);
  while (!ready.empty()) {
    const size_t step = ready.back();
    ready.pop_back();
    stuck[step] = false;
    for (const size_t next : dependents[step])
      if (--open[next] == 0) ready.push_back(next);
  }
  return stuck;
}

std::string path_text(const Blueprint& blueprint, const std::vector<size_t>& cycle) {
  constexpr size_t shown = 30;
  std::vector<std::string> parts;
  for (size_t i = 0; i < cycle.size() && i < shown; ++i) parts.push_back(blueprint.steps[cycle[i]].id);
  if (cycle.size() > shown) parts.push_back("... " + std::to_string(cycle.size() - shown) + " more ...");
  parts.push_back(blueprint.steps[cycle.front()].id);
  return join(parts, " -> ");
}

// Every stuck step has a stuck need, so following those must come back to where it has been.
void find_cycles(const Blueprint& blueprint, const Dependencies& dependencies, Complaints& complaints) {
  const std::vector<bool> stuck = on_or_behind_a_cycle(dependencies);
  std::vector<size_t> walked(stuck.size(), 0);  // number of the walk that came by; 0: none
  std::vector<size_t> path;
  for (size_t start = 0; start < stuck.size(); ++start) {
    if (!stuck[start] || walked[start] != 0) continue;
    path.clear();
    size_t at = start;
    while (walked[at] == 0) {
      walked[at] = start + 1;
      path.push_back(at);
      at = *std::find_if(dependencies[at].begin(), dependencies[at].end(), [&](size_t need) { return stuck[need]; });
    }
    if (walked[at] != start + 1) continue;  // ran into a circle that is told already
    const std::vector<size_t> cycle(std::find(path.begin(), path.end(), at), path.end());
    complaints.add(blueprint.steps[at].place, "contract.cycle",
                   "steps need each other in a circle: " + path_text(blueprint, cycle));
  }
}

}  // namespace

void check_order(const Blueprint& blueprint, const Dependencies& dependencies, Complaints& complaints) {
  for (size_t i = 0; i < dependencies.size(); ++i)
    for (const size_t need : dependencies[i]) {
      const Step& step = blueprint.steps[i];
      const Step& other = blueprint.steps[need];
      if (other.phase > step.phase)
        complaints.add(step.place, "contract.phase.order",
                       "step \"" + step.id + "\" of phase " + std::string(name(step.phase)) + " needs \"" + other.id +
                           "\" of the later phase " + std::string(name(other.phase)));
    }
  find_cycles(blueprint, dependencies, complaints);
}

// Phases run in their order, so what must come before the cutover only has to be there at all.
void check_phases(const Blueprint& blueprint, Modules& modules, const Place& at, Complaints& complaints) {
  std::array<const Step*, 11> first{};
  const Step* secret_taker = nullptr;
  for (const auto& step : blueprint.steps) {
    auto& slot = first[static_cast<size_t>(step.phase)];
    if (!slot) slot = &step;
    if (secret_taker) continue;
    const Module* module = modules.get(step.module, step.place);
    if (!module) continue;
    for (const auto& [input, ignored] : step.inputs) {
      const auto field = module->inputs.find(input);
      if (field != module->inputs.end() && takes_secret(field->second.type)) secret_taker = &step;
    }
  }
  const auto has = [&](Phase phase) { return first[static_cast<size_t>(phase)]; };
  const Step* cutover = has(Phase::cutover);
  const auto lacks = [&](Phase phase, const char* code, const std::string& why) {
    if (cutover && !has(phase))
      complaints.add(cutover->place, code, "step \"" + cutover->id + "\" cuts over, but " + why);
  };
  lacks(Phase::data, "contract.phase.no_data", "no step of phase data comes before it");
  lacks(Phase::readiness, "contract.phase.no_readiness", "no step of phase readiness comes before it");
  if (secret_taker)
    lacks(Phase::secrets, "contract.phase.no_secrets",
          "step \"" + secret_taker->id + "\" takes a secret and no step of phase secrets brings it");
  if (const Step* rearm = has(Phase::rearm); rearm && !cutover)
    complaints.add(rearm->place, "contract.phase.no_cutover",
                   "step \"" + rearm->id + "\" re-arms, but nothing has been cut over");
  const bool moves = std::any_of(blueprint.decision.begin(), blueprint.decision.end(), [](const std::string& decision) {
    return decision == "failover" || decision == "failback";
  });
  if (moves && !has(Phase::fence) && (has(Phase::data) || cutover))
    complaints.add(at, "contract.phase.no_fence",
                   "the blueprint moves the primary, but no step of phase fence stops the old one first");
}

}  // namespace hyops::contract
