#include "engine/reap.hpp"

#include <algorithm>

#include "engine/means.hpp"

namespace hyops::engine {
namespace {

// One verb of an access plugin outside any step of the plan.
Outcome ask_plugin(Driver& driver, Shared& shared, const plan::Step& step, Json inputs,
                   std::string key) {
  static const contract::Pack no_pack{};
  static const contract::Module no_module{};
  return driver.execute({step, no_pack, no_module, std::move(inputs), std::move(key), 1, {}},
                        shared);
}

bool is_of_access(const plugin::Registry& registry, const std::string& id) {
  auto manifest = registry.trusted(id);
  if (!manifest) return false;
  const auto& all = manifest->implements;
  return std::find(all.begin(), all.end(), "hyops.access/1") != all.end();
}

void reap_of(const std::string& id, const Opened& run, Shared& shared) {
  auto digest = shared.registry.digest(id);
  if (!digest) return;
  const auto driver = shared.setup.means->driver(contract::Driver::plugin);
  plan::Step step;
  step.plugin = id;
  step.plugin_digest = *digest;
  step.interface = "hyops.access/1";
  step.verb = "observe";
  step.timeout_ms = 30'000;
  const auto failed = [&](const std::string& what, const Outcome& outcome) {
    (void)shared.journal.write(
        "access.reap_failed",
        {{"plugin", id}, {"what", what}, {"message", outcome.error->message}});
  };
  const Outcome seen = ask_plugin(*driver, shared, step, {{"hosts", Json::array()}}, "");
  if (seen.status != Outcome::Status::ok) {
    // Modes that leave nothing open where it is enforced cannot be asked without hosts.
    if (seen.error->kind != FailureClass::invalid) failed("what stands open", seen);
    return;
  }
  step.verb = "close";
  for (const auto& open : seen.outputs.value("opened", Json::array())) {
    // An equal token of another run is of another runner's ledger: closing is the careful choice.
    if (get_string(open, "run") == run.journal.run().value ||
        get_int(open, "fencing_token") > shared.fencing_token)
      continue;
    const std::string key = get_string(open, "key"), what = get_string(open, "what");
    const Outcome closed = ask_plugin(*driver, shared, step, {{"endpoints", Json::array()}}, key);
    if (closed.status != Outcome::Status::ok) {
      failed(what, closed);
      continue;
    }
    (void)shared.journal.write("access.reaped", {{"plugin", id},
                                                 {"key", key},
                                                 {"what", what},
                                                 {"opened_by", get_string(open, "run")},
                                                 {"opened_under", get_int(open, "fencing_token")},
                                                 {"ends_ms", get_int(open, "ends_ms")}});
  }
}

}  // namespace

void reap_access(const Opened& run, Shared& shared) {
  for (const auto& [id, ignored] : shared.lane.plugins)
    if (is_of_access(shared.registry, id)) reap_of(id, run, shared);
}

}  // namespace hyops::engine
