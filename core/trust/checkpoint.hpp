// Where the chain of a run stood, in the runner's own signed words: whoever kept one can tell later
// whether the runner still tells the same story (G5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace hyops::trust {

struct Checkpoint {  // canonical JSON, signed with the runner's key
  int version = 1;
  int64_t number = 0;  // of the run, from 1, without a gap
  std::string run, lane;
  int64_t token = 0;     // fencing token under which it was made; 0: without a lease
  int64_t seq = 0;       // of the last event that it covers
  std::string head;      // that event's hash, 64 hex digits
  std::string previous;  // digest of the checkpoint before; of the first: digest of the run's id
  int64_t made_ms = 0;
};
Result<std::string> to_document(const Checkpoint& checkpoint);

// Strict, as for decisions ("checkpoint" is the version). trust.checkpoint.malformed
Result<Checkpoint> parse_checkpoint(std::string_view document);

// "000017": the file's name in a record and with a witness, before ".json".
std::string checkpoint_name(int64_t number);

}  // namespace hyops::trust
