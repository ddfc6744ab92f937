// A person's signed word that what a lost site may still acknowledge is given up (L12): the fence
// of last resort, where nothing at the site can be reached to be fenced.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/types.hpp"
#include "trust/approval.hpp"

namespace hyops::trust {

struct Acceptance {  // canonical JSON, signed like an approval
  int version = 1;
  std::string approver;  // name in the lane's [approvers]
  std::string lane;
  std::string zone;                   // what is given up
  std::string decision;               // digest of the decision document, or of the request
  std::string reason;                 // for people, at most 1024 bytes
  int64_t from_ms = 0, until_ms = 0;  // good from `from_ms` on, no more at `until_ms`
  std::string nonce;                  // 16 to 128 of [A-Za-z0-9_-]
};
Result<std::string> to_document(const Acceptance& acceptance);
// Strict, as for approvals ("acceptance" is the version). trust.acceptance.malformed
Result<Acceptance> parse_acceptance(std::string_view document);

// What it has to be for: everything else is worth nothing here.
struct AcceptanceNeed {
  std::string lane, zone, decision;
};
// trust.acceptance.{malformed,unknown_approver,signature,other,not_yet,expired}
Result<Acceptance> check_acceptance(const SignedDocument& document, const AcceptanceNeed& need,
                                    const contract::Lane& lane, int64_t now_ms);

}  // namespace hyops::trust
