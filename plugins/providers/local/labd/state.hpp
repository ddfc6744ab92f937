// Everything the lab remembers, as one document on disk: what was asked for and what runs because
// of it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "paths.hpp"
#include "process_identity.hpp"

namespace hyops::labd {

struct Host {
  std::string name, zone, address, image;
  std::string placement;  // never used again, unlike the name
  std::string key;        // the Idempotency-Key it was asked for with
  std::string host_key;   // "ssh-ed25519 AAAA..."
  std::string link;       // the router's end of its cable
  std::vector<std::string> authorized_keys;
  std::map<std::string, std::string> labels;
  std::string operation;          // the operation that works on it now; empty: none
  bool on_after_restore = false;  // it ran when its zone was lost
  ProcessIdentity process;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Host, name, zone, address, image, placement, key, host_key, link,
                                 authorized_keys, labels, operation, on_after_restore, process)
};

struct Operation {
  std::string id, kind, host, zone, key, body;  // kind: place, power-on, power-off, release
  std::string state = "running";                // running, done, failed
  int permille = 0;
  std::string note;
  nlohmann::json result, error;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Operation, id, kind, host, zone, key, body, state, permille, note,
                                 result, error)
};

struct FirewallRule {
  std::string name, zone, source, address;
  uint16_t port = 0;
  int ttl_s = 0;
  std::map<std::string, std::string> labels;  // whose it is, in the words of who asked
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(FirewallRule, name, zone, source, address, port, ttl_s, labels)
};

struct Egress {
  std::string name, zone;
  nlohmann::json sources, allow;
  std::string account;  // on whose account its sources' connections are counted
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Egress, name, zone, sources, allow, account)
};

struct State {
  std::map<std::string, Host> hosts;
  std::map<std::string, Operation> operations;
  std::vector<std::string> order;           // operations, oldest first
  std::map<std::string, std::string> keys;  // "zone key" -> operation
  std::map<std::string, FirewallRule> firewall;
  std::map<std::string, Egress> egress;
  std::map<std::string, std::string> isolation;  // zone -> reason
  std::set<std::string> lost_zones;
  std::set<std::string> cut_links, cut_apis;  // "a b"
  std::map<std::string, int> slow_links;      // "a b" -> kbit/s
  std::map<std::string, uint64_t> lanes;      // highest fencing token seen
  uint64_t next_operation = 1;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(State, hosts, operations, order, keys, firewall, egress, isolation,
                                 lost_zones, cut_links, cut_apis, slow_links, lanes, next_operation)
};

// No file yet is an empty state; a damaged one is a failure, never an empty state.
Result<State> load_state(const LabPaths& paths);
Done save_state(const LabPaths& paths, const State& state);

// Who the lab is: written once by `up`, needed by `down` even when all else is lost.
struct Marker {
  std::string name;  // prefix of the namespace's name
  uint64_t netns_inode = 0;
  bool made_dir = false;          // `down` removes the directory itself only if `up` made it
  bool made_netns_mount = false;  // ip netns had never been used before on this machine
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Marker, name, netns_inode, made_dir, made_netns_mount)
};

Result<Marker> load_marker(const LabPaths& paths);
Done save_marker(const LabPaths& paths, const Marker& marker);

}  // namespace hyops::labd
