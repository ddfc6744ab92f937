// hyops secret: sealing secrets to the runners that may open them. Values come from standard input
// or files, never from the command line, and leave only sealed.
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;
using Secrets = std::vector<std::pair<std::string, Secret>>;

constexpr size_t max_input = 32u << 20;

// Standard input in one buffer of fixed size that is wiped: growing would leave copies behind.
Result<Secrets> secrets_from_input() {
  if (::isatty(STDIN_FILENO) == 1)
    return fail("cli.usage",
                "secrets typed at a terminal would stay on the screen; give them through a pipe or "
                "--from-dir",
                "hyops secret seal --help");
  std::string text(max_input, '\0');
  size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < text.size();) {
    got = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      size += static_cast<size_t>(got);
  }
  auto document = parse_json(std::string_view(text).substr(0, size), "standard input", max_input);
  wipe(text.data(), text.size());
  const char* wanted = "standard input must be one JSON object: {\"name\": \"value\", ...}";
  if (!document || !document->is_object())
    return fail("cli.usage", wanted, "hyops secret seal --help");
  Secrets out;
  bool all_text = true;
  for (auto& [name, value] : document->items()) {
    if (!value.is_string()) {
      all_text = false;
      continue;
    }
    auto& bytes = value.get_ref<std::string&>();
    out.emplace_back(name, Secret(bytes));
    wipe(bytes.data(), bytes.size());
  }
  if (!all_text) return fail("cli.usage", wanted, "hyops secret seal --help");
  return out;
}

// Every file is one secret, byte for byte: a line break at its end belongs to it.
Result<Secrets> secrets_from_folder(const fs::path& folder) {
  Secrets out;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (!fs::is_regular_file(entry.symlink_status()))
      return fail("file.name", entry.path().string() + " is not a regular file");
    auto bytes = read_file(entry.path(), 2u << 20);
    if (!bytes) return pass(bytes);
    out.emplace_back(entry.path().filename().string(), Secret(*bytes));
    wipe(bytes->data(), bytes->size());
  }
  if (problem)
    return fail("file.open", "cannot read " + folder.string() + ": " + problem.message());
  return out;
}

// Keys as they are, or names of the lane's runners.
Result<std::vector<std::string>> recipients_of(Context& context, const po::variables_map& given) {
  if (!given.count("to-runner"))
    return fail("cli.usage", "--to-runner is needed: who may open the bundle?",
                "hyops secret seal --help");
  std::optional<contract::Lane> lane;
  if (given.count("lane")) {
    auto loaded = load_lane(context, option(given, "lane"));
    if (!loaded) return pass(loaded);
    lane = std::move(*loaded);
  }
  std::vector<std::string> out;
  for (const auto& word : given["to-runner"].as<std::vector<std::string>>()) {
    const auto runner = lane ? lane->runners.find(word) : decltype(lane->runners.find(word)){};
    out.push_back(lane && runner != lane->runners.end() ? runner->second.seal : word);
  }
  return out;
}

int seal(Context& context, const po::variables_map& given) {
  ::prctl(PR_SET_DUMPABLE, 0);  // no core dump of this process may hold a value (K2)
  trust::BundleContents about;
  if (auto there = needed(given, {"name", "version", "out"}, "secret seal"); !there)
    return context.report(there.error());
  about.name = option(given, "name");
  const std::string version = option(given, "version");
  const auto [end, bad] =
      std::from_chars(version.data(), version.data() + version.size(), about.version);
  if (bad != std::errc() || end != version.data() + version.size())
    return context.report(
        make_error("cli.usage", "--version is a whole number from 1", "hyops secret seal --help"));
  auto valid = parse_duration(option(given, "valid", "90d"));
  if (!valid) return context.report(valid.error());
  about.created_ms = system_clock().wall_ms();
  about.expires_ms = about.created_ms + *valid;
  auto recipients = recipients_of(context, given);
  if (!recipients) return context.report(recipients.error());
  about.recipients = std::move(*recipients);
  std::optional<trust::SecretKey> key;
  if (given.count("key")) {
    auto loaded = trust::SecretKey::load(option(given, "key"));
    if (!loaded) return context.report(loaded.error());
    key = std::move(*loaded);
  }

  auto secrets = given.count("from-dir") ? secrets_from_folder(option(given, "from-dir"))
                                         : secrets_from_input();
  if (!secrets) return context.report(secrets.error());
  auto bundle = trust::seal_bundle(about, *secrets);
  if (!bundle) return context.report(bundle.error());
  const fs::path file = option(given, "out");
  if (auto written = write_file(file, *bundle, 0600); !written)
    return context.report(written.error());
  if (key) {
    auto signature = key->sign(*bundle, "hyops bundle " + about.name + "\tversion:" + version);
    if (!signature) return context.report(signature.error());
    if (auto written = write_file(file.string() + ".minisig", *signature); !written)
      return context.report(written.error());
  }
  context.say(std::to_string(secrets->size()) + " secrets sealed to " +
              std::to_string(about.recipients.size()) + " runners, good until " +
              to_rfc3339(about.expires_ms) + ": " + file.string());
  context.answer({{"file", file.string()},
                  {"name", about.name},
                  {"version", about.version},
                  {"expires_ms", about.expires_ms},
                  {"secrets", secrets->size()},
                  {"recipients", about.recipients}});
  return exit_ok;
}

int show(Context& context, const po::variables_map& given) {
  auto text = read_file(option(given, "file"));
  if (!text) return context.report(text.error());
  auto listing = trust::list_bundle(*text);
  if (!listing) return context.report(listing.error());
  const auto& about = listing->about;
  context.say("bundle " + about.name + ", version " + std::to_string(about.version));
  context.say("  made        " + to_rfc3339(about.created_ms));
  context.say("  good until  " + to_rfc3339(about.expires_ms) +
              (system_clock().wall_ms() >= about.expires_ms ? "  EXPIRED" : ""));
  for (const auto& recipient : about.recipients) context.say("  for runner  " + recipient);
  for (const auto& name : listing->names) context.say("  secret      " + name);
  context.answer({{"name", about.name},
                  {"version", about.version},
                  {"created_ms", about.created_ms},
                  {"expires_ms", about.expires_ms},
                  {"recipients", about.recipients},
                  {"names", listing->names}});
  return exit_ok;
}

}  // namespace

void add_secret_commands(Commands& commands) {
  const auto text = [] { return po::value<std::string>(); };
  commands.push_back(
      {"secret",
       "seal",
       "",
       "seal secrets to runners, as the bundle that the offline authority reads",
       "  hyops secret seal --name drill --version 1 --valid 90d --to-runner KEY --out "
       "drill.sealed < secrets.json\n\n"
       "Standard input is one JSON object {\"name\": \"value\"}; --from-dir takes one file a "
       "secret instead, byte for byte.\n"
       "A runner is named by its seal key (hyops key show), or with --lane by its name there. A "
       "later bundle of a name\n"
       "needs a higher version: runners refuse to go back.\n"
       "--json: {\"file\",\"name\",\"version\",\"expires_ms\",\"secrets\",\"recipients\"}",
       {},
       [text](po::options_description_easy_init add) {
         add("name", text(), "of the bundle")("version", text(),
                                              "whole number, higher than the last one's")(
             "valid", text(), "how long, default 90d")(
             "to-runner", po::value<std::vector<std::string>>()->multitoken(), "who may open it")(
             "lane", text(), "look runners up in this lane")("from-dir", text(),
                                                             "one file a secret")(
             "key", text(), "also sign the bundle with this key")("out", text(), "the bundle");
       },
       seal});
  commands.push_back(
      {"secret",
       "show",
       "FILE",
       "show what a bundle holds: names, version, expiry, runners; no values",
       "Nothing of it is authenticated before a runner opens it.\n"
       "--json: {\"name\",\"version\",\"created_ms\",\"expires_ms\",\"recipients\",\"names\"}",
       {"file"},
       {},
       show});
}

}  // namespace hyops::cli
