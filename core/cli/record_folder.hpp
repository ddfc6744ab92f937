// Which record a person means, and whose keys may have signed it.
#pragma once

#include <filesystem>

#include "cli/command.hpp"
#include "record/record.hpp"

namespace hyops::cli {

struct NamedRecord {
  std::filesystem::path folder;
  std::string lane;  // of a run of this machine's ledger; empty for a folder
};
// A folder as it is; else a run, whose record the engine left below its run folder.
// record.unreadable
Result<NamedRecord> find_record(const Context& context, const std::string& word);

struct Signers {
  std::vector<trust::PublicKey> keys;
  std::vector<std::string> names;  // of the keys, for people
};
// The keys of --key (a .pub file or its line, repeated) and of the runners of --lane; where neither
// is given, of the runners of `lane`.
Result<Signers> signers_of(const Context& context, const po::variables_map& given,
                           const std::string& lane);
// G6, E9: with --lane, a record of another lane's run is none of this one's, whoever signed it.
// record.lane.other
Status is_of_lane(const po::variables_map& given, const record::Verification& seen);
void add_signer_options(po::options_description_easy_init& add);
// Says which of them signed; `signers` outlives it.
record::Verifier verifier_of(const Signers& signers);

// What this machine remembers of runners' checkpoints: --memory (or --witness), else
// <home>/witness.
trust::Witness memory_of(const Context& context, const po::variables_map& given,
                         const char* option_name);

}  // namespace hyops::cli
