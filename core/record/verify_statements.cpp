// What the runner signed while the run went on, and what a witness remembers of it, against the
// record as it stands: a story that was told anew under a good signature ends here (G5).
#include <algorithm>
#include <optional>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "record/findings.hpp"

namespace hyops::record {
namespace {

namespace fs = std::filesystem;

std::string checkpoint_text(const trust::Checkpoint& checkpoint) {
  return "checkpoint " + std::to_string(checkpoint.number);
}

// The members of one that can be read; what cannot is a finding where it is the record's own.
std::optional<trust::Checkpoint> parsed(const trust::SignedDocument& document, Findings& findings) {
  auto checkpoint = trust::parse_checkpoint(document.document);
  if (checkpoint) return std::move(*checkpoint);
  findings.add("record.checkpoint.malformed",
               "checkpoints/" + printable(document.name, 80) + ": " + checkpoint.error().message);
  return std::nullopt;
}

void check_link(const trust::SignedDocument& document, const trust::Checkpoint& checkpoint,
                const std::string& previous, int64_t number, Findings& findings) {
  const std::string which = "checkpoints/" + printable(document.name, 80);
  if (checkpoint.number != number)
    findings.add("record.checkpoint.missing",
                 "checkpoint " + std::to_string(number) + " is missing before " + which);
  else if (checkpoint.previous != previous)
    findings.add("record.checkpoint.changed", which + " does not follow from the one before it");
}

// The record's own, one after the other.
void check_own(const Statements& statements, const RunId& run, const Chain& chain,
               const Verifier& check, const std::string& signer, Findings& findings) {
  std::string previous = digest_of(run.value);
  int64_t number = 1;
  for (const auto& document : statements.own) {
    const auto checkpoint = parsed(document, findings);
    if (!checkpoint) continue;
    const std::string which = "checkpoints/" + printable(document.name, 80);
    check_link(document, *checkpoint, previous, number, findings);
    number = checkpoint->number + 1;
    previous = digest_of(document.document);
    const auto by = check(document.document, document.signature);
    // Without any good signature the record says so once, in SHA256SUMS.minisig.
    if (!signer.empty() && (!by || *by != signer))
      findings.add("record.checkpoint.signer", which + " is not signed by the record's runner");
    const auto head = chain.heads.find(checkpoint->seq);
    if (checkpoint->run != run.value)
      findings.add("record.checkpoint.changed", which + " is of another run");
    else if (head == chain.heads.end())
      findings.add("record.event.truncated", which + " covers event " +
                                                 std::to_string(checkpoint->seq) +
                                                 "; the chain has no such event");
    else if (head->second != checkpoint->head)
      findings.add("record.checkpoint.changed", which + " says another hash of event " +
                                                    std::to_string(checkpoint->seq) +
                                                    " than events.jsonl");
  }
}

// Between the last event at which both agree and the first at which they do not lies the fork.
int64_t check_witnessed(const Statements& statements, const Chain& chain, Findings& findings) {
  int64_t agreed = 0;
  for (const auto& document : statements.witnessed) {
    auto checkpoint = trust::parse_checkpoint(document.document);
    if (!checkpoint) continue;  // read_statements saw to it
    const auto head = chain.heads.find(checkpoint->seq);
    const std::string range = agreed + 1 == checkpoint->seq
                                  ? "event " + std::to_string(checkpoint->seq)
                                  : "an event from " + std::to_string(agreed + 1) + " to " +
                                        std::to_string(checkpoint->seq);
    if (head == chain.heads.end()) {
      findings.add("record.fork.truncated",
                   "the witness saw event " + std::to_string(checkpoint->seq) +
                       " under the runner's signature; this record has no such event");
      return agreed;
    }
    if (head->second != checkpoint->head) {
      findings.add("record.fork.event", "events.jsonl forks at " + range +
                                            ": the runner signed another one before (" +
                                            checkpoint_text(*checkpoint) + " of the witness)");
      return agreed;
    }
    agreed = checkpoint->seq;
  }
  // The same chain, and yet other statements about it.
  for (size_t i = 0; i < std::min(statements.own.size(), statements.witnessed.size()); ++i)
    if (statements.own[i].document != statements.witnessed[i].document) {
      findings.add("record.fork.checkpoint", "checkpoints/" +
                                                 printable(statements.own[i].name, 80) +
                                                 " is not the one that the witness saw");
      break;
    }
  if (statements.own.size() < statements.witnessed.size())
    findings.add("record.checkpoint.missing", "checkpoint " +
                                                  std::to_string(statements.own.size() + 1) +
                                                  " is missing, which the witness saw");
  return agreed;
}

}  // namespace

Result<std::vector<trust::SignedDocument>> checkpoints_of(const fs::path& folder) {
  std::vector<trust::SignedDocument> out;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder / "checkpoints", problem)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json") || entry.is_symlink()) continue;
    auto document = read_file(entry.path(), 65536);
    if (!document) return pass(document);
    out.push_back({name, std::move(*document),
                   read_file(entry.path().string() + ".minisig", 65536).value_or("")});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

std::set<int64_t> Statements::events() const {
  std::set<int64_t> out;
  for (const auto* documents : {&own, &witnessed})
    for (const auto& document : *documents)
      if (auto checkpoint = trust::parse_checkpoint(document.document)) out.insert(checkpoint->seq);
  return out;
}

Result<Statements> read_statements(const fs::path& folder, const RunId& run,
                                   const trust::Witness* witness) {
  Statements statements;
  auto own = checkpoints_of(folder);
  if (!own) return pass(own);
  statements.own = std::move(*own);
  if (!witness || !is_name(run.value)) return statements;
  auto witnessed = witness->of_run(run.value);
  if (!witnessed) return pass(witnessed);
  for (const auto& document : *witnessed)
    if (auto good = trust::parse_checkpoint(document.document); !good)
      return pass(good, "in the memory of the witness, " + witness->folder().string());
  statements.witnessed = std::move(*witnessed);
  auto list = witness->list_of(run.value);
  if (!list) return pass(list);
  statements.list = std::move(*list);
  return statements;
}

int64_t check_statements(const Statements& statements, const RunId& run, const Chain& chain,
                         const Verifier& check, const std::string& signer, Findings& findings) {
  check_own(statements, run, chain, check, signer, findings);
  // The memory proves something only with the runner's signature on it: a stick is easily written.
  for (const auto& document : statements.witnessed)
    if (const auto by = check(document.document, document.signature); !by && !signer.empty()) {
      findings.add("record.witness.signer", "what the witness remembers (" +
                                                printable(document.name, 80) +
                                                ") is not signed by the runner");
      return 0;
    }
  return check_witnessed(statements, chain, findings);
}

Result<int> show_to(trust::Witness& witness, const fs::path& folder,
                    const std::vector<trust::PublicKey>& runners, const trust::SecretKey* own,
                    int64_t now_ms) {
  auto checkpoints = checkpoints_of(folder);
  if (!checkpoints) return pass(checkpoints);
  if (checkpoints->empty())
    return fail("record.checkpoint.none",
                "the record in " + folder.string() + " has no checkpoint that could be witnessed");
  auto fresh = witness.take(*checkpoints, runners, own, now_ms);
  if (!fresh) return fresh;
  auto list = read_file(folder / "SHA256SUMS");
  if (!list) return pass(list);
  auto signature = read_file(folder / "SHA256SUMS.minisig", 65536);
  if (!signature) return pass(signature);
  const auto checkpoint = trust::parse_checkpoint(checkpoints->front().document);
  auto kept = witness.take_list(checkpoint->run, {"SHA256SUMS", *list, *signature}, own, now_ms);
  if (!kept) return pass(kept);
  return fresh;
}

}  // namespace hyops::record
