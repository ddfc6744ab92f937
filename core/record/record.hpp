// The record of a run: a folder that sha256sum, minisign and a browser can read without us (G4,
// G5).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "record/redact.hpp"

namespace hyops::record {

// Signs the SHA256SUMS file and returns the contents of SHA256SUMS.minisig.
using Signer = std::function<Result<std::string>(std::string_view message)>;
// Checks a minisign signature; the string is the trusted signer's name.
using Verifier =
    std::function<Result<std::string>(std::string_view message, std::string_view signature)>;

// Writes run.json plan.json inputs.json approvals/ decision.json events.jsonl
// steps/<id>/{log.txt,probes.json,outputs.json} http.jsonl verdict.json report.html SHA256SUMS
// SHA256SUMS.minisig into `to` (which must not exist; made whole beside it and renamed). `steps` is
// the folder with the steps' logs.
Status export_run(ledger::Ledger& ledger, const RunId& run, const std::filesystem::path& steps,
                  const Redactor& redactor, const Signer& sign, const std::filesystem::path& to);

struct Finding {
  std::string what;  // "events.jsonl line 17: the hash does not match"
  std::string
      code;  // record.event.changed, .missing, .reordered, record.file.*, record.signature.*
};
struct Verification {
  bool clean = false;
  std::string signer;  // who signed, by the verifier's word
  int64_t events = 0, files = 0;
  std::vector<Finding> findings;  // in the order of the record; the first is the first broken thing
};
// Offline. Never fails on a bad record: that is a finding. Fails only where the folder cannot be
// read.
Result<Verification> verify(const std::filesystem::path& folder, const Verifier& check);

// What happened, as one document: verdict, RTO and RPO against target, phases, steps with their
// endings, approvals, probes, external calls. `report` in the terminal, verdict.json and the HTML
// are drawn from it.
Result<Json> summary(const std::filesystem::path& folder);  // of a record
Result<Json> summary(ledger::Ledger& ledger,
                     const RunId& run);  // of a run in the ledger, also while it goes on
std::string html_report(const Json& summary);
std::string text_report(const Json& summary, bool colour);

}  // namespace hyops::record
