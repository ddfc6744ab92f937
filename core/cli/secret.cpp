// The secret commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_secret_commands(Commands&) {}

}  // namespace hyops::cli
