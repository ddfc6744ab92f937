// The lab commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_lab_commands(Commands&) {}

}  // namespace hyops::cli
