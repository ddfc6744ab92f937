// Plugins under the doctor's eyes: which stand here, who vouches for them, and what fences them in.
#include <unistd.h>

#include <set>

#include "base/text.hpp"
#include "cli/doctor.hpp"
#include "cli/lane_check.hpp"
#include "cli/plugin.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "plugin/instance.hpp"

namespace hyops::cli {
namespace {

constexpr int64_t warn_before_ms = 30 * int64_t{86'400'000};

// A helper confines itself, loads nothing, and says what held.
void examine_confinement(const plugin::Registry& registry, Diagnosis& diagnosis) {
  auto holds = plugin::examine_isolation(registry.sources().helper);
  if (!holds)
    return diagnosis.bad("plugins", "a plugin cannot be confined here: " + holds.error().message,
                         holds.error().next);
  const int64_t landlock = get_int(*holds, "landlock");
  if (landlock > 0)
    diagnosis.ok("plugins", "run confined: no new privileges, limits, seccomp, Landlock (ABI " +
                                std::to_string(landlock) + ")");
  else
    diagnosis.warn("plugins",
                   "run confined by seccomp and limits, but the kernel has no Landlock: a plugin "
                   "can read every file that hyops can",
                   "Boot a kernel with Landlock (lsm=landlock,...), or allow it in the container.");
  if (::geteuid() != 0)
    diagnosis.ok("plugins", "may belong to user " + std::to_string(::geteuid()) +
                                " as well as to root, because hyops does not run as root");
}

void examine_trust(const plugin::Registry& registry, Diagnosis& diagnosis) {
  const int64_t now = system_clock().wall_ms();
  for (const auto& key : registry.trust().keys()) {
    if (!key.expires_ms || key.expires_ms - now > warn_before_ms) continue;
    diagnosis.warn("plugins",
                   "the trust in the key " + key.name +
                       (key.expires_ms > now ? " ends" : " ended") + " on " +
                       to_rfc3339(key.expires_ms).substr(0, 10) + ": " + key.file.string(),
                   "hyops explain plugin.key.expired");
  }
  for (const auto& about : registry.quarantine().list())
    if (about.quarantined())
      diagnosis.warn("plugins",
                     about.plugin + " is in quarantine after " +
                         std::to_string(about.crashes.size()) + " crashes",
                     "hyops explain plugin.quarantined");
}

}  // namespace

void examine_plugins(const Context& context, Diagnosis& diagnosis) {
  auto registry = open_registry(context);
  if (!registry) return diagnosis.bad("plugins", registry.error().text(), registry.error().next);
  std::set<std::string> needed;
  examine_confinement(*registry, diagnosis);
  examine_trust(*registry, diagnosis);
  contract::Catalog catalog(context.places.catalog);
  for (const auto& name : catalog.names("packs")) {
    contract::Diagnostics ignored;
    if (const auto* pack = catalog.pack(name, {}, ignored); pack && !pack->plugin.empty())
      needed.insert(pack->plugin);
  }
  for (const auto& lane : lane_names(context)) {
    contract::Diagnostics ignored;
    const auto loaded = contract::load_lane(context.places.lane(lane), ignored);
    if (!loaded) continue;
    for (const auto* authority : {&loaded->secrets, &loaded->standby})
      if (!authority->plugin.empty()) needed.insert(authority->plugin);
  }
  for (const auto& entry : registry->list()) {
    const bool used = needed.erase(entry.id) > 0;
    if (!entry.problem)
      diagnosis.ok("plugins", entry.id + " " + entry.version + ", signed by " + entry.signed_by);
    else
      diagnosis.add("plugins", used ? Level::bad : Level::warn,
                    entry.id + " cannot be used: " + entry.problem->message, entry.problem->next);
  }
  for (const auto& id : needed)
    diagnosis.warn("plugins",
                   id + " is not installed: packs and lanes that name it cannot run here",
                   "hyops plugin list");
}

}  // namespace hyops::cli
