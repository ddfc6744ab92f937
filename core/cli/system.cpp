// The system commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_system_commands(Commands&) {}

}  // namespace hyops::cli
