// This machine, with its wall clock some time ahead: what expires is tried without waiting for it.
#pragma once

#include "engine/means.hpp"

namespace hyops::tests {

class Later final : public engine::Means {
 public:
  int64_t by_ms = 0;

  const Clock& clock() const override { return clock_; }
  void pause(int64_t ms) const override { machine().pause(ms); }
  std::unique_ptr<engine::Executor> executor() const override { return machine().executor(); }
  std::unique_ptr<engine::Driver> driver(contract::Driver which) const override {
    return machine().driver(which);
  }
  Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                  const Json& config, plugin::Services services) const override {
    return machine().plugin(registry, id, config, std::move(services));
  }

 private:
  class Ahead final : public Clock {
   public:
    explicit Ahead(const int64_t& by_ms) : by_ms_(by_ms) {}
    int64_t wall_ms() const override { return system_clock().wall_ms() + by_ms_; }
    int64_t mono_ms() const override { return system_clock().mono_ms(); }

   private:
    const int64_t& by_ms_;
  };
  static const engine::Means& machine() { return engine::this_machine(); }
  Ahead clock_{by_ms};
};

}  // namespace hyops::tests
