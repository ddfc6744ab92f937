// Proving that a host can be reached and is itself, before anything is sent to it (A6).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "hyops/plugin.hpp"

namespace hyops::access {

using nlohmann::json;

struct Proof {
  bool route = false, port = false, host_key = false, login = false;  // in this order
  std::string code, message;                                          // why not; empty: all proven
  bool proven() const { return login; }
  bool may_come() const {
    return code.rfind("unavailable/", 0) == 0;
  }  // a host that is still starting
};

struct Target {
  std::string name, address, user, host_key;
  int port = 22;
};

// A host of the step's inputs; refuses what could be taken for an option or another host.
Target target_of(const json& host);

Proof prove(const sdk::Host& core, const Target& target, int64_t timeout_ms);

// A host that was placed a moment ago may still be starting, and is asked again for `patience_ms`.
// One that shows a wrong key gets no second chance.
struct Patience {
  int64_t patience_ms = 0, timeout_ms = 0;  // in all; of one connection
};
Proof prove_patiently(const sdk::Host& core, sdk::Call& call, const Target& target,
                      const Patience& patience);

// What the verb `prove` emits.
json prove_all(const sdk::Host& core, const sdk::Call& call, const json& hosts,
               const Patience& patience);
int64_t time_for_one(const sdk::Call& call, const Patience& patience);

json endpoint_of(const Target& target, int64_t expires_ms = 0);  // 0: until it is closed
json hosts_of(std::string_view document);                        // of the step's inputs; never none

}  // namespace hyops::access
