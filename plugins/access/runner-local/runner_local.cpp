// Access mode runner-local (A1): the runner itself has private reachability; nothing is opened, all
// is proven.

#include <algorithm>

#include "proof.hpp"

namespace hyops::access {
namespace {

using sdk::Call;
using sdk::Failed;
using sdk::Host;

class RunnerLocal {
 public:
  RunnerLocal(const Host& host, std::string_view config) : host_(host) {
    const json settings = json::parse(config);
    patience_ms_ = settings.value("patience", int64_t{20'000});
    timeout_ms_ = settings.value("connect_timeout", int64_t{10'000});
  }

  std::string prove(Call& call, std::string_view document) {
    json out = json::array();
    for (const auto& host : hosts_of(document)) {
      const Proof proof = access::prove(host_, target_of(host), left(call));
      out.push_back({{"name", host.value("name", "")},
                     {"route", proof.route},
                     {"port", proof.port},
                     {"host_key", proof.host_key},
                     {"login", proof.login},
                     {"why", proof.message}});
    }
    return json{{"hosts", out}}.dump();
  }

  std::string open(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (size_t i = 0; i < hosts.size(); ++i) {
      const Target target = target_of(hosts[i]);
      call.progress(static_cast<uint32_t>(1000 * i / hosts.size()), "proving " + target.name);
      const Proof proof = prove_patiently(call, target);
      if (!proof.proven()) throw Failed(proof.code, proof.message);
      endpoints.push_back(endpoint(target));
    }
    return json{{"endpoints", endpoints}}.dump();
  }

  // Nothing stands open in this mode; what can be observed is whether it would open now.
  std::string observe(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (const auto& host : hosts) {
      const Target target = target_of(host);
      const Proof proof = access::prove(host_, target, left(call));
      if (proof.code.find("host_key.changed") != std::string::npos)
        throw Failed(proof.code, proof.message);
      if (proof.proven()) endpoints.push_back(endpoint(target));
    }
    return json{{"present", endpoints.size() == hosts.size()}, {"endpoints", endpoints}}.dump();
  }

  std::string close(Call&, std::string_view) { return "{}"; }

 private:
  static json hosts_of(std::string_view document) {
    json hosts = json::parse(document).value("hosts", json::array());
    if (!hosts.is_array() || hosts.empty())
      throw Failed("invalid/access.hosts", "there are no hosts to reach");
    return hosts;
  }

  static json endpoint(const Target& target) {
    return {{"name", target.name}, {"address", target.address},   {"port", target.port},
            {"user", target.user}, {"host_key", target.host_key}, {"expires_ms", 0}};
  }

  int64_t left(const Call& call) const {
    return std::clamp<int64_t>(call.deadline_ms(), 1000, timeout_ms_);
  }

  // A host that was placed a moment ago may still be starting. One that shows a wrong key gets no
  // second chance.
  Proof prove_patiently(Call& call, const Target& target) {
    const int64_t until = host_.mono_ms() + patience_ms_;
    for (;;) {
      Proof proof = access::prove(host_, target, left(call));
      if (proof.proven() || !proof.may_come() || host_.mono_ms() >= until) return proof;
      if (call.wait(250))
        throw Failed("cancelled/access.cancelled", "told to stop while waiting for " + target.name);
    }
  }

  Host host_;
  int64_t patience_ms_ = 0, timeout_ms_ = 0;
};

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.runner-local", "1.0.0", hyops::access::RunnerLocal,
             hyops::sdk::Access<hyops::access::RunnerLocal>)
