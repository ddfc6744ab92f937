// The run commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_run_commands(Commands&) {}

}  // namespace hyops::cli
