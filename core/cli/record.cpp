// hyops record: evidence handed on, checked by whoever gets it, and read by people.
#include "record/record.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "trust/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// A folder as it is; else a run, whose record the engine left below its run folder.
Result<fs::path> folder_of(const Context& context, const std::string& word) {
  std::error_code problem;
  if (fs::is_directory(word, problem)) return fs::path(word);
  auto ledger = read_ledger(context);
  if (!ledger || word.find('/') != std::string::npos)
    return fail("record.unreadable",
                "there is no folder \"" + printable(word, 200) + "\" and no such run here",
                "hyops run list");
  auto run = find_run(*ledger, word);
  if (!run) return pass(run);
  const fs::path folder = setup_of(context).run_folder(run->id.value) / "record";
  if (fs::is_directory(folder, problem)) return folder;
  return fail("record.unreadable",
              "the record of run " + run->id.value + " has not been written yet",
              "hyops record export " + run->id.value);
}

struct Signers {
  std::vector<trust::PublicKey> keys;
  std::vector<std::string> names;  // of the keys, for people
};

// A key is written out, or stands in a .pub file.
Status add_key(const std::string& word, Signers& signers) {
  std::string text = word, name = "the key given with --key";
  std::error_code problem;
  if (fs::is_regular_file(word, problem)) {
    auto read = read_file(word, 4096);
    if (!read) return pass(read);
    text = *read;
    name = fs::path(word).filename().string();
  }
  auto key = trust::parse_public_key(text);
  if (!key) return pass(key, "while reading --key " + printable(word, 100));
  signers.keys.push_back(std::move(*key));
  signers.names.push_back(name);
  return {};
}

Result<Signers> signers_of(const Context& context, const po::variables_map& given) {
  Signers signers;
  if (given.count("key"))
    for (const auto& word : given["key"].as<std::vector<std::string>>())
      if (auto added = add_key(word, signers); !added) return pass(added);
  if (!given.count("lane")) return signers;
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return pass(lane);
  for (const auto& [name, runner] : lane->runners) {
    auto key = trust::parse_public_key(runner.key);
    if (!key) return pass(key, "while reading the key of runner " + name);
    signers.keys.push_back(std::move(*key));
    signers.names.push_back("runner " + name + " of lane " + lane->name);
  }
  return signers;
}

record::Verifier verifier_of(const Signers& signers) {
  return [&signers](std::string_view message, std::string_view signature) -> Result<std::string> {
    auto good = trust::verify(message, signature, signers.keys);
    if (!good) return pass(good);
    for (size_t i = 0; i < signers.keys.size(); ++i)
      if (signers.keys[i].id == good->key_id)
        return signers.names[i] + " (key " + good->key_id + ")";
    return "key " + good->key_id;
  };
}

int verify_record(Context& context, const po::variables_map& given) {
  auto folder = folder_of(context, option(given, "record"));
  if (!folder) return context.report(folder.error());
  auto signers = signers_of(context, given);
  if (!signers) return context.report(signers.error());
  const bool keyless = signers->keys.empty();
  auto result = record::verify(*folder, verifier_of(*signers));
  if (!result) return context.report(result.error());
  // Without a key no signature can be good: that is no finding about the record, but about the
  // question.
  if (keyless)
    std::erase_if(result->findings, [](const record::Finding& finding) {
      return finding.code == "record.signature.unknown";
    });
  const bool clean = result->findings.empty(), proven = !keyless && clean;

  Json findings = Json::array();
  for (const auto& finding : result->findings)
    findings.push_back({{"code", finding.code}, {"what", finding.what}});
  context.answer({{"record", folder->string()},
                  {"clean", clean},
                  {"proven", proven},
                  {"signer", result->signer},
                  {"events", result->events},
                  {"files", result->files},
                  {"findings", findings}});
  for (const auto& finding : result->findings)
    context.say("  " + printable(finding.what, 500) + " [" + finding.code + "]");
  const std::string counted = std::to_string(result->files) + " files and a chain of " +
                              std::to_string(result->events) + " events";
  if (!clean) {
    context.say("The record is NOT what its runner signed: " +
                std::to_string(result->findings.size()) + " findings in " + counted + ".");
    context.say(
        "  next: compare with another copy, or on the runner: hyops record export RUN\n  more: "
        "hyops explain " +
        result->findings.front().code);
    return exit_failed;
  }
  if (proven) {
    context.say("The record is whole: " + counted + ", signed by " + result->signer + ".");
    return exit_ok;
  }
  context.say("Nothing in the record contradicts itself: " + counted +
              ". WHO wrote it is not proven: no key was given.");
  if (flag(given, "unsigned")) return exit_ok;
  context.say("  next: hyops record verify " + option(given, "record") +
              " --lane LANE (or --key with the runner's public key)\n  more: hyops explain "
              "record.unsigned");
  return exit_failed;
}

int export_record(Context& context, const po::variables_map& given) {
  auto ledger = read_ledger(context);
  if (!ledger) return context.report(ledger.error());
  auto run = find_run(*ledger, option(given, "run"));
  if (!run) return context.report(run.error());
  const auto setup = setup_of(context);
  auto key = trust::SecretKey::load(setup.signing_key());
  if (!key) return context.report(key.error());
  // Values were taken out before the ledger and the logs were written; here the patterns look once
  // more.
  auto redactor = record::Redactor::create({});
  if (!redactor) return context.report(redactor.error());
  const fs::path to = option(given, "to", "record-" + run->id.value);
  const auto sign = [&](std::string_view message) {
    return key->sign(message, "hyops record " + run->id.value);
  };
  auto done = record::export_run(*ledger, run->id, setup.run_folder(run->id.value) / "steps",
                                 *redactor, sign, to);
  if (!done) return context.report(done.error());
  context.answer(
      {{"run", run->id.value}, {"record", to.string()}, {"key", key->public_key().text}});
  context.say("The record of run " + run->id.value + " is in " + to.string() +
              "\n  next: hyops record verify " + to.string() + " --key " + key->public_key().text);
  return exit_ok;
}

Result<Json> told(const Context& context, const std::string& word, bool& sound) {
  std::error_code problem;
  if (fs::is_directory(word, problem)) {
    const auto nobody = [](std::string_view, std::string_view) -> Result<std::string> {
      return "not asked";
    };
    auto checked = record::verify(word, nobody);
    if (!checked) return pass(checked);
    sound = checked->clean;
    return record::summary(word);
  }
  auto ledger = read_ledger(context);
  if (!ledger) return pass(ledger);
  auto run = find_run(*ledger, word);
  if (!run) return pass(run);
  return record::summary(*ledger, run->id);
}

int report_record(Context& context, const po::variables_map& given) {
  bool sound = true;
  auto story = told(context, option(given, "record"), sound);
  if (!story) return context.report(story.error());
  if (given.count("html")) {
    const fs::path file = option(given, "html");
    if (auto written = write_file(file, record::html_report(*story)); !written)
      return context.report(written.error());
    context.say("The report is in " + file.string());
  } else {
    if (!context.json) context.out() << record::text_report(*story, context.colour);
  }
  if (context.json) {
    (*story)["sound"] = sound;
    context.answer(*story);
  }
  if (sound) return exit_ok;
  context.say(
      "WARNING: this record does not verify; what is reported here may be wrong.\n  next: hyops "
      "record verify " +
      option(given, "record"));
  return exit_failed;
}

}  // namespace

void add_record_commands(Commands& commands) {
  commands.push_back(
      {"record",
       "verify",
       "DIR|RUN",
       "check a record offline: files, chain, signature",
       "Checks every file against SHA256SUMS, the signature over it, the chain of events, and that "
       "the files agree with\n"
       "each other. Needs no network and no ledger. The same by hand, in the folder:\n\n"
       "  sha256sum --strict -c SHA256SUMS\n  minisign -V -p runner.pub -m SHA256SUMS -x "
       "SHA256SUMS.minisig\n\n"
       "  hyops record verify record-r01 --lane prod\n  hyops record verify record-r01 --key "
       "runner.pub\n\n"
       "Without a key everything but the signer is checked, and the exit code says that this is "
       "not enough (1);\n"
       "--unsigned accepts it (0). --json: {record, clean, proven, signer, events, files, "
       "findings: [{code, what}]}.",
       {"record"},
       [](po::options_description_easy_init add) {
         add("key", po::value<std::vector<std::string>>()->composing(),
             "a runner's public key: a .pub file or its line; may be repeated")(
             "lane", po::value<std::string>(), "take the keys of this lane's runners")(
             "unsigned", "accept that nobody proves who wrote it");
       },
       verify_record});
  commands.push_back({"record",
                      "export",
                      "RUN",
                      "write the record of a run as a folder, signed by this runner",
                      "Works for every run in the ledger, also for one that crashed or still goes "
                      "on; its steps that have no end are\n"
                      "told as unknown or not run. Writes ./record-RUN, or the folder named with "
                      "--to, whole or not at all.\n\n"
                      "  hyops record export last --to /media/usb/failover-record",
                      {"run"},
                      [](po::options_description_easy_init add) {
                        add("to", po::value<std::string>(), "the folder to write; must not exist");
                      },
                      export_record});
  commands.push_back(
      {"record",
       "report",
       "DIR|RUN",
       "what happened, for people: in the terminal, or as one HTML page",
       "Verdict, recovery time and data loss against target, who decided and approved, every step, "
       "probe and external call,\n"
       "what was not run and why.\n\n"
       "  hyops record report last\n  hyops record report record-r01 --html report.html",
       {"record"},
       [](po::options_description_easy_init add) {
         add("html", po::value<std::string>(), "write the report as this self-contained page");
       },
       report_record});
}

}  // namespace hyops::cli
