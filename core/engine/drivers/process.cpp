// The driver for any executable a pack ships: argument vector from pack.toml, no shell. Where an
// input is an endpoint, the tool is told how to reach it.
#include "engine/drivers/ssh.hpp"
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

class ProcessDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared& shared) override {
    auto only = stage(call, shared, call.pack.run);
    if (!only) return pass(only);
    return std::vector<Stage>{std::move(*only)};
  }

  Result<std::vector<Stage>> prepare_observe(const Call& call, Shared& shared) override {
    if (call.pack.observe.empty()) return std::vector<Stage>{};
    auto look = stage(call, shared, call.pack.observe);
    if (!look) return pass(look);
    look->absent_codes = {3};
    return std::vector<Stage>{std::move(*look)};
  }

 private:
  static Result<Stage> stage(const Call& call, Shared& shared,
                             const std::vector<std::string>& words) {
    Stage only{"run", argv(call, words), {}};
    if (endpoints_of(call).empty()) return only;
    only.lost_codes = {unreachable};
    auto config = write_ssh_config(call, shared.setup);
    if (!config) return pass(config);
    only.environment["HYOPS_SSH_CONFIG"] = config->string();
    return only;
  }

  // "./x" is a file of the pack; anything else is a tool of the machine.
  static std::vector<std::string> argv(const Call& call, std::vector<std::string> words) {
    if (words[0].starts_with("./"))
      words[0] = (pack_copy(call) / words[0].substr(2)).string();
    else
      words[0] = executable(words[0]);
    return words;
  }
};

}  // namespace

std::unique_ptr<Driver> make_process_driver() { return std::make_unique<ProcessDriver>(); }

}  // namespace hyops::engine
