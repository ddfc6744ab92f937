// hyops key: making keys and showing their public parts.
#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const Context& context, const po::variables_map& given, const char* name) {
  return given.count(name) ? fs::path(option(given, name)) : context.places.keys();
}

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(file, ignored));
}

// Nothing of a pair that could not be made whole stays behind: a second try must find the place
// empty.
Status make_pair(const fs::path& stem, bool sign, bool seal, const std::string& comment) {
  const fs::path key_file = stem.string() + ".key", seal_file = stem.string() + ".seal";
  for (const auto& file : {key_file, fs::path(stem.string() + ".pub"), seal_file})
    if (is_there(file))
      return fail("trust.key.exists",
                  file.string() + " is there already; keys are never overwritten");
  if (sign) {
    auto key = trust::SecretKey::generate();
    if (!key) return pass(key);
    if (auto saved = key->save(key_file, comment); !saved) return saved;
  }
  if (!seal) return {};
  auto key = trust::SealKey::generate();
  if (!key) return pass(key);
  auto saved = key->save(seal_file);
  if (!saved && sign) {
    std::error_code ignored;
    fs::remove(key_file, ignored);
    fs::remove(stem.string() + ".pub", ignored);
  }
  return saved;
}

// {"name","id","key","seal"}: what is there of it, public parts only.
Result<Json> public_parts(const fs::path& stem) {
  Json out{{"name", stem.filename().string()}};
  const fs::path key_file = stem.string() + ".key", seal_file = stem.string() + ".seal";
  if (const fs::path file = stem.string() + ".pub"; is_there(file)) {
    auto text = read_file(file, 4096);
    if (!text) return pass(text);
    auto key = trust::parse_public_key(*text);
    if (!key) return pass(key, "in " + file.string());
    out["id"] = key->id;
    out["key"] = key->text;
  } else if (is_there(key_file)) {
    auto key = trust::SecretKey::load(key_file);
    if (!key) return pass(key);
    out["id"] = key->public_key().id;
    out["key"] = key->public_key().text;
  }
  if (is_there(seal_file)) {
    auto key = trust::SealKey::load(seal_file);
    if (!key) return pass(key);
    out["seal"] = key->public_text();
  }
  if (out.size() == 1)
    return fail(
        "file.open",
        "there is no key named " + stem.filename().string() + " in " + stem.parent_path().string(),
        "hyops key show, or make it: hyops key new " + stem.filename().string());
  return out;
}

void print(Context& context, const Json& parts) {
  context.say(printable(get_string(parts, "name"), 80));
  if (parts.contains("key"))
    context.say("  key   = \"" + get_string(parts, "key") + "\"   (id " + get_string(parts, "id") +
                ")");
  if (parts.contains("seal")) context.say("  seal  = \"" + get_string(parts, "seal") + "\"");
}

int new_key(Context& context, const po::variables_map& given) {
  const std::string name = option(given, "name"), kind = option(given, "kind", "sign");
  if (!is_name(name))
    return context.report(
        make_error("file.name", "\"" + printable(name, 80) + "\" cannot be a key's name"));
  if (kind != "sign" && kind != "seal" && kind != "runner")
    return context.report(make_error(
        "cli.usage",
        "--kind is sign, seal or runner." + did_you_mean(kind, {"sign", "seal", "runner"})));
  const fs::path folder = folder_of(context, given, "to");
  if (auto made = make_folders(folder); !made) return context.report(made.error());
  auto made = make_pair(folder / name, kind != "seal", kind != "sign", "hyops secret key " + name);
  if (!made) return context.report(made.error());
  auto parts = public_parts(folder / name);
  if (!parts) return context.report(parts.error());
  (*parts)["folder"] = folder.string();
  context.answer(*parts);
  print(context, *parts);
  context.say("The secret parts are in " + folder.string() +
              ", readable by their owner only. They never travel.");
  return exit_ok;
}

int show_key(Context& context, const po::variables_map& given) {
  const fs::path folder = folder_of(context, given, "from");
  std::vector<std::string> names;
  if (given.count("name")) {
    names.push_back(option(given, "name"));
    if (!is_name(names.back()))
      return context.report(make_error(
          "file.name", "\"" + printable(names.back(), 80) + "\" cannot be a key's name"));
  } else {
    std::error_code problem;
    for (const auto& entry : fs::directory_iterator(folder, problem)) {
      const auto ending = entry.path().extension();
      if (entry.path().stem().extension() == ".ssh") continue;  // SSH's, of runner init
      if (ending == ".pub" || ending == ".key" || ending == ".seal")
        names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.empty())
      context.say("There are no keys in " + folder.string() + ". Make one: hyops key new NAME");
  }
  Json list = Json::array();
  for (const auto& name : names) {
    auto parts = public_parts(folder / name);
    if (!parts) return context.report(parts.error());
    print(context, *parts);
    list.push_back(std::move(*parts));
  }
  context.answer(given.count("name") ? list.front() : Json{{"keys", list}});
  return exit_ok;
}

}  // namespace

void add_key_commands(Commands& commands) {
  commands.push_back({"key",
                      "new",
                      "NAME",
                      "make a key",
                      "Kinds: sign (NAME.key and NAME.pub, minisign's formats), seal (NAME.seal, "
                      "for secrets sealed to\n"
                      "this machine), runner (both). Files of secret keys have mode 0600 and are "
                      "never overwritten.\n\n"
                      "  hyops key new alice\n  hyops key new runner --kind runner\n\n"
                      "--json: {\"name\",\"folder\",\"id\",\"key\",\"seal\"}",
                      {"name"},
                      [](po::options_description_easy_init add) {
                        add("kind", po::value<std::string>(), "sign (default), seal or runner")(
                            "to", po::value<std::string>(), "the folder, default <home>/keys");
                      },
                      new_key});
  commands.push_back({"key",
                      "show",
                      "[NAME]",
                      "show the public parts of keys, as lane.toml wants them",
                      "--json: {\"name\",\"id\",\"key\",\"seal\"}, without NAME {\"keys\":[...]}",
                      {"name"},
                      [](po::options_description_easy_init add) {
                        add("from", po::value<std::string>(), "the folder, default <home>/keys");
                      },
                      show_key});
}

}  // namespace hyops::cli
