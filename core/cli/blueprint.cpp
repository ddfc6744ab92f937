// The blueprint commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_blueprint_commands(Commands&) {}

}  // namespace hyops::cli
