// What the doctor finds: one sentence a finding, with a word for how bad it is and what to do.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace hyops::cli {

enum class Level { ok, warn, bad };

struct Finding {
  std::string area;   // "machine", "tools", "plugins", ...
  Level level = Level::ok;
  std::string says, next;
};

class Diagnosis {
 public:
  void ok(std::string area, std::string says) { add(std::move(area), Level::ok, std::move(says), {}); }
  void warn(std::string area, std::string says, std::string next) { add(std::move(area), Level::warn, std::move(says), std::move(next)); }
  void bad(std::string area, std::string says, std::string next) { add(std::move(area), Level::bad, std::move(says), std::move(next)); }
  void add(std::string area, Level level, std::string says, std::string next) {
    findings_.push_back({std::move(area), level, std::move(says), std::move(next)});
  }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::vector<Finding> findings_;
};

// Each looks at one part and changes nothing that lasts.
void examine_machine(const Context& context, Diagnosis& diagnosis);      // root, namespaces, tmpfs, disk, clock
void examine_tools(const Context& context, Diagnosis& diagnosis);        // what catalogue packs want
void examine_installation(const Context& context, Diagnosis& diagnosis); // helpers, plugins, ledger
void examine_runner(const Context& context, Diagnosis& diagnosis);       // attestation and keys
void examine_lanes(const Context& context, Diagnosis& diagnosis);        // lanes, bundles, D1

}  // namespace hyops::cli
