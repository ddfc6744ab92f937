// The decision plane's signed word (D3): what it selected, for which lane, from which observations,
// and until when. Reading one never acts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "contract/types.hpp"

namespace hyops::trust {

struct Decision {  // canonical JSON on disk, beside it <file>.minisig
  int version = 1;
  std::string id, type;                                // burst failover failback hold
  std::string lane, target, dr_mode, execution_plane;  // names; dr_mode may be empty
  bool requires_approval = true;
  std::string rationale;   // for people, at most 4096 bytes
  std::string repository;  // the declared backup source ("stanza@host"); empty only on hold
  int64_t issued_ms = 0, expires_ms = 0;  // good from `issued_ms` on, no more at `expires_ms`
  std::string nonce;  // 16 to 128 of [A-Za-z0-9_-]; the ledger refuses the second use
  int64_t epoch = 0;  // of the lane: a drill's decision is worthless elsewhere (E9)
  std::map<std::string, std::string>
      signals;          // name -> digest of what was observed; empty only on hold
  std::string policy;   // digest
  std::string decider;  // no part of the document: check_decision notes whose key signed it
};

// The canonical document; fails with what parse_decision would say about it.
Result<std::string> to_document(const Decision& decision);

// Strict: canonical JSON of exactly these members ("decision" is the version), every value of its
// type and size. trust.decision.malformed, trust.decision.type
Result<Decision> parse_decision(std::string_view document);

// The name of the lane's decider whose key signed it. trust.decision.signature
Result<std::string> decider_of(std::string_view document, std::string_view signature,
                               const contract::Lane& lane);

// Everything that can be judged without a ledger, in this order: signature by one of the lane's
// deciders, form, lane, epoch, validity at `now_ms`, type != hold.
// trust.decision.{signature,malformed,type,lane,epoch,not_yet,expired,hold}
Result<Decision> check_decision(std::string_view document, std::string_view signature,
                                const contract::Lane& lane, int64_t now_ms);

}  // namespace hyops::trust
