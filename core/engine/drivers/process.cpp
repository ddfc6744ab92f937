// The driver for any executable a pack ships: argument vector from pack.toml, no shell.
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

class ProcessDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared&) override {
    return std::vector<Stage>{{"run", argv(call, call.pack.run), {}}};
  }

  Result<std::optional<Stage>> prepare_observe(const Call& call, Shared&) override {
    if (call.pack.observe.empty()) return std::nullopt;
    return Stage{"run", argv(call, call.pack.observe), {}};
  }

 private:
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
