// A small platform inside the kit, so that a new plugin has something to place on before it has a
// sandbox: documents by path at http://platform.test, with the manners of a cloud's API.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace hyops::plugin::check {

// GET /hosts/a       the document, or 404
// GET /hosts         {"items":[...]}
// PUT /hosts/a       puts it there; a new one gets what a platform gives: address, user, port,
//                    host_key, placement, and this once initial_password. Again: the same
// POST /hosts        a new one each time, but under one Idempotency-Key only once
// DELETE /hosts/a    {}, or 404
class Platform {
 public:
  static constexpr const char* url = "http://platform.test";
  static constexpr const char* password = "shown-once-by-the-platform";

  explicit Platform(const Json& documents);
  struct Reply {
    int status = 200;
    Json body = Json::object();
  };
  Reply answer(const std::string& method, const std::string& path, const std::string& key,
               const Json& body);
  size_t size() const { return documents_.size(); }

 private:
  Reply put(const std::string& path, const Json& body);
  std::map<std::string, Json> documents_;
  std::map<std::string, std::string> by_key_;  // Idempotency-Key of a POST -> path
  int made_ = 0;
};

}  // namespace hyops::plugin::check
