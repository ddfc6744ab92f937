// What may pass between the zones, as one nftables table: the only place where links are cut, sites
// fenced, ports opened and addresses translated.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "error.hpp"
#include "zones.hpp"

namespace hyops::labd::ruleset {

// Creates the table with its default policy; does nothing when it exists.
Done install();

enum class Change : bool { add, remove };

// All traffic between two zones, both directions, gateway addresses included. `a` and `b` differ.
Done cut_link(const Zone& a, const Zone& b, Change change);
// The zone as a whole, its gateway and API included.
Done lose_zone(const Zone& zone, Change change);
// Traffic of zone `from` to the API of zone `to`.
Done cut_api(const Zone& from, const Zone& to, Change change);
// Everything from and to the zone, but TCP from it to the zones' APIs (fencing).
Done isolate(const Zone& zone, Change change);

struct Counter {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

// By counter name; the counters of egress rules are "egress-NAME-N", of fenced zones
// "isolated-ZONE".
Result<std::map<std::string, Counter>> counters();

struct Inbound {
  std::string source;   // CIDR
  std::string address;  // of the host
  uint16_t port = 0;
};

// The kernel itself removes the rule when the time is over; nothing of ours has to be alive then.
Done open_inbound(const Inbound& rule, int seconds);
Done close_inbound(const Inbound& rule);
// Seconds left by "source address port" of every rule that is still open.
Result<std::map<std::string, int>> open_inbounds();
std::string key_of(const Inbound& rule);

struct Allowed {
  std::string source;       // CIDR
  std::string destination;  // CIDR
  std::string protocol;     // tcp, udp or icmp
  uint16_t port = 0;        // 0 with icmp
};

// What was let through between two hosts, both directions together, by TCP or UDP.
struct Connection {
  std::string source;       // who began, before any translation
  std::string destination;  // both addresses
  std::string protocol;     // tcp or udp
  uint16_t port = 0;        // of the destination
  Counter counted;
};
Result<std::vector<Connection>> connections();
// From now on they are counted from zero.
Done forget_connections(const std::vector<Connection>& which);

// One chain per definition; replacing it keeps nothing of the old one, counters included.
Done set_egress(const std::string& name, const std::vector<Allowed>& rules);
Done remove_egress(const std::string& name);

}  // namespace hyops::labd::ruleset
