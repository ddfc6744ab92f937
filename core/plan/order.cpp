#include "plan/order.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <unordered_map>

namespace hyops::plan {

std::vector<std::string> needs_of(const contract::Step& step) {
  std::set<std::string> needs(step.needs.begin(), step.needs.end());
  for (const auto& [name, binding] : step.inputs)
    if (binding.from && binding.from->of == contract::Reference::Of::step)
      needs.insert(binding.from->step);
  return {needs.begin(), needs.end()};
}

std::vector<size_t> order(const std::vector<contract::Step>& steps) {
  std::unordered_map<std::string, size_t> position;
  for (size_t i = 0; i < steps.size(); ++i) position.emplace(steps[i].id, i);
  std::vector<size_t> waiting(steps.size(), 0);
  std::vector<std::vector<size_t>> needed_by(steps.size());
  for (size_t i = 0; i < steps.size(); ++i)
    for (const auto& need : needs_of(steps[i]))
      if (const auto found = position.find(need); found != position.end()) {
        needed_by[found->second].push_back(i);
        ++waiting[i];
      }
  using Key = std::pair<contract::Phase, size_t>;
  std::priority_queue<Key, std::vector<Key>, std::greater<>> ready;
  for (size_t i = 0; i < steps.size(); ++i)
    if (waiting[i] == 0) ready.emplace(steps[i].phase, i);
  std::vector<size_t> out;
  out.reserve(steps.size());
  while (!ready.empty()) {
    const size_t at = ready.top().second;
    ready.pop();
    out.push_back(at);
    for (const size_t next : needed_by[at])
      if (--waiting[next] == 0) ready.emplace(steps[next].phase, next);
  }
  return out;
}

}  // namespace hyops::plan
