// What the planner may ask of this machine: the lane's state, plugins' pure forecasts, their
// digests.
#pragma once

#include <map>
#include <memory>

#include "engine/setup.hpp"
#include "ledger/ledger.hpp"
#include "plan/plan.hpp"
#include "plugin/instance.hpp"

namespace hyops::engine {

// What a slot of the lane's state holds; null: nothing. What another epoch left behind is as good
// as absent: drill results never count (E9, L1).
Result<Json> state_of(ledger::Ledger& ledger, const contract::Lane& lane, const std::string& key);

class LocalWorld {
 public:
  // All arguments outlive it. `ledger` may be null: then there is no state.
  LocalWorld(ledger::Ledger* ledger, const plugin::Registry& registry, const contract::Lane& lane);
  ~LocalWorld();
  plan::World world();

 private:
  Result<Json> forecast(const contract::Pack& pack, const Json& inputs);
  ledger::Ledger* ledger_;
  const plugin::Registry& registry_;
  const contract::Lane& lane_;
  std::map<std::string, plugin::Instance> plugins_;
};

}  // namespace hyops::engine
