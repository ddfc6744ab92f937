// A person's signed word on a step whose outcome nothing could observe: it took effect, or it did
// not. The one way besides an observation out of `unknown`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/types.hpp"
#include "trust/approval.hpp"

namespace hyops::trust {

struct Statement {  // canonical JSON, signed like an approval
  int version = 1;
  std::string
      by;  // name in the lane's [approvers]: who may approve a plan may say what became of it
  std::string lane, run, step;
  int64_t attempt = 1;            // the one whose outcome is unknown; it is good for no other
  std::string choice;             // adopt: it took effect; retry: it did not
  Json outputs = Json::object();  // of adopt
  std::string reason;             // how they know, at most 4096 bytes
  int64_t made_ms = 0;
};
Result<std::string> to_document(const Statement& statement);

// Strict, as for decisions ("statement" is the version). trust.statement.malformed
Result<Statement> parse_statement(std::string_view document);

// Signed by the lane's approver that it names, and for this lane.
// trust.statement.{malformed,unknown_person,signature,lane}
Result<Statement> check_statement(const SignedDocument& document, const contract::Lane& lane);

}  // namespace hyops::trust
