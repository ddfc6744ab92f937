// A provider whose effects stand at an HTTP API, one for each idempotency key, so that a test can
// count what happened out there.
#include "hyops/plugin.hpp"

#include <nlohmann/json.hpp>

namespace {

using hyops::sdk::Call;
using hyops::sdk::Failed;
using hyops::sdk::Host;
using nlohmann::json;

class Keeper {
 public:
  Keeper(const Host& host, std::string_view config)
      : host_(host), api_(json::parse(config).at("api").get<std::string>()) {}

  std::string plan(Call&, std::string_view) { return R"({"cost":{"micro_per_hour":0}})"; }

  std::string apply(Call& call, std::string_view) {
    const std::string key = key_of(call);
    const auto token = json::parse(call.about()).at("fencing_token").get<int64_t>();
    const json request{
        {"method", "POST"},
        {"url", api_ + "things"},
        {"timeout_ms", 5000},
        {"headers", {{"Idempotency-Key", key}, {"Fencing-Token", std::to_string(token)}}},
        {"repeatable", true}};
    const int answer = status(request);
    if (answer == 409)
      throw Failed("conflict/keeper.fenced", "the API has seen a newer fencing token");
    if (answer != 200) throw Failed("unavailable/keeper.down", "the API did not take it");
    return json{{"key", key}}.dump();
  }

  std::string observe(Call& call, std::string_view) {
    const std::string key = key_of(call);
    const json request{{"method", "GET"}, {"url", api_ + "things/" + key}, {"timeout_ms", 5000}};
    const int answer = status(request);
    if (answer != 200 && answer != 404)
      throw Failed("unavailable/keeper.down", "the API does not answer");
    return json{{"present", answer == 200}, {"key", key}}.dump();
  }

  std::string release(Call&, std::string_view) { return "{}"; }

 private:
  static std::string key_of(Call& call) { return json::parse(call.about()).at("key"); }
  int status(const json& request) const {
    return json::parse(host_.http(request.dump()).json).value("status", 0);
  }

  Host host_;
  std::string api_;
};

}  // namespace

HYOPS_PLUGIN("test.keeper", "1.0.0", Keeper, hyops::sdk::Provider<Keeper>)
