#include "engine/world.hpp"

#include <algorithm>

namespace hyops::engine {

LocalWorld::LocalWorld(ledger::Ledger* ledger, const plugin::Registry& registry,
                       const contract::Lane& lane)
    : ledger_(ledger), registry_(registry), lane_(lane) {}

LocalWorld::~LocalWorld() = default;

plan::World LocalWorld::world() {
  return {[this](const std::string& key) {
            return ledger_ ? state_of(*ledger_, lane_, key) : Result<Json>(Json());
          },
          [this](const contract::Pack& pack, const Json& inputs) { return forecast(pack, inputs); },
          [this](const std::string& id) { return registry_.digest(id); }};
}

Result<Json> state_of(ledger::Ledger& ledger, const contract::Lane& lane, const std::string& key) {
  auto slot = ledger.slot(lane.name, key);
  if (!slot) return pass(slot);
  if (slot->version == 0 || slot->epoch != lane.epoch) return Json();
  return slot->value;
}

Result<Json> LocalWorld::forecast(const contract::Pack& pack, const Json& inputs) {
  const auto verbs = plugin::verbs_of(pack.interface);
  if (pack.verb != "apply" || std::find(verbs.begin(), verbs.end(), "plan") == verbs.end())
    return Json();
  auto found = plugins_.find(pack.plugin);
  if (found == plugins_.end()) {
    const auto config = lane_.plugins.find(pack.plugin);
    // No services: `plan` is pure.
    auto started = plugin::Instance::start(
        registry_, pack.plugin, config == lane_.plugins.end() ? Json::object() : config->second,
        {});
    if (!started) return pass(started, "while asking plugin " + pack.plugin + " for its forecast");
    found = plugins_.emplace(pack.plugin, std::move(*started)).first;
  }
  plugin::CallRequest call;
  call.interface = pack.interface;
  call.verb = "plan";
  call.input = inputs;
  call.lane = lane_.name;
  call.deadline_ms = system_clock().mono_ms() + 10'000;
  auto answer = found->second.call(call);
  if (!answer) return pass(answer, "while asking plugin " + pack.plugin + " for its forecast");
  return answer;
}

}  // namespace hyops::engine
