// hyops blueprint check|show|graph|list and schema export: what the catalogue offers and whether it
// is right.
#include "cli/blueprint.hpp"

#include <set>

#include "base/text.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;
using contract::Catalog;
using contract::Diagnostics;

Json to_json(const Diagnostics& problems) {
  Json list = Json::array();
  for (const auto& error : problems) {
    Json item{{"code", error.code}, {"message", error.message}, {"next", error.next}};
    if (error.place)
      item["place"] = {{"file", error.place->file},
                       {"line", error.place->line},
                       {"column", error.place->column}};
    list.push_back(std::move(item));
  }
  return list;
}

// With --all also what no blueprint may use today: every module, pack and profile.
void check_the_rest(Catalog& catalog, Diagnostics& problems) {
  const Place here{catalog.folder().string(), 0, 0};
  for (const auto& name : catalog.names("modules")) catalog.module(name, here, problems);
  for (const auto& name : catalog.names("packs")) catalog.pack(name, here, problems);
  for (const auto& name : catalog.names("profiles"))
    if (const auto* profile = catalog.profile(name, here, problems))
      check_profile(*profile, catalog, problems);
}

int check(Context& context, const po::variables_map& given) {
  Catalog catalog(context.places.catalog);
  const bool all = flag(given, "all");
  std::vector<std::string> names;
  if (given.count("blueprint")) names = given["blueprint"].as<std::vector<std::string>>();
  if (all) names = catalog.names("blueprints");
  if (names.empty())
    return context.report(
        all ? make_error("file.open", "there are no blueprints in " + catalog.folder().string())
            : make_error("cli.usage", "name a blueprint or a file, or say --all.",
                         "hyops blueprint list"));
  Diagnostics everything;
  Json results = Json::array();
  const auto account = [&](const std::string& name, size_t steps, Diagnostics problems) {
    results.push_back({{"name", name},
                       {"ok", problems.empty()},
                       {"steps", steps},
                       {"errors", to_json(problems)}});
    if (problems.empty())
      context.say("ok    " + name + ", " + counted(steps, "step"));
    else
      context.say("wrong " + printable(name, 100) + ", " + counted(problems.size(), "error"));
    for (auto& problem : problems) everything.push_back(std::move(problem));
  };
  const std::string profile_name = option(given, "profile");
  for (const auto& name : names) {
    Diagnostics problems;
    const auto blueprint = find_blueprint(catalog, name, problems);
    if (blueprint) check_blueprint(*blueprint, catalog, problems);
    const auto* profile = profile_name.empty()
                              ? nullptr
                              : catalog.profile(profile_name, {"--profile", 0, 0}, problems);
    if (blueprint && profile) check_bindings(*blueprint, *profile, catalog, problems);
    account(name, blueprint ? blueprint->steps.size() : 0, std::move(problems));
  }
  if (all) {
    Diagnostics problems;
    check_the_rest(catalog, problems);
    // What a blueprint stumbled over is told there already, once more as "has errors".
    std::erase_if(problems,
                  [](const Error& error) { return error.code == "contract.file.broken"; });
    if (!problems.empty()) account("modules, packs and profiles", 0, std::move(problems));
  }
  context.answer({{"blueprints", results}});
  if (everything.empty()) return exit_ok;
  if (context.json) return exit_code(everything.front());
  return context.report(everything);
}

int list(Context& context, const po::variables_map&) {
  Catalog catalog(context.places.catalog);
  Diagnostics problems;
  Json out = Json::array();
  size_t width = 0;
  const auto names = catalog.names("blueprints");
  for (const auto& name : names) width = std::max(width, name.size());
  for (const auto& name : names) {
    const auto* blueprint = catalog.blueprint(name, {catalog.folder().string(), 0, 0}, problems);
    if (!blueprint) continue;
    out.push_back({{"name", name},
                   {"version", blueprint->version},
                   {"title", blueprint->title},
                   {"decision", blueprint->decision},
                   {"twin", blueprint->twin},
                   {"steps", blueprint->steps.size()}});
    context.say(name + std::string(width + 2 - name.size(), ' ') + blueprint->title);
  }
  if (context.json) {
    context.answer({{"blueprints", out}, {"errors", to_json(problems)}});
    return problems.empty() ? exit_ok : exit_code(problems.front());
  }
  if (names.empty()) context.say("no blueprints in " + catalog.folder().string());
  return context.report(problems);
}

}  // namespace

std::optional<contract::Blueprint> find_blueprint(Catalog& catalog, const std::string& given,
                                                  Diagnostics& problems) {
  std::error_code ignored;
  const fs::path path(given);
  if (fs::is_regular_file(path, ignored)) return contract::load_blueprint(path, problems);
  if (fs::is_regular_file(path / "blueprint.toml", ignored))
    return contract::load_blueprint(path / "blueprint.toml", problems);
  if (given.ends_with(".toml"))
    return contract::load_blueprint(path, problems);  // says why it cannot be opened
  const auto* found = catalog.blueprint(given, {"command line", 0, 0}, problems);
  if (!found) return std::nullopt;
  return *found;
}

std::vector<std::string> needs_of(const contract::Step& step) {
  std::set<std::string> needs(step.needs.begin(), step.needs.end());
  for (const auto& [name, binding] : step.inputs)
    if (binding.from && binding.from->of == contract::Reference::Of::step)
      needs.insert(binding.from->step);
  return {needs.begin(), needs.end()};
}

void add_blueprint_commands(Commands& commands) {
  commands.push_back(
      {"blueprint",
       "check",
       "BLUEPRINT... | --all",
       "checks blueprints and everything they use",
       "A blueprint is named as in the catalogue, or by its file. All errors come in one pass, "
       "each with\n"
       "its place.\n\n  hyops blueprint check dr/postgresql-failover\n"
       "  hyops blueprint check --all\n  hyops blueprint check my/blueprint.toml --profile drill",
       {"blueprint..."},
       [](po::options_description_easy_init add) {
         add("all", "every blueprint, module, pack and profile of the catalogue")(
             "profile", po::value<std::string>(),
             "also check that this profile binds every module");
       },
       check});
  commands.push_back(blueprint_show());
  commands.push_back(blueprint_graph());
  commands.push_back(
      {"blueprint", "list", "", "lists the blueprints of the catalogue", "", {}, nullptr, list});
  commands.push_back(schema_export());
}

}  // namespace hyops::cli
