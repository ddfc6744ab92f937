// The plan commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_plan_commands(Commands&) {}

}  // namespace hyops::cli
