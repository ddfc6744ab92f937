// Random graphs: what has an order checks clean, what has a circle is told the circle.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <set>

#include "base/text.hpp"
#include "contract/document.hpp"

using namespace hyops;
using namespace hyops::contract;

namespace {

using Edges = std::set<std::pair<size_t, size_t>>;  // (step, what it needs)

// Every step needs only earlier ones, so there is always an order. Ids are shuffled by `salt`.
Edges random_dag(size_t steps) {
  Edges edges;
  const auto pairs = *rc::gen::container<std::vector<std::pair<size_t, size_t>>>(
      rc::gen::pair(rc::gen::inRange<size_t>(0, steps), rc::gen::inRange<size_t>(0, steps)));
  for (const auto& [a, b] : pairs)
    if (a != b) edges.emplace(std::max(a, b), std::min(a, b));
  return edges;
}

std::string id(size_t step) { return "s" + std::to_string(step); }

// As a file, half of the edges as `needs` and half as references, steps in the given order.
std::string as_file(const std::vector<size_t>& order, const Edges& edges) {
  std::string text = "blueprint = \"ops/random\"\nversion = \"1.0.0\"\ntitle = \"Random\"\n";
  for (const size_t step : order) {
    std::string needs, reference;
    for (const auto& [from, to] : edges) {
      if (from != step) continue;
      if ((from + to) % 2 == 1 && reference.empty())
        reference = id(to);
      else
        needs += (needs.empty() ? "\"" : ", \"") + id(to) + "\"";
    }
    text += "[[step]]\nid = \"" + id(step) +
            "\"\nmodule = \"test/step\"\nphase = \"data\"\nneeds = [" + needs + "]\n";
    if (!reference.empty()) text += "inputs = { after = { from = \"" + reference + ".done\" } }\n";
  }
  return text;
}

std::vector<size_t> shuffled(size_t steps) {
  std::vector<size_t> order;
  for (size_t i = 0; i < steps; ++i) order.push_back(i);
  const auto keys =
      *rc::gen::container<std::vector<unsigned>>(steps, rc::gen::arbitrary<unsigned>());
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return std::pair(keys[a], a) < std::pair(keys[b], b); });
  return order;
}

Diagnostics check(const std::string& text) {
  Diagnostics problems;
  Catalog catalog(HYOPS_SOURCE_DIR "/tests/golden/contract/catalog");
  const auto blueprint = parse_blueprint(text, "random.toml", problems);
  if (blueprint) check_blueprint(*blueprint, catalog, problems);
  return problems;
}

// A way from `from` to `to` along needs, so that a new edge to -> from closes a circle.
bool reaches(const Edges& edges, size_t from, size_t to) {
  std::set<size_t> seen{from};
  std::vector<size_t> open{from};
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    if (at == to) return true;
    for (const auto& [step, need] : edges)
      if (step == at && seen.insert(need).second) open.push_back(need);
  }
  return false;
}

}  // namespace

RC_GTEST_PROP(BlueprintGraph, without_a_circle_checks_clean, ()) {
  const auto steps = *rc::gen::inRange<size_t>(1, 25);
  const Edges edges = random_dag(steps);
  RC_ASSERT(check(as_file(shuffled(steps), edges)).empty());
}

RC_GTEST_PROP(BlueprintGraph, with_a_back_edge_is_told_a_circle_that_is_real, ()) {
  const auto steps = *rc::gen::inRange<size_t>(2, 25);
  Edges edges = random_dag(steps);
  const auto high = *rc::gen::inRange<size_t>(1, steps);
  const auto low = *rc::gen::inRange<size_t>(0, high);
  if (!reaches(edges, high, low)) edges.emplace(high, low);
  edges.emplace(low, high);
  const Diagnostics problems = check(as_file(shuffled(steps), edges));
  RC_ASSERT(!problems.empty());
  for (const auto& problem : problems) {
    RC_ASSERT(problem.code == "contract.cycle");
    const std::string path = problem.message.substr(problem.message.find(": ") + 2);
    std::vector<size_t> nodes;
    for (size_t at = 0; at != std::string::npos;) {
      const size_t arrow = path.find(" -> ", at);
      nodes.push_back(std::stoul(path.substr(at + 1, arrow - at - 1)));
      at = arrow == std::string::npos ? arrow : arrow + 4;
    }
    RC_ASSERT(nodes.size() >= 3u);
    RC_ASSERT(nodes.front() == nodes.back());
    for (size_t i = 0; i + 1 < nodes.size(); ++i)
      RC_ASSERT(edges.count({nodes[i], nodes[i + 1]}) == 1u);
  }
}
