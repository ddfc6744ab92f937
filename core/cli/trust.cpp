// The trust commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_trust_commands(Commands&) {}

}  // namespace hyops::cli
