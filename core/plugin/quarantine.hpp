// Plugins that crashed again and again: kept away from further runs until a person lets them back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace hyops::plugin {

struct Crash {
  int64_t at_ms = 0;  // wall time
  std::string where;  // a verb, or "start"
  std::string how;    // "killed by signal 11 (...)"
};

// What is remembered of one plugin. Another digest is another plugin: an update begins at zero.
struct Case {
  std::string plugin, digest;
  std::vector<Crash> crashes;  // since the verb they happened in was last good
  std::vector<Json> lifted;    // {at_ms, by, reason, crashes}: for ever
  bool quarantined() const;
};
Json to_json(const Case& about);  // {plugin, digest, crashes: [{at_ms,where,how}], lifted}

// One small file a plugin under <home>/quarantine, which outlives every process. Several processes
// may use it at once.
class Quarantine {
 public:
  static constexpr size_t crashes_until = 3;

  // An empty folder path remembers nothing and quarantines nothing.
  explicit Quarantine(std::filesystem::path folder, const Clock& clock = system_clock())
      : folder_(std::move(folder)), clock_(&clock) {}

  // plugin.quarantined; plugin.quarantine.unreadable where its file is damaged.
  Status admit(const std::string& id, const std::string& digest) const;
  // A helper died by the plugin's doing. True: this was one too many.
  Result<bool> crashed(const std::string& id, const std::string& digest, const std::string& where,
                       const std::string& how);
  // That verb is good again. An observe that works does not excuse an apply that crashes.
  void worked(const std::string& id, const std::string& digest, const std::string& where);

  std::vector<Case> list() const;  // quarantined or not; those that never crashed are not there
  // plugin.quarantine.unknown where there is nothing to lift, plugin.quarantine.reason for none.
  Status lift(const std::string& id, const std::string& by, const std::string& reason);

 private:
  std::filesystem::path file_of(const std::string& id) const { return folder_ / (id + ".json"); }
  Result<Case> read(const std::string& id) const;
  Status write(const Case& about) const;

  std::filesystem::path folder_;
  const Clock* clock_;
};

}  // namespace hyops::plugin
