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

class SecretStore {
 public:
  SecretStore(const Setup& setup, const plugin::Registry& registry, const contract::Lane& lane,
              Journal& journal);
  ~SecretStore();
  // In the order of the names; the authority is asked once for all that it was not asked for yet.
  // engine.secret.no_authority, engine.secret.missing, or what the authority failed with. The
  // journal gets one secret.resolved {name, version, authority} for each the first time.
  Result<std::vector<Secret>> get(const std::vector<std::string>& names);
  Result<Secret> get(const std::string& name);

 private:
  Status start();
  Status resolve(const std::vector<std::string>& names);
  const Setup& setup_;
  const plugin::Registry& registry_;
  const contract::Lane& lane_;
  Journal& journal_;
  std::mutex mutex_;
  std::unique_ptr<plugin::Instance> authority_;
  struct Held {
    std::string version;
    Secret value;
  };
  std::map<std::string, Held> held_, handed_over_;  // the latter by the call that goes on
};

}  // namespace hyops::engine
