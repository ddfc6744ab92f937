#include "engine/reap.hpp"

#include "engine/left_open.hpp"
#include "engine/means.hpp"

namespace hyops::engine {
namespace {

void reap_of(const std::string& id, const Opened& run, Shared& shared) {
  auto digest = shared.registry.digest(id);
  if (!digest) return;
  const auto driver = shared.setup.means->driver(contract::Driver::plugin);
  plan::Step step;
  step.plugin = id;
  step.plugin_digest = *digest;
  step.interface = "hyops.access/1";
  step.timeout_ms = 30'000;
  const AskAccess ask = [&](const std::string& verb, const Json& inputs, const std::string& key,
                            int64_t) -> Result<Json> {  // the lane's lease is ours: its token
    static const contract::Pack no_pack{};
    static const contract::Module no_module{};
    step.verb = verb;
    Outcome outcome = driver->execute({step, no_pack, no_module, inputs, key, 1, {}}, shared);
    if (outcome.status != Outcome::Status::ok) return Failure(std::move(*outcome.error));
    return std::move(outcome.outputs);
  };
  const auto failed = [&](const std::string& what, const Error& error) {
    (void)shared.journal.write("access.reap_failed",
                               {{"plugin", id}, {"what", what}, {"message", error.message}});
  };
  const auto standing = standing_open(id, ask);
  if (!standing) return failed("what stands open", standing.error());
  for (const auto& open : *standing) {
    // An equal token of another run is of another runner's ledger: closing is the careful choice.
    if (open.run == run.journal.run().value || open.fencing_token > shared.fencing_token) continue;
    if (auto closed = close_left_open(open, ask, shared.fencing_token); !closed) {
      failed(open.what, closed.error());
      continue;
    }
    (void)shared.journal.write("access.reaped", {{"plugin", id},
                                                 {"key", open.key},
                                                 {"what", open.what},
                                                 {"opened_by", open.run},
                                                 {"opened_under", open.fencing_token},
                                                 {"ends_ms", open.ends_ms}});
  }
}

}  // namespace

void reap_access(const Opened& run, Shared& shared) {
  for (const auto& [id, ignored] : shared.lane.plugins)
    if (is_of_access(shared.registry, id)) reap_of(id, run, shared);
}

}  // namespace hyops::engine
