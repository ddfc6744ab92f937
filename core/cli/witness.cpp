// hyops witness: remembering, and signing, what a runner said of itself, on a machine or a stick
// that is not the runner's.
#include "trust/witness.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "cli/record_folder.hpp"
#include "cli/site.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

bool is_fork(const record::Finding& finding) { return finding.code.starts_with("record.fork."); }

// The key that is named, or this machine's own; none: it remembers without signing.
Result<std::optional<trust::SecretKey>> key_of_witness(const Context& context,
                                                       const po::variables_map& given) {
  const fs::path own = setup_of(context).signing_key();
  std::error_code problem;
  if (!given.count("as") && !fs::exists(own, problem)) return std::nullopt;
  auto key = trust::SecretKey::load(option(given, "as", own.string()));
  if (!key) return pass(key);
  return std::optional<trust::SecretKey>(std::move(*key));
}

// A record that is not what its runner signed, or another one than this witness saw.
int refuse_to_sign(Context& context, const record::Verification& checked) {
  const auto fork = std::find_if(checked.findings.begin(), checked.findings.end(), is_fork);
  const auto& worst = fork == checked.findings.end() ? checked.findings.front() : *fork;
  return context.report(fork == checked.findings.end()
                            ? make_error("record.not_clean", worst.what)
                            : make_error("trust.checkpoint.fork", worst.what));
}

int sign_checkpoints(Context& context, const po::variables_map& given) {
  auto found = find_record(context, option(given, "record"));
  if (!found) return context.report(found.error());
  const fs::path& folder = found->folder;
  auto signers = signers_of(context, given, found->lane);
  if (!signers) return context.report(signers.error());
  if (signers->keys.empty())
    return context.report(
        make_error("cli.usage", "a witness has to know the runner's key: name a --lane or a --key.",
                   "hyops witness sign --help"));
  auto key = key_of_witness(context, given);
  if (!key) return context.report(key.error());
  auto witness = memory_of(context, given, "memory");
  auto checked = record::verify(folder, verifier_of(*signers), &witness);
  if (!checked) return context.report(checked.error());
  const trust::SecretKey* own = *key ? &**key : nullptr;
  const int64_t now = system_clock().wall_ms();
  if (!checked->clean) {
    // What contradicts is kept as proof; nothing of it is signed.
    if (auto checkpoints = record::checkpoints_of(folder);
        checkpoints && std::any_of(checked->findings.begin(), checked->findings.end(), is_fork))
      (void)witness.take(*checkpoints, signers->keys, nullptr, now);
    return refuse_to_sign(context, *checked);
  }
  if (auto asked_for = is_of_lane(given, *checked); !asked_for)
    return context.report(asked_for.error());
  auto fresh = record::show_to(witness, folder, signers->keys, own, now);
  if (!fresh) return context.report(fresh.error());
  context.answer({{"record", folder.string()},
                  {"memory", witness.folder().string()},
                  {"checkpoints", checked->checkpoints},
                  {"new", *fresh},
                  {"signed", own != nullptr},
                  {"key", own ? Json(own->public_key().text) : Json()}});
  context.say("Remembered " + std::to_string(checked->checkpoints) + " checkpoints, " +
              std::to_string(*fresh) + " of them new, in " + witness.folder().string());
  context.say(own ? "Signed with key " + own->public_key().id
                  : "Not signed: this machine has no key of its own (--as KEYFILE)");
  context.say("  later: hyops record verify RECORD --witness " + witness.folder().string());
  return exit_ok;
}

int show_witnessed(Context& context, const po::variables_map& given) {
  const auto witness = memory_of(context, given, "memory");
  Json list = Json::array();
  for (const auto& run : witness.runs()) {
    auto documents = witness.of_run(run);
    if (!documents) return context.report(documents.error());
    auto newest = trust::parse_checkpoint(documents->back().document);
    if (!newest) return context.report(newest.error());
    const bool own = witness.signed_by_itself(run, newest->number);
    list.push_back({{"run", run},
                    {"lane", newest->lane},
                    {"checkpoints", newest->number},
                    {"event", newest->seq},
                    {"head", newest->head},
                    {"made_ms", newest->made_ms},
                    {"signed", own}});
    context.say(printable(run, 80) + "  lane " + newest->lane + "  up to event " +
                std::to_string(newest->seq) + "  at " + to_rfc3339(newest->made_ms) +
                (own ? "  signed" : "  remembered only"));
  }
  context.answer({{"memory", witness.folder().string()}, {"runs", list}});
  if (list.empty())
    context.say("nothing was witnessed in " + witness.folder().string() +
                "\n  next: hyops witness sign RECORD --lane LANE");
  return exit_ok;
}

}  // namespace

void add_witness_commands(Commands& commands) {
  const auto memory = [](po::options_description_easy_init& add) {
    add("memory", po::value<std::string>(), "the witness's folder, default <home>/witness");
  };
  commands.push_back(
      {"witness",
       "sign",
       "RECORD|RUN",
       "remember and sign the checkpoints of a record that verifies",
       "A runner signs checkpoints of its chain while a run goes. Whoever keeps them elsewhere, "
       "another runner or a\nUSB key, can tell later whether it still tells the same story. Works "
       "offline; a checkpoint that contradicts one\nthat is remembered is refused, and kept as "
       "proof. Shown half a story today, the rest may follow later.\n\n"
       "  hyops key new stick --to /media/usb\n"
       "  hyops witness sign record-r01 --lane prod --memory /media/usb/witness --as "
       "/media/usb/stick.key\n\n"
       "A dispatcher does this by itself with what it collects.\n"
       "--json: {record, memory, checkpoints, new, signed, key}",
       {"record"},
       [memory](po::options_description_easy_init add) {
         add_signer_options(add);
         memory(add);
         add("as", po::value<std::string>(),
             "the witness's secret key, default this machine's runner.key");
       },
       sign_checkpoints});
  commands.push_back({"witness",
                      "show",
                      "",
                      "the runs of which something is remembered, and up to where",
                      "--json: {memory, runs: [{run, lane, checkpoints, event, head, made_ms, "
                      "signed}]}",
                      {},
                      [memory](po::options_description_easy_init add) { memory(add); },
                      show_witnessed});
}

}  // namespace hyops::cli
