// The site owner's commands: whose plugins may run here, and which of them stand here.
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "plugin/install.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

Json to_json(const plugin::RevocationList& list) {
  return {{"signer", list.signer.text},
          {"serial", list.serial},
          {"ids", list.ids},
          {"file", list.file.string()}};
}

Json to_json(const plugin::TrustedKey& key) {
  Json out{{"name", key.name},
           {"key", key.key.text},
           {"ids", key.ids},
           {"interfaces", key.interfaces},
           {"file", key.file.string()}};
  if (key.expires_ms) out["expires"] = to_rfc3339(key.expires_ms).substr(0, 10);
  return out;
}

int list_trust(Context& context) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  Json keys = Json::array(), revoked = Json::array();
  for (const auto& key : registry->trust().keys()) {
    keys.push_back(to_json(key));
    context.say(key.name + " (" + key.key.id + ") may sign " + join(key.ids) + "* of " +
                join(key.interfaces) +
                (key.expires_ms ? ", until " + to_rfc3339(key.expires_ms).substr(0, 10) : ""));
  }
  for (const auto& item : registry->trust().revocations()) {
    revoked.push_back(
        {{"what", item.what()}, {"reason", item.reason}, {"file", item.file.string()}});
    context.say("revoked: " + item.what() + ", " + item.reason);
  }
  Json lists = Json::array();
  for (const auto& list : registry->trust().lists()) {
    lists.push_back(to_json(list));
    context.say("revocations of the key " + list.signer.id + " for " + join(list.ids) + "*: list " +
                std::to_string(list.serial));
  }
  context.answer({{"keys", keys}, {"revoked", revoked}, {"lists", lists}});
  return exit_ok;
}

Result<trust::PublicKey> read_key(const std::string& given) {
  std::error_code ignored;
  if (!fs::exists(given, ignored)) return trust::parse_public_key(given);
  auto text = read_file(given, 4096);
  if (!text) return pass(text);
  return trust::parse_public_key(*text);
}

int add_key(Context& context, const po::variables_map& given) {
  for (const char* needed : {"name", "ids", "interfaces"})
    if (!given.count(needed))
      return context.report(make_error("cli.usage",
                                       std::string("--") + needed + " says what the key may sign.",
                                       "hyops plugin trust --help"));
  plugin::TrustedKey key;
  auto parsed = read_key(option(given, "key"));
  if (!parsed) return context.report(parsed.error());
  key.key = std::move(*parsed);
  key.name = option(given, "name");
  key.ids = split(option(given, "ids"), ',');
  key.interfaces = split(option(given, "interfaces"), ',');
  for (const auto& interface : key.interfaces)
    if (plugin::verbs_of(interface).empty())
      return context.report(make_error("plugin.trust.invalid",
                                       "there is no interface " + printable(interface, 60) + "." +
                                           did_you_mean(interface, plugin::all_interfaces())));
  if (given.count("expires")) {
    auto day = plugin::parse_day(option(given, "expires"));
    if (!day) return context.report(day.error());
    key.expires_ms = *day;
  }
  const fs::path folder = context.places.home / "trust";
  if (auto done = plugin::add_trusted_key(folder, key); !done) return context.report(done.error());
  key.file = folder / (key.name + ".toml");
  context.say(key.name + " (" + key.key.id + ") may now sign " + join(key.ids) + "* of " +
              join(key.interfaces) + "; it stands in " + key.file.string());
  context.answer(to_json(key));
  return exit_ok;
}

int revoke(Context& context, const po::variables_map& given) {
  plugin::Revocation revoked;
  revoked.reason = option(given, "reason");
  const std::string what = option(given, "revoke");
  if (auto key = read_key(what))
    revoked.key = std::move(*key);
  else if (what.starts_with("sha256:"))
    revoked.digest = what;
  else
    revoked.plugin = what;
  if (given.count("versions")) revoked.versions = split(option(given, "versions"), ',');
  auto done = plugin::add_revocation(context.places.home / "trust", revoked);
  if (!done) return context.report(done.error());
  context.say("revoked: " + revoked.what() + ", " + revoked.reason);
  context.answer({{"revoked", revoked.what()}, {"reason", revoked.reason}});
  return exit_ok;
}

int take_list(Context& context, const po::variables_map& given) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  auto list = plugin::take_vendor_list(registry->trust(), context.places.home / "trust",
                                       option(given, "revocations"), system_clock().wall_ms());
  if (!list) return context.report(list.error());
  context.say("list " + std::to_string(list->serial) + " of the key " + list->signer.id +
              " counts from now on; it stands in " + list->file.string());
  context.answer(to_json(*list));
  return exit_ok;
}

int trust_key(Context& context, const po::variables_map& given) {
  if (given.count("revocations")) return take_list(context, given);
  if (given.count("revoke")) return revoke(context, given);
  if (given.count("remove")) {
    const std::string name = option(given, "remove");
    auto done = plugin::remove_trusted_key(context.places.home / "trust", name);
    if (!done) return context.report(done.error());
    context.say(name + " may sign nothing here any more");
    context.answer({{"removed", name}});
    return exit_ok;
  }
  return given.count("key") ? add_key(context, given) : list_trust(context);
}

int install(Context& context, const po::variables_map& given) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  auto done = plugin::install(*registry, context.places.home, option(given, "dir"),
                              given.count("replace") > 0);
  if (!done) return context.report(done.error());
  context.say(done->id + " " + done->version + " stands in " + done->folder.string());
  context.say("  next: hyops plugin describe " + done->id);
  context.answer({{"plugin", done->id},
                  {"version", done->version},
                  {"folder", done->folder.string()},
                  {"digest", done->digest}});
  return exit_ok;
}

int remove(Context& context, const po::variables_map& given) {
  auto registry = open_registry(context);
  if (!registry) return context.report(registry.error());
  const std::string id = option(given, "id");
  if (auto done = plugin::remove(*registry, context.places.home, id); !done)
    return context.report(done.error());
  context.say(id + " is not installed any more");
  context.answer({{"removed", id}});
  return exit_ok;
}

void trust_options(po::options_description_easy_init add) {
  add("name", po::value<std::string>(), "what the key is called here")(
      "ids", po::value<std::string>(), "prefixes of plugin ids, with commas: com.acme.")(
      "interfaces", po::value<std::string>(), "what it may sign, with commas: hyops.provider/1")(
      "expires", po::value<std::string>(), "the day it ends (UTC): 2028-01-01")(
      "remove", po::value<std::string>(), "forget the key of this name")(
      "revoke", po::value<std::string>(), "a key, a digest of a plugin.toml, or a plugin's id")(
      "versions", po::value<std::string>(), "of a revoked plugin, with commas; default all")(
      "reason", po::value<std::string>(), "why it is revoked")(
      "revocations", po::value<std::string>(), "take a vendor's signed list of revocations");
}

}  // namespace

void add_plugin_trust_commands(Commands& commands) {
  commands.push_back(
      {"plugin",
       "trust",
       "[KEY]",
       "says whose plugins may run here, and which must not",
       "KEY is a minisign .pub file or its line. Without KEY: lists keys and "
       "revocations.\n"
       "example: hyops plugin trust acme.pub --name acme --ids com.acme. "
       "--interfaces hyops.provider/1\n"
       "         hyops plugin trust --revoke acme.pub --reason \"stolen\"\n"
       "         hyops plugin trust --revocations acme-revoked.toml\n"
       "JSON: {keys: [{name, key, ids, interfaces, expires, file}],\n"
       "       revoked: [{what, reason, file}], lists: [{signer, serial, ids, file}]}",
       {"key"},
       trust_options,
       trust_key});
  commands.push_back({"plugin",
                      "install",
                      "DIR",
                      "copies a signed plugin to this runner",
                      "Signature, key and every file are judged on the copy; no code of it runs.\n"
                      "example: hyops plugin install com.acme.clouds",
                      {"dir"},
                      [](po::options_description_easy_init add) {
                        add("replace", "put it in the place of the version that is there");
                      },
                      install});
  commands.push_back({"plugin",
                      "remove",
                      "ID",
                      "takes an installed plugin away",
                      "Lanes and profiles that use it are left as they are.",
                      {"id"},
                      {},
                      remove});
}

}  // namespace hyops::cli
