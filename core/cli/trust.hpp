// What the commands about keys, decisions and approvals have in common.
#pragma once

#include "cli/command.hpp"
#include "trust/trust.hpp"

namespace hyops::cli {

void add_key_commands(Commands& commands);
void add_decision_commands(Commands& commands);
void add_approval_commands(Commands& commands);
void add_fence_commands(Commands& commands);

// Options that must be there: cli.usage names all that are not, and the command's help.
Status needed(const po::variables_map& given, const std::vector<std::string>& names,
              const std::string& command);

// --at, a time like 2026-03-01T02:03:04.005Z, for checks of the past; without it the clock's.
Result<int64_t> time_of_check(const po::variables_map& given);

// Writes the document and <file>.minisig beside it; the comment tells a reader of the signature
// what it is on.
Status write_signed(const std::filesystem::path& file, const std::string& document,
                    const trust::SecretKey& key, const std::string& comment);

// The key in this file, if it is the one that the lane knows this approver by.
// trust.approval.{unknown_approver,signature}, trust.key.*
Result<trust::SecretKey> approver_key(const std::string& approver, const std::string& file,
                                      const contract::Lane& lane);

// "5.00" -> 5'000'000 micro-units and back; cli.usage for more than six decimals, signs, anything
// else.
Result<int64_t> parse_money(const std::string& text);
std::string show_money(int64_t micro);

}  // namespace hyops::cli
