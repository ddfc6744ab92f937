// The record commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_record_commands(Commands&) {}

}  // namespace hyops::cli
