// The enforcement point in front of the hosts: who is let in, until when, on whose account. It
// holds the end itself; whoever asks it learns of openings whose opener is long gone.
#pragma once

#include <optional>
#include <vector>

#include "../../providers/local/api_client.hpp"

namespace hyops::access {

using nlohmann::json;

struct Opening {
  std::string name, zone, source, address;
  int64_t port = 0, remaining_s = 0;
  json labels = json::object();  // lane, run, step, key, fencing_token, reason
};

// Those of all zones that the configuration names, one question a zone.
class Firewalls {
 public:
  Firewalls(const sdk::Host& core, const json& config, const sdk::Call& call)
      : core_(core), config_(config), call_(call) {}

  std::vector<Opening> of(const std::string& zone) const {
    std::vector<Opening> found;
    const json answer = at(zone).need("GET", "/v1/firewall");
    for (const auto& rule : answer.value("firewall", json::array()))
      found.push_back({local::text(rule, "name"), local::text(rule, "zone", zone),
                       local::text(rule, "source"), local::text(rule, "address"),
                       rule.value("port", int64_t{0}), rule.value("remaining_s", int64_t{0}),
                       rule.value("labels", json::object())});
    return found;
  }

  std::vector<Opening> all() const {
    std::vector<Opening> found = of(local::text(config_, "zone"));
    const json others = config_.value("zones", json::object());
    for (const auto& [zone, ignored] : others.items()) {
      if (zone == local::text(config_, "zone")) continue;
      auto more = of(zone);
      std::move(more.begin(), more.end(), std::back_inserter(found));
    }
    return found;
  }

  // The same again does not prolong it.
  void open(const std::string& zone, const Opening& opening) const {
    at(zone).need("POST", "/v1/firewall",
                  {{"name", opening.name},
                   {"source", opening.source},
                   {"address", opening.address},
                   {"port", opening.port},
                   {"ttl_s", opening.remaining_s},
                   {"labels", opening.labels}},
                  opening.name);
  }

  void close(const Opening& opening) const {
    at(opening.zone).need("DELETE", "/v1/firewall/" + opening.name);
  }

  // What the platform itself says the host at this address is for; empty: it knows no such host.
  std::optional<std::string> role_at(const std::string& zone, const std::string& address) const {
    const json answer = at(zone).need("GET", "/v1/hosts");
    for (const auto& host : answer.value("hosts", json::array()))
      if (local::text(host, "address") == address)
        return local::text(host.value("labels", json::object()), "role");
    return std::nullopt;
  }

 private:
  local::ApiClient at(const std::string& zone) const {
    return {core_, local::place_of(config_, zone), call_};
  }

  const sdk::Host& core_;
  const json& config_;
  const sdk::Call& call_;
};

}  // namespace hyops::access
