// Access through something: an endpoint at the runner that the core keeps (hyops.stream/1), and the
// same proof of the host behind it as everywhere.
#pragma once

#include <functional>

#include "proof.hpp"

namespace hyops::access {

// How one mode gets to a host.
struct Way {
  json dial;  // "argv", "files", "secrets" of hyops.stream/1: the program that carries a connection
  // What that program says where it does not get there. It is run once for that, with nothing on
  // standard input; what a host says first ("SSH-2.0-...") is on standard output where it does.
  std::function<Proof(const std::string& said)> explain;
};

struct Tunnels {
  const sdk::Host& core;
  std::function<Way(const json& host)> way_to;  // throws Failed where there is none
  Patience patience;
  int64_t lifetime_ms = 0, redial_ms = 0;  // of an endpoint; how long a new connection is dialled

  json prove(sdk::Call& call, const json& hosts) const;
  json open(sdk::Call& call, const json& hosts) const;  // all or none
  json observe(sdk::Call& call, const json& hosts) const;
  void close(const json& endpoints) const;

 private:
  Proof through(sdk::Call& call, const json& host, const std::string& name, json& endpoint) const;
};

// The plugin of a mode that is a way and nothing else:
//   Mode(const sdk::Host& core, const json& settings); Way way_to(const json& host) const;
template <class Mode>
class ThroughTunnels {
 public:
  ThroughTunnels(const sdk::Host& core, std::string_view config)
      : core_(core), settings_(json::parse(config)), mode_(core_, settings_) {}
  ThroughTunnels(const ThroughTunnels&) = delete;
  ThroughTunnels& operator=(const ThroughTunnels&) = delete;

  std::string prove(sdk::Call& call, std::string_view document) {
    return tunnels().prove(call, hosts_of(document)).dump();
  }
  std::string open(sdk::Call& call, std::string_view document) {
    return tunnels().open(call, hosts_of(document)).dump();
  }
  std::string observe(sdk::Call& call, std::string_view document) {
    return tunnels().observe(call, hosts_of(document)).dump();
  }
  std::string close(sdk::Call&, std::string_view document) {
    tunnels().close(json::parse(document).value("endpoints", json::array()));
    return "{}";
  }

 private:
  Tunnels tunnels() const {
    return {core_, [this](const json& host) { return mode_.way_to(host); }, patience_of(settings_),
            settings_.value("lifetime", int64_t{0}), settings_.value("redial", int64_t{0})};
  }

  sdk::Host core_;
  json settings_;
  Mode mode_;
};

}  // namespace hyops::access
