// An authority of secrets: values go to the core's sink, and nowhere else.
#include "platform.hpp"

namespace {

class Authority {
 public:
  Authority(const Host& host, const Json& config) : host_(host), platform_(host, config) {}

  Json probe(Call&, const Json&) {
    const Json listed = platform_.ask("GET", "/secrets");  // lives as long as what is in it is used
    Json names = Json::array();
    for (const auto& secret : listed["items"].items()) names.add(secret["name"]);
    return Json::object({{"name", HYOPS_PLUGIN_ID},
                         {"version", "1"},
                         {"expires_ms", 0},  // never
                         {"names", names}});
  }

  Json resolve(Call&, const Json& inputs) {
    Json resolved = Json::array();
    for (const auto& wanted : inputs["names"].items()) {
      const std::string name = checked_name(wanted.text());
      const Json secret = platform_.ask("GET", "/secrets/" + name);
      if (secret.is_null()) throw Failed("invalid/@area@.unknown", "there is no secret " + name);
      host_.put_secret(name, secret["version"].text(), secret["value"].text());
      resolved.add(Json::object({{"name", name}, {"version", secret["version"]}}));
    }
    return Json::object({{"resolved", resolved}});
  }

  Json store(Call&, const Json&) { throw read_only(); }
  Json transition(Call&, const Json&) { throw read_only(); }

 private:
  static Failed read_only() {
    return Failed("denied/@area@.read_only", "this authority is written to by other means");
  }

  Host host_;
  Platform platform_;
};

}  // namespace

HYOPS_PLUGIN(HYOPS_PLUGIN_ID, HYOPS_PLUGIN_VERSION, Authority,
             hyops::sdk::SecretAuthority<Authority>)
