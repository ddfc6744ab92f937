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

}  // namespace hyops::access
