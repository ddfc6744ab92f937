// What the engine wants of every driver: do the step, find it again after a crash, see whether it
// happened.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/types.hpp"
#include "engine/cancel.hpp"
#include "engine/horizon.hpp"
#include "engine/journal.hpp"
#include "engine/secrets.hpp"
#include "engine/setup.hpp"
#include "plan/plan.hpp"
#include "plugin/instance.hpp"
#include "process/metadata.hpp"

namespace hyops::engine {

// What all steps of a run share. Owned by the run; outlives every call.
struct Shared {
  const Setup& setup;
  const plan::Plan& plan;
  const std::string& plan_digest;
  const contract::Lane& lane;
  const plugin::Registry& registry;
  Journal& journal;
  SecretStore& secrets;
  const Cancellation& cancellation;
  int64_t fencing_token = 0;           // of the lane's lease; every side effect carries it
  const Forecast* forecast = nullptr;  // where steps are begun; outlives them
  // Wall clock; 0 where it is not asked for.
  int64_t may_last_until_ms(const std::string& step) const;
};

// One attempt at one step, with every input known.
struct Call {
  const plan::Step& step;
  const contract::Pack& pack;
  const contract::Module& module;
  Json inputs;      // secrets by name
  std::string key;  // idempotency key: the same for every attempt of a step in a run
  int attempt = 1;
  std::filesystem::path folder;  // of this attempt; a driver that needs it makes it
};

struct Outcome {
  enum class Status { ok, failed, unknown } status = Status::unknown;
  Json outputs = Json::object();
  std::optional<Error> error;  // of failed and unknown
  int64_t tool_ms = 0;         // how long its tools or verb ran; the rest of the step is our own
  // What stood between its tools and the metadata service, for the least kept of them (K7).
  std::optional<process::Metadata> metadata{};

  static Outcome good(Json outputs) { return {Status::ok, std::move(outputs), {}}; }
  static Outcome bad(Error error) { return {Status::failed, Json::object(), std::move(error)}; }
  static Outcome lost(Error error) { return {Status::unknown, Json::object(), std::move(error)}; }
};

// What a read-only look says about a step whose outcome is unknown.
struct Sight {
  enum class Seen { present, absent, unclear } seen = Seen::unclear;
  Json outputs = Json::object();  // of present
  std::string evidence;           // one sentence for the record and the person who decides
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual Outcome execute(const Call& call, Shared& shared) = 0;
  // After a crash of the core: finds the attempt that was going on and sees it to its end. Unknown
  // where nothing is left of it.
  virtual Outcome reattach(const Call& call, Shared& shared) = 0;
  virtual Sight observe(const Call& call, Shared& shared) = 0;
};

// Drivers live as long as the run: a plugin driver keeps its helpers between steps.
std::unique_ptr<Driver> make_process_driver();
std::unique_ptr<Driver> make_ansible_driver();
std::unique_ptr<Driver> make_terraform_driver();
std::unique_ptr<Driver> make_packer_driver();
std::unique_ptr<Driver> make_plugin_driver();

}  // namespace hyops::engine
