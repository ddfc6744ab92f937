// One running plugin: a helper process of its own, spoken to in frames, trusted with nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plugin/frame.hpp"
#include "plugin/registry.hpp"
#include "plugin/services.hpp"
#include "process/metadata.hpp"

namespace hyops::plugin {

struct CallRequest {
  std::string interface, verb;  // "hyops.provider/1", "apply"
  Json input = Json::object();  // the document the verb gets: the step's inputs
  std::string key;              // idempotency key of the step's attempt
  std::string run, step, lane;
  int64_t fencing_token = 0;  // of the lane's lease; every side effect carries it
  // Of the programs that are run for the verb: refused, or declared by its pack (K7).
  process::Metadata metadata = process::Metadata::refused;
  int64_t deadline_ms = 0;  // on Clock::mono_ms(); 0 = none. Then cancel, grace, kill
  int64_t grace_ms = 5000;  // how long the plugin may take to stop once it was told to
};

using Progress = std::function<void(int permille, const std::string& note)>;
using Cancelled = std::function<bool()>;  // asked every 100 ms or so

// True for the failures after which nobody knows whether the verb took effect: the helper died,
// broke the protocol, tried what is forbidden or had to be killed after the verb was sent. The
// engine then observes (plugin.died, plugin.deadline, plugin.protocol, plugin.forbidden).
bool outcome_is_unknown(const Error& error);

class Instance {
 public:
  // What answers: a helper process, or in a simulation a model of one.
  class Helper {
   public:
    virtual ~Helper() = default;
    virtual Result<Json> talk(const CallRequest& request, const Progress& progress,
                              const Cancelled& cancelled) = 0;
    virtual const Manifest& manifest() const = 0;
    virtual const Json& isolation() const = 0;
    virtual pid_t pid() const = 0;
    virtual bool running() const = 0;
  };
  explicit Instance(std::unique_ptr<Helper> helper) : helper_(std::move(helper)) {}

  // Every arrow of the load order has its code: those of Registry::trusted,
  // plugin.file.{missing,changed}, plugin.config.*, plugin.helper, plugin.isolation, plugin.load,
  // plugin.load.died, plugin.symbol, plugin.magic, plugin.abi, plugin.id, plugin.version,
  // plugin.create, plugin.interface. `clock` outlives the instance.
  static Result<Instance> start(const Registry& registry, const std::string& id, const Json& config,
                                Services services, const Clock& clock = system_clock());

  // Runs one verb to its end. One at a time for an instance (a second caller waits); different
  // instances may be called from different threads. Errors: what the plugin failed with (its code
  // and class), plugin.stopped and plugin.late (nothing was sent), plugin.verb,
  // plugin.answer.{none,twice,both, malformed,code}, and those of outcome_is_unknown. Of more than
  // 1000 log lines the rest is dropped, and that said.
  Result<Json> call(const CallRequest& request, const Progress& progress = {},
                    const Cancelled& cancelled = {}) {
    return helper_->talk(request, progress, cancelled);
  }

  const Manifest& manifest() const { return helper_->manifest(); }
  // What holds for its helper: {"no_new_privs","seccomp","landlock","limits"} (confine.hpp).
  const Json& isolation() const { return helper_->isolation(); }
  pid_t pid() const { return helper_->pid(); }
  // False once a call ended with the helper dead.
  bool running() const { return helper_ && helper_->running(); }

 private:
  std::unique_ptr<Helper> helper_;  // its end tells the helper to end, then kills and reaps it
};

// What would hold for a plugin on this machine, as a helper found out by doing it (for the doctor).
// plugin.helper, plugin.isolation
Result<Json> examine_isolation(const std::filesystem::path& helper);

}  // namespace hyops::plugin
