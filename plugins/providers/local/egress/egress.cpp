// What a zone of the lab may reach, and fencing a whole zone: rules in the router, read back before
// believed.
#include <cstdio>

#include "../api_client.hpp"

namespace hyops::local {
namespace {

using sdk::Call;
using sdk::Host;

bool is_private(const std::string& cidr) {
  if (cidr.rfind("10.", 0) == 0 || cidr.rfind("192.168.", 0) == 0) return true;
  int second = 0;
  return std::sscanf(cidr.c_str(), "172.%d.", &second) == 1 && second >= 16 && second <= 31;
}

// "10.77.2.0/24:22" or "10.77.2.0/24:53/udp"
json destination(const std::string& written) {
  const size_t colon = written.rfind(':');
  const size_t slash = colon == std::string::npos ? colon : written.find('/', colon);
  const std::string port =
      colon == std::string::npos
          ? ""
          : written.substr(colon + 1, slash == std::string::npos ? slash : slash - colon - 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos)
    throw Failed("invalid/lab.egress.destination",
                 "a destination is written cidr:port, not " + written);
  return {{"cidr", written.substr(0, colon)},
          {"port", std::stoi(port)},
          {"protocol", slash == std::string::npos ? "tcp" : written.substr(slash + 1)}};
}

class Egress {
 public:
  Egress(const Host& host, std::string_view config) : host_(host), config_(json::parse(config)) {}

  std::string plan(Call&, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_isolation(inputs))
      return json{{"rules", json::array({"isolate " + text(inputs, "zone")})}}.dump();
    return json{{"rules", rules(inputs)}, {"name", name_of(inputs)}}.dump();
  }

  std::string apply(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_isolation(inputs)) {
      const ApiClient api = fence(call);
      api.need("PUT", isolation(inputs), {{"reason", text(inputs, "reason")}});
      const json now = api.need("GET", isolation(inputs));
      if (!now.value("isolated", false))
        throw Failed("internal/lab.isolation.unproven",
                     "the zone is not isolated although it was accepted");
      return json{{"proof", proof(api, now)}}.dump();
    }
    const ApiClient api(host_, place_of(config_, text(inputs, "zone")), call);
    const json wanted = rules(inputs);
    api.need("PUT", "/v1/egress/" + name_of(inputs),
             {{"sources", inputs.value("sources", json::array())}, {"allow", wanted}});
    const json now = api.need("GET", "/v1/egress/" + name_of(inputs));
    if (now.value("allow", json()) != wanted)
      throw Failed("conflict/lab.egress.unproven",
                   "other rules stand under " + name_of(inputs) + " than were declared");
    host_.log(1, "egress " + name_of(inputs) + ": " + now.value("rules", json::array()).dump());
    return "{}";
  }

  std::string observe(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_isolation(inputs)) {
      const ApiClient api = fence(call);
      const json now = api.need("GET", isolation(inputs));
      const bool present = now.value("isolated", false);
      return json{{"present", present}, {"proof", present ? proof(api, now) : ""}}.dump();
    }
    const ApiClient api(host_, place_of(config_, text(inputs, "zone")), call);
    const auto found = api.ask("GET", "/v1/egress/" + name_of(inputs));
    if (found.status != 200 && found.status != 404)
      throw ApiClient::failure(found.status, found.body);
    return json{
        {"present", found.status == 200 && found.body.value("allow", json()) == rules(inputs)}}
        .dump();
  }

  std::string prove(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_isolation(inputs)) {
      const ApiClient api = fence(call);
      const json now = api.need("GET", isolation(inputs));
      const bool proven = now.value("isolated", false);
      return json{{"proven", proven},
                  {"reachable", json::array()},
                  {"denied", json::array({text(inputs, "zone") + " from and to everywhere"})},
                  {"proof", proof(api, now)}}
          .dump();
    }
    const ApiClient api(host_, place_of(config_, text(inputs, "zone")), call);
    const json now = api.need("GET", "/v1/egress/" + name_of(inputs));
    json reachable = json::array();
    for (const auto& rule : now.value("rules", json::array()))
      reachable.push_back(text(rule, "source") + " -> " + text(rule, "cidr") + ":" +
                          std::to_string(rule.value("port", 0)) + "/" + text(rule, "protocol") +
                          " (" + std::to_string(rule.value("packets", int64_t{0})) + " packets)");
    return json{{"proven", now.value("allow", json()) == rules(inputs)},
                {"reachable", reachable},
                {"denied", json::array({"everything else from the same sources"})},
                {"proof", "rules " + name_of(inputs) + " read back from " + api.url()}}
        .dump();
  }

  std::string release(Call& call, std::string_view document) {
    const json inputs = json::parse(document);
    if (is_isolation(inputs)) {
      const ApiClient api = fence(call);
      api.need("DELETE", isolation(inputs));
      if (api.need("GET", isolation(inputs)).value("isolated", true))
        throw Failed("internal/lab.isolation.unproven", "the zone is still isolated");
      return "{}";
    }
    ApiClient(host_, place_of(config_, text(inputs, "zone")), call)
        .need("DELETE", "/v1/egress/" + name_of(inputs));
    return "{}";
  }

 private:
  // An isolation gives a reason and names no sources; an egress policy is the other way round.
  static bool is_isolation(const json& inputs) {
    return inputs.contains("reason") && !inputs.contains("sources");
  }
  static std::string isolation(const json& inputs) {
    return "/v1/isolation/" + text(inputs, "zone");
  }

  ApiClient fence(const Call& call) const {
    if (text(config_, "fence_api").empty())
      throw Failed("invalid/lab.fence.missing",
                   "the lane's configuration names no fence_api: a zone is fenced from outside it");
    return ApiClient(
        host_,
        {"", text(config_, "fence_api"), text(config_, "fence_token", text(config_, "token"))},
        call);
  }

  static std::string proof(const ApiClient& api, const json& now) {
    return "zone " + text(now, "zone") +
           (now.value("isolated", false) ? " is isolated" : " is not isolated") + " at " +
           api.url() + ", " + std::to_string(now.value("dropped_packets", int64_t{0})) +
           " packets dropped, reason: " + text(now, "reason");
  }

  static json rules(const json& inputs) {
    json out = json::array();
    for (const auto& written : inputs.value("allow", json::array())) {
      json rule = destination(written.get<std::string>());
      if (text(inputs, "mode", "none") == "none" && !is_private(text(rule, "cidr")))
        throw Failed("invalid/lab.egress.mode",
                     text(rule, "cidr") + " is outside the private zones: mode has to be nat");
      out.push_back(std::move(rule));
    }
    return out;
  }

  // The policy of one zone's sources has one name, so that declaring it again replaces it.
  static std::string name_of(const json& inputs) {
    uint32_t hash = 2166136261u;  // FNV-1a: a name, not a promise
    for (const char c : inputs.value("sources", json::array()).dump())
      hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x", hash);
    return text(inputs, "zone").substr(0, 30) + "-" + digits;
  }

  Host host_;
  json config_;
};

}  // namespace
}  // namespace hyops::local

HYOPS_PLUGIN("hyops.local.egress", "1.0.0", hyops::local::Egress,
             hyops::sdk::Egress<hyops::local::Egress>)
