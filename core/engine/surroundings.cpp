#include "engine/surroundings.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace hyops::engine {
namespace {

Status same(const std::string& planned, Result<std::string> found, std::string_view code,
            const std::string& what) {
  if (!found) return pass(found);
  if (*found != planned)
    return fail(code, what + " is not the one that was planned: it has " + *found +
                          ", the plan has " + planned);
  return {};
}

bool states(const contract::Lane& lane, const Json& value) {
  return std::any_of(lane.facts.begin(), lane.facts.end(),
                     [&](const auto& fact) { return fact.second == value; });
}

}  // namespace

Result<Surroundings> surroundings(const Setup& setup, contract::Catalog& catalog,
                                  const plan::Plan& plan) {
  contract::Diagnostics problems;
  const auto lane_file = setup.lane_file(plan.lane);
  if (auto ok = same(plan.lane_digest, digest_of_file(lane_file), "engine.lane.changed",
                     "lane " + plan.lane);
      !ok)
    return pass(ok);
  auto lane = contract::load_lane(lane_file, problems);
  const auto* profile = catalog.profile(plan.profile, {}, problems);
  const auto* blueprint = catalog.blueprint(plan.blueprint, {}, problems);
  if (!lane || !profile || !blueprint) return Failure(contract::first_of(problems));
  if (lane->name != plan.lane)
    return fail("cli.lane.name", lane_file.string() + " is the file of lane " + lane->name +
                                     ", not of " + plan.lane);
  if (auto ok = same(plan.profile_digest, digest_of_file(profile->file), "engine.profile.changed",
                     "profile " + plan.profile);
      !ok)
    return pass(ok);
  if (auto ok = same(plan.blueprint_digest, digest_of_tree(blueprint->folder),
                     "engine.blueprint.changed", "blueprint " + plan.blueprint);
      !ok)
    return pass(ok);
  for (const auto& [name, planned] : plan.modules) {
    const auto* module = catalog.module(name, {}, problems);
    if (!module) return Failure(contract::first_of(problems));
    if (auto ok = same(planned, digest_of_tree(module->folder), "engine.module.changed",
                       "module " + name);
        !ok)
      return pass(ok);
  }
  if (const auto file = setup.lock_file(plan.lane); std::filesystem::exists(file)) {
    const auto lock = contract::load_lock(file, problems);
    if (!lock) return Failure(contract::first_of(problems));
    if (auto ok = plan::check_lock(plan, *lock); !ok) return pass(ok);
  }
  if (lane->epoch != plan.epoch)
    return fail("engine.lane.epoch", "lane " + plan.lane + " is in epoch " +
                                         std::to_string(lane->epoch) + ", the plan in " +
                                         std::to_string(plan.epoch));
  return Surroundings{std::move(*lane), *profile, *blueprint};
}

Status check_names(const Setup& setup, const plan::Plan& plan) {
  std::vector<const plan::Step*> moving;
  for (const auto& step : plan.steps)
    if (step.module.starts_with("dns/") && step.inputs.count("name") && step.inputs.count("api"))
      moving.push_back(&step);
  if (moving.empty()) return {};
  std::error_code problem;
  for (const auto& folder : std::filesystem::directory_iterator(setup.home / "lanes", problem)) {
    const std::string other = folder.path().filename().string();
    contract::Diagnostics ignored;  // a lane that cannot be read can move nothing either
    if (other == plan.lane || !is_name(other)) continue;
    const auto lane = contract::load_lane(setup.lane_file(other), ignored);
    if (!lane) continue;
    for (const auto* step : moving) {
      const Json &name = step->inputs.at("name").value, &api = step->inputs.at("api").value;
      if (states(*lane, name) && states(*lane, api))
        return fail("engine.lane.name_bound", "the name " + printable(name.dump(), 120) + " at " +
                                                  printable(api.dump(), 120) +
                                                  " is bound to lane " + other + ", too (G6)");
    }
  }
  return {};
}

}  // namespace hyops::engine
