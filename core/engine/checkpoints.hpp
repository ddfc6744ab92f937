// Signs where the chain of a run stands, now and then while it goes and whenever its record is
// written: what a witness can hold against a later story (G5).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ledger/ledger.hpp"
#include "trust/checkpoint.hpp"

namespace hyops::engine {

// Not thread-safe; belongs to the run's journal.
class Checkpoints {
 public:
  Checkpoints(ledger::Ledger& ledger, RunId run) : ledger_(&ledger), run_(std::move(run)) {}

  // Counts what was written; true: a checkpoint is due. One is after each phase, where a run ends
  // or waits, and every few thousand events in between.
  bool due_after(const ledger::Events& written);
  // One more document checkpoints/NNNNNN.json with its signature in the ledger, unless the newest
  // one covers the end of the chain. Under a fence it is kept only while the lease is ours.
  Status sign(const std::filesystem::path& key, const std::optional<ledger::Fence>& fence,
              int64_t now_ms);

 private:
  struct Newest {
    trust::Checkpoint checkpoint;  // number 0: there is none
    std::string digest;
  };
  Result<Newest> read_newest();

  ledger::Ledger* ledger_;
  RunId run_;
  std::optional<Newest> newest_;  // as far as this process knows
  int64_t unsigned_ = 0;          // events since the last one
  bool due_ = false;
};

}  // namespace hyops::engine
