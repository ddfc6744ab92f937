#include "cli/record_folder.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/runs.hpp"
#include "cli/site.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

Result<NamedRecord> find_record(const Context& context, const std::string& word) {
  std::error_code problem;
  if (fs::is_directory(word, problem)) return NamedRecord{word, ""};
  auto ledger = read_ledger(context);
  if (!ledger || word.find('/') != std::string::npos)
    return fail("record.unreadable",
                "there is no folder \"" + printable(word, 200) + "\" and no such run here",
                "hyops run list");
  auto run = find_run(*ledger, word);
  if (!run) return pass(run);
  const fs::path folder = setup_of(context).run_folder(run->id.value) / "record";
  if (fs::is_directory(folder, problem)) return NamedRecord{folder, run->lane};
  return fail("record.unreadable",
              "the record of run " + run->id.value + " has not been written yet",
              "hyops record export " + run->id.value);
}

Result<Signers> signers_of(const Context& context, const po::variables_map& given,
                           const std::string& run_lane) {
  Signers signers;
  if (given.count("key"))
    for (const auto& word : given["key"].as<std::vector<std::string>>())
      if (auto added = add_key(word, signers); !added) return pass(added);
  const bool asked = given.count("lane") > 0;
  if (!asked && (run_lane.empty() || given.count("key"))) return signers;
  auto lane = load_lane(context, option(given, "lane", run_lane));
  if (!lane && !asked) return signers;  // the lane has left this machine: nobody's key is known
  if (!lane) return pass(lane);
  for (const auto& [name, runner] : lane->runners) {
    auto key = trust::parse_public_key(runner.key);
    if (!key) return pass(key, "while reading the key of runner " + name);
    signers.keys.push_back(std::move(*key));
    signers.names.push_back("runner " + name + " of lane " + lane->name);
  }
  return signers;
}

Status is_of_lane(const po::variables_map& given, const record::Verification& seen) {
  const std::string asked = option(given, "lane");
  if (asked.empty() || asked == seen.lane) return {};
  return fail("record.lane.other", "this is the record of a run in lane " +
                                       printable(seen.lane, 64) + ", not in lane " + asked);
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

void add_signer_options(po::options_description_easy_init& add) {
  add("key", po::value<std::vector<std::string>>()->composing(),
      "a runner's public key: a .pub file or its line; may be repeated")(
      "lane", po::value<std::string>(), "take the keys of this lane's runners");
}

trust::Witness memory_of(const Context& context, const po::variables_map& given,
                         const char* option_name) {
  return trust::Witness(option(given, option_name, (context.places.home / "witness").string()));
}

}  // namespace hyops::cli
