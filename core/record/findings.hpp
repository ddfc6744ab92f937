// The checks that `verify` is made of. Shared by its sources, and by nobody else.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "record/record.hpp"

namespace hyops::record {

// What is wrong, gathered; beyond a hundred of one kind only their number.
class Findings {
 public:
  void add(const std::string& code, std::string what);
  bool has(const std::string& code) const { return counts_.contains(code); }
  std::vector<Finding> take();

 private:
  std::vector<Finding> list_;
  std::map<std::string, int64_t> counts_;
};

// Every file of the folder against SHA256SUMS and the signature over that. `digests` gets what was
// measured (name -> hex). Fails only where the folder itself cannot be read.
struct Files {
  std::map<std::string, std::string> digests;
  std::string signer;
};
Result<Files> check_files(const std::filesystem::path& folder, const Verifier& check,
                          Findings& findings);

// What the other files must agree with, gathered on the way through the chain.
struct Chain {
  int64_t events = 0, redacted_events = 0;
  std::string head, http_digest, plan;  // plan: what run.started or run.planned was about
  std::string run_ended;                // body of the last run.ended
  // Bodies of the last step.ended and the last step.outcome of each step, and probes counted.
  std::unordered_map<std::string, std::string> endings, outcomes;
  std::unordered_map<std::string, int64_t> probes;
};
// Streams events.jsonl once. A file that is not there is no finding here: check_files has it.
Chain check_chain(const std::filesystem::path& folder, const RunId& run, Findings& findings);

// run.json, plan.json, verdict.json, approvals and step files against the chain and each other.
void check_agreement(const std::filesystem::path& folder, const Files& files, const Chain& chain,
                     const Json& about, Findings& findings);

}  // namespace hyops::record
