// Whether the steps of a blueprint can be put in an order at all, and in none that cuts over too
// early.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "contract/check.hpp"

namespace hyops::contract {
namespace {

// Which circle, or knot of circles, a step is in: Tarjan's strongly connected components with the
// call stack as data. Steps of one component have one number.
class Components {
 public:
  explicit Components(const Dependencies& needs)
      : needs_(needs), number_(needs.size(), none), low_(needs.size(), 0), of(needs.size(), none) {
    for (size_t start = 0; start < needs.size(); ++start)
      if (number_[start] == none) visit(start);
  }

 private:
  static constexpr size_t none = static_cast<size_t>(-1);
  struct Frame {
    size_t step, next;  // next: which of its needs comes now
  };

  void visit(size_t start) {
    enter(start);
    while (!frames_.empty()) {
      Frame& top = frames_.back();
      if (top.next < needs_[top.step].size()) {
        const size_t need = needs_[top.step][top.next++];
        if (number_[need] == none)
          enter(need);
        else if (of[need] == none)
          low_[top.step] = std::min(low_[top.step], number_[need]);
        continue;
      }
      leave(top.step);
    }
  }

  void enter(size_t step) {
    number_[step] = low_[step] = counter_++;
    open_.push_back(step);
    frames_.push_back({step, 0});
  }

  void leave(size_t step) {
    frames_.pop_back();
    if (!frames_.empty())
      low_[frames_.back().step] = std::min(low_[frames_.back().step], low_[step]);
    if (low_[step] != number_[step]) return;
    size_t member = none;
    do {
      member = open_.back();
      open_.pop_back();
      of[member] = number_[step];
    } while (member != step);
  }

  const Dependencies& needs_;
  std::vector<size_t> number_, low_, open_;
  std::vector<Frame> frames_;
  size_t counter_ = 0;

 public:
  std::vector<size_t> of;
};

std::string path_text(const Blueprint& blueprint, const std::vector<size_t>& cycle) {
  constexpr size_t shown = 30;
  std::vector<std::string> parts;
  for (size_t i = 0; i < cycle.size() && i < shown; ++i)
    parts.push_back(blueprint.steps[cycle[i]].id);
  if (cycle.size() > shown)
    parts.push_back("... " + std::to_string(cycle.size() - shown) + " more ...");
  parts.push_back(blueprint.steps[cycle.front()].id);
  return join(parts, " -> ");
}

// In a component of more than one step every step needs another of it, so following those comes
// back.
void find_cycles(const Blueprint& blueprint, const Dependencies& dependencies,
                 Complaints& complaints) {
  const Components components(dependencies);
  std::vector<bool> told(dependencies.size(), false), walked(dependencies.size(), false);
  for (size_t start = 0; start < dependencies.size(); ++start) {
    const size_t component = components.of[start];
    const auto inside = [&](size_t step) { return components.of[step] == component; };
    const auto first_inside = [&](size_t step) {
      return std::find_if(dependencies[step].begin(), dependencies[step].end(), inside);
    };
    if (told[component] || first_inside(start) == dependencies[start].end()) continue;
    told[component] = true;
    std::vector<size_t> path;
    size_t at = start;
    for (; !walked[at]; at = *first_inside(at)) {
      walked[at] = true;
      path.push_back(at);
    }
    const std::vector<size_t> cycle(std::find(path.begin(), path.end(), at), path.end());
    complaints.add(blueprint.steps[at].place, "contract.cycle",
                   "steps need each other in a circle: " + path_text(blueprint, cycle));
  }
}

}  // namespace

void check_order(const Blueprint& blueprint, const Dependencies& dependencies,
                 Complaints& complaints) {
  for (size_t i = 0; i < dependencies.size(); ++i)
    for (const size_t need : dependencies[i]) {
      const Step& step = blueprint.steps[i];
      const Step& other = blueprint.steps[need];
      if (other.phase > step.phase)
        complaints.add(step.place, "contract.phase.order",
                       "step \"" + step.id + "\" of phase " + std::string(name(step.phase)) +
                           " needs \"" + other.id + "\" of the later phase " +
                           std::string(name(other.phase)));
    }
  find_cycles(blueprint, dependencies, complaints);
}

// Phases run in their order, so what must come before the cutover only has to be there at all.
void check_phases(const Blueprint& blueprint, Modules& modules, const Place& at,
                  Complaints& complaints) {
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
  lacks(Phase::readiness, "contract.phase.no_readiness",
        "no step of phase readiness comes before it");
  if (secret_taker)
    lacks(
        Phase::secrets, "contract.phase.no_secrets",
        "step \"" + secret_taker->id + "\" takes a secret and no step of phase secrets brings it");
  if (const Step* rearm = has(Phase::rearm); rearm && !cutover)
    complaints.add(rearm->place, "contract.phase.no_cutover",
                   "step \"" + rearm->id + "\" re-arms, but nothing has been cut over");
  const bool moves = std::any_of(
      blueprint.decision.begin(), blueprint.decision.end(),
      [](const std::string& decision) { return decision == "failover" || decision == "failback"; });
  if (moves && !has(Phase::fence) && (has(Phase::data) || cutover))
    complaints.add(
        at, "contract.phase.no_fence",
        "the blueprint moves the primary, but no step of phase fence stops the old one first");
}

}  // namespace hyops::contract
