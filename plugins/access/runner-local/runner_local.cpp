// Access mode runner-local (A1): the runner itself has private reachability; nothing is opened, all
// is proven.
#include "../proof.hpp"

namespace hyops::access {
namespace {

using sdk::Call;
using sdk::Failed;
using sdk::Host;

class RunnerLocal {
 public:
  RunnerLocal(const Host& host, std::string_view config)
      : host_(host), patience_(patience_of(json::parse(config))) {}

  std::string prove(Call& call, std::string_view document) {
    return prove_all(host_, call, hosts_of(document), patience_).dump();
  }

  std::string open(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (size_t i = 0; i < hosts.size(); ++i) {
      const Target target = target_of(hosts[i]);
      call.progress(static_cast<uint32_t>(1000 * i / hosts.size()), "proving " + target.name);
      const Proof proof = prove_patiently(host_, call, target, patience_);
      if (!proof.proven()) throw Failed(proof.code, proof.message);
      endpoints.push_back(endpoint_of(target));
    }
    return json{{"endpoints", endpoints}}.dump();
  }

  // Nothing stands open in this mode; what can be observed is whether it would open now.
  std::string observe(Call& call, std::string_view document) {
    json endpoints = json::array();
    const json hosts = hosts_of(document);
    for (const auto& host : hosts) {
      const Target target = target_of(host);
      const Proof proof = access::prove(host_, target, demand_of(call, patience_));
      if (proof.code.find("host_key.changed") != std::string::npos)
        throw Failed(proof.code, proof.message);
      if (proof.proven()) endpoints.push_back(endpoint_of(target));
    }
    return json{{"present", endpoints.size() == hosts.size()}, {"endpoints", endpoints}}.dump();
  }

  std::string close(Call&, std::string_view) { return "{}"; }

 private:
  Host host_;
  Patience patience_;
};

}  // namespace
}  // namespace hyops::access

HYOPS_PLUGIN("hyops.access.runner-local", "1.0.0", hyops::access::RunnerLocal,
             hyops::sdk::Access<hyops::access::RunnerLocal>)
