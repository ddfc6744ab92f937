// The commands about this installation itself, one function a noun.
#pragma once

#include "cli/command.hpp"

namespace hyops::cli {

void add_doctor_command(Commands& commands);
void add_explain_command(Commands& commands);
void add_policy_commands(Commands& commands);
void add_runner_commands(Commands& commands);
void add_runner_reap_command(Commands& commands);
void add_lane_commands(Commands& commands);
void add_state_commands(Commands& commands);

}  // namespace hyops::cli
