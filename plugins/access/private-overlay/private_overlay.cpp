// Access mode private-overlay (A2): a routed private path that is shown to carry the traffic, and
// to be the only one that would.
#include "overlay.hpp"

namespace hyops::access {
namespace {

using sdk::Call;
using sdk::Failed;
using sdk::Host;

constexpr int64_t fresh_s = 180;  // WireGuard drops a session that is older (REJECT_AFTER_TIME)
constexpr int64_t carried_bytes = 16'384;  // a proof sends as many there and back

class PrivateOverlay {
 public:
  PrivateOverlay(const Host& host, std::string_view config) : host_(host) {
    const json settings = json::parse(config);
    patience_ = patience_of(settings);
    overlay_ = {settings.value("interface", ""), settings.value("peer", ""),
                settings.value("next_hop", "")};
  }

  std::string prove(Call& call, std::string_view document) {
    json out = json::array();
    for (const auto& host : hosts_of(document)) {
      const Target target = target_of(host);
      out.push_back(shown(target.name, proven(call, target, false)));
    }
    return json{{"hosts", out}}.dump();
  }

  std::string open(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (size_t i = 0; i < hosts.size(); ++i) {
      const Target target = target_of(hosts[i]);
      call.progress(static_cast<uint32_t>(1000 * i / hosts.size()), "proving " + target.name);
      const Proof proof = proven(call, target, true);
      if (!proof.proven()) throw Failed(proof.code, proof.message);
      endpoints.push_back(endpoint_of(target, 0, tunnel_outage_ms));
    }
    return json{{"endpoints", endpoints}}.dump();
  }

  // Nothing is opened; what can be observed is whether it would open now.
  std::string observe(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (const auto& host : hosts) {
      const Target target = target_of(host);
      const Proof proof = proven(call, target, false);
      if (proof.code.find("host_key.changed") != std::string::npos)
        throw Failed(proof.code, proof.message);
      if (proof.proven()) endpoints.push_back(endpoint_of(target, 0, tunnel_outage_ms));
    }
    return json{{"present", endpoints.size() == hosts.size()}, {"endpoints", endpoints}}.dump();
  }

  std::string close(Call&, std::string_view) { return "{}"; }

 private:
  // The kernel's word on the way first, then packets: a login whose bytes the overlay's interface
  // has counted.
  Proof proven(Call& call, const Target& target, bool patiently) {
    const Facts facts = facts_of(host_, overlay_, target);
    if (!facts.code.empty()) {
      Proof none;
      none.code = facts.code;
      none.message = facts.message;
      return none;
    }
    const Counters before = counters_of(host_, overlay_);
    Proof proof = patiently ? prove_patiently(host_, call, target, patience_)
                            : access::prove(host_, target, demand_of(call, patience_));
    if (!proof.proven()) return proof;
    const Counters after = counters_of(host_, overlay_);
    const int64_t sent = after.sent - before.sent, received = after.received - before.received;
    if (sent < carried_bytes || received < carried_bytes) {
      Proof none;
      none.code = "denied/access.overlay.carries";
      none.message = target.name + " (" + target.address + "): it answered, and of at least " +
                     std::to_string(carried_bytes) + " bytes each way the overlay " +
                     overlay_.interface + " saw " + std::to_string(sent) + " go and " +
                     std::to_string(received) + " come";
      return none;
    }
    // An idle tunnel has no fresh handshake; one that has just carried something does.
    std::string handshake;
    if (facts.kind == "wireguard") {
      const auto age_s = handshake_age_s(host_, overlay_);
      if (!age_s || *age_s > fresh_s) {
        Proof none;
        none.code = "denied/access.overlay.peer";
        none.message = "the overlay " + overlay_.interface + " has no fresh handshake with " +
                       overlay_.peer + " behind it: " +
                       (age_s ? "the last is " + std::to_string(*age_s) + " s old" : "none at all");
        return none;
      }
      handshake = ", last handshake " + std::to_string(*age_s) + " s ago";
    }
    host_.log(1, "overlay " + overlay_.interface + " (" + facts.kind + ", far end " + facts.peer +
                     handshake + ") carried " + std::to_string(sent) + " bytes to " + target.name +
                     " and " + std::to_string(received) + " back; no other route would");
    return proof;
  }

  Host host_;
  Overlay overlay_;
  Patience patience_;
};

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.private-overlay", "1.0.0", hyops::access::PrivateOverlay,
             hyops::sdk::Access<hyops::access::PrivateOverlay>)
