// The record of a run: a folder that sha256sum, minisign and a browser can read without us (G4,
// G5).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "record/redact.hpp"
#include "trust/witness.hpp"

namespace hyops::record {

// Signs the SHA256SUMS file and returns the contents of SHA256SUMS.minisig.
using Signer = std::function<Result<std::string>(std::string_view message)>;
// Checks a minisign signature; the string is the trusted signer's name.
using Verifier =
    std::function<Result<std::string>(std::string_view message, std::string_view signature)>;

// Secrets that reached the ledger or a log in plain, by name, and where in the record they would
// have stood: "events.jsonl line 3", "steps/give/log.txt". A secret that a run learns late may have
// been written before. They have to be rotated: an append-only ledger forgets nothing.
using Leaks = std::map<std::string, std::vector<std::string>>;

// Writes run.json plan.json inputs.json approvals/ decision.json events.jsonl
// steps/<id>/{log.txt,probes.json,outputs.json} http.jsonl verdict.json report.html SHA256SUMS
// SHA256SUMS.minisig into `to` (which must not exist; made whole beside it and renamed). `steps` is
// the folder with the steps' logs. What it returns was taken out, and the record is sealed: its
// folder is for its owner alone.
Result<Leaks> export_run(ledger::Ledger& ledger, const RunId& run,
                         const std::filesystem::path& steps, const Redactor& redactor,
                         const Signer& sign, const std::filesystem::path& to);

// Refuses where the chain says that a secret leaked whose value `redactor` does not know, so that
// nobody could take it out: record.leak.unknown
Status check_leaks(ledger::Ledger& ledger, const RunId& run, const Redactor& redactor);

struct Finding {
  std::string what;  // "events.jsonl line 17: the hash does not match"
  std::string
      code;  // record.event.changed, .missing, .reordered, record.file.*, record.signature.*
};
struct Verification {
  bool clean = false;
  std::string signer;  // who signed, by the verifier's word
  std::string lane;    // of the run, by the record's word
  int64_t events = 0, files = 0;
  int64_t checkpoints = 0;        // in the record, good or not
  int64_t witnessed = 0;          // events that the witness can hold the runner to; 0: it saw none
  std::vector<Finding> findings;  // in the order of the record; the first is the first broken thing
};
// Offline. Never fails on a bad record: that is a finding. Fails only where the folder, or the
// memory of the witness, cannot be read. With a witness the record is held against what that one
// was shown of the run: a record that was made anew under the runner's own key is record.fork.*.
Result<Verification> verify(const std::filesystem::path& folder, const Verifier& check,
                            const trust::Witness* witness = nullptr);
// The checkpoints of a record as they stand there, in order.
Result<std::vector<trust::SignedDocument>> checkpoints_of(const std::filesystem::path& folder);
// Shows a record that was just verified to a witness: its checkpoints and its list of files.
// Returns how many checkpoints were new. record.checkpoint.none, trust.checkpoint.*
Result<int> show_to(trust::Witness& witness, const std::filesystem::path& folder,
                    const std::vector<trust::PublicKey>& runners, const trust::SecretKey* own,
                    int64_t now_ms);

// What happened, as one document: verdict, RTO and RPO against target, phases, steps with their
// endings, approvals, probes, external calls. `report` in the terminal, verdict.json and the HTML
// are drawn from it.
Result<Json> summary(const std::filesystem::path& folder);  // of a record
Result<Json> summary(ledger::Ledger& ledger,
                     const RunId& run);  // of a run in the ledger, also while it goes on
std::string html_report(const Json& summary);
std::string text_report(const Json& summary, bool colour);

}  // namespace hyops::record
