// The only user of Boost.DLL, in a process that has nothing to lose.
#include "plugin-host/module.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <cstring>

#include "plugin/interfaces.hpp"

namespace hyops::plugin_host {
namespace {

namespace dll = boost::dll;

// The verbs of a released revision are frozen, so a table that lacks one never was of it.
Status check_table(const std::string& id, const void* table) {
  if (!table)
    return fail("plugin.interface", "plugin.toml says it implements " + id + ", but it does not");
  const auto& verbs = plugin::verbs_of(id);
  uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  for (size_t n = 0; n < verbs.size(); ++n) {
    hyops_verb verb = nullptr;
    const size_t at = 8 + n * sizeof verb;
    if (at + sizeof verb <= size)
      std::memcpy(&verb, static_cast<const char*>(table) + at, sizeof verb);
    if (!verb) return fail("plugin.interface", "its table of " + id + " has no " + verbs[n]);
  }
  return {};
}

std::string quoted(const char* text) { return text ? "\"" + std::string(text) + "\"" : "nothing"; }

}  // namespace

Result<Module> Module::load(const std::string& path, const std::string& id,
                            const std::string& version) {
  std::error_code problem;
  ::dlerror();
  // On the heap and never deleted: unloading runs a vendor's destructors behind our back, and a
  // copied shared_library would open the file again by its path.
  auto* library = new dll::shared_library();
  library->load(path, problem, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
  if (problem || !library->is_loaded()) {
    const char* reason = ::dlerror();
    return fail("plugin.load",
                "the shared object cannot be loaded: " + (reason ? reason : problem.message()));
  }
  if (!library->has("hyops_module"))
    return fail("plugin.symbol", "the shared object does not export hyops_module");
  const auto& module = library->get<const hyops_module_v1>("hyops_module");
  // Nothing behind the magic means anything until the magic is right (asked for its own executable,
  // Boost.DLL succeeds).
  if (module.magic != HYOPS_MAGIC)
    return fail("plugin.magic", "hyops_module does not begin with the magic number of hyops");
  if (module.abi_major != HYOPS_ABI_MAJOR || module.struct_size < sizeof(hyops_module_v1))
    return fail("plugin.abi", "the plugin was built for ABI " + std::to_string(module.abi_major) +
                                  "." + std::to_string(module.abi_minor) + "; this is " +
                                  std::to_string(HYOPS_ABI_MAJOR) + "." +
                                  std::to_string(HYOPS_ABI_MINOR));
  if (!module.id || id != module.id)
    return fail("plugin.id",
                "plugin.toml says " + id + ", the shared object says " + quoted(module.id));
  if (!module.version || version != module.version)
    return fail("plugin.version", "plugin.toml says version " + version +
                                      ", the shared object says " + quoted(module.version));
  if (!module.create || !module.destroy || !module.interface)
    return fail("plugin.abi", "hyops_module lacks create, destroy or interface");
  return Module(module);
}

Status Module::create(const Host& host, Call& call, const std::string& config,
                      const std::vector<std::string>& interfaces) {
  instance_ = module_->create(&host.table, &call.table, {config.data(), config.size()});
  if (!instance_) return fail("plugin.create", "the plugin did not accept its configuration");
  for (const auto& id : interfaces)
    if (auto whole = check_table(id, module_->interface(instance_, id.c_str())); !whole)
      return whole;
  return {};
}

Status Module::call(const std::string& interface, const std::string& verb, Call& call,
                    const std::string& inputs) {
  const auto& verbs = plugin::verbs_of(interface);
  const auto index =
      static_cast<size_t>(std::find(verbs.begin(), verbs.end(), verb) - verbs.begin());
  const auto* table = static_cast<const char*>(
      index < verbs.size() ? module_->interface(instance_, interface.c_str()) : nullptr);
  if (!table) return fail("plugin.verb", interface + " has no verb " + verb);
  uint32_t size = 0;
  std::memcpy(&size, table, sizeof size);
  hyops_verb function = nullptr;
  const size_t at = 8 + index * sizeof function;
  if (at + sizeof function <= size) std::memcpy(&function, table + at, sizeof function);
  if (!function)
    return fail("plugin.verb", "the plugin's table of " + interface + " has no " + verb);
  function(instance_, &call.table, {inputs.data(), inputs.size()});
  return {};
}

bool Module::has(const std::string& id) const {
  return instance_ && module_->interface(instance_, id.c_str());
}

void Module::destroy() {
  if (instance_) module_->destroy(std::exchange(instance_, nullptr));
}

}  // namespace hyops::plugin_host
