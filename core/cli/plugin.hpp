// The plugin commands by chair: an operator's in plugin.cpp, a vendor's and the site owner's here.
#pragma once

#include "cli/command.hpp"
#include "plugin/registry.hpp"

namespace hyops::cli {

// The plugins of this installation and home, with the pins of a lane where one is named.
Result<plugin::Registry> open_registry(const Context& context, const std::string& lane = {});

void add_plugin_making_commands(Commands& commands);   // plugin new|check|sign
void add_plugin_trust_commands(Commands& commands);    // plugin trust|install|remove
void add_plugin_holding_commands(Commands& commands);  // plugin lock|lift

}  // namespace hyops::cli
