// What the drivers that run an executable have in common: a private copy of the pack, the request,
// the secrets' tmpfs, the step host, and what the tool left behind.
#pragma once

#include <string>
#include <vector>

#include "engine/drivers/driver.hpp"
#include "process/step_host.hpp"

namespace hyops::engine {

// One invocation of the tool. A step is one or more of them in order; each has a folder of its own.
struct Stage {
  std::string name;  // "run", or terraform's "init", "plan", "apply"
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  bool mutates = true;  // false: can be repeated without looking first
  std::vector<int> good_codes{0};
  std::vector<int> absent_codes{};  // of a look: the effect is not there
  // The tool lost sight of what it works on: what happened there is not known, and is looked at.
  std::vector<int> lost_codes{};
};

// Exit status of ansible-playbook, and by contract of a process pack, where a host stopped
// answering.
inline constexpr int unreachable = 4;

class ToolDriver : public Driver {
 public:
  Outcome execute(const Call& call, Shared& shared) final;
  Outcome reattach(const Call& call, Shared& shared) final;
  Sight observe(const Call& call, Shared& shared) final;

 protected:
  // Writes what the tool reads beside request.json and names its invocations.
  virtual Result<std::vector<Stage>> prepare(const Call& call, Shared& shared) = 0;
  // The read-only twin, in order; none: the pack or tool has no such look.
  virtual Result<std::vector<Stage>> prepare_observe(const Call& call, Shared& shared) = 0;
  // Called after a stage ended well, before the next; terraform binds its saved plan here.
  virtual Status after(const Stage&, const Call&, Shared&) { return {}; }
  // Reads outputs where the tool has its own way; the default is the file at $HYOPS_OUTPUTS.
  virtual Result<Json> collect(const Call& call, Shared& shared);
  // Per-host or per-resource results as events for the record; the default is the file at
  // $HYOPS_HOST_RESULTS (L9).
  virtual std::vector<std::pair<std::string, Json>> findings(const Call& call, Shared& shared);

  static std::filesystem::path pack_copy(const Call& call) { return call.folder / "pack"; }
  static std::filesystem::path stage_folder(const Call& call, const Stage& stage) {
    return stage.name == "run" ? call.folder : call.folder / stage.name;
  }
  static std::string executable(const std::string& tool);  // absolute path, or the bare name

 private:
  Result<Outcome> run_stage(const Stage& stage, const Call& call, Shared& shared, bool attach_only);
  Outcome run_from(size_t first, bool attach_first, const std::vector<Stage>& stages,
                   const Call& call, Shared& shared);
  Outcome run_stages(size_t first, bool attach_first, const std::vector<Stage>& stages,
                     const Call& call, Shared& shared);
  Outcome conclude(const Call& call, Shared& shared);
  Status lay_out(const Call& call, Shared& shared);
};

// The tool's own words on why it failed: {"class","message"} at outputs.json.error, else its exit
// status.
Error tool_error(const Call& call, const process::ToolStatus& status);

}  // namespace hyops::engine
