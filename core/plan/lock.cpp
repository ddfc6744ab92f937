// hyops.lock held against a plan: nothing runs that the lane has not agreed to, byte for byte
// (L10).
#include "plan/plan.hpp"

namespace hyops::plan {

contract::Lock lock_of(const Plan& plan) {
  contract::Lock lock;
  lock.blueprints[plan.blueprint] = plan.blueprint_digest;
  lock.profiles[plan.profile] = plan.profile_digest;
  lock.modules = plan.modules;
  lock.tools = plan.tools;
  for (const auto& step : plan.steps) {
    lock.packs[step.pack] = step.pack_digest;
    if (!step.plugin.empty()) lock.plugins[step.plugin] = step.plugin_digest;
  }
  return lock;
}

Status check_lock(const Plan& plan, const contract::Lock& agreed) {
  const contract::Lock used = lock_of(plan);
  const std::string relock = "review it, then: hyops lane lock " + plan.lane + " " + plan.blueprint;
  const auto check = [&](const char* what, const std::map<std::string, std::string>& wanted,
                         const std::map<std::string, std::string>& locked) -> Status {
    for (const auto& [name, value] : wanted) {
      const auto found = locked.find(name);
      const std::string subject = std::string(what) + " " + name;
      if (found == locked.end())
        return fail("plan.lock.missing", subject + " is not in the lock of lane " + plan.lane,
                    relock);
      if (found->second != value)
        return fail(
            "plan.lock.changed",
            subject + " is " + value + ", lane " + plan.lane + " has locked " + found->second,
            relock);
    }
    return {};
  };
  for (auto checked :
       {check("blueprint", used.blueprints, agreed.blueprints),
        check("profile", used.profiles, agreed.profiles),
        check("module", used.modules, agreed.modules), check("pack", used.packs, agreed.packs),
        check("plugin", used.plugins, agreed.plugins), check("tool", used.tools, agreed.tools)})
    if (!checked) return checked;
  return {};
}

}  // namespace hyops::plan
