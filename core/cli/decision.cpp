// hyops decision: an operator in the decision plane's chair, and everybody's way to read and check
// a decision.
#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// Signals are named by their files: signals/primary-db.json is "primary-db".
Result<std::map<std::string, std::string>> digests_of(const std::vector<std::string>& files) {
  std::map<std::string, std::string> out;
  for (const auto& file : files) {
    auto digest = digest_of_file(file);
    if (!digest) return pass(digest);
    if (!out.emplace(fs::path(file).stem().string(), *digest).second)
      return fail("cli.usage",
                  "two signals are named " + printable(fs::path(file).stem().string(), 80));
  }
  return out;
}

bool decides_for(const trust::SecretKey& key, const contract::Lane& lane) {
  for (const auto& [name, text] : lane.deciders)
    if (const auto known = trust::parse_public_key(text))
      if (known->material() == key.public_key().material()) return true;
  return false;
}

Result<trust::Decision> asked_for(const po::variables_map& given, const contract::Lane& lane) {
  trust::Decision out;
  const int64_t now = system_clock().wall_ms();
  out.id = "d" + new_run_id(now).value.substr(1);
  for (const auto& [name, into] :
       {std::pair{"type", &out.type}, {"target", &out.target}, {"rationale", &out.rationale}})
    *into = option(given, name);
  out.lane = lane.name;
  out.epoch = lane.epoch;
  out.dr_mode = option(given, "dr-mode");
  out.execution_plane = option(given, "execution-plane", "runner-local");
  out.requires_approval = !flag(given, "without-approval");
  out.repository = option(given, "repository");
  auto valid = parse_duration(option(given, "valid", "30m"));
  if (!valid) return pass(valid);
  out.issued_ms = now;
  out.expires_ms = now + *valid;
  out.nonce = random_token();
  if (given.count("signals")) {
    auto signals = digests_of(given["signals"].as<std::vector<std::string>>());
    if (!signals) return pass(signals);
    out.signals = std::move(*signals);
  }
  auto digest = digest_of_file(option(given, "policy"));
  if (!digest) return pass(digest);
  out.policy = *digest;
  return out;
}

int issue(Context& context, const po::variables_map& given) {
  if (auto there =
          needed(given, {"lane", "type", "target", "rationale", "policy", "key"}, "decision issue");
      !there)
    return context.report(there.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto decision = asked_for(given, *lane);
  if (!decision) return context.report(decision.error());
  auto document = trust::to_document(*decision);
  if (!document) return context.report(document.error());
  auto key = trust::SecretKey::load(option(given, "key"));
  if (!key) return context.report(key.error());
  if (!decides_for(*key, *lane))
    return context.report(
        make_error("trust.decision.signature", "the key " + key->public_key().id +
                                                   " is not among the deciders of lane " +
                                                   lane->name + "; no runner would follow it"));
  const fs::path to = option(given, "to", "decision.json");
  auto written = write_signed(
      to, *document, *key,
      "hyops decision " + decision->id + "\tlane:" + lane->name + "\ttype:" + decision->type);
  if (!written) return context.report(written.error());
  context.answer({{"id", decision->id},
                  {"file", to.string()},
                  {"digest", digest_of(*document)},
                  {"expires_ms", decision->expires_ms}});
  context.say(decision->type + " decision " + decision->id + " for lane " + lane->name +
              ", good until " + to_rfc3339(decision->expires_ms) + ": " + to.string());
  context.say("digest " + digest_of(*document));
  return exit_ok;
}

void print(Context& context, const trust::Decision& decision, const std::string& digest) {
  const auto line = [&](const char* what, const std::string& value) {
    context.say("  " + std::string(what) + std::string(18 - std::string_view(what).size(), ' ') +
                printable(value, 4096));
  };
  context.say(decision.type + " decision " + decision.id);
  line("lane", decision.lane + ", epoch " + std::to_string(decision.epoch));
  line("target", decision.target);
  if (!decision.dr_mode.empty()) line("recovery mode", decision.dr_mode);
  line("execution plane", decision.execution_plane);
  line("approval", decision.requires_approval ? "required" : "not required by the decision");
  line("repository", decision.repository.empty() ? "none" : decision.repository);
  line("good from", to_rfc3339(decision.issued_ms));
  line("good until", to_rfc3339(decision.expires_ms));
  line("rationale", decision.rationale);
  for (const auto& [name, observed] : decision.signals) line("signal", name + "  " + observed);
  line("policy", decision.policy);
  line("digest", digest);
}

Json answer_of(const std::string& document) {
  return {{"decision", Json::parse(document)}, {"digest", digest_of(document)}};
}

int show_decision(Context& context, const po::variables_map& given) {
  auto document = read_file(option(given, "file"), 1u << 20);
  if (!document) return context.report(document.error());
  auto decision = trust::parse_decision(*document);
  if (!decision) return context.report(decision.error());
  print(context, *decision, digest_of(*document));
  context.say("Nothing was checked but the form. Check it: hyops decision verify " +
              option(given, "file") + " --lane " + decision->lane);
  context.answer(answer_of(*document));
  return exit_ok;
}

int verify_decision(Context& context, const po::variables_map& given) {
  if (auto there = needed(given, {"lane"}, "decision verify"); !there)
    return context.report(there.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto now = time_of_check(given);
  if (!now) return context.report(now.error());
  auto signed_document = read_signed(option(given, "file"));
  if (!signed_document) return context.report(signed_document.error());
  auto decision =
      trust::check_decision(signed_document->document, signed_document->signature, *lane, *now);
  if (!decision) return context.report(decision.error());
  print(context, *decision, digest_of(signed_document->document));
  context.say("Good at " + to_rfc3339(*now) + ": signed by a decider of lane " + lane->name + ".");
  Json answer = answer_of(signed_document->document);
  answer["good"] = true;
  answer["at_ms"] = *now;
  context.answer(answer);
  return exit_ok;
}

}  // namespace

void add_decision_commands(Commands& commands) {
  const auto text = [] { return po::value<std::string>(); };
  commands.push_back(
      {"decision",
       "issue",
       "",
       "sign a decision as one of the lane's deciders",
       "  hyops decision issue --type failover --lane drill --target cloud --rationale \"primary "
       "is lost\" \\\n"
       "    --repository main@backup --signals primary.json --policy policy.toml --valid 30m \\\n"
       "    --key edge.key --to decision.json\n\n"
       "Writes decision.json and decision.json.minisig. A signal is named as its file.\n"
       "--json: {\"id\",\"file\",\"digest\",\"expires_ms\"}",
       {},
       [text](po::options_description_easy_init add) {
         add("type", text(), "burst, failover, failback or hold")(
             "lane", text(), "the lane it is for")("target", text(),
                                                   "the zone or plane it selects")(
             "dr-mode", text(), "how to recover, if not the blueprint's way")(
             "execution-plane", text(), "default runner-local")(
             "without-approval", "the decision itself asks for no approval")(
             "rationale", text(), "why, for people")("repository", text(),
                                                     "the declared backup source, stanza@host")(
             "signals", po::value<std::vector<std::string>>()->multitoken(),
             "files with what was observed")("policy", text(),
                                             "file with the policy that was applied")(
             "valid", text(), "how long, default 30m")("key", text(), "secret key of a decider")(
             "to", text(), "default decision.json");
       },
       issue});
  commands.push_back({"decision",
                      "show",
                      "FILE",
                      "show a decision without checking it",
                      "--json: {\"decision\":{...},\"digest\"}",
                      {"file"},
                      {},
                      show_decision});
  commands.push_back({"decision",
                      "verify",
                      "FILE",
                      "check a decision against its lane",
                      "Signature (FILE.minisig), lane, epoch, validity, type. Whether it was used "
                      "before, the runner knows.\n"
                      "--json: {\"good\",\"at_ms\",\"decision\":{...},\"digest\"}",
                      {"file"},
                      [text](po::options_description_easy_init add) {
                        add("lane", text(), "the lane")(
                            "at", text(), "check for this time, 2026-03-01T02:03:04.005Z");
                      },
                      verify_decision});
}

}  // namespace hyops::cli
