// What profiles and lanes say about modules and packs, held against the catalogue; and the lock's
// digests.
#include <algorithm>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "contract/check.hpp"
#include "contract/document.hpp"

namespace hyops::contract {
namespace {

using Defaults = std::map<std::string, std::map<std::string, Json>>;

void check_defaults(const Defaults& defaults, const Place& at, Modules& modules,
                    Complaints& complaints) {
  for (const auto& [name, values] : defaults) {
    const Module* module = modules.get(name, at);
    if (!module) continue;
    for (const auto& [input, value] : values) {
      const std::string where = "defaults.\"" + name + "\"." + printable(input, 64);
      const auto field = module->inputs.find(input);
      if (field == module->inputs.end()) {
        complaints.add(at, "contract.input.unknown",
                       where + ": " + name + " has no such input." +
                           did_you_mean(input, names_of(module->inputs)));
      } else if (auto read = read_value(field->second, value); !read) {
        read.error().message = where + ": " + read.error().message;
        complaints.add(at, std::move(read.error()));
      }
    }
  }
}

const Pack* bound_pack(const Profile& profile, const std::string& module, const Place& at,
                       Catalog& catalog, Complaints& complaints) {
  const auto bind = profile.bind.find(module);
  if (bind == profile.bind.end()) {
    std::vector<std::string> known;
    for (const auto& [name, ignored] : profile.bind) known.push_back(name);
    complaints.add(at, "contract.binding.missing",
                   "the profile " + profile.name + " binds no pack to " + module + "." +
                       did_you_mean(module, known));
    return nullptr;
  }
  const Pack* pack = catalog.pack(bind->second, at, complaints.problems());
  const Module* means = pack ? catalog.module(pack->module, at, complaints.problems()) : nullptr;
  if (means && means->effects.authority.empty() == pack->of_lanes_authority()) {
    complaints.add(at, "contract.pack.authority",
                   pack->of_lanes_authority()
                       ? pack->name + " names no plugin, and " + module +
                             " does not say under effects.authority which authority it is about"
                       : pack->name + " names a plugin, and " + module +
                             " is about the lane's authority, whichever plugin that is");
    return nullptr;
  }
  if (!pack || pack->module == module) return pack;
  complaints.add(at, "contract.binding.other_module",
                 "the profile " + profile.name + " binds " + module + " to " + pack->name +
                     ", which implements " + pack->module);
  return nullptr;
}

std::vector<std::string> modules_of(const Blueprint& blueprint) {
  std::vector<std::string> names;
  for (const auto& step : blueprint.steps) names.push_back(step.module);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

void check_bindings(const Blueprint& blueprint, const Profile& profile, Catalog& catalog,
                    Diagnostics& problems) {
  Complaints complaints(problems);
  const Place at{profile.file.empty() ? profile.name : profile.file.string(), 0, 0};
  for (const auto& module : modules_of(blueprint))
    bound_pack(profile, module, at, catalog, complaints);
}

void check_profile(const Profile& profile, Catalog& catalog, Diagnostics& problems) {
  Complaints complaints(problems);
  Modules modules(catalog, problems);
  const Place at{profile.file.empty() ? profile.name : profile.file.string(), 0, 0};
  for (const auto& [module, ignored] : profile.bind)
    if (modules.get(module, at)) bound_pack(profile, module, at, catalog, complaints);
  check_defaults(profile.defaults, at, modules, complaints);
}

void check_lane(const Lane& lane, Catalog& catalog, Diagnostics& problems) {
  Complaints complaints(problems);
  Modules modules(catalog, problems);
  const Place at{lane.file.empty() ? lane.name : lane.file.string(), 0, 0};
  if (const Profile* profile = catalog.profile(lane.profile, at, problems)) {
    const auto& kinds = profile->lane_kinds;
    if (std::find(kinds.begin(), kinds.end(), lane.kind) == kinds.end())
      complaints.add(at, "contract.lane.kind",
                     "lane " + lane.name + " is a " + lane.kind + " lane; the profile " +
                         profile->name + " is for " + join(kinds));
  }
  const auto refuse = [&](const Json& value, const std::string& path) {
    if (auto good = refuse_bare_project(value, path); !good) complaints.add(at, good.error());
  };
  for (const auto& [id, config] : lane.plugins) refuse(config, "plugins.\"" + id + "\"");
  refuse(lane.secrets.config, "secrets.config");
  refuse(lane.standby.config, "secrets.standby.config");
  refuse(Json(lane.facts), "facts");
  for (const auto& [module, values] : lane.defaults)
    refuse(Json(values), "defaults.\"" + module + "\"");
  for (auto a = lane.projects.begin(); a != lane.projects.end(); ++a)
    for (auto b = std::next(a); b != lane.projects.end(); ++b)
      if (a->second == b->second && !lane.shared_roles)
        complaints.add(at, "contract.project.shared",
                       "the roles " + a->first + " and " + b->first + " share the project \"" +
                           printable(a->second, 60) + "\"");
  check_defaults(lane.defaults, at, modules, complaints);
}

Result<Lock> digest_sources(
    const Blueprint& blueprint, const Profile& profile, Catalog& catalog,
    const std::function<Result<std::string>(const std::string& plugin)>& plugin_digest) {
  Diagnostics problems;
  Lock lock;
  const auto add = [](std::map<std::string, std::string>& to, const std::string& name,
                      Result<std::string> digest) -> Status {
    if (!digest) return pass(digest, "while digesting " + name);
    to.emplace(name, std::move(*digest));
    return {};
  };
  const Place at{profile.file.string(), 0, 0};
  Complaints complaints(problems);
  if (auto done = add(lock.blueprints, blueprint.name, digest_of_tree(blueprint.folder)); !done)
    return pass(done);
  if (auto done = add(lock.profiles, profile.name, digest_of_file(profile.file)); !done)
    return pass(done);
  for (const auto& name : modules_of(blueprint)) {
    const Module* module = catalog.module(name, at, problems);
    const Pack* pack = module ? bound_pack(profile, name, at, catalog, complaints) : nullptr;
    if (!problems.empty()) return Failure(std::move(problems.front()));
    if (!pack) return fail("internal.defect", "the pack bound to " + name + " vanished");
    if (auto done = add(lock.modules, name, digest_of_tree(module->folder)); !done)
      return pass(done);
    if (auto done = add(lock.packs, pack->name, digest_of_tree(pack->folder)); !done)
      return pass(done);
    if (pack->driver == Driver::plugin && !pack->of_lanes_authority())
      if (auto done = add(lock.plugins, pack->plugin, plugin_digest(pack->plugin)); !done)
        return pass(done);
    for (const auto& [tool, version] : pack->tools) lock.tools[tool] = version;
  }
  return lock;
}

}  // namespace hyops::contract
