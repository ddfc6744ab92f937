// One request to the platform, through the core: it adds the token, keeps the deadline, repeats
// what is safe to repeat, and puts every request on record.
#pragma once

#include "hyops/json.hpp"

using hyops::sdk::Call, hyops::sdk::Failed, hyops::sdk::Host, hyops::sdk::Json;

class Platform {
 public:
  Platform(const Host& host, const Json& config)
      : host_(host), api_(config["api"].text()), token_(config["token"].text()) {}

  // The document the platform answers with; null where it says 404.
  Json ask(const char* method, const std::string& path, const std::string& key = {},
           const Json& body = {}) const {
    Json request = Json::object({{"method", method}, {"url", api_ + path}});
    request.set("auth", Json::object({{"scheme", "bearer"}, {"secret", token_}}));
    if (!key.empty())  // the platform does it once, however often it is asked
      request.set("repeatable", true).set("headers", Json::object({{"Idempotency-Key", key}}));
    const auto answer = host_.http(request.dump(), body.is_null() ? "" : body.dump());
    const int64_t status = Json::parse(answer.json)["status"].integer();
    if (status == 404) return {};
    if (status < 300) return answer.body.empty() ? Json::object() : Json::parse(answer.body);
    const std::string kind = status == 401 || status == 403 ? "denied"
                             : status == 409                ? "conflict"
                             : status < 500                 ? "invalid"
                                                            : "unavailable";
    throw Failed(kind + "/@area@.answer", "the platform answered " + std::to_string(status));
  }

 private:
  Host host_;
  std::string api_, token_;
};

// What may stand in a path of the platform.
inline std::string checked_name(const std::string& name) {
  if (!name.empty() && name.find_first_of("/?#% ") == std::string::npos) return name;
  throw Failed("invalid/@area@.name", "a name is missing, or would not fit into a path");
}
