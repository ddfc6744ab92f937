// A person's signed word on an unknown outcome, made where the person's key is.
#pragma once

#include "cli/command.hpp"
#include "contract/types.hpp"
#include "trust/statement.hpp"

namespace hyops::cli {

// From --adopt or --retry STEP, --outputs, --reason, signed as --as with --key. What is wrong with
// it is said before anything is signed.
Result<trust::SignedDocument> make_statement(const po::variables_map& given,
                                             const contract::Lane& lane, const std::string& run,
                                             int64_t attempt);
void add_statement_options(po::options_description_easy_init& add);

}  // namespace hyops::cli
