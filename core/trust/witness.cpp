#include "trust/witness.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "trust/document.hpp"

namespace hyops::trust {
namespace {

namespace fs = std::filesystem;

constexpr size_t max_signature_bytes = 8192;
constexpr const char* list_name = "SHA256SUMS";

std::string tell(const Checkpoint& checkpoint) {
  return "checkpoint " + std::to_string(checkpoint.number) + " of run " + checkpoint.run;
}

// The bytes come last: what is there is remembered whole.
Status keep_signed(const fs::path& at, const SignedDocument& shown, const SecretKey* own,
                   const std::string& what, int64_t now_ms) {
  if (own) {
    auto signature =
        own->sign(shown.document, "hyops witness\t" + what + "\tseen:" + to_rfc3339(now_ms));
    if (!signature) return pass(signature);
    if (auto kept = write_file(at.string() + ".witness.minisig", *signature); !kept) return kept;
  }
  if (auto kept = write_file(at.string() + ".minisig", shown.signature); !kept) return kept;
  return write_file(at, shown.document);
}

Failure fork(const std::string& why) { return fail("trust.checkpoint.fork", why); }

}  // namespace

// What is remembered of the run that is being shown.
struct Witness::Known {
  std::vector<SignedDocument> documents;
  Checkpoint newest;  // number 0: none
};

fs::path Witness::file(const std::string& run, int64_t number) const {
  return folder_ / run / (checkpoint_name(number) + ".json");
}

// Tokens of one lane grow on each runner by themselves, so the runner's key is part of the name.
fs::path Witness::token_file(const Checkpoint& checkpoint, const std::string& key) const {
  return folder_ / "lanes" / checkpoint.lane /
         (std::to_string(checkpoint.token) + "-" + sha256_hex(key).substr(0, 16));
}

Result<std::vector<SignedDocument>> Witness::of_run(const std::string& run) const {
  if (!is_name(run)) return fail("file.name", "\"" + run + "\" cannot be the id of a run");
  std::vector<SignedDocument> out;
  for (int64_t number = 1;; ++number) {
    const fs::path at = file(run, number);
    std::error_code problem;
    if (!fs::exists(at, problem)) return out;
    auto document = read_file(at, max_document_bytes);
    if (!document) return pass(document, "while reading what was witnessed of run " + run);
    auto signature = read_file(at.string() + ".minisig", max_signature_bytes);
    if (!signature) return pass(signature, "while reading what was witnessed of run " + run);
    out.push_back({at.filename().string(), std::move(*document), std::move(*signature)});
  }
}

std::vector<std::string> Witness::runs() const {
  std::vector<std::string> out;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder_, problem))
    if (const std::string name = entry.path().filename().string();
        is_name(name) && fs::exists(file(name, 1), problem))
      out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

bool Witness::signed_by_itself(const std::string& run, int64_t number) const {
  std::error_code problem;
  return fs::exists(file(run, number).string() + ".witness.minisig", problem);
}

Status Witness::check(const SignedDocument& shown, const Checkpoint& checkpoint,
                      const Known& known) const {
  const auto count = static_cast<int64_t>(known.documents.size());
  if (checkpoint.number <= count) {
    if (known.documents[static_cast<size_t>(checkpoint.number) - 1].document == shown.document)
      return {};
    return fork("the runner signed another " + tell(checkpoint) + " before: this one ends with " +
                "event " + std::to_string(checkpoint.seq));
  }
  if (checkpoint.number > count + 1)
    return fail("trust.checkpoint.gap", tell(checkpoint) + " comes after " + std::to_string(count) +
                                            ", and what stands between was not shown");
  if (count == 0) return {};
  const Checkpoint& newest = known.newest;
  if (checkpoint.previous != digest_of(known.documents.back().document) ||
      checkpoint.seq <= newest.seq || checkpoint.lane != newest.lane)
    return fork(tell(checkpoint) + " does not follow from checkpoint " +
                std::to_string(newest.number) + " that the runner signed before, which ends with " +
                "event " + std::to_string(newest.seq));
  return {};
}

// A lane's token never repeats: another run under the same one was made from an older ledger.
Status Witness::check_token(const Checkpoint& checkpoint, const std::string& key) const {
  if (checkpoint.token == 0) return {};
  auto holder = read_file(token_file(checkpoint, key), 256);
  if (!holder || *holder == checkpoint.run) return {};
  return fork("the runner gave fencing token " + std::to_string(checkpoint.token) + " of lane " +
              checkpoint.lane + " to run " + printable(*holder, 80) + " before, and now to run " +
              checkpoint.run + ": its ledger was put back");
}

Status Witness::keep(const SignedDocument& shown, const Checkpoint& checkpoint,
                     const std::string& key, const SecretKey* own, int64_t now_ms) const {
  const fs::path at = file(checkpoint.run, checkpoint.number);
  if (auto made = make_folders(at.parent_path()); !made) return made;
  if (checkpoint.token > 0) {
    const fs::path token = token_file(checkpoint, key);
    if (auto made = make_folders(token.parent_path()); !made) return made;
    if (auto kept = write_file(token, checkpoint.run); !kept) return kept;
  }
  return keep_signed(at, shown, own,
                     "run:" + checkpoint.run + "\tevent:" + std::to_string(checkpoint.seq), now_ms);
}

Status Witness::take_list(const std::string& run, const SignedDocument& list, const SecretKey* own,
                          int64_t now_ms) {
  if (!is_name(run)) return fail("file.name", "a run cannot be called that");
  const fs::path at = folder_ / run / list_name;
  if (auto made = make_folders(at.parent_path()); !made) return made;
  return keep_signed(at, list, own, "run:" + run + "\trecord", now_ms);
}

Result<std::optional<SignedDocument>> Witness::list_of(const std::string& run) const {
  const fs::path at = folder_ / run / list_name;
  std::error_code problem;
  if (!is_name(run) || !fs::exists(at, problem)) return std::nullopt;
  auto list = read_file(at);
  if (!list) return pass(list);
  auto signature = read_file(at.string() + ".minisig", max_signature_bytes);
  if (!signature) return pass(signature);
  return SignedDocument{list_name, std::move(*list), std::move(*signature)};
}

// Two statements that cannot both be true under one signature: the runner cannot deny either.
void Witness::keep_proof(const SignedDocument& shown, const std::string& run) const {
  const fs::path at =
      folder_ / run / ("fork-" + sha256_hex(shown.document).substr(0, 12) + ".json");
  if (!make_folders(at.parent_path())) return;
  if (write_file(at.string() + ".minisig", shown.signature)) (void)write_file(at, shown.document);
}

Result<int> Witness::take(const std::vector<SignedDocument>& checkpoints,
                          const std::vector<PublicKey>& runners, const SecretKey* own,
                          int64_t now_ms) {
  int fresh = 0;
  Known known;
  std::string run, signer;
  for (const auto& shown : checkpoints) {
    auto checkpoint = parse_checkpoint(shown.document);
    if (!checkpoint) return pass(checkpoint);
    auto by = verify(shown.document, shown.signature, runners);
    if (!by)
      return fail("trust.checkpoint.signature",
                  tell(*checkpoint) + " is not signed by its runner: " + by.error().message);
    if (run.empty()) {
      run = checkpoint->run;
      auto documents = of_run(run);
      if (!documents) return pass(documents);
      known.documents = std::move(*documents);
      signer = by->key.material();
      if (!known.documents.empty()) {
        const auto& last = known.documents.back();
        auto newest = parse_checkpoint(last.document);
        if (!newest) return pass(newest, "in the memory of this witness");
        known.newest = std::move(*newest);
        if (!verify(last.document, last.signature, {by->key})) {
          keep_proof(shown, run);
          return fork("run " + run + " was signed by another runner before");
        }
      }
    }
    if (checkpoint->run != run || by->key.material() != signer)
      return fail("trust.checkpoint.gap",
                  "checkpoints of one run and one runner are shown at once");
    Status good = check(shown, *checkpoint, known);
    if (good) good = check_token(*checkpoint, by->key.text);
    if (!good) {
      if (good.error().code == "trust.checkpoint.fork") keep_proof(shown, run);
      return pass(good);
    }
    const bool is_new = checkpoint->number > static_cast<int64_t>(known.documents.size());
    if (is_new || (own && !signed_by_itself(run, checkpoint->number)))
      if (auto kept = keep(shown, *checkpoint, by->key.text, own, now_ms); !kept)
        return pass(kept, "while keeping " + tell(*checkpoint));
    if (!is_new) continue;
    ++fresh;
    known.newest = *checkpoint;
    known.documents.push_back(shown);
  }
  return fresh;
}

}  // namespace hyops::trust
