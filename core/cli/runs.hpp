// Which run a person means, and the commands that look at runs without touching them.
#pragma once

#include "cli/command.hpp"
#include "ledger/ledger.hpp"

namespace hyops::cli {

// A whole run id, its beginning or end where only one run has it, or "last": the newest. Hostile text is
// refused before it comes near a path: cli.run.name, cli.run.ambiguous, cli.run.none, engine.run.unknown.
Result<ledger::RunRow> find_run(ledger::Ledger& ledger, const std::string& word);

// The ledger of this installation for commands that only read: cli.ledger.none where there is no file
// yet, instead of making one.
Result<ledger::Ledger> open_ledger(const Context& context);

// What the status of a run means for a script.
int exit_code_of(const std::string& status);

void add_run_view_commands(Commands& commands);  // run list|show|follow; called by add_run_commands

}  // namespace hyops::cli
