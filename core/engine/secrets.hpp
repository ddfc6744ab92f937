// The secrets of one run: fetched from the lane's authority by name when a step needs them, kept
// locked in memory, known to redaction before anybody uses them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "contract/types.hpp"
#include "engine/journal.hpp"
#include "engine/setup.hpp"
#include "plugin/instance.hpp"

namespace hyops::engine {

// An authority behind a network needs a token before it can be asked for anything. That one comes
// from the embedded authority, which needs nothing but the runner's own key; the lane configures it
// as any plugin.
inline constexpr const char* embedded_authority = "hyops.secrets.offline-bundle";

class SecretStore {
 public:
  SecretStore(const Setup& setup, const plugin::Registry& registry, const contract::Lane& lane,
              Journal& journal);
  ~SecretStore();
  // In the order of the names; the authority is asked once for all that it was not asked for yet.
  // engine.secret.no_authority, engine.secret.own, engine.secret.missing, engine.secret.unavailable
  // (its helper died or hung, twice), or what the authority failed with. The journal gets one
  // secret.resolved {name, version, authority} for each the first time.
  Result<std::vector<Secret>> get(const std::vector<std::string>& names);
  Result<Secret> get(const std::string& name);

 private:
  struct Held {
    std::string version;
    Secret value;
  };
  struct Authority {
    std::string id;
    Json config;
    std::unique_ptr<plugin::Instance> instance{};
    std::map<std::string, Held> held{}, handed_over{};  // the latter by the call that goes on
    std::vector<std::pair<std::string, Json>> said{};   // by that call, not written yet
  };
  Status start(Authority& authority);
  Status call(Authority& authority, const std::vector<std::string>& names);
  Status resolve(Authority& authority, const std::vector<std::string>& names);
  Result<Secret> own_secret(const std::string& name);

  const Setup& setup_;
  const plugin::Registry& registry_;
  const contract::Lane& lane_;
  Journal& journal_;
  std::mutex mutex_;
  Authority of_lane_, embedded_;
};

}  // namespace hyops::engine
