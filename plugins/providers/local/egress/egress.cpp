// What a zone of the lab may reach, and fencing a whole zone: rules in the router, read back before
// believed, and proven with packets.
#include <cstdio>

#include "../api_client.hpp"
#include "trials.hpp"

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
    const std::string run = text(json::parse(call.about()), "run").substr(0, 80);
    api.need("PUT", "/v1/egress/" + name_of(inputs),
             {{"sources", inputs.value("sources", json::array())},
              {"allow", wanted},
              {"account", run.empty() ? "nobody" : run}});
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
    return prove_with_packets(api, inputs).dump();
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

  // The claim that the run makes its proof of (docs/contracts.md, fences).
  static std::string proof(const ApiClient& api, const json& now) {
    const bool isolated = now.value("isolated", false);
    return json{{"kind", "network-isolated"},
                {"subject", {{"zone", text(now, "zone")}}},
                {"by", "the router's API at " + api.url()},
                {"evidence", "zone " + text(now, "zone") +
                                 (isolated ? " is isolated" : " is not isolated") + ", " +
                                 std::to_string(now.value("dropped_packets", int64_t{0})) +
                                 " packets dropped, reason: " + text(now, "reason")}}
        .dump();
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

  // Every running host of the sources tries what is allowed and what is not, and the outside tries
  // each of them. What nobody was to reach has to answer the outside meanwhile: a silence proves
  // nothing where nobody would have answered.
  static json prove_with_packets(const ApiClient& api, const json& inputs) {
    const json wanted = rules(inputs);
    const json hosts = running(api, inputs);
    Trials trials;
    for (const auto& written : inputs.value("canaries", json::array())) {
      const json place = canary(written.get<std::string>());
      const bool open = allows(wanted, text(place, "to"), place.value("port", 0));
      if (!open) trials.add("outside", place, "answered");
      for (const auto& host : hosts)
        trials.add(text(host, "name"), place, open ? "answered" : "nothing");
    }
    for (const auto& rule : wanted)
      if (text(rule, "protocol") == "tcp" && is_one_address(text(rule, "cidr")))
        for (const auto& host : hosts)
          trials.add(text(host, "name"),
                     {{"to", address_in(text(rule, "cidr"))}, {"port", rule.value("port", 0)}},
                     "answered");
    for (const auto& host : hosts)
      trials.add("outside", {{"to", text(host, "address")}, {"port", 22}}, "nothing");
    const json tried =
        api.need("POST", "/v1/probes", {{"probes", trials.asked()}, {"timeout_ms", 2000}});
    const json now = api.need("GET", "/v1/egress/" + name_of(inputs));
    return verdict(trials, tried.value("probes", json::array()), now, wanted, api.url());
  }

  static json running(const ApiClient& api, const json& inputs) {
    json found = json::array();
    const json answer = api.need("GET", "/v1/hosts"),
               sources = inputs.value("sources", json::array());
    for (const auto& host : answer.value("hosts", json::array()))
      if (text(host, "power") == "on" && found.size() < most_hosts &&
          std::any_of(sources.begin(), sources.end(), [&](const json& source) {
            return contains(source.get<std::string>(), text(host, "address"));
          }))
        found.push_back(host);
    if (found.empty())
      throw Failed("invalid/lab.egress.no_host", "no host of " + sources.dump() + " runs in zone " +
                                                     text(inputs, "zone") +
                                                     ": nobody can try what it reaches");
    return found;
  }

  static json verdict(const Trials& trials, const json& tried, const json& now, const json& wanted,
                      const std::string& url) {
    json probes = json::array(), reachable = json::array(), denied = json::array();
    const auto note = [&](const std::string& what, bool ok, const std::string& expected,
                          const std::string& found) {
      probes.push_back({{"probe", what}, {"ok", ok}, {"expected", expected}, {"found", found}});
    };
    note("the rules that stand are the ones declared", now.value("allow", json()) == wanted,
         wanted.dump(), now.value("allow", json()).dump());
    bool denial = false;
    for (size_t i = 0; i < trials.size(); ++i) {
      const json& trial = trials[i];
      const std::string found = i < tried.size() ? text(tried[i], "result") : "nobody tried";
      const std::string from = text(trial, "from"), what = from + " -> " + text(trial, "to") + ":" +
                                                           std::to_string(trial.value("port", 0));
      const bool answered = found == "answered",
                 wants_answer = text(trial, "expected") == "answered";
      note(what, found != "failed" && answered == wants_answer, text(trial, "expected"), found);
      if (from != "outside" && answered) reachable.push_back(what);
      if (!answered && !wants_answer) denied.push_back(what + " (" + found + ")");
      denial = denial || (from != "outside" && !wants_answer);
    }
    note("somebody tried what is not allowed", denial, "at least one canary beyond what is allowed",
         denial ? "tried" : "none");
    json connections = json::object();
    for (const auto& one : now.value("connections", json::array())) {
      const std::string to = text(one, "destination") + ":" + std::to_string(one.value("port", 0)) +
                             "/" + text(one, "protocol");
      connections[to] = connections.value(to, int64_t{0}) + one.value("bytes", int64_t{0});
    }
    note("whom its hosts talked to, in bytes", true, "as the router counted them",
         connections.dump());
    const bool proven = std::all_of(probes.begin(), probes.end(),
                                    [](const json& probe) { return probe.value("ok", false); });
    return {{"proven", proven},
            {"reachable", reachable},
            {"denied", denied},
            {"connections", connections},
            {"probes", probes},
            {"proof", std::to_string(trials.size()) + " handshakes tried, rules " +
                          text(now, "name") + " read back from " + url +
                          ", connections counted since run " + text(now, "account")}};
  }

  static constexpr size_t most_hosts = 8;

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
