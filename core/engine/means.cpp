#include "engine/means.hpp"

#include <chrono>
#include <thread>

namespace hyops::engine {
namespace {

class ThisMachine final : public Means {
 public:
  const Clock& clock() const override { return system_clock(); }
  void pause(int64_t ms) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  }
  std::unique_ptr<Executor> executor() const override { return make_threads(); }
  std::unique_ptr<Driver> driver(contract::Driver which) const override {
    switch (which) {
      case contract::Driver::ansible:
        return make_ansible_driver();
      case contract::Driver::terraform:
        return make_terraform_driver();
      case contract::Driver::packer:
        return make_packer_driver();
      case contract::Driver::plugin:
        return make_plugin_driver();
      case contract::Driver::process:
        break;
    }
    return make_process_driver();
  }
  Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                  const Json& config, plugin::Services services) const override {
    return plugin::Instance::start(registry, id, config, std::move(services), clock());
  }
};

}  // namespace

const Means& this_machine() {
  static const ThisMachine machine;
  return machine;
}

}  // namespace hyops::engine
