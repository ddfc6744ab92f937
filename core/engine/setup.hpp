// Where things are on this machine, and who this runner is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "plugin/services.hpp"

namespace hyops::engine {

class Means;
const Means& this_machine();

struct Setup {
  std::filesystem::path prefix, home, catalog;
  const Means* means = &this_machine();  // what its runs act through (means.hpp); never null
  const Clock& clock() const;
  std::filesystem::path step_host() const { return prefix / "libexec/hyops/hyops-step-host"; }
  std::filesystem::path stream_host() const { return prefix / "libexec/hyops/hyops-stream-host"; }
  std::filesystem::path run_folder(const std::string& run) const { return home / "runs" / run; }
  // Local endpoints of a run's access steps (plugin/stream_service.hpp).
  plugin::StreamPlace streams(const std::string& run) const {
    return {step_host(), stream_host(), run_folder(run) / "streams"};
  }
  std::filesystem::path step_folder(const std::string& run, const std::string& step) const {
    return run_folder(run) / "steps" / step;
  }
  std::filesystem::path lane_file(const std::string& lane) const {
    return home / "lanes" / lane / "lane.toml";
  }
  std::filesystem::path lock_file(const std::string& lane) const {
    return home / "lanes" / lane / "hyops.lock";
  }
  std::filesystem::path ssh_identity() const { return home / "keys/runner.ssh"; }
  std::filesystem::path signing_key() const { return home / "keys/runner.key"; }
  std::filesystem::path seal_key() const { return home / "keys/runner.seal"; }
  std::filesystem::path ledger() const { return home / "ledger.db"; }
};

// What `hyops runner init` wrote: this machine is a runner of that plane (E2).
struct Attestation {
  std::string name, plane, version, key;  // key: minisign public key that signs its records
  int64_t bootstrapped_ms = 0;
};
Status write_attestation(const Setup& setup,
                         const Attestation& attestation);  // signed with the runner's key
// Nothing where the machine was never bootstrapped; engine.runner.attestation where what is there
// is not signed by this runner's own key.
Result<std::optional<Attestation>> read_attestation(const Setup& setup);

}  // namespace hyops::engine
