// What a run acts through: clock, threads, drivers and plugins of this machine. A simulation gives
// models of them, and everything else is the same.
#pragma once

#include "engine/drivers/driver.hpp"
#include "engine/executor.hpp"

namespace hyops::engine {

class Means {
 public:
  virtual ~Means() = default;
  virtual const Clock& clock() const = 0;
  virtual void pause(int64_t ms) const = 0;  // of the step that calls it
  virtual std::unique_ptr<Executor> executor() const = 0;
  virtual std::unique_ptr<Driver> driver(contract::Driver which) const = 0;
  virtual Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                          const Json& config, plugin::Services services) const = 0;
};

}  // namespace hyops::engine
