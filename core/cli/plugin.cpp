// The plugin commands.
#include "cli/command.hpp"

namespace hyops::cli {

void add_plugin_commands(Commands&) {}

}  // namespace hyops::cli
