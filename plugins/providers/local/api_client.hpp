// What both plugins of the lab's small cloud need to talk to its API: addresses by zone, errors by
// class.
#pragma once

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "hyops/plugin.hpp"

namespace hyops::local {

using nlohmann::json;
using sdk::Failed;

// Documents come from the core (inputs, configuration) or from the API, and are checked where they
// are used.
inline std::string text(const json& object, const char* key, const std::string& fallback = {}) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

struct ApiPlace {
  std::string zone, url, secret;  // secret: the name of the token
};

// {"api","token","zone"} is the zone of the runner; {"zones":{zone:url},"tokens":{zone:name}} are
// others.
inline ApiPlace place_of(const json& config, const std::string& zone) {
  if (zone.empty() || zone == text(config, "zone"))
    return {zone.empty() ? text(config, "zone") : zone, text(config, "api"), text(config, "token")};
  const json zones = config.value("zones", json::object()),
             tokens = config.value("tokens", json::object());
  if (zones.contains(zone))
    return {zone, text(zones, zone.c_str()), text(tokens, zone.c_str(), text(config, "token"))};
  if (text(config, "zone").empty() && zones.empty())
    return {zone, text(config, "api"), text(config, "token")};
  throw Failed("invalid/lab.zone.unknown",
               "the lane's configuration of this plugin has no API for zone " + zone);
}

class ApiClient {
 public:
  ApiClient(const sdk::Host& host, ApiPlace place, const sdk::Call& call)
      : host_(host), place_(std::move(place)), about_(json::parse(call.about())) {}

  const std::string& zone() const { return place_.zone; }
  const std::string& url() const { return place_.url; }

  struct Reply {
    int status = 0;
    json body;
  };

  // One request; with an idempotency key it may be repeated, whatever its method.
  Reply ask(const std::string& method, const std::string& path, const json& body = nullptr,
            const std::string& idempotency_key = {}) const {
    json request{{"method", method},
                 {"url", place_.url + path},
                 {"timeout_ms", 10'000},
                 {"headers", json::object()},
                 {"auth", {{"scheme", "bearer"}, {"secret", place_.secret}}}};
    if (!body.is_null()) request["headers"]["Content-Type"] = "application/json";
    if (!idempotency_key.empty()) {
      request["headers"]["Idempotency-Key"] = idempotency_key;
      request["repeatable"] = true;
    }
    if (method != "GET" && !text(about_, "lane").empty())
      request["headers"]["X-Fencing-Token"] =
          text(about_, "lane") + "=" + std::to_string(about_.value("fencing_token", int64_t{0}));
    const auto answer = host_.http(request.dump(), body.is_null() ? "" : body.dump());
    Reply reply{json::parse(answer.json).value("status", 0),
                json::parse(answer.body, nullptr, false)};
    if (reply.body.is_discarded()) reply.body = json::object();
    return reply;
  }

  // The same, with every answer but success thrown as a failure in the API's own words.
  json need(const std::string& method, const std::string& path, const json& body = nullptr,
            const std::string& idempotency_key = {}) const {
    Reply reply = ask(method, path, body, idempotency_key);
    if (reply.status < 200 || reply.status > 299) throw failure(reply.status, reply.body);
    return std::move(reply.body);
  }

  // Polls an operation to its end and gives its result.
  json finish(sdk::Call& call, json operation, uint32_t from_permille, uint32_t to_permille) const {
    const std::string id = text(operation, "id");
    for (;;) {
      const std::string state = text(operation, "state");
      if (state == "done") return operation.value("result", json::object());
      if (state == "failed") throw failure(500, operation.value("error", json::object()));
      const uint32_t part = std::min(operation.value("permille", 0u), 1000u);
      call.progress(from_permille + (to_permille - from_permille) * part / 1000,
                    text(operation, "note"));
      if (call.wait(100))
        throw Failed("partial/lab.operation.running",
                     "told to stop while operation " + id + " was still running");
      operation = need("GET", "/v1/operations/" + id);
    }
  }

  static Failed failure(int status, const json& error) {
    const char* kind = status == 401 || status == 403  ? "denied"
                       : status == 409                 ? "conflict"
                       : status == 429                 ? "exhausted"
                       : status >= 400 && status < 500 ? "invalid"
                                                       : "unavailable";
    std::string code = text(error, "code", "answer." + std::to_string(status));
    std::replace_if(
        code.begin(), code.end(),
        [](char c) {
          return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
        },
        '_');
    return Failed(std::string(kind) + "/lab." + code.substr(0, 60),
                  text(error, "message", "the lab's API answered " + std::to_string(status)));
  }

 private:
  const sdk::Host& host_;
  ApiPlace place_;
  json about_;
};

}  // namespace hyops::local
