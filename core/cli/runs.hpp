// Which run a person means, what is known of it, and the commands that look at runs without
// touching them.
#pragma once

#include "cli/command.hpp"
#include "ledger/ledger.hpp"

namespace hyops::cli {

// A whole run id, its beginning or end where only one run has it, or "last": the newest. Hostile
// text is refused before it comes near a path: cli.run.name, cli.run.ambiguous, cli.run.none,
// ledger.run.unknown.
Result<ledger::RunRow> find_run(ledger::Ledger& ledger, const std::string& word);

// The ledger of this installation for commands that only read: cli.ledger.none where there is no
// file yet, instead of making one.
Result<ledger::Ledger> read_ledger(const Context& context);

// What happened in it, as record::summary tells it. Of a run that was sent to another runner only
// that runner's record knows, once it is here; until then nothing is said of approvals and steps.
Result<Json> story_of(const Context& context, ledger::Ledger& ledger, const ledger::RunRow& run);
bool is_elsewhere(const Json& story);  // it was sent, and its record has not been fetched

// Where its record stands on this machine; empty where there is none, or none yet.
std::filesystem::path record_of(const Context& context, const RunId& run);

// What the status of a run means for a script: ok 0, failed 1, waiting 5, unknown 6, cancelled 7.
int exit_code_of(const std::string& status);

// The process that carries out a run that is said to be running (L5). Dead only with proof: it is
// this machine's, of another boot or no longer there. Of a run that does not run it is alive.
ledger::Holder carrier_of(ledger::Ledger& ledger, const ledger::RunRow& run);

// The command that brings a run of this status further; empty: nothing does, or nothing has to.
std::string next_command(const ledger::RunRow& run, ledger::Holder carrier,
                         const std::string& gate);

// Where a run whose carrier is unclear is carried out, as a sentence.
std::string say_unclear(ledger::Ledger& ledger, const ledger::RunRow& run);

// The phase before which a run waits; empty where it does not.
std::string waits_before(ledger::Ledger& ledger, const ledger::RunRow& run);

void add_run_view_commands(Commands& commands);  // run list|show|follow; called by add_run_commands
int show_run(Context& context, const po::variables_map& given);
int follow_run(Context& context, const po::variables_map& given);
int note_measured(Context& context, const po::variables_map& given);
int reconcile_run(Context& context, const po::variables_map& given);

}  // namespace hyops::cli
