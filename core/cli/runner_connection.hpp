// One SSH connection from a dispatcher to a runner of its lane, over which an order goes, events
// and the record come.
#pragma once

#include "base/file.hpp"
#include "cli/command.hpp"
#include "contract/types.hpp"
#include "process/spawn.hpp"

namespace hyops::cli {

struct RunnerConnection {
  TempDir folder;  // of the pinned host key
  process::Child ssh;
  Fd to, from;
};

// cli.runner.unknown, with the runner that was probably meant.
Failure unknown_runner(const contract::Lane& lane, const std::string& runner);

// Has the access plugin prove route, port, host key and login (A6), then starts the runner's hyops
// there with these words. Only the pinned host key counts; no agent, no forwarding, no ambient
// configuration.
Result<RunnerConnection> connect_runner(const Context& context, const contract::Lane& lane,
                                        const std::string& runner,
                                        const std::filesystem::path& identity,
                                        const std::string& words);

}  // namespace hyops::cli
