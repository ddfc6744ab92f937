// What the commands that plan and run have in common: this installation as the engine sees it.
#pragma once

#include "cli/command.hpp"
#include "contract/load.hpp"
#include "engine/admission.hpp"
#include "engine/setup.hpp"
#include "ledger/ledger.hpp"

namespace hyops::cli {

engine::Setup setup_of(const Context& context);
Result<ledger::Ledger> use_ledger(
    const Context& context);  // makes the home folder where it is missing
Result<contract::Lane> load_lane(const Context& context, const std::string& name);

// A plan document, or the answer of `hyops plan --json` with the plan in it.
Result<plan::Plan> read_plan(const std::string& file);

// A document and the signature beside it (<file>.minisig).
Result<trust::SignedDocument> read_signed(const std::filesystem::path& file);
// Every *.json in a folder, or one such file, each with its signature.
Result<std::vector<trust::SignedDocument>> read_approvals(const std::filesystem::path& where);

// Plan, decision and approvals as options "plan", "decision", "approvals" and "by" name them.
Result<engine::Admission> read_admission(const po::variables_map& given);

// Who asks: --by, or the login name of the process's user (the record keeps it; approvals are what
// proves).
std::string requester(const po::variables_map& given);

}  // namespace hyops::cli
