// The spine: intent, call, outcome, gate; phases as barriers; what happened is known or said to be
// unknown.
#pragma once

#include <string>

#include "engine/journal.hpp"
#include "engine/setup.hpp"
#include "trust/approval.hpp"

namespace hyops::engine {

// Runs an admitted run to its end, or goes on with one that was interrupted, failed or waits at a
// gate. Returns its status: ok, failed, unknown, cancelled, waiting. Every step has an ending in
// the ledger, and the record is written, whatever the status. Errors are those of the run as a
// whole (lease held, ledger full).
Result<std::string> execute(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
                            Observer& observer);

// Lets a run that waits before a phase go on when it is resumed (G2).
Status confirm_gate(ledger::Ledger& ledger, const RunId& run, const std::string& phase,
                    const std::string& by);

// For every step whose outcome is unknown: what was seen, what follows from it, and what each
// choice would rest on.
struct Choice {
  std::string step, seen, evidence;  // seen: present, absent, unclear, interrupted (resume first)
  std::string resolved;              // adopt, retry; empty: a person must state it
  int attempt = 1;
  std::string key;     // idempotency key: a repetition carries the same
  std::string driver;  // with pack, what would repeat it
  std::string pack;
  bool idempotent = false;  // the pack says that a repetition is safe
};
Result<std::vector<Choice>> reconcile(const Setup& setup, ledger::Ledger& ledger, const RunId& run,
                                      Observer& observer);
// A person's word where no observation can tell, signed by an approver of the lane. It is kept
// beside the run, and the event names it by digest.
// trust.statement.*, engine.step.{not_unknown,not_this}, engine.outputs.missing, contract.value.*
Status state_outcome(const Setup& setup, ledger::Ledger& ledger,
                     const trust::SignedDocument& statement);

// Does the record stand there with everything the ledger has of the run? A core that died between
// the run's end and its record leaves a run that is ok, and nothing to show for it.
bool is_recorded(const Setup& setup, ledger::Ledger& ledger, const RunId& run);

// Writes the record of a run as it stands into <home>/runs/<run>/record, replacing an older one.
Status write_record(const Setup& setup, ledger::Ledger& ledger, Journal& journal);

}  // namespace hyops::engine
