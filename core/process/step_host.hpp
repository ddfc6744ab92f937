// Running a tool under a host process of its own, so that the core may die and find it again (L5,
// L6).
//
// The step folder is the whole protocol:
//   lock         locked by the core before it starts the host, then by the host until its end
//   host.json    identity of the step host and what holds for its tool, written (fsync) before that
//                starts
//   log.txt      output of the tool, redacted as it arrives; lines of the host begin with "[hyops]"
//   status.json  how it ended, written last: {"code","signal","started_ms","ended_ms","reason",
//                "log_complete"}
//   control      a FIFO: lines "stop" (SIGINT, then after the grace SIGTERM), "kill"
//   secrets/     where the tool's own mount namespace has the tmpfs; for everybody else empty
//
// A folder serves one start. Where the host dies, the tool dies with it (its children, too, unless
// the machine is out of luck twice at once) and the outcome is unknown: `lost`.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "process/metadata.hpp"
#include "process/spawn.hpp"

namespace hyops::process {

struct NamedSecret {
  std::string name;  // of the secret, for [redacted:name]
  std::string file;  // name of its file on the step's tmpfs; empty: only redacted
  Secret value;
};

struct ToolRequest {
  std::filesystem::path step_folder;  // exists, private
  std::filesystem::path directory;    // working directory of the tool
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // HYOPS_SECRETS is added by the host
  std::vector<NamedSecret> secrets;  // handed over a pipe, never by file, argument or environment
  // Files that the tool writes about itself, where it does: cleaned of the secrets at its end.
  std::vector<std::filesystem::path> reports;
  Metadata metadata =
      Metadata::refused;           // or declared; where it cannot be refused, it is open (K7)
  int64_t timeout_ms = 0;          // the host enforces it: 0 = none
  int64_t stop_grace_ms = 30'000;  // between SIGINT and SIGTERM, and SIGTERM and SIGKILL
};

struct ToolStatus {
  Exit exit;
  std::string reason;                    // "", "deadline", "stopped", "killed", "spawn: ..."
  int64_t started_ms = 0, ended_ms = 0;  // wall clock
  bool log_complete = true;              // false: the disk was full, log.txt says from where
};

// lost: there is no status and the host is gone, so the outcome is unknown.
enum class ToolState { running, ended, lost };

// Starts the step host (an executable beside hyops) detached from us and returns when it runs the
// tool. Returns the identity of the host; a tool that could not be started is an ended tool with
// reason "spawn: ...". Where we die meanwhile, the tool runs whole or not at all: the host waits
// for the last byte of the request. process.step.request, .used (the folder served before), .busy,
// .host; process.secrets.namespace (K1)
Result<Identity> start_tool(const std::filesystem::path& step_host, const ToolRequest& request);

// What is known of a step folder now; also for one that another core started.
struct Observation {
  ToolState state = ToolState::lost;
  std::optional<ToolStatus> status;    // when ended
  std::optional<Identity> host;        // lost without a host: the tool was never started
  Metadata metadata = Metadata::open;  // what stands between the tool and it, once there is a host
  std::string metadata_open;           // why it is open
};
Result<Observation> observe_tool(const std::filesystem::path& step_folder);

// Waits until it ended, is lost, or the time is over (-1: for ever): the observation tells which.
Result<Observation> wait_tool(const std::filesystem::path& step_folder, int64_t timeout_ms);

// Both are fine on a tool that has ended; process.step.lost where there is no host to obey.
Status stop_tool(const std::filesystem::path& step_folder);  // gentle: SIGINT first
Status kill_tool(const std::filesystem::path& step_folder);

}  // namespace hyops::process
