// The secrets of one run: fetched from the lane's authority by name when a step needs them, kept
// locked in memory, known to redaction before anybody uses them.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "contract/types.hpp"
#include "engine/journal.hpp"
#include "engine/setup.hpp"
#include "ledger/ledger.hpp"
#include "plan/plan.hpp"
#include "plugin/instance.hpp"

namespace hyops::engine {

// An authority behind a network needs a token before it can be asked for anything. That one comes
// from the embedded authority, which needs nothing but the runner's own key; the lane configures it
// as any plugin.
inline constexpr const char* embedded_authority = "hyops.secrets.offline-bundle";

// What this machine knows of it: "home" where nothing of this epoch says otherwise (E9). A run goes
// by its plan.
Result<std::string> authority_in_force(ledger::Ledger& ledger, const contract::Lane& lane);

// Who learns of a secret before anybody uses it, and on whose account it is asked for.
struct Confidant {
  std::string run;
  std::function<Status(const std::vector<record::Redactor::Named>& secrets)> know;
  std::function<Status(const ledger::Events& events)> write;
};
Confidant confidant_of(Journal& journal);  // which outlives it

class SecretStore {
 public:
  // `in_force`: the authority of the lane that is asked until move().
  SecretStore(const Setup& setup, const plugin::Registry& registry, const contract::Lane& lane,
              Confidant confidant, const std::string& in_force);
  ~SecretStore();
  // In the order of the names; the authority is asked once for all that it was not asked for yet,
  // and again for leases that end before `until_ms` (wall clock; 0: now) or are two thirds over.
  // Where it is out, what is held is kept as long as it lasts (L19). engine.secret.no_authority,
  // engine.secret.own, engine.secret.missing, engine.secret.unavailable (its helper died or hung,
  // twice), engine.secret.lease (it gives nothing that lasts until then, L18), or what the
  // authority failed with. Events: secret.resolved {name, version, authority, ends_ms} for each
  // that is handed over, and secret.kept {names, reason}.
  Result<std::vector<Secret>> get(const std::vector<std::string>& names, int64_t until_ms = 0);
  Result<Secret> get(const std::string& name, int64_t until_ms = 0);

  // Asks the authority `to` for the transition, then for every one of `names`, and takes secrets
  // from it from now on. What the authority before it is told is not ours to say: it may be lost.
  // Event: secret.transition {from, to, plugin, version, names}, which is returned (E6).
  Result<Json> move(const std::string& to, const plugin::CallRequest& transition,
                    const std::vector<std::string>& names);
  contract::SecretAuthority in_force();

 private:
  struct Held {
    std::string version;
    Secret value;
    int64_t ends_ms = 0;   // of its lease, or by its own words; 0: it has no end
    int64_t renew_ms = 0;  // when to ask for another one although it lasts
  };
  struct Authority {
    std::string which;  // home, standby; empty: the embedded one
    std::string id;
    Json config;
    std::map<std::string, Held> held{}, handed_over{};  // the latter by the call that goes on
    std::vector<std::pair<std::string, Json>> said{};   // by that call, not written yet
  };
  Result<plugin::Instance> start(Authority& authority);
  static void take_leases(const Json& answer, Authority& authority);
  Result<Json> call(Authority& authority, const std::vector<std::string>& names);
  Status resolve(Authority& authority, const std::vector<std::string>& names);
  Result<Secret> own_secret(const std::string& authority, const std::string& name);
  bool ends_before(const std::string& name, int64_t when_ms) const;  // or is not held
  Status renew(const std::vector<std::string>& names, int64_t until_ms);
  Failure unanswered(Error error) const;

  const Setup& setup_;
  const plugin::Registry& registry_;
  const contract::Lane& lane_;
  Confidant confidant_;
  std::mutex mutex_;
  Authority home_, standby_, embedded_;
  Authority* of_lane_;  // home_ or standby_
};

}  // namespace hyops::engine
