#include "engine/checkpoints.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "trust/keys.hpp"

namespace hyops::engine {
namespace {

constexpr int64_t most_unsigned = 4096;  // events that a witness cannot hold anybody to
constexpr const char* folder = "checkpoints/";

}  // namespace

bool Checkpoints::due_after(const ledger::Events& written) {
  unsigned_ += static_cast<int64_t>(written.size());
  due_ = due_ || unsigned_ >= most_unsigned ||
         std::any_of(written.begin(), written.end(), [](const auto& event) {
           return event.first == "phase.ended" || event.first == "run.ended" ||
                  event.first == "run.waiting";
         });
  return due_;
}

Result<Checkpoints::Newest> Checkpoints::read_newest() {
  auto documents = ledger_->documents(run_);
  if (!documents) return pass(documents);
  Newest newest{{}, digest_of(run_.value)};
  for (const auto& [name, bytes] : *documents) {
    if (!name.starts_with(folder) || !name.ends_with(".json")) continue;
    auto checkpoint = trust::parse_checkpoint(bytes);
    if (!checkpoint) return pass(checkpoint, "in the ledger, as " + name + " of run " + run_.value);
    if (checkpoint->number > newest.checkpoint.number)
      newest = {std::move(*checkpoint), digest_of(bytes)};
  }
  return newest;
}

Status Checkpoints::sign(const std::filesystem::path& key,
                         const std::optional<ledger::Fence>& fence, int64_t now_ms) {
  if (!newest_) {
    auto newest = read_newest();
    if (!newest) return pass(newest);
    newest_ = std::move(*newest);
  }
  auto head = ledger_->chain_head(run_);
  if (!head) return pass(head);
  const trust::Checkpoint& before = newest_->checkpoint;
  if (head->seq <= before.seq) return {};  // also where the chain is empty
  auto row = ledger_->run(run_);
  if (!row) return pass(row);
  auto own = trust::SecretKey::load(key);
  if (!own) return pass(own, "while signing a checkpoint of run " + run_.value);

  trust::Checkpoint next;
  next.number = before.number + 1;
  next.run = run_.value;
  next.lane = row->lane;
  next.token = fence ? fence->token : before.token;
  next.seq = head->seq;
  next.head = head->hash;
  next.previous = newest_->digest;
  next.made_ms = now_ms;
  auto document = trust::to_document(next);
  if (!document) return pass(document);
  auto signature = own->sign(
      *document, "hyops checkpoint\trun:" + run_.value + "\tevent:" + std::to_string(next.seq));
  if (!signature) return pass(signature);
  const std::string name = folder + trust::checkpoint_name(next.number) + ".json";
  auto kept =
      ledger_->append_all(run_, {}, fence, {{name, *document}, {name + ".minisig", *signature}});
  if (!kept) {
    newest_.reset();  // somebody else may have made one
    return pass(kept, "while keeping a checkpoint of run " + run_.value);
  }
  newest_ = Newest{std::move(next), digest_of(*document)};
  unsigned_ = 0;
  due_ = false;
  return {};
}

}  // namespace hyops::engine
