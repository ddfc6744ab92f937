// hyops record: evidence handed on, checked by whoever gets it, and read by people.
#include "record/record.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/record_folder.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"
#include "engine/checkpoints.hpp"
#include "trust/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

int verify_record(Context& context, const po::variables_map& given) {
  auto found = find_record(context, option(given, "record"));
  if (!found) return context.report(found.error());
  const fs::path& folder = found->folder;
  auto signers = signers_of(context, given, found->lane);
  if (!signers) return context.report(signers.error());
  const bool keyless = signers->keys.empty();
  const auto witness = memory_of(context, given, "witness");
  if (given.count("witness") && witness.runs().empty())
    return context.report(make_error(
        "record.witness.empty",
        "there is no memory of a witness in " + printable(option(given, "witness"), 200)));
  auto result = record::verify(folder, verifier_of(*signers), &witness);
  if (!result) return context.report(result.error());
  // Without a key no signature can be good: that is no finding about the record, but about the
  // question.
  if (keyless)
    std::erase_if(result->findings, [](const record::Finding& finding) {
      return finding.code == "record.signature.unknown";
    });
  const bool clean = result->findings.empty(), proven = !keyless && clean;
  if (auto asked_for = is_of_lane(given, *result); clean && !asked_for)
    return context.report(asked_for.error());

  Json findings = Json::array();
  for (const auto& finding : result->findings)
    findings.push_back({{"code", finding.code}, {"what", finding.what}});
  context.answer({{"record", folder.string()},
                  {"clean", clean},
                  {"proven", proven},
                  {"signer", result->signer},
                  {"events", result->events},
                  {"files", result->files},
                  {"checkpoints", result->checkpoints},
                  {"witnessed_events", result->witnessed},
                  {"findings", findings}});
  for (const auto& finding : result->findings)
    context.say("  " + printable(finding.what, 500) + " [" + finding.code + "]");
  const std::string size =
      counted(result->files, "file") + " and a chain of " + counted(result->events, "event");
  if (!clean) {
    context.say("The record is NOT what its runner signed: " +
                counted(result->findings.size(), "finding") + " in " + size + ".");
    context.say(
        "  next: compare with another copy, or on the runner: hyops record export RUN\n  more: "
        "hyops explain " +
        result->findings.front().code);
    return exit_failed;
  }
  if (proven) {
    context.say("The record is whole: " + size + ", signed by " + result->signer + ".");
    context.say(result->witnessed > 0
                    ? "A witness saw its first " + std::to_string(result->witnessed) + " events."
                    : "No witness is known here that the runner told the same story before.");
    return exit_ok;
  }
  context.say("Nothing in the record contradicts itself: " + size +
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
  if (auto covered = engine::Checkpoints(*ledger, run->id)
                         .sign(setup.signing_key(), {}, system_clock().wall_ms());
      !covered)
    return context.report(covered.error());
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
  auto story = story_of(context, *ledger, *run);
  if (story && is_elsewhere(*story))
    return fail("record.unreadable",
                "run " + run->id.value + " was sent to runner " + run->runner +
                    ", and its record has not been fetched",
                "hyops run collect " + run->id.value);
  return story;
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
       "runner.pub\n"
       "  hyops record verify record-r01 --lane prod --witness /media/usb/witness\n\n"
       "A runner can sign a second story with its own key. Only who remembers the first can tell: "
       "a "
       "witness's memory\n"
       "(`hyops witness sign`; a dispatcher keeps one by itself) is held against the record.\n"
       "Without a key everything but the signer is checked, and the exit code says that this is "
       "not enough (1);\n"
       "--unsigned accepts it (0). --json: {record, clean, proven, signer, events, files, "
       "checkpoints, witnessed_events,\nfindings: [{code, what}]}.",
       {"record"},
       [](po::options_description_easy_init add) {
         add_signer_options(add);
         add("unsigned", "accept that nobody proves who wrote it")(
             "witness", po::value<std::string>(),
             "the memory of a witness, default <home>/witness");
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
