// What is installed and who vouches for it. These commands run no vendor code.
#include <ostream>

#include "base/text.hpp"
#include "cli/plugin.hpp"

namespace hyops::cli {
namespace {

int list(Context& context, const po::variables_map&) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  Json document = Json::array();
  for (const auto& entry : registry->list()) {
    Json item{{"plugin", entry.id}, {"version", entry.version}, {"folder", entry.folder.string()}};
    std::string line = entry.id;
    line.resize(std::max<size_t>(34, line.size() + 1), ' ');
    line += entry.version + "  ";
    if (entry.problem) {
      item["refused"] = {{"code", entry.problem->code}, {"message", entry.problem->message}};
      line += "refused: " + entry.problem->text();
    } else {
      item["signed_by"] = entry.signed_by;
      line += "signed by " + entry.signed_by;
    }
    context.say(line);
    document.push_back(std::move(item));
  }
  if (document.empty()) context.say("no plugins are installed");
  context.answer(document);
  return exit_ok;
}

void say_config(Context& context, const Json& config) {
  if (config.empty()) return;
  context.say("configuration, under [plugins.\"ID\"] of lane.toml:");
  for (const auto& [name, field] : config.items()) {
    std::string line = "  " + name;
    line.resize(std::max<size_t>(20, line.size() + 1), ' ');
    line += get_string(field, "type") + (get_bool(field, "required") ? ", required" : "");
    if (!field["default"].is_null()) line += ", default " + field["default"].dump();
    context.say(line + ". " + get_string(field, "doc"));
  }
}

int describe(Context& context, const po::variables_map& given) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  auto said = registry->describe(option(given, "id"));
  if (!said) return context.report(said.error());
  const Json& about = *said;
  const auto words = [&](const char* key) {
    return join(about.value(key, std::vector<std::string>{}));
  };
  context.say(get_string(about, "plugin") + " " + get_string(about, "version") + ": " +
              get_string(about, "title"));
  context.say("vendor:      " + get_string(about, "vendor") + " (" + get_string(about, "status") +
              ", ABI " + get_string(about, "abi") + ")");
  if (about.contains("refused"))
    context.say("refused:     " + get_string(about["refused"], "message") + " [" +
                get_string(about["refused"], "code") + "]");
  else
    context.say("signed by:   " + get_string(about, "signed_by"));
  const Json past = member(about, "quarantine");
  for (const auto& crash : member(past, "crashes"))
    context.say("crashed:     in " + get_string(crash, "where") + " at " +
                to_rfc3339(get_int(crash, "at_ms")) + ", " + get_string(crash, "how"));
  for (const auto& lifted : member(past, "lifted"))
    context.say("let back:    by " + get_string(lifted, "by") + " at " +
                to_rfc3339(get_int(lifted, "at_ms")) + ": " + get_string(lifted, "reason"));
  for (const auto& [id, verbs] : about["interfaces"].items())
    context.say("implements:  " + id + ": " + join(verbs.get<std::vector<std::string>>()));
  context.say("may use:     " + words("services"));
  if (!about["http_hosts"].empty()) context.say("may ask:     " + words("http_hosts"));
  if (!about["executables"].empty()) context.say("may run:     " + words("executables"));
  if (!about["read_paths"].empty()) context.say("may read:    " + words("read_paths"));
  if (!about["direct"].empty()) context.say("connects to: " + words("direct") + ", by itself");
  say_config(context, about["config"]);
  context.answer(about);
  return exit_ok;
}

}  // namespace

Result<plugin::Registry> open_registry(const Context& context, const std::string& lane) {
  return plugin::Registry::open(
      plugin::standard_sources(context.places.prefix, context.places.home, lane));
}

void add_plugin_commands(Commands& commands) {
  commands.push_back(
      {"plugin",
       "list",
       "",
       "lists installed plugins and who vouches for them",
       "Checks manifest, signature and scope of the key of every plugin; runs none of them.\n"
       "JSON: [{plugin, version, folder, signed_by | refused: {code, message}}]",
       {},
       {},
       list});
  commands.push_back({"plugin",
                      "describe",
                      "ID",
                      "says what a plugin is, may do and can be told",
                      "Reads the plugin's manifest; runs none of its code.\n"
                      "example: hyops plugin describe hyops.local.compute",
                      {"id"},
                      {},
                      describe});
  add_plugin_making_commands(commands);
  add_plugin_trust_commands(commands);
  add_plugin_holding_commands(commands);
}

}  // namespace hyops::cli
