// Proving that a host can be reached and is itself, before anything is sent to it (A6).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hyops/plugin.hpp"

namespace hyops::access {

using nlohmann::json;

// In this order: after the first that is false the rest is false. mtu: full-size packets come
// through in both directions. clock: the host's clock is near enough to the runner's.
struct Proof {
  bool route = false, port = false, host_key = false, login = false, mtu = false, clock = false;
  int64_t skew_ms = 0;        // host's clock minus ours
  std::string code, message;  // why not; empty: all proven
  bool proven() const { return clock; }
  bool may_come() const {
    return code.rfind("unavailable/", 0) == 0;
  }  // a host that is still starting
};

// A text of a document; `fallback` where it has none.
std::string text(const json& object, const char* key, const std::string& fallback = {});

struct Target {
  std::string name, address, user, host_key;
  int port = 22;
};

// A host of the step's inputs; refuses what could be taken for an option or another host.
Target target_of(const json& host);

// What is asked of one connection.
struct Demand {
  int64_t timeout_ms = 10'000;  // for it to come about
  int64_t max_skew_ms = 0;      // 0: any clock will do
};

// One login that carries 16 KiB there and back and reads the host's clock, to a host that shows the
// pinned key and to no other.
Proof prove(const sdk::Host& core, const Target& target, const Demand& demand);

// A host that was placed a moment ago may still be starting, and is asked again for `patience_ms`.
// One that shows a wrong key gets no second chance.
struct Patience {
  int64_t patience_ms = 0, timeout_ms = 0;  // in all; of one connection
  int64_t max_skew_ms = 0;
};
// The settings connect_timeout, patience and max_clock_skew of a mode.
Patience patience_of(const json& settings);
Proof prove_patiently(const sdk::Host& core, sdk::Call& call, const Target& target,
                      const Patience& patience);
Demand demand_of(const sdk::Call& call, const Patience& patience);

// What the verb `prove` emits of one host, and of all.
json shown(const std::string& name, const Proof& proof);
json prove_all(const sdk::Host& core, const sdk::Call& call, const json& hosts,
               const Patience& patience);

// What leads over a tunnel may lose every packet for as long, and comes back: no driver gives it
// up.
inline constexpr int64_t tunnel_outage_ms = 60'000;
// expires_ms 0: until it is closed. outage_ms 0: a driver may give up what is silent when it likes.
json endpoint_of(const Target& target, int64_t expires_ms = 0, int64_t outage_ms = 0);
json hosts_of(std::string_view document);  // of the step's inputs; never none

// The beginning of every ssh of an access mode: this host with this key and no other, the runner's
// identity and no other, nothing from anybody's configuration. Goes with known_host() as the file
// "known_hosts".
std::vector<std::string> ssh_to(const Target& target, int64_t timeout_ms);
std::string known_host(const Target& target);

// What ssh's words mean for the host it was to reach. `whose` begins the codes: "access" or
// "access.bastion".
Proof explained(const Target& target, const std::string& said, const std::string& whose = "access");

}  // namespace hyops::access
