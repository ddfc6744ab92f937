// What is wrong with a lane's file, for `lane new`, `lane check` and the doctor alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "contract/load.hpp"

namespace hyops::cli {

std::vector<std::string> lane_names(const Context& context);  // sorted; those that have a lane.toml

// Loads the file and checks what it refers to: profile, plugins, their signatures and
// configurations. All problems in one pass; nothing where the file itself cannot be read. Runs no
// plugin's code.
std::optional<contract::Lane> check_lane_file(const Context& context,
                                              const std::filesystem::path& file,
                                              contract::Diagnostics& problems);

}  // namespace hyops::cli
