// The way is tried once by itself first: where it fails, its own words say why, and no driver has
// to guess from an endpoint that answers and then says nothing.
#include "tunnel.hpp"

namespace hyops::access {
namespace {

using sdk::Failed;

std::string name_of(const json& thing) { return thing.value("name", ""); }

// Proven by the first word of the host at its other end.
Proof way_stands(const sdk::Host& core, const Way& way, int64_t timeout_ms) {
  json request = way.dial;
  request["timeout_ms"] = timeout_ms + 5'000;
  const json done = json::parse(core.exec(request.dump()).json);
  Proof proof;
  if (done.value("out", "").rfind("SSH-", 0) == 0) {
    proof.route = proof.port = true;
    return proof;
  }
  return way.explain(done.value("err", ""));
}

}  // namespace

Proof Tunnels::through(sdk::Call& call, const json& host, const std::string& name,
                       json& endpoint) const {
  const Target target = target_of(host);
  const Way way = way_to(host);
  const int64_t until = core.mono_ms() + patience.patience_ms;
  Proof proof;
  for (;;) {
    proof = way_stands(core, way, demand_of(call, patience).timeout_ms);
    if (proof.code.empty() || !proof.may_come() || core.mono_ms() >= until) break;
    if (call.wait(250))
      throw Failed("cancelled/access.cancelled", "told to stop while waiting for " + target.name);
  }
  if (!proof.code.empty()) return proof;
  json request = way.dial;
  request["name"] = name;
  request["lifetime_ms"] = lifetime_ms;
  request["patience_ms"] = redial_ms;
  const json kept = json::parse(core.open_stream(request.dump()).json);
  Target near = target;
  near.address = kept.at("address").get<std::string>();
  near.port = kept.at("port").get<int>();
  endpoint = endpoint_of(near, kept.at("expires_ms").get<int64_t>(), tunnel_outage_ms);
  return prove_patiently(core, call, near, patience);
}

json Tunnels::prove(sdk::Call& call, const json& hosts) const {
  json out = json::array();
  for (const auto& host : hosts) {
    json endpoint;
    const std::string name = "proof-" + name_of(host);
    const Proof proof = through(call, host, name.substr(0, 64), endpoint);
    close(json::array({{{"name", name.substr(0, 64)}}}));
    out.push_back(shown(name_of(host), proof));
  }
  return {{"hosts", out}};
}

json Tunnels::open(sdk::Call& call, const json& hosts) const {
  json endpoints = json::array();
  const auto undo = [&] { close(hosts); };
  try {
    for (size_t i = 0; i < hosts.size(); ++i) {
      call.progress(static_cast<uint32_t>(1000 * i / hosts.size()), "opening " + name_of(hosts[i]));
      json endpoint;
      const Proof proof = through(call, hosts[i], name_of(hosts[i]), endpoint);
      if (!proof.proven()) throw Failed(proof.code, proof.message);
      endpoints.push_back(std::move(endpoint));
    }
  } catch (...) {
    undo();
    throw;
  }
  return {{"endpoints", endpoints}};
}

json Tunnels::observe(sdk::Call& call, const json& hosts) const {
  json endpoints = json::array();
  for (const auto& host : hosts) {
    const json seen = json::parse(core.observe_stream(json{{"name", name_of(host)}}.dump()).json);
    if (!seen.value("present", false)) continue;
    Target near = target_of(host);
    near.address = seen.at("address").get<std::string>();
    near.port = seen.at("port").get<int>();
    const Proof proof = access::prove(core, near, demand_of(call, patience));
    if (proof.code.find("host_key.changed") != std::string::npos)
      throw Failed(proof.code, proof.message);
    if (proof.proven())
      endpoints.push_back(
          endpoint_of(near, seen.at("expires_ms").get<int64_t>(), tunnel_outage_ms));
  }
  return {{"present", endpoints.size() == hosts.size()}, {"endpoints", endpoints}};
}

void Tunnels::close(const json& endpoints) const {
  for (const auto& endpoint : endpoints)
    if (!name_of(endpoint).empty()) core.close_stream(json{{"name", name_of(endpoint)}}.dump());
}

}  // namespace hyops::access
