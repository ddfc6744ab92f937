// lane.toml: a named environment with its own people, runners, secrets and facts.
#include "base/file.hpp"
#include "base/text.hpp"
#include "contract/document.hpp"
#include "contract/shapes.hpp"

namespace hyops::contract {
namespace {

void key_line(const Node& at, const std::string& text, const std::string& path, Source& source) {
  if (!is_public_key(text))
    source.wrong(at, "contract.value.key",
                 path + " is \"" + printable(text, 70) +
                     "\", expected a minisign public key, \"RW\" and 54 more characters");
}

void read_people(Table& table, const char* key, std::map<std::string, std::string>& out,
                 Source& source) {
  table.each(key, [&](const Member& member) {
    const std::string path = std::string(key) + "." + member.key;
    check_name(&member.value, member.key, 0, "the name in " + path, source);
    if (!expect(member.value, Node::Is::text, path, source)) return;
    key_line(member.value, member.value.text, path, source);
    out.emplace(member.key, member.value.text);
  });
}

// It is read by the login shell at the other end, so it holds nothing that a shell reads otherwise.
bool is_program(std::string_view path) {
  return path.size() <= 256 && path.starts_with('/') && path.size() > 1 && !path.ends_with('/') &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '.' || c == '_' || c == '-';
         });
}

void read_runners(Table& table, Lane& lane, Source& source) {
  table.each("runners", [&](const Member& member) {
    const std::string path = "runners." + member.key;
    check_name(&member.value, member.key, 0, "the name in " + path, source);
    if (!expect(member.value, Node::Is::table, path, source)) return;
    Table runner(member.value, path, source);
    RunnerIdentity identity;
    if (runner.read("plane", identity.plane, Need::required))
      check_name(runner.get("plane"), identity.plane, 0, runner.path("plane"), source);
    if (runner.read("key", identity.key, Need::required))
      key_line(*runner.get("key"), identity.key, runner.path("key"), source);
    if (runner.read("seal", identity.seal) && !is_seal_key(identity.seal))
      source.wrong(*runner.get("seal"), "contract.value.key",
                   runner.path("seal") + " is \"" + printable(identity.seal, 70) +
                       "\", expected 32 bytes in base64");
    if (runner.read("hyops", identity.hyops) && !is_program(identity.hyops))
      source.wrong(*runner.get("hyops"), "contract.value.pattern",
                   runner.path("hyops") + " is \"" + printable(identity.hyops, 70) +
                       "\", expected the absolute path of a program, of letters, digits, ./_-");
    if (const Node* endpoint = runner.get("endpoint")) {
      Field field;
      field.name = runner.path("endpoint");
      field.type.kind = Kind::endpoint;
      identity.endpoint = json_of(*endpoint);
      if (auto good = check_value(field, identity.endpoint); !good)
        source.wrong(*endpoint, good.error());
    }
    runner.done();
    lane.runners.emplace(member.key, std::move(identity));
  });
}

void read_authority(Table& table, SecretAuthority& authority, Source& source) {
  if (table.read("authority", authority.plugin, Need::required) && !is_name(authority.plugin))
    source.wrong(*table.get("authority"), "contract.name.malformed",
                 table.path("authority") + " is \"" + printable(authority.plugin, 80) +
                     "\", expected a plugin's id");
  if (auto config = table.table("config")) {
    refuse_bare_project(config->node(), table.path("config"), source);
    authority.config = json_of(config->node());
  }
}

void read_secrets(Table& table, Lane& lane, Source& source) {
  auto secrets = table.table("secrets");
  if (!secrets) return;
  read_authority(*secrets, lane.secrets, source);
  if (auto standby = secrets->table("standby")) {
    read_authority(*standby, lane.standby, source);
    standby->done();
  }
  secrets->done();
}

void read_plugins(Table& table, Lane& lane, Source& source) {
  table.each("plugins", [&](const Member& member) {
    const std::string path = "plugins.\"" + member.key + "\"";
    if (!is_name(member.key))
      source.wrong(
          member.line, member.column, "contract.name.malformed",
          "\"" + printable(member.key, 80) + "\" is no plugin's id like hyops.local.compute");
    if (!expect(member.value, Node::Is::table, path, source)) return;
    refuse_bare_project(member.value, path, source);
    lane.plugins.emplace(member.key, json_of(member.value));
  });
}

void read_facts(Table& table, Lane& lane, Source& source) {
  table.each("facts", [&](const Member& member) {
    if (!is_identifier(member.key))
      source.wrong(member.line, member.column, "contract.name.malformed",
                   "\"" + printable(member.key, 80) +
                       "\" is no fact's name: small letters, digits and _, like backup_repository");
    lane.facts.emplace(member.key, json_of(member.value));
  });
  if (const Node* facts = table.get("facts")) refuse_bare_project(*facts, "facts", source);
}

void read_accepted(Table& table, Lane& lane, Source& source) {
  table.each("accepted", [&](const Member& member) {
    const std::string path = "accepted.\"" + member.key + "\"";
    if (!expect(member.value, Node::Is::text, path, source)) return;
    if (member.value.text.find_first_not_of(' ') == std::string::npos)
      source.wrong(member.value, "contract.value.empty", path + " gives no reason");
    lane.accepted.emplace(member.key, member.value.text);
  });
}

void read_projects(Table& table, Lane& lane, Source& source) {
  auto projects = table.table("projects");
  if (!projects) return;
  std::string text;
  for (const char* role : {"host", "control", "workload"})
    if (projects->read(role, text, Need::required)) lane.projects.emplace(role, text);
  projects->read("shared_roles", lane.shared_roles);
  projects->done();
  for (auto a = lane.projects.begin(); a != lane.projects.end(); ++a)
    for (auto b = std::next(a); b != lane.projects.end(); ++b)
      if (a->second == b->second && !lane.shared_roles)
        source.wrong(projects->node(), "contract.project.shared",
                     "the roles " + a->first + " and " + b->first + " share the project \"" +
                         printable(a->second, 60) +
                         "\"; where that is meant, say shared_roles = true");
}

// What a plugin is told of a role is what the lane says of it: workload_project of a plugin's
// configuration is `workload` of [projects] (C4), and a lane without projects has none to tell
// (A4).
void check_roles(Table& table, const Lane& lane, Source& source) {
  const Node* plugins = table.get("plugins");
  if (plugins == nullptr) return;
  for (const Member& plugin : plugins->members)
    for (const Member& setting : plugin.value.members)
      for (const char* role : {"host", "control", "workload"}) {
        if (setting.key != std::string(role) + "_project") continue;
        const auto named = lane.projects.find(role);
        if (named != lane.projects.end() && setting.value.text == named->second) continue;
        source.wrong(setting.line, setting.column, "contract.project.differs",
                     "plugins.\"" + plugin.key + "\"." + setting.key + " is not `" + role +
                         "` of this lane's [projects]");
      }
}

}  // namespace

std::map<std::string, std::map<std::string, Json>> read_defaults(Table& table, Source& source);

std::optional<Lane> parse_lane(std::string_view text, const std::string& file,
                               Diagnostics& problems) {
  Source source(file, problems);
  const auto document = parse_document(text, source);
  if (!document) return std::nullopt;
  Table table(*document, "", source);
  Lane lane;
  if (table.read("lane", lane.name, Need::required))
    check_name(table.get("lane"), lane.name, 0, "lane", source);
  table.choice("kind", lane.kind, {"drill", "live"}, Need::required);
  if (table.read("profile", lane.profile, Need::required))
    check_name(table.get("profile"), lane.profile, 0, "profile", source);
  table.integer("epoch", lane.epoch, 1, int64_t{1} << 52);
  read_people(table, "approvers", lane.approvers, source);
  read_people(table, "deciders", lane.deciders, source);
  read_runners(table, lane, source);
  read_secrets(table, lane, source);
  read_plugins(table, lane, source);
  read_facts(table, lane, source);
  lane.defaults = read_defaults(table, source);
  read_accepted(table, lane, source);
  read_projects(table, lane, source);
  check_roles(table, lane, source);
  table.done();
  if (!source.clean()) return std::nullopt;
  lane.file = file;
  return lane;
}

std::optional<Lane> load_lane(const std::filesystem::path& file, Diagnostics& problems) {
  const auto text = read_text(file, problems);
  if (!text) return std::nullopt;
  return parse_lane(*text, file.string(), problems);
}

const SecretAuthority* Lane::authority(std::string_view which) const {
  const SecretAuthority* found = which == home_authority      ? &secrets
                                 : which == standby_authority ? &standby
                                                              : nullptr;
  return found && !found->plugin.empty() ? found : nullptr;
}

std::string Lane::runner_in(const std::string& plane) const {
  std::vector<std::string> there;
  for (const auto& [called, runner] : runners) {
    if (runner.plane != plane) continue;
    if (called == plane) return called;
    there.push_back(called);
  }
  return there.size() == 1 ? there.front() : "";
}

}  // namespace hyops::contract
