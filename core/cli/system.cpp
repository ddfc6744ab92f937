// The system commands, in the order `hyops help` shows them.
#include "cli/system.hpp"

namespace hyops::cli {

void add_system_commands(Commands& commands) {
  add_lane_commands(commands);
  add_state_commands(commands);
  add_runner_commands(commands);
  add_doctor_command(commands);
  add_explain_command(commands);
  add_policy_commands(commands);
}

}  // namespace hyops::cli
