// Access mode bastion-explicit (A3): through a jump host that the lane names, whose key is pinned
// as well, and through no other.
#include <algorithm>

#include "../tunnel.hpp"

namespace hyops::access {
namespace {

using sdk::Failed;
using sdk::Host;

constexpr int most_unanswered = 14;  // and with the next it is given up
constexpr const char* whose = "access.bastion";

bool says(const std::string& said, const char* words) {
  return said.find(words) != std::string::npos;
}

class Bastion {
 public:
  Bastion(const Host& host, const json& settings)
      : host_(host),
        patience_(patience_of(settings)),
        bastion_(settings.value("bastion", json())),
        jump_hosts_(settings.value("jump_hosts", json::array())),
        jump_zones_(settings.value("jump_zones", json::array())),
        automatic_(settings.value("ssh_proxy_jump_auto", false)),
        keepalive_s_(settings.value("keepalive", int64_t{10'000}) / 1000) {}

  Way way_to(const json& host) const {
    const Target target = target_of(host), jump = jump_for(host);
    json argv = ssh_to(jump, patience_.timeout_ms);
    // A path that loses every packet for a minute is waited for; TCP does it by itself, and asks at
    // worst after another minute again.
    for (const std::string& word :
         {std::string("-o"), "ServerAliveInterval=" + std::to_string(keepalive_s_),
          std::string("-o"), "ServerAliveCountMax=" + std::to_string(most_unanswered),
          std::string("-W"), "[" + target.address + "]:" + std::to_string(target.port),
          std::string("--"), jump.address})
      argv.push_back(word);
    return {{{"argv", argv}, {"files", {{"known_hosts", known_host(jump)}}}},
            [target, jump](const std::string& said) { return explain(target, jump, said); }};
  }

 private:
  // The jump host for this target, which a person has named: for it or, where the zone is one of
  // the site's own and the lane says so, for its zone (ssh_proxy_jump_auto).
  Target jump_for(const json& host) const {
    if (bastion_.is_object()) return target_of(bastion_);
    const std::string name = host.value("name", ""), zone = host.value("zone", "");
    if (!automatic_)
      throw Failed("denied/access.bastion.missing",
                   "the lane names no bastion, and none is inferred for " + name);
    if (std::find(jump_zones_.begin(), jump_zones_.end(), json(zone)) == jump_zones_.end())
      throw Failed("denied/access.bastion.inferred",
                   "ssh_proxy_jump_auto is for on-prem and lab targets: zone " + zone + " of " +
                       name + " is none of jump_zones, and its bastion has to be named");
    for (const auto& jump : jump_hosts_) {
      if (jump.value("zone", "") != zone) continue;
      host_.log(1, "ssh_proxy_jump_auto: jump host " + jump.value("name", "") + " was taken for " +
                       name + ", for both are in zone " + zone);
      return target_of(jump);
    }
    throw Failed("denied/access.bastion.missing",
                 "none of jump_hosts is in zone " + zone + " of " + name);
  }

  // The jump host's own failures have codes of their own; behind it, the target's are the usual
  // ones.
  static Proof explain(const Target& target, const Target& jump, const std::string& said) {
    if (!says(said, "open failed") && !says(said, "stdio forwarding failed"))
      return explained(jump, said, whose);
    Proof proof;
    const std::string from =
        target.name + " (" + target.address + "), asked by the bastion " + jump.name + ": ";
    if (says(said, "prohibited")) {
      proof.code = "denied/access.bastion.forwarding";
      proof.message = "the bastion " + jump.name + " lets nobody on to " + target.address;
    } else if (says(said, "refused")) {
      proof.route = true;
      proof.code = "unavailable/access.port";
      proof.message = from + "nothing answers at port " + std::to_string(target.port);
    } else {
      proof.code = "unavailable/access.route";
      proof.message = from + "no route there, or something drops it";
    }
    return proof;
  }

  const Host& host_;
  Patience patience_;
  json bastion_, jump_hosts_, jump_zones_;
  bool automatic_;
  int64_t keepalive_s_;
};

using Plugin = ThroughTunnels<Bastion>;

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.bastion-explicit", "1.0.0", hyops::access::Plugin,
             hyops::sdk::Access<hyops::access::Plugin>)
