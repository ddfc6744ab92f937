// lane new|list|show|check: the environments of this installation, each from a file a person wrote.
#include "cli/lane_check.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "cli/system.hpp"
#include "cli/terminal.hpp"
#include "engine/secrets.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

Error bad_name(const std::string& name) {
  return make_error("file.name", "\"" + printable(name, 80) + "\" cannot be the name of a lane");
}

Json runners_json(const contract::Lane& lane) {
  Json out = Json::object();
  for (const auto& [name, runner] : lane.runners)
    out[name] = {{"plane", runner.plane},
                 {"key", runner.key},
                 {"seal", runner.seal},
                 {"endpoint", runner.endpoint},
                 {"hyops", runner.hyops}};
  return out;
}

int list_lanes(Context& context, const po::variables_map&) {
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& name : lane_names(context)) {
    contract::Diagnostics problems;
    const auto lane = check_lane_file(context, context.places.lane(name), problems);
    Json one{{"lane", name}, {"problems", problems.size()}};
    std::string kind = "?", profile = "?", epoch = "?";
    if (lane) {
      one.update({{"kind", lane->kind},
                  {"profile", lane->profile},
                  {"epoch", lane->epoch},
                  {"runners", runners_json(*lane)}});
      kind = lane->kind, profile = lane->profile, epoch = std::to_string(lane->epoch);
    }
    list.push_back(std::move(one));
    rows.push_back({name, kind, profile, epoch,
                    problems.empty()
                        ? "good"
                        : std::to_string(problems.size()) + " problems: hyops lane check " + name});
  }
  context.answer({{"lanes", list}});
  if (rows.empty()) {
    context.say("no lane stands on this machine\n  next: hyops lane new LANE --from FILE");
    return exit_ok;
  }
  for (const auto& line : table({"LANE", "KIND", "PROFILE", "EPOCH", "CONDITION"}, rows))
    context.say(line);
  return exit_ok;
}

int new_lane(Context& context, const po::variables_map& given) {
  const std::string name = option(given, "lane"), from = option(given, "from");
  if (!is_name(name)) return context.report(bad_name(name));
  if (from.empty())
    return context.report(
        make_error("cli.usage", "the command needs --from FILE.", "hyops lane new --help"));
  auto text = read_file(from, 1u << 20);
  if (!text) return context.report(text.error());
  contract::Diagnostics problems;
  const auto lane = check_lane_file(context, from, problems);
  if (!lane || !problems.empty()) return context.report(problems);
  if (lane->name != name)
    return context.report(make_error(
        "cli.lane.name", from + " is the file of lane " + lane->name + ", not of " + name));
  const fs::path to = context.places.lane(name);
  std::error_code problem;
  bool same = false;
  if (fs::exists(fs::symlink_status(to, problem))) {
    const auto there = read_file(to, 1u << 20);
    same = there && *there == *text;
    if (!same && !flag(given, "replace"))
      return context.report(
          make_error("cli.lane.exists",
                     "lane " + name + " stands in " + to.string() + " already, with another file"));
  }
  if (!same) {
    if (auto made = make_folders(to.parent_path()); !made) return context.report(made.error());
    // Written from the bytes that were checked, not copied: the file may have changed since.
    if (auto written = write_file(to, *text, 0600); !written)
      return context.report(written.error());
  }
  context.answer(
      {{"lane", name}, {"file", to.string()}, {"digest", digest_of(*text)}, {"changed", !same}});
  context.say(same ? "lane " + name + " stands there with the same file already"
                   : "lane " + name + " stands in " + to.string());
  context.say("  next: hyops plan BLUEPRINT --lane " + name);
  return exit_ok;
}

// Who holds the lane: null where nobody does or there is no ledger yet.
Result<Json> holder_json(const Context& context, const std::string& lane) {
  auto ledger = read_ledger(context);
  if (!ledger) return Json();
  auto held = ledger->lease(lane);
  if (!held) return pass(held);
  if (!*held) return Json();
  auto judged = ledger->judge(**held);
  if (!judged) return pass(judged);
  const ledger::Lease& lease = **held;
  return Json{{"run", lease.holder},
              {"token", lease.token},
              {"host", lease.host},
              {"pid", lease.pid},
              {"since_ms", lease.taken_ms},
              {"since", to_rfc3339(lease.taken_ms)},
              {"provably_dead", *judged == ledger::Holder::dead}};
}

// Of the machine's own memory; without one nothing was ever moved from here.
Result<std::string> authority_in_force(const Context& context, const contract::Lane& lane) {
  auto ledger = read_ledger(context);
  if (!ledger) return std::string(contract::home_authority);
  return engine::authority_in_force(*ledger, lane);
}

Json secrets_json(const contract::Lane& lane) {
  Json out{{"authority", lane.secrets.plugin}, {"config", lane.secrets.config}};
  if (!lane.standby.plugin.empty())
    out["standby"] = {{"authority", lane.standby.plugin}, {"config", lane.standby.config}};
  return out;
}

int show_lane(Context& context, const po::variables_map& given) {
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto digest = digest_of_file(lane->file);
  if (!digest) return context.report(digest.error());
  auto holder = holder_json(context, lane->name);
  if (!holder) return context.report(holder.error());
  auto in_force = authority_in_force(context, *lane);
  if (!in_force) return context.report(in_force.error());
  const Json answer{{"lane", lane->name},
                    {"kind", lane->kind},
                    {"profile", lane->profile},
                    {"epoch", lane->epoch},
                    {"approvers", lane->approvers},
                    {"deciders", lane->deciders},
                    {"runners", runners_json(*lane)},
                    {"secrets", secrets_json(*lane)},
                    {"secrets_come_from", *in_force},
                    {"plugins", lane->plugins},
                    {"facts", lane->facts},
                    {"defaults", lane->defaults},
                    {"projects", lane->projects},
                    {"held", *holder},
                    {"file", lane->file.string()},
                    {"digest", *digest}};
  context.answer(answer);
  context.say("lane " + lane->name + "  " + lane->kind + "  profile " + lane->profile + "  epoch " +
              std::to_string(lane->epoch));
  context.say("  file       " + lane->file.string() + "\n             " + *digest);
  if (holder->is_null())
    context.say("  held       by nobody");
  else
    context.say("  held       by run " + get_string(*holder, "run") + " since " +
                get_string(*holder, "since") + ", process " +
                std::to_string(get_int(*holder, "pid")) + " on " + get_string(*holder, "host") +
                (get_bool(*holder, "provably_dead")
                     ? "; it is provably dead: hyops run resume " + get_string(*holder, "run")
                     : "; it is not provably dead"));
  for (const auto& [name, key] : lane->approvers) context.say("  approver   " + name + "  " + key);
  for (const auto& [name, key] : lane->deciders) context.say("  decider    " + name + "  " + key);
  for (const auto& [name, runner] : lane->runners)
    context.say("  runner     " + name + "  plane " + runner.plane +
                (runner.endpoint.is_object() ? "  at " + get_string(runner.endpoint, "address")
                                             : "  not reached from here"));
  context.say("  secrets    " +
              (lane->secrets.plugin.empty() ? "no authority" : lane->secrets.plugin) +
              (lane->standby.plugin.empty() ? "" : "; standby " + lane->standby.plugin) +
              (*in_force == contract::home_authority ? "" : "; they come from " + *in_force));
  for (const auto& [id, config] : lane->plugins) context.say("  plugin     " + id);
  for (const auto& [name, value] : lane->facts)
    context.say("  fact       " + name + " = " + printable(value.dump(), 200));
  return exit_ok;
}

int check_lane_command(Context& context, const po::variables_map& given) {
  const std::string name = option(given, "lane");
  if (!is_name(name)) return context.report(bad_name(name));
  const fs::path file = context.places.lane(name);
  std::error_code problem;
  if (!fs::exists(file, problem))
    return context.report(
        make_error("cli.lane.unknown", "there is no lane " + name + " on this machine." +
                                           did_you_mean(name, lane_names(context))));
  contract::Diagnostics problems;
  const auto lane = check_lane_file(context, file, problems);
  if (lane && lane->name != name)
    problems.push_back(make_error("cli.lane.name", file.string() + " is the file of lane " +
                                                       lane->name + ", not of " + name));
  if (!problems.empty()) return context.report(problems);
  context.answer({{"lane", name}, {"file", file.string()}, {"good", true}});
  context.say("lane " + name + " is good\n  next: hyops plan BLUEPRINT --lane " + name);
  return exit_ok;
}

}  // namespace

std::vector<std::string> lane_names(const Context& context) {
  std::vector<std::string> names;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(context.places.home / "lanes", problem))
    if (const std::string name = entry.path().filename().string();
        is_name(name) && fs::exists(entry.path() / "lane.toml", problem))
      names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<contract::Lane> check_lane_file(const Context& context, const fs::path& file,
                                              contract::Diagnostics& problems) {
  auto lane = contract::load_lane(file, problems);
  if (!lane) return lane;
  contract::Catalog catalog(context.places.catalog);
  contract::check_lane(*lane, catalog, problems);
  auto registry = open_registry(context, lane->name);
  if (!registry) {
    problems.push_back(registry.error());
    return lane;
  }
  std::vector<std::pair<std::string, Json>> configured(lane->plugins.begin(), lane->plugins.end());
  for (const auto* authority : {&lane->secrets, &lane->standby})
    if (!authority->plugin.empty()) configured.emplace_back(authority->plugin, authority->config);
  for (const auto& [id, config] : configured) {
    auto manifest = registry->trusted(id);
    if (!manifest) {
      problems.push_back(manifest.error());
      continue;
    }
    if (auto good = plugin::check_config(*manifest, config.is_null() ? Json::object() : config);
        !good)
      problems.push_back(good.error());
  }
  for (auto& problem : problems)
    if (!problem.place) problem.context.push_back("lane " + lane->name);
  return lane;
}

void add_lane_commands(Commands& commands) {
  commands.push_back({"lane",
                      "new",
                      "NAME --from FILE",
                      "check a lane's file and put it in place",
                      "The file is checked whole first: form, profile, plugins and their "
                      "configuration. Nothing is changed when\n"
                      "anything is wrong.\n  hyops lane new drill --from drill.toml",
                      {"lane"},
                      [](po::options_description_easy_init add) {
                        add("from", po::value<std::string>(), "the lane.toml to take")(
                            "replace", "although the lane stands there with another file");
                      },
                      new_lane});
  commands.push_back(
      {"lane", "list", "", "the lanes of this machine", "", {}, nullptr, list_lanes});
  commands.push_back({"lane",
                      "show",
                      "LANE",
                      "people, runners, plugins and facts of a lane",
                      "",
                      {"lane"},
                      nullptr,
                      show_lane});
  commands.push_back({"lane",
                      "lock",
                      "LANE [BLUEPRINT...]",
                      "agree to the bytes of what a lane runs; prints what changed for review",
                      "Writes hyops.lock beside lane.toml: digests of the blueprints, their "
                      "modules, packs and plugins, "
                      "and the\nprofile. Plans that would use anything else are refused, here and "
                      "on runners that have "
                      "the lock.\n"
                      "  hyops lane lock drill dr/postgresql-failover dr/postgresql-failback",
                      {"lane", "blueprint..."},
                      nullptr,
                      lock_lane});
  commands.push_back(
      {"lane",
       "check",
       "LANE",
       "everything that is wrong with a lane, in one pass",
       "Runs no plugin's code; plugin configurations are held against the signed manifests.",
       {"lane"},
       nullptr,
       check_lane_command});
}

}  // namespace hyops::cli
