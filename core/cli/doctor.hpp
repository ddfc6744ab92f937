// What the doctor finds: one sentence a finding, with a word for how bad it is and what to do.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace hyops::cli {

enum class Level { ok, warn, bad };

struct Finding {
  std::string area;  // "machine", "tools", "plugins", ...
  Level level = Level::ok;
  std::string says, next;
};

class Diagnosis {
 public:
  void ok(std::string area, std::string says) {
    add(std::move(area), Level::ok, std::move(says), {});
  }
  void warn(std::string area, std::string says, std::string next) {
    add(std::move(area), Level::warn, std::move(says), std::move(next));
  }
  void bad(std::string area, std::string says, std::string next) {
    add(std::move(area), Level::bad, std::move(says), std::move(next));
  }
  void add(std::string area, Level level, std::string says, std::string next) {
    findings_.push_back({std::move(area), level, std::move(says), std::move(next)});
  }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::vector<Finding> findings_;
};

// Each looks at one part and changes nothing that lasts.
// Root, namespaces, tmpfs, disk, clock.
void examine_machine(const Context& context, Diagnosis& diagnosis);
// What catalogue packs want of this machine.
void examine_tools(const Context& context, Diagnosis& diagnosis);
// Plugins, who vouches for them, and what holds around them.
void examine_plugins(const Context& context, Diagnosis& diagnosis);
// Helpers, plugins, ledger.
void examine_installation(const Context& context, Diagnosis& diagnosis);
// Attestation and keys.
void examine_runner(const Context& context, Diagnosis& diagnosis);
// Lanes, secret bundles, and where the control plane stands (D1).
void examine_lanes(const Context& context, Diagnosis& diagnosis);

}  // namespace hyops::cli
