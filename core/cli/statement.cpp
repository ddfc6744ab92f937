// hyops statement: somebody who looked says what became of a step, and signs it.
#include "cli/statement.hpp"

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/site.hpp"
#include "cli/trust.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

Result<Json> stated_outputs(const po::variables_map& given) {
  if (!given.count("outputs")) return Json::object();
  auto text = read_file(option(given, "outputs"), 65536);
  if (!text) return pass(text);
  return parse_json(*text, option(given, "outputs"), 65536);
}

int sign_statement(Context& context, const po::variables_map& given) {
  if (auto there = needed(given, {"lane"}, "statement sign"); !there)
    return context.report(there.error());
  auto lane = load_lane(context, option(given, "lane"));
  if (!lane) return context.report(lane.error());
  auto made = make_statement(given, *lane, option(given, "run"), given["attempt"].as<int>());
  if (!made) return context.report(made.error());
  const fs::path file = option(given, "to", made->name);
  if (file.has_parent_path())
    if (auto folder = make_folders(file.parent_path()); !folder)
      return context.report(folder.error());
  if (auto written = write_file(file, made->document); !written)
    return context.report(written.error());
  if (auto written = write_file(file.string() + ".minisig", made->signature); !written)
    return context.report(written.error());
  context.answer({{"file", file.string()},
                  {"statement", Json::parse(made->document)},
                  {"digest", digest_of(made->document)}});
  context.say("Signed: " + file.string() + "\n  next, on the runner, with " + file.string() +
              " and its .minisig: hyops run reconcile " + printable(option(given, "run"), 80) +
              " --statement " + file.string());
  return exit_ok;
}

}  // namespace

Result<trust::SignedDocument> make_statement(const po::variables_map& given,
                                             const contract::Lane& lane, const std::string& run,
                                             int64_t attempt) {
  const bool adopt = given.count("adopt") > 0;
  if (adopt == (given.count("retry") > 0))
    return fail("cli.usage", "say --adopt STEP or --retry STEP.", "hyops statement sign --help");
  for (const char* name : {"as", "key", "reason"})
    if (option(given, name).empty())
      return fail("engine.statement.incomplete", "--" + std::string(name) + " is needed: " +
                                                     "a statement says who makes it, and how they "
                                                     "know");
  auto outputs = stated_outputs(given);
  if (!outputs) return pass(outputs);
  auto key = trust::SecretKey::load(option(given, "key"));
  if (!key) return pass(key);
  trust::Statement statement;
  statement.by = option(given, "as");
  statement.lane = lane.name;
  statement.run = run;
  statement.step = option(given, adopt ? "adopt" : "retry");
  statement.attempt = attempt;
  statement.choice = adopt ? "adopt" : "retry";
  statement.outputs = std::move(*outputs);
  statement.reason = option(given, "reason");
  statement.made_ms = system_clock().wall_ms();
  auto document = trust::to_document(statement);
  if (!document) return pass(document);
  auto signature = key->sign(*document, "hyops statement by " + statement.by + "\trun:" + run +
                                            "\tstep:" + statement.step);
  if (!signature) return pass(signature);
  trust::SignedDocument out{statement.step + "-" + std::to_string(attempt) + ".json", *document,
                            *signature};
  if (auto good = trust::check_statement(out, lane); !good) return pass(good);
  return out;
}

void add_statement_options(po::options_description_easy_init& add) {
  add("adopt", po::value<std::string>(), "state: this step took effect")(
      "retry", po::value<std::string>(), "state: this step did not take effect")(
      "outputs", po::value<std::string>(), "JSON file with the adopted step's outputs")(
      "as", po::value<std::string>(), "your name among the lane's approvers")(
      "key", po::value<std::string>(), "your secret key")("reason", po::value<std::string>(),
                                                          "how you know");
}

void add_statement_commands(Commands& commands) {
  commands.push_back(
      {"statement",
       "sign",
       "RUN",
       "sign what became of a step whose outcome nothing could observe",
       "Where your key is; the runner takes the signed file with `hyops run reconcile RUN "
       "--statement FILE`.\n"
       "Good for one attempt of one step of one run, and from an approver of the lane only.\n\n"
       "  hyops statement sign RUN --adopt restore --attempt 1 --outputs outputs.json --lane prod "
       "\\\n    --as alice --key alice.key --reason \"looked at pg_controldata on db1\"\n\n"
       "--json: {file, statement, digest}",
       {"run"},
       [](po::options_description_easy_init add) {
         add_statement_options(add);
         add("attempt", po::value<int>()->default_value(1), "which attempt, as reconcile names it")(
             "lane", po::value<std::string>(), "the lane of the run")(
             "to", po::value<std::string>(), "the file to write, default STEP-ATTEMPT.json");
       },
       sign_statement});
}

}  // namespace hyops::cli
