// pack.toml: the concrete tool plan behind a module, and which driver runs it.
#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/document.hpp"

namespace hyops::contract {
namespace {

const std::vector<std::string> driver_names = {"process", "ansible", "terraform", "packer",
                                               "plugin"};

const std::map<std::string, std::vector<std::string>> verbs = {
    {"hyops.provider/1", {"plan", "apply", "observe", "release"}},
    {"hyops.egress/1", {"plan", "apply", "observe", "prove", "release"}},
    {"hyops.access/1", {"prove", "open", "observe", "close"}},
    {"hyops.secret/1", {"probe", "resolve", "store", "transition"}}};

// What the rules of access are judged by when planning: packs say it, for the core knows neither
// plugins nor platforms by name.
void read_access(Table& table, Pack& pack, Source& source) {
  if (pack.interface == "hyops.access/1")
    table.choice("mode", pack.mode, access_modes(), Need::required);
  if (pack.interface != "hyops.access/1" && pack.interface != "hyops.provider/1") return;
  if (!table.read("platforms", pack.platforms)) return;
  const Node& list = *table.get("platforms");
  for (size_t i = 0; i < pack.platforms.size(); ++i)
    check_name(&list.items[i], pack.platforms[i], 0, "a platform of " + table.path("platforms"),
               source);
}

// A path that stays inside the pack.
void inside(const Node* at, const std::string& path, const std::string& what, Source& source) {
  const std::filesystem::path relative(path);
  const bool leaves =
      relative.is_absolute() || std::count(relative.begin(), relative.end(), "..") > 0;
  if (at && (path.empty() || leaves || path.find('\0') != std::string::npos))
    source.wrong(*at, "contract.pack.file",
                 what + " is \"" + printable(path, 80) + "\", expected a path inside the pack");
}

void read_driver(Table& document, Pack& pack, Source& source) {
  const std::string driver(name(pack.driver));
  auto table = document.table(driver, Need::required);
  if (!table) return;
  const auto path = [&](const char* key, std::string& out, Need need) {
    if (table->read(key, out, need)) inside(table->get(key), out, table->path(key), source);
  };
  switch (pack.driver) {
    case Driver::process:
      table->read("run", pack.run, Need::required);
      table->read("observe", pack.observe);
      for (const auto& [key, argv] : {std::pair{"run", &pack.run}, {"observe", &pack.observe}})
        if (const Node* at = table->get(key); at && at->is == Node::Is::list) {
          if (argv->empty())
            source.wrong(*at, "contract.value.empty", table->path(key) + " names no program");
          else if (argv->front().find('/') != std::string::npos)
            inside(at, argv->front(), table->path(key), source);
        }
      break;
    case Driver::ansible:
      path("playbook", pack.playbook, Need::required);
      path("observe", pack.observe_playbook, Need::optional);
      break;
    case Driver::terraform:
      path("root", pack.root, Need::required);
      break;
    case Driver::packer:
      path("template", pack.image_template, Need::required);
      break;
    case Driver::plugin: {
      std::vector<std::string> interfaces;
      for (const auto& [id, ignored] : verbs) interfaces.push_back(id);
      const bool known = table->choice("interface", pack.interface, interfaces, Need::required);
      const auto need = pack.interface == "hyops.secret/1" ? Need::optional : Need::required;
      if (table->read("plugin", pack.plugin, need) && !is_name(pack.plugin))
        source.wrong(*table->get("plugin"), "contract.name.malformed",
                     "plugin.plugin is \"" + printable(pack.plugin, 80) +
                         "\", expected a plugin's id like hyops.local.compute");
      table->choice(
          "verb", pack.verb,
          known ? verbs.at(pack.interface) : std::vector<std::string>{"a verb of the interface"},
          Need::required);
      read_access(*table, pack, source);
      if (pack.of_lanes_authority() && pack.verb != "transition" && table->get("verb"))
        source.wrong(*table->get("verb"), "contract.pack.authority",
                     "a pack without plugin.plugin stands for the lane's authority and asks it for "
                     "its transition, not for " +
                         printable(pack.verb, 40));
      break;
    }
  }
  table->done();
}

void read_tools(Table& document, Pack& pack, Source& source) {
  document.each("tools", [&](const Member& tool) {
    const std::string path = "tools." + tool.key;
    if (!expect(tool.value, Node::Is::text, path, source)) return;
    const std::string& wanted = tool.value.text;
    const size_t number = wanted.find_first_not_of("<>=");
    const std::string sign = wanted.substr(0, number);
    const bool signed_well =
        sign.empty() || sign == ">=" || sign == "<=" || sign == ">" || sign == "<" || sign == "=";
    const bool numbered = number != std::string::npos && wanted.size() < 40 &&
                          wanted.back() != '.' &&
                          wanted.find_first_not_of("0123456789.", number) == std::string::npos;
    if (wanted != "*" && !(signed_well && numbered))
      source.wrong(tool.value, "contract.value.version",
                   path + " is \"" + printable(wanted, 60) +
                       "\", expected a version like \">=2.14\", or \"*\"");
    if (tool.key.empty() || tool.key.find('/') != std::string::npos)
      source.wrong(
          tool.line, tool.column, "contract.name.malformed",
          "\"" + printable(tool.key, 60) + "\" is no tool: it is looked up by name on the runner");
    pack.tools.emplace(tool.key, wanted);
  });
}

// What the pack names must be there; found now and not when the step starts.
void files_exist(const Pack& pack, const std::string& file, Diagnostics& problems) {
  std::vector<std::string> named = {pack.playbook, pack.observe_playbook, pack.root,
                                    pack.image_template};
  for (const auto* argv : {&pack.run, &pack.observe})
    if (!argv->empty() && argv->front().find('/') != std::string::npos)
      named.push_back(argv->front());
  for (const auto& name : named) {
    std::error_code ignored;
    if (name.empty() || std::filesystem::exists(pack.folder / name, ignored)) continue;
    Error error = make_error("contract.pack.file", "the pack names \"" + printable(name, 80) +
                                                       "\", which is not in its folder");
    error.place = Place{file, 0, 0};
    problems.push_back(std::move(error));
  }
}

}  // namespace

const std::vector<std::string>& access_modes() {
  static const std::vector<std::string> all = {"runner-local", "private-overlay",
                                               "bastion-explicit", "gcp-iap", "public-ephemeral"};
  return all;
}

std::optional<Pack> parse_pack(std::string_view text, const std::string& file,
                               Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Pack pack;
  if (table.read("pack", pack.name, Need::required))
    check_name(table.get("pack"), pack.name, 1, "pack", source);
  if (table.read("version", pack.version, Need::required))
    check_version(table.get("version"), pack.version, "version", source);
  if (table.read("module", pack.module, Need::required))
    check_name(table.get("module"), pack.module, 1, "module", source);
  int64_t timeout = 0;
  if (table.duration("timeout", timeout)) pack.timeout_ms = timeout;
  table.read("idempotent", pack.idempotent);
  if (auto network = table.table("network")) {
    network->read("metadata", pack.metadata);
    network->done();
  }
  read_tools(table, pack, source);
  std::string driver;
  if (table.choice("driver", driver, driver_names, Need::required)) {
    const auto found = std::find(driver_names.begin(), driver_names.end(), driver);
    pack.driver = static_cast<Driver>(found - driver_names.begin());
    for (const auto& other : driver_names)
      if (const Node* section = other == driver ? nullptr : table.get(other))
        source.wrong(*section, "contract.pack.other_driver",
                     "[" + other + "] is never read: the driver of this pack is " + driver);
    read_driver(table, pack, source);
  } else {
    for (const auto& each : driver_names) table.get(each);
  }
  table.done();
  if (!source.clean()) return std::nullopt;
  return pack;
}

std::optional<Pack> load_pack(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  auto pack = parse_pack(*text, file.string(), problems);
  if (!pack) return std::nullopt;
  pack->folder = file.parent_path();
  const size_t before = problems.size();
  files_exist(*pack, file.string(), problems);
  if (problems.size() > before) return std::nullopt;
  return pack;
}

}  // namespace hyops::contract
