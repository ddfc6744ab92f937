// Is this the record that the runner wrote? Everything wrong is named; nothing is believed
// unchecked (G5).
#include <future>

#include "base/file.hpp"
#include "base/text.hpp"
#include "record/findings.hpp"

namespace hyops::record {

void Findings::add(const std::string& code, std::string what) {
  if (++counts_[code] <= 100) list_.push_back({std::move(what), code});
}

std::vector<Finding> Findings::take() {
  for (const auto& [code, count] : counts_)
    if (count > 100)
      list_.push_back({"and " + std::to_string(count - 100) + " more of " + code, code});
  return std::move(list_);
}

Result<Verification> verify(const std::filesystem::path& folder, const Verifier& check,
                            const trust::Witness* witness) {
  // The digest of the file and the chain inside it both read events.jsonl to its end; side by side
  // they take the time of one.
  Findings in_files, in_chain, in_statements, in_agreement;
  auto measuring =
      std::async(std::launch::async, [&] { return check_files(folder, check, in_files); });
  Json about;
  if (auto text = read_file(folder / "run.json", 16u << 20)) {
    if (auto parsed = parse_json(*text, "run.json"); parsed && parsed->is_object())
      about = std::move(*parsed);
    else
      in_agreement.add("record.file.malformed", "run.json is not a JSON object");
  }
  const RunId run(get_string(about, "run"));
  auto statements = read_statements(folder, run, witness);
  const Chain chain =
      check_chain(folder, run, statements ? statements->events() : std::set<int64_t>{}, in_chain);
  auto files = measuring.get();
  if (!files) return pass(files, "while verifying " + folder.string());
  if (!statements) return pass(statements, "while verifying " + folder.string());
  if (about.is_object()) check_agreement(folder, *files, chain, about, in_agreement);

  Verification result;
  result.signer = files->signer;
  result.lane = get_string(about, "lane");
  result.events = chain.events;
  result.files = static_cast<int64_t>(files->digests.size());
  result.checkpoints = static_cast<int64_t>(statements->own.size());
  result.witnessed = check_statements(*statements, run, chain, check, files->signer, in_statements);
  if (statements->list && !files->signer.empty())
    check_listed(*files, *statements->list, check, in_statements);
  for (auto* part : {&in_files, &in_chain, &in_statements, &in_agreement})
    for (auto& finding : part->take()) result.findings.push_back(std::move(finding));
  result.clean = result.findings.empty();
  return result;
}

}  // namespace hyops::record
