// What the kernel and the tunnel's own tools say of the declared overlay; nothing is changed to
// find out.
#pragma once

#include <optional>

#include "../proof.hpp"

namespace hyops::access {

// As the lane declares it.
struct Overlay {
  std::string interface;  // "wg0"
  std::string peer;       // WireGuard: its public key; otherwise the address of the far end
  std::string next_hop;   // empty: the target is on the overlay itself
};

struct Counters {
  int64_t sent = 0, received = 0;  // bytes
};

// Why traffic to the target would not go by the overlay, or not by it alone; empty code: it does.
//   access.overlay.interface   it is not there, or not up
//   access.overlay.peer        another far end than declared, or none that could be told
//   access.overlay.route       the kernel sends packets for the target elsewhere
//   access.overlay.other_path  without the overlay's route they would still find a way
struct Facts {
  std::string code, message;
  std::string kind;  // "wireguard", "vxlan", ...
  std::string peer;  // what was found there, for the record
};
Facts facts_of(const sdk::Host& core, const Overlay& overlay, const Target& target);

// Of WireGuard: seconds since the peer proved itself last; nothing where it never did.
std::optional<int64_t> handshake_age_s(const sdk::Host& core, const Overlay& overlay);

Counters counters_of(const sdk::Host& core, const Overlay& overlay);

// Among `routes` (of `ip -j route show table all`) the one that a packet to `address` would take if
// every route by `interface` were gone; null where there is none. Longest prefix first, then
// metric.
json way_without(const json& routes, const std::string& interface, const std::string& address);

}  // namespace hyops::access
