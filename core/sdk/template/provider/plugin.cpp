// Places hosts: every verb can be repeated, and finds again what an earlier process had begun.
#include "platform.hpp"

namespace {

class Provider {
 public:
  Provider(const Host& host, const Json& given) : platform_(host, given), price_(given["price"]) {}

  Json plan(Call&, const Json& inputs) {
    Json hosts = Json::array();
    for (const auto& name : names(inputs))
      hosts.add(Json::object({{"name", name}, {"zone", inputs["zone"]}, {"address", {}}}));
    Json cost = Json::object({{"currency", "EUR"}, {"micro_per_hour", {}}});  // not known
    const auto all = int64_t(hosts.items().size());
    if (!price_.is_null()) cost.set("micro_per_hour", all * price_.integer());
    return Json::object({{"hosts", hosts}, {"cost", cost}});
  }

  Json apply(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    Json hosts = Json::array();
    for (const auto& name : names(inputs)) {
      if (call.cancelled()) throw Failed("partial/@area@.stopped", "told to stop before " + name);
      const Json there = platform_.ask("GET", "/hosts/" + name);
      if (!there.is_null() && there["key"].text() != key)
        throw Failed("conflict/@area@.taken", name + " was placed by somebody else");
      const Json order = Json::object({{"name", name}, {"zone", inputs["zone"]}, {"key", key}});
      hosts.add(as_host(platform_.ask("PUT", "/hosts/" + name, key + "/" + name, order)));
    }
    return Json::object({{"hosts", hosts}});
  }

  Json observe(Call& call, const Json& inputs) {
    const std::string key = Json::parse(call.about())["key"].text();
    const auto wanted = names(inputs);
    Json hosts = Json::array();
    for (const auto& name : wanted) {
      const Json there = platform_.ask("GET", "/hosts/" + name);
      if (!there.is_null() && there["key"].text() == key) hosts.add(as_host(there));
    }
    const bool present = hosts.items().size() == wanted.size();
    return Json::object({{"present", present}, {"hosts", hosts}});
  }

  Json release(Call&, const Json& inputs) {
    for (const auto& host : inputs["hosts"].items())
      platform_.ask("DELETE", "/hosts/" + checked_name(host["name"].text()));
    return Json::object();
  }

 private:
  // "db", or "db-1" "db-2" where there is more than one.
  static std::vector<std::string> names(const Json& inputs) {
    const std::string stem = checked_name(inputs["name"].text());
    const int64_t count = inputs["count"].integer(1);
    if (count < 1 || count > 16) throw Failed("invalid/@area@.count", "count is 1 to 16");
    if (count == 1) return {stem};
    std::vector<std::string> out;
    for (int64_t n = 1; n <= count; ++n) out.push_back(stem + "-" + std::to_string(n));
    return out;
  }

  static Json as_host(const Json& placed) {
    Json host = Json::object();
    for (const char* key : {"name", "zone", "address", "user", "port", "host_key", "placement"})
      host.set(key, placed[key]);
    return host;
  }

  Platform platform_;
  Json price_;
};

}  // namespace

HYOPS_PLUGIN(HYOPS_PLUGIN_ID, HYOPS_PLUGIN_VERSION, Provider, hyops::sdk::Provider<Provider>)
