// Running a tool under a host process of its own, so that the core may die and find it again (L5, L6).
//
// The step folder is the whole protocol:
//   host.json    identity of the step host, written (fsync) before the tool starts
//   log.txt      output of the tool, redacted as it arrives
//   status.json  how it ended, written last: {"code","signal","started_ms","ended_ms","reason"}
//   control      a FIFO: lines "stop" (SIGINT, then after the grace SIGTERM), "kill"
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "process/spawn.hpp"

namespace hyops::process {

struct NamedSecret {
  std::string name;           // of the secret, for [redacted:name]
  std::string file;           // name of its file on the step's tmpfs; empty: only redacted
  Secret value;
};

struct ToolRequest {
  std::filesystem::path step_folder;            // exists, private
  std::filesystem::path directory;              // working directory of the tool
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // HYOPS_SECRETS is added by the host
  std::vector<NamedSecret> secrets;             // handed over a pipe, never by file, argument or environment
  int64_t timeout_ms = 0;                       // the host enforces it: 0 = none
  int64_t stop_grace_ms = 30'000;               // between SIGINT and SIGTERM, and SIGTERM and SIGKILL
};

struct ToolStatus {
  Exit exit;
  std::string reason;                           // "", "deadline", "stopped", "killed", "spawn: ..."
  int64_t started_ms = 0, ended_ms = 0;         // wall clock
};

enum class ToolState { running, ended, lost };  // lost: no status and the host is gone: the outcome is unknown

// Starts the step host (an executable beside hyops) detached from us and returns when it runs the tool.
// Returns the identity of the host; a tool that could not be started is an ended tool with reason "spawn: ...".
Result<Identity> start_tool(const std::filesystem::path& step_host, const ToolRequest& request);

// What is known of a step folder now; also for one that another core started.
struct Observation {
  ToolState state = ToolState::lost;
  std::optional<ToolStatus> status;             // when ended
  std::optional<Identity> host;
};
Result<Observation> observe_tool(const std::filesystem::path& step_folder);

// Waits for a change: returns when it ended, is lost, or the time is over. Uses the host's pidfd.
Result<Observation> wait_tool(const std::filesystem::path& step_folder, int64_t timeout_ms);

Status stop_tool(const std::filesystem::path& step_folder);   // gentle: SIGINT first
Status kill_tool(const std::filesystem::path& step_folder);

}  // namespace hyops::process
