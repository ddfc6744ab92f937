// lane lock: agree to the bytes that a lane's operations consist of; from then on nothing else is
// planned or admitted there.
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "cli/site.hpp"

namespace hyops::cli {
namespace {

using Entries = std::map<std::string, std::string>;

// What differs, in words to review.
std::vector<std::string> changes(const contract::Lock& before, const contract::Lock& after) {
  std::vector<std::string> out;
  const auto compare = [&](const char* what, const Entries& old, const Entries& now) {
    for (const auto& [name, value] : now) {
      const auto found = old.find(name);
      if (found == old.end())
        out.push_back(std::string(what) + " " + name + " is new: " + value);
      else if (found->second != value)
        out.push_back(std::string(what) + " " + name + " was " + found->second + ", is " + value);
    }
    for (const auto& [name, value] : old)
      if (!now.count(name)) out.push_back(std::string(what) + " " + name + " is gone: " + value);
  };
  compare("blueprint", before.blueprints, after.blueprints);
  compare("profile", before.profiles, after.profiles);
  compare("module", before.modules, after.modules);
  compare("pack", before.packs, after.packs);
  compare("plugin", before.plugins, after.plugins);
  compare("tool", before.tools, after.tools);
  return out;
}

Result<contract::Lock> existing_lock(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return contract::Lock{};
  contract::Diagnostics problems;
  auto lock = contract::load_lock(file, problems);
  if (!lock) return Failure(problems.front());
  return std::move(*lock);
}

}  // namespace

int lock_lane(Context& context, const po::variables_map& given) {
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  const auto file = setup_of(context).lock_file(lane->name);
  auto before = existing_lock(file);
  if (!before) return context.report(before.error());
  std::vector<std::string> names;
  if (given.count("blueprint")) names = given["blueprint"].as<std::vector<std::string>>();
  for (const auto& [name, digest] : before->blueprints)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  if (names.empty())
    return context.report(make_error("cli.usage",
                                     "lane " + lane->name +
                                         " has no lock yet; name the blueprints it "
                                         "shall run",
                                     "hyops lane lock " + lane->name + " BLUEPRINT..."));
  auto registry = open_registry(context, lane->name);
  if (!registry) return context.report(registry.error());
  contract::Diagnostics problems;
  contract::Catalog catalog(context.places.catalog);
  const auto* profile = catalog.profile(lane->profile, {}, problems);
  contract::Lock lock;
  for (const auto& name : names) {
    const auto* blueprint = profile ? catalog.blueprint(name, {}, problems) : nullptr;
    if (!blueprint) return context.report(problems);
    auto sources = contract::digest_sources(
        *blueprint, *profile, catalog, [&](const std::string& id) { return registry->digest(id); });
    if (!sources) return context.report(sources.error());
    lock.blueprints.merge(sources->blueprints);
    lock.modules.merge(sources->modules);
    lock.packs.merge(sources->packs);
    lock.plugins.merge(sources->plugins);
    lock.profiles.merge(sources->profiles);
    lock.tools.merge(sources->tools);
  }
  const auto differences = changes(*before, lock);
  if (auto written = write_file(file, contract::write_lock(lock)); !written)
    return context.report(written.error());
  context.answer({{"lane", lane->name}, {"file", file.string()}, {"changes", differences}});
  for (const auto& difference : differences) context.say(difference);
  context.say(differences.empty() ? "nothing changed" : "locked in " + file.string());
  return exit_ok;
}

}  // namespace hyops::cli
