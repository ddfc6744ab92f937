// Opens sessions to hosts through a relay: each is proven first, none is left behind.
#include "platform.hpp"

namespace {

class Access {
 public:
  Access(const Host& host, const Json& config) : platform_(host, config) {}

  Json prove(Call&, const Json& inputs) {
    Json out = Json::array();
    for (const auto& host : hosts(inputs)) {
      const bool route = relay_answers();  // then the port, the host key, the login
      Json proof = Json::object({{"name", host["name"]}});
      for (const char* key : {"route", "port", "host_key", "login"}) proof.set(key, route);
      out.add(proof);
    }
    return Json::object({{"hosts", out}});
  }

  Json open(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    if (!relay_answers()) throw Failed("unavailable/@area@.relay", "the relay does not answer");
    Json endpoints = Json::array();
    for (const auto& host : hosts(inputs)) {
      if (call.cancelled()) throw Failed("partial/@area@.stopped", "told to stop while opening");
      platform_.ask("PUT", path(host), key + path(host), host);
      endpoints.add(endpoint(host));
    }
    return Json::object({{"endpoints", endpoints}});
  }

  Json observe(Call&, const Json& inputs) {
    Json endpoints = Json::array();
    for (const auto& host : hosts(inputs))
      if (!platform_.ask("GET", path(host)).is_null()) endpoints.add(endpoint(host));
    const bool present = endpoints.items().size() == inputs["hosts"].items().size();
    return Json::object({{"present", present}, {"endpoints", endpoints}});
  }

  Json close(Call&, const Json& inputs) {
    for (const auto& open : inputs["endpoints"].items()) platform_.ask("DELETE", path(open));
    return Json::object();
  }

 private:
  static const std::vector<Json>& hosts(const Json& inputs) {
    if (inputs["hosts"].items().empty())
      throw Failed("invalid/@area@.hosts", "there are no hosts to reach");
    return inputs["hosts"].items();
  }

  static std::string path(const Json& host) {
    return "/sessions/" + checked_name(host["name"].text());
  }
  bool relay_answers() const { return !platform_.ask("GET", "/sessions").is_null(); }

  static Json endpoint(const Json& host) {
    Json out = Json::object({{"expires_ms", 0}});  // until closed
    for (const char* key : {"name", "address", "port", "user", "host_key"}) out.set(key, host[key]);
    return out;
  }

  Platform platform_;
};

}  // namespace

HYOPS_PLUGIN(HYOPS_PLUGIN_ID, HYOPS_PLUGIN_VERSION, Access, hyops::sdk::Access<Access>)
