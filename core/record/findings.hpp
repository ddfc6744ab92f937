// The checks that `verify` is made of. Shared by its sources, and by nobody else.
#pragma once

#include <map>
#include <optional>
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
// The same files against the list of them that a witness remembers.
void check_listed(const Files& files, const trust::SignedDocument& list, const Verifier& check,
                  Findings& findings);

// What the other files must agree with, gathered on the way through the chain.
struct Chain {
  int64_t events = 0, redacted_events = 0;
  std::string head, http_digest, plan;   // plan: what run.started or run.planned was about
  std::string run_ended;                 // body of the last run.ended
  std::map<int64_t, std::string> heads;  // seq -> hash, of the events that were asked for
  // Bodies of the last step.ended and the last step.outcome of each step, and probes counted.
  std::unordered_map<std::string, std::string> endings, outcomes;
  std::unordered_map<std::string, int64_t> probes;
  std::vector<std::string> stated;  // bodies of step.reconciled that rest on a person's word
};
// Streams events.jsonl once. A file that is not there is no finding here: check_files has it.
// `wanted`: events whose hashes somebody will ask for.
Chain check_chain(const std::filesystem::path& folder, const RunId& run,
                  const std::set<int64_t>& wanted, Findings& findings);

// Signed statements of where the chain stood: those in the record, and those a witness remembers.
struct Statements {
  std::vector<trust::SignedDocument> own, witnessed;
  std::optional<trust::SignedDocument> list;  // of files, that the witness remembers
  std::set<int64_t> events() const;           // that any of them speaks of
};
Result<Statements> read_statements(const std::filesystem::path& folder, const RunId& run,
                                   const trust::Witness* witness);
// Held against the chain and each other. Returns up to which event the witness vouches.
int64_t check_statements(const Statements& statements, const RunId& run, const Chain& chain,
                         const Verifier& check, const std::string& signer, Findings& findings);

// run.json, plan.json, verdict.json, approvals and step files against the chain and each other.
void check_agreement(const std::filesystem::path& folder, const Files& files, const Chain& chain,
                     const Json& about, Findings& findings);

}  // namespace hyops::record
