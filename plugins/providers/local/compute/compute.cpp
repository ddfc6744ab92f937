// Places hosts of the lab through its API: an ordinary provider plugin, and the model for every
// cloud's.
#include "../api_client.hpp"

namespace hyops::local {
namespace {

using sdk::Call;
using sdk::Host;

// What the module calls a host: these members and no others.
json as_host(const json& placed) {
  json host;
  for (const char* member : {"name", "zone", "address", "user", "port", "host_key", "placement"})
    host[member] = placed.value(member, json());
  return host;
}

class Compute {
 public:
  Compute(const Host& host, std::string_view config) : host_(host), config_(json::parse(config)) {}

  std::string plan(Call&, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_power_off(inputs))
      return json{{"hosts", inputs.value("hosts", json::array())},
                  {"cost", {{"currency", "EUR"}, {"micro_per_hour", 0}}}}
          .dump();
    const auto place = place_of(config_, text(inputs, "zone"));
    json hosts = json::array();
    for (const auto& name : names(inputs))
      hosts.push_back({{"name", name},
                       {"zone", place.zone.empty() ? json() : json(place.zone)},
                       {"address", json()}});
    return json{{"hosts", hosts}, {"cost", {{"currency", "EUR"}, {"micro_per_hour", 0}}}}.dump();
  }

  std::string apply(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_power_off(inputs)) return power_off(call, inputs);
    const ApiClient api(host_, place_of(config_, text(inputs, "zone")), call);
    const auto wanted = names(inputs);
    std::vector<json> operations;  // all begin before the first is waited for
    for (const auto& name : wanted)
      operations.push_back(
          api.need("POST", "/v1/hosts", order(call, inputs, name), key_of(call, name))
              .value("operation", json::object()));
    json hosts = json::array();
    const auto share = static_cast<uint32_t>(1000 / wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto from = static_cast<uint32_t>(i) * share;
      api.finish(call, operations[i], from, from + share);
      const json placed = api.need("GET", "/v1/hosts/" + wanted[i]);
      if (text(placed, "key") != key_of(call, wanted[i]))
        throw Failed("conflict/lab.host.replaced",
                     wanted[i] + " was placed under another key meanwhile");
      if (text(placed, "power") != "on")
        throw Failed("unavailable/lab.host.off", wanted[i] + " is placed, but it is not running");
      hosts.push_back(as_host(placed));
    }
    return json{{"hosts", hosts}}.dump();
  }

  std::string observe(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_power_off(inputs)) {
      const bool off = all_off(call, inputs);
      return json{{"present", off}, {"proof", off ? power_proof(inputs) : ""}}.dump();
    }
    const ApiClient api(host_, place_of(config_, text(inputs, "zone")), call);
    json hosts = json::array();
    const auto wanted = names(inputs);
    for (const auto& name : wanted) {
      auto found = api.ask("GET", "/v1/hosts/" + name);
      if (found.status == 404) continue;
      if (found.status != 200) throw ApiClient::failure(found.status, found.body);
      if (text(found.body, "key") != key_of(call, name)) continue;  // somebody else's
      if (const auto running = text(found.body, "operation"); !running.empty()) {
        api.finish(call, api.need("GET", "/v1/operations/" + running), 0, 1000);
        found.body = api.need("GET", "/v1/hosts/" + name);
      }
      if (text(found.body, "power") == "on") hosts.push_back(as_host(found.body));
    }
    return json{{"present", hosts.size() == wanted.size()}, {"hosts", hosts}}.dump();
  }

  std::string release(Call& call, std::string_view document) {
    for (const auto& host : json::parse(document).value("hosts", json::array())) {
      const std::string name = text(host, "name");
      const ApiClient api(host_, place_of(config_, text(host, "zone")), call);
      const auto found = api.ask("GET", "/v1/hosts/" + name);
      if (found.status == 404) continue;
      if (found.status != 200) throw ApiClient::failure(found.status, found.body);
      // The name was given to another placement since: what was to be released is gone already.
      if (!text(host, "placement").empty() &&
          text(found.body, "placement") != text(host, "placement"))
        continue;
      const json begun = api.need("DELETE", "/v1/hosts/" + name);
      if (begun.contains("operation")) api.finish(call, begun["operation"], 0, 1000);
    }
    return "{}";
  }

 private:
  // A fence gives hosts and a reason, and no name: they are there and lose their power.
  static bool is_power_off(const json& inputs) {
    return inputs.contains("reason") && inputs.contains("hosts") && !inputs.contains("name");
  }

  // Off, or gone: released, or the name was given to another placement since.
  bool is_off(const Call& call, const json& host) const {
    const ApiClient api(host_, place_of(config_, text(host, "zone")), call);
    const auto found = api.ask("GET", "/v1/hosts/" + text(host, "name"));
    if (found.status == 404) return true;
    if (found.status != 200) throw ApiClient::failure(found.status, found.body);
    const bool other = !text(host, "placement").empty() &&
                       text(found.body, "placement") != text(host, "placement");
    return other || text(found.body, "power") == "off";
  }

  bool all_off(const Call& call, const json& inputs) const {
    const json hosts = inputs.value("hosts", json::array());
    return std::all_of(hosts.begin(), hosts.end(),
                       [&](const json& host) { return is_off(call, host); });
  }

  std::string power_off(Call& call, const json& inputs) const {
    for (const auto& host : inputs.value("hosts", json::array())) {
      if (is_off(call, host)) continue;
      const ApiClient api(host_, place_of(config_, text(host, "zone")), call);
      const json begun =
          api.need("POST", "/v1/hosts/" + text(host, "name") + "/power", {{"state", "off"}});
      api.finish(call, begun.value("operation", json::object()), 0, 1000);
    }
    if (!all_off(call, inputs))
      throw Failed("conflict/lab.power.unproven",
                   "a host has power again although it was switched off");
    return json{{"proof", power_proof(inputs)}}.dump();
  }

  // The claim that the run makes its proof of (docs/contracts.md, fences).
  std::string power_proof(const json& inputs) const {
    json hosts = json::array();
    std::string zone, names;
    for (const auto& host : inputs.value("hosts", json::array())) {
      hosts.push_back({{"name", text(host, "name")}, {"address", text(host, "address")}});
      names += (names.empty() ? "" : ", ") + text(host, "name");
      zone = text(host, "zone");
    }
    return json{{"kind", "host-powered-off"},
                {"subject", {{"hosts", hosts}}},
                {"by", "the provider's API at " + place_of(config_, zone).url},
                {"evidence", names + (hosts.size() == 1 ? " has" : " have") +
                                 " no power, reason: " + text(inputs, "reason")}}
        .dump();
  }

  // "db", or "db-1" "db-2" where there is more than one.
  static std::vector<std::string> names(const json& inputs) {
    const std::string stem = text(inputs, "name");
    if (stem.empty()) throw Failed("invalid/lab.name.missing", "a host needs a name");
    if (text(inputs, "address", "private") != "private")
      throw Failed("invalid/lab.address.public",
                   "the lab places hosts with private addresses only");
    const int64_t count = inputs.value("count", int64_t{1});
    if (count < 1 || count > 16) throw Failed("invalid/lab.count", "count is 1 to 16");
    if (count == 1) return {stem};
    std::vector<std::string> out;
    for (int64_t n = 1; n <= count; ++n) out.push_back(stem + "-" + std::to_string(n));
    return out;
  }

  // One key for each host of the step, the same in every repetition.
  static std::string key_of(const Call& call, const std::string& name) {
    return text(json::parse(call.about()), "key") + "/" + name;
  }

  static json order(const Call& call, const json& inputs, const std::string& name) {
    json labels = inputs.value("labels", json::object());
    const json about = json::parse(call.about());
    if (const auto lane = text(about, "lane"); !lane.empty()) labels["lane"] = lane;
    if (const auto role = text(inputs, "role"); !role.empty()) labels["role"] = role;
    return {{"name", name},
            {"image", text(inputs, "image", "debian")},
            {"authorized_keys", inputs.value("authorized_keys", json::array())},
            {"labels", labels}};
  }

  Host host_;
  json config_;
};

}  // namespace
}  // namespace hyops::local

HYOPS_PLUGIN("hyops.local.compute", "1.0.0", hyops::local::Compute,
             hyops::sdk::Provider<hyops::local::Compute>)
