// A vendor's commands: a new plugin, whether it keeps the contract, and its signature.
#include <algorithm>

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "cli/terminal.hpp"
#include "plugin/check/check.hpp"
#include "plugin/scaffold.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;
namespace kit = plugin::check;

int make(Context& context, const po::variables_map& given) {
  const std::string id = option(given, "id");
  plugin::Scaffold wanted{context.places.prefix / "share/hyops/sdk/template", id,
                          option(given, "kind", "provider"), option(given, "vendor"),
                          option(given, "to", id)};
  auto made = plugin::make_new(wanted);
  if (!made) return context.report(made.error());
  Json files = Json::array();
  for (const auto& file : *made) {
    context.say("  " + file.string());
    files.push_back(file.string());
  }
  const std::string to = wanted.to.string();
  context.say("\n  next: cmake -S " + to + " -B " + to + "/build -DCMAKE_BUILD_TYPE=Release" +
              " -DCMAKE_PREFIX_PATH=" + context.places.prefix.string() +
              "\n        cmake --build " + to + "/build && hyops plugin check " + to + "/build/" +
              id);
  context.answer({{"plugin", id}, {"kind", wanted.kind}, {"folder", to}, {"files", files}});
  return exit_ok;
}

int list_checks(Context& context) {
  Json list = Json::array();
  for (const auto& promise : kit::promises()) {
    context.say("  " + cell(promise.check, 26) + " " + promise.promise);
    list.push_back({{"check", promise.check}, {"promise", promise.promise}});
  }
  context.answer({{"checks", list}});
  return exit_ok;
}

// What stands in the signature's comment, which `minisign -V` shows.
std::string verdict_of(const kit::Report& report) {
  if (!report.passed()) return "failed";
  return report.whole() ? "passed"
                        : "only " + std::to_string(report.verdicts.size()) + " of " +
                              std::to_string(kit::promises().size()) + " checks made, none failed";
}

// The report as a signed file, for whoever was not there.
Status write_report(const kit::Report& report, const fs::path& file, const fs::path& key_file) {
  Json document = kit::to_json(report);
  document["checked_ms"] = system_clock().wall_ms();
  document["checked_with"] = std::string("hyops " HYOPS_VERSION);
  auto text = canonical(document);
  if (!text) return pass(text);
  auto key = trust::SecretKey::load(key_file);
  if (!key) return pass(key);
  const auto& manifest = report.subject.manifest;
  auto signature = key->sign(*text, "hyops plugin check " + manifest.id + " " + manifest.version +
                                        ": " + verdict_of(report));
  if (!signature) return pass(signature);
  if (auto written = write_file(file, *text); !written) return written;
  return write_file(file.string() + ".minisig", *signature);
}

int check(Context& context, const po::variables_map& given) {
  if (given.count("list")) return list_checks(context);
  if (!given.count("dir"))
    return context.report(make_error("cli.usage", "which folder? The one that holds plugin.so.",
                                     "hyops plugin check build/com.acme.clouds"));
  if (given.count("report") != given.count("key"))
    return context.report(make_error("cli.usage", "--report needs --key, and --key needs --report.",
                                     "hyops plugin check --help"));
  auto subject = kit::read_subject(option(given, "dir"), option(given, "with"),
                                   context.places.libexec() / "hyops-plugin-host");
  if (!subject) return context.report(subject.error());
  if (given.count("seed")) subject->seed = given["seed"].as<uint32_t>();
  const std::string who = subject->manifest.id + " " + subject->manifest.version;
  context.say(who + ", each check in a process of its own:");
  std::vector<std::string> only;
  if (given.count("only")) only = split(option(given, "only"), ',');
  auto report = kit::run(std::move(*subject), only, [&](const kit::Verdict& verdict) {
    context.say(
        "  " + cell(verdict.outcome == kit::Outcome::failed ? "FAILED" : name(verdict.outcome), 8) +
        cell(verdict.check, 26) + " " + verdict.reason);
  });
  if (!report) return context.report(report.error());
  if (given.count("report"))
    if (auto done = write_report(*report, option(given, "report"), option(given, "key")); !done)
      return context.report(done.error());
  context.answer(kit::to_json(*report));
  const size_t broken = report->count(kit::Outcome::failed);
  context.say(std::to_string(report->verdicts.size()) + " checks, " + std::to_string(broken) +
              " failed, " + std::to_string(report->count(kit::Outcome::skipped)) + " not for it");
  if (broken == 0) return exit_ok;
  for (const auto& verdict : report->verdicts)
    if (verdict.outcome == kit::Outcome::failed) {
      context.say("  next: hyops plugin check " + option(given, "dir") + " --only " +
                  verdict.check);
      break;
    }
  return exit_failed;
}

int sign(Context& context, const po::variables_map& given) {
  if (!given.count("key"))
    return context.report(make_error("cli.usage", "--key names the secret key to sign with.",
                                     "hyops plugin sign --help"));
  auto key = trust::SecretKey::load(option(given, "key"));
  if (!key) return context.report(key.error());
  const std::string what = option(given, "dir");
  std::error_code ignored;
  const bool list = fs::is_regular_file(what, ignored);
  const auto done = list ? plugin::sign_vendor_list(what, *key) : plugin::sign(what, *key);
  if (!done) return context.report(done.error());
  const auto public_key = key->public_key();
  context.say("signed " + what + (list ? "" : "/plugin.toml") + " with key " + public_key.id +
              "; `minisign -V` verifies it");
  context.answer(
      {{list ? "list" : "folder", what}, {"key", public_key.text}, {"key_id", public_key.id}});
  return exit_ok;
}

void check_options(po::options_description_easy_init add) {
  add("only", po::value<std::string>(), "these checks, with commas")(
      "with", po::value<std::string>(), "what the check works on; default DIR/check.toml")(
      "seed", po::value<uint32_t>(), "of everything random, default 1")(
      "report", po::value<std::string>(), "write a signed report to this file")(
      "key", po::value<std::string>(), "the secret key that signs the report")(
      "list", "what the checks are");
}

}  // namespace

void add_plugin_making_commands(Commands& commands) {
  commands.push_back({"plugin",
                      "new",
                      "ID",
                      "makes a new plugin that builds and passes the check",
                      "Kinds: provider, egress, access, secret. Needs the SDK (share/hyops/sdk).\n"
                      "example: hyops plugin new com.acme.clouds --kind provider\n"
                      "JSON: {plugin, kind, folder, files}",
                      {"id"},
                      [](po::options_description_easy_init add) {
                        add("kind", po::value<std::string>(), "what it is, default provider")(
                            "to", po::value<std::string>(), "the new folder, default ID")(
                            "vendor", po::value<std::string>(), "who answers for it");
                      },
                      make});
  commands.push_back({"plugin",
                      "check",
                      "[DIR]",
                      "tries whether a plugin keeps the contract",
                      "Runs the plugin in DIR in the helper that runs plugins, a new one for every "
                      "check.\nNeeds no signature. Exit 1 if a check failed.\n"
                      "example: hyops plugin check build/com.acme.clouds --only kill-in-apply\n"
                      "JSON: {plugin, version, abi, object, manifest, seed, passed, whole,\n"
                      "       checks: [{check, outcome: ok|failed|skipped, reason, ms}]}",
                      {"dir"},
                      check_options,
                      check});
  commands.push_back(
      {"plugin",
       "sign",
       "DIR",
       "signs a plugin's folder, or a list of what is revoked",
       "Writes the digests of the files in DIR into its plugin.toml ([files]) and signs that.\n"
       "A file instead of a folder is a list of revocations: serial = N and [[revoked]].\n"
       "example: hyops plugin sign build/com.acme.clouds --key acme.key",
       {"dir"},
       [](po::options_description_easy_init add) {
         add("key", po::value<std::string>(), "secret key file (minisign, without a password)");
       },
       sign});
}

}  // namespace hyops::cli
