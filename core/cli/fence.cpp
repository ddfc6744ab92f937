// hyops fence: a person answers for what a lost site may still hold, where nothing can fence it.
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/trust.hpp"

namespace hyops::cli {
namespace {

constexpr int64_t longest_ms = 4 * 3'600'000;  // who answers for a loss looks again after this

// Document and signature in one, as a fence step takes them: --input STEP.acceptance="$(cat FILE)".
Result<trust::SignedDocument> read_accepted(const std::string& file) {
  auto text = read_file(file, 1u << 20);
  if (!text) return pass(text);
  auto both = parse_json(*text, file);
  if (!both) return pass(both);
  return trust::SignedDocument{file, get_string(*both, "document"), get_string(*both, "signature")};
}

int accept_loss(Context& context, const po::variables_map& given) {
  if (auto there =
          needed(given, {"lane", "zone", "decision", "as", "key", "reason"}, "fence accept");
      !there)
    return context.report(there.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  const int64_t now = system_clock().wall_ms();
  auto document = read_signed(option(given, "decision"));
  if (!document) return context.report(document.error());
  auto decision = trust::check_decision(document->document, document->signature, *lane, now);
  if (!decision) return context.report(decision.error());
  auto key = approver_key(option(given, "as"), option(given, "key"), *lane);
  if (!key) return context.report(key.error());
  auto valid = parse_duration(option(given, "valid", "1h"));
  if (!valid) return context.report(valid.error());
  if (*valid > longest_ms)
    return context.report(make_error("cli.usage",
                                     "--valid is at most " + show_duration(longest_ms) + ".",
                                     "hyops fence accept --help"));
  trust::Acceptance acceptance;
  acceptance.approver = option(given, "as");
  acceptance.lane = lane->name;
  acceptance.zone = option(given, "zone");
  acceptance.decision = digest_of(document->document);
  acceptance.reason = option(given, "reason");
  acceptance.from_ms = now;
  acceptance.until_ms = now + *valid;
  acceptance.nonce = random_token();
  auto text = trust::to_document(acceptance);
  if (!text) return context.report(text.error());
  auto signature = key->sign(*text, "hyops acceptance of loss by " + acceptance.approver +
                                        "\tlane:" + lane->name + "\tzone:" + acceptance.zone);
  if (!signature) return context.report(signature.error());
  auto both = canonical({{"document", *text}, {"signature", *signature}});
  if (!both) return context.report(both.error());
  const std::string file = option(given, "to", "acceptance.json");
  if (auto written = write_file(file, *both); !written) return context.report(written.error());
  context.say(acceptance.approver + " accepts until " + to_rfc3339(acceptance.until_ms) +
              " that what zone " + acceptance.zone + " still acknowledges is lost: " + file);
  context.say("  next: hyops plan ... --input 'STEP.acceptance='\"$(cat " + file + ")\"");
  context.answer({{"file", file},
                  {"digest", digest_of(*text)},
                  {"until_ms", acceptance.until_ms},
                  {"acceptance", Json::parse(*text)}});
  return exit_ok;
}

int verify_acceptance(Context& context, const po::variables_map& given) {
  if (auto there = needed(given, {"lane", "zone", "decision"}, "fence verify"); !there)
    return context.report(there.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto now = time_of_check(given);
  if (!now) return context.report(now.error());
  auto decision = read_file(option(given, "decision"), 1u << 20);
  if (!decision) return context.report(decision.error());
  auto accepted = read_accepted(option(given, "file"));
  if (!accepted) return context.report(accepted.error());
  auto good = trust::check_acceptance(
      *accepted, {lane->name, option(given, "zone"), digest_of(*decision)}, *lane, *now);
  if (!good) return context.report(good.error());
  context.say("Good at " + to_rfc3339(*now) + ": " + good->approver + " accepts the loss of zone " +
              good->zone + ": " + printable(good->reason, 1024));
  context.answer(
      {{"good", true}, {"at_ms", *now}, {"acceptance", Json::parse(accepted->document)}});
  return exit_ok;
}

}  // namespace

void add_fence_commands(Commands& commands) {
  const auto text = [] { return po::value<std::string>(); };
  commands.push_back(
      {"fence",
       "accept",
       "",
       "answer with your signature for what a lost site may still acknowledge",
       "For one lane, zone and decision, for a short time. The lane's profile has to bind "
       "fence/site "
       "to fence/accept-loss.\n"
       "  hyops fence accept --lane prod --zone onprem --decision decision.json --as alice --key "
       "alice.key \\\n"
       "    --reason \"the building is on fire\" --valid 1h --to acceptance.json\n"
       "--json: {\"file\",\"digest\",\"until_ms\",\"acceptance\":{...}}",
       {},
       [text](po::options_description_easy_init add) {
         add("lane", text(), "the lane")("zone", text(), "what is given up")(
             "decision", text(), "the decision that gives it up (its signature beside it)")(
             "as", text(), "your name among the lane's approvers")(
             "key", text(), "your secret key")("reason", text(), "why; it stays in the record")(
             "valid", text(), "how long, default 1h, at most 4h")("to", text(),
                                                                  "default acceptance.json");
       },
       accept_loss});
  commands.push_back({"fence",
                      "verify",
                      "FILE",
                      "check an acceptance of loss against its lane, zone and decision, offline",
                      "--json: {\"good\",\"at_ms\",\"acceptance\":{...}}",
                      {"file"},
                      [text](po::options_description_easy_init add) {
                        add("lane", text(), "the lane")("zone", text(), "the zone")(
                            "decision", text(), "the decision")(
                            "at", text(), "check for this time, 2026-03-01T02:03:04.005Z");
                      },
                      verify_acceptance});
}

}  // namespace hyops::cli
