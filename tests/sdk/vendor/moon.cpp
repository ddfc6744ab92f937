// Takes racks from the controller's pool, each under the key of the step, and gives them back.
#include "hyops/json.hpp"

using hyops::sdk::Call, hyops::sdk::Failed, hyops::sdk::Host, hyops::sdk::Json;

namespace {

class Moon {
 public:
  Moon(const Host& host, const Json& config)
      : host_(host), api_(config["api"].text()), token_(config["token"].text()) {}

  Json plan(Call&, const Json& inputs) {
    const Json host = Json::object({{"name", name(inputs)}, {"zone", "moon"}, {"address", {}}});
    const Json cost = Json::object({{"currency", "EUR"}, {"micro_per_hour", 2'500'000}});
    return Json::object({{"hosts", Json::array({host})}, {"cost", cost}});
  }

  // The controller starts a rack in its own time, and says so when it is asked again.
  Json apply(Call& call, const Json& inputs) {
    const Json order = Json::object({{"name", name(inputs)}, {"key", key(call)}});
    for (Json rack = ask("POST", "/racks", order);; rack = ask("GET", "/racks/" + name(inputs))) {
      if (rack["state"].text() == "up")
        return Json::object({{"hosts", Json::array({rack["host"]})}});
      call.progress(500, "the rack is starting");
      if (call.wait(50)) throw Failed("partial/moon.starting", "stopped while a rack was starting");
    }
  }

  Json observe(Call& call, const Json& inputs) {
    const Json rack = ask("GET", "/racks/" + name(inputs));
    const bool present = rack["key"].text() == key(call);
    Json hosts = Json::array();
    if (present) hosts.add(rack["host"]);
    return Json::object({{"present", present}, {"hosts", hosts}});
  }

  Json release(Call&, const Json& inputs) {
    for (const auto& host : inputs["hosts"].items()) ask("DELETE", "/racks/" + name(host));
    return Json::object();
  }

 private:
  static std::string key(const Call& call) { return Json::parse(call.about())["key"].text(); }
  static std::string name(const Json& of) {
    const std::string name = of["name"].text();
    if (name.empty() || name.find_first_of("/?#% ") != name.npos)
      throw Failed("invalid/moon.name", "a rack needs a name without / ? # %");
    return name;
  }

  Json ask(const char* method, const std::string& path, const Json& body = {}) const {
    const Json auth = Json::object({{"scheme", "bearer"}, {"secret", token_}});
    const Json request = Json::object(
        {{"method", method}, {"url", api_ + path}, {"auth", auth}, {"repeatable", true}});
    const auto answer = host_.http(request.dump(), body.is_null() ? "" : body.dump());
    const int64_t status = Json::parse(answer.json)["status"].integer();
    if (status == 200) return Json::parse(answer.body);
    if (status == 404) return {};
    throw Failed(status == 401 ? "denied/moon.token" : "unavailable/moon.controller",
                 "the controller answered " + std::to_string(status));
  }

  Host host_;
  std::string api_, token_;
};

}  // namespace

HYOPS_PLUGIN(HYOPS_PLUGIN_ID, HYOPS_PLUGIN_VERSION, Moon, hyops::sdk::Provider<Moon>)
