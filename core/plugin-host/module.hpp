// Loading the one shared object of this process and calling its verbs.
#pragma once

#include <string>

#include "plugin-host/host.hpp"

namespace hyops::plugin_host {

class Module {
 public:
  // Loads the object behind a path and checks what it says of itself: plugin.load, plugin.symbol,
  // plugin.magic, plugin.abi, plugin.id, plugin.version. It is never unloaded.
  static Result<Module> load(const std::string& path, const std::string& id,
                             const std::string& version);

  // plugin.create (also when it did not say why), plugin.interface for one it lacks.
  Status create(const Host& host, Call& call, const std::string& config,
                const std::vector<std::string>& interfaces);

  // Runs the verb; plugin.verb if the table is too short for it.
  Status call(const std::string& interface, const std::string& verb, Call& call,
              const std::string& inputs);

  void destroy();

  // Has the instance a table under this id? Asked of the plugin whatever the id.
  bool has(const std::string& id) const;

 private:
  explicit Module(const hyops_module_v1& module) : module_(&module) {}
  const hyops_module_v1* module_;
  hyops_instance* instance_ = nullptr;
};

}  // namespace hyops::plugin_host
