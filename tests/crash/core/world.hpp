// What runs of these tests act upon: an API out there that counts, and the plugin that speaks to
// it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "support/site.hpp"
#include "unit/net/http_server.hpp"

namespace hyops::tests {

constexpr const char* key_output = "[outputs.key]\ntype = \"string\"\n[effects]\n";

// The world outside: things that were made there, by idempotency key. It refuses a fencing token
// that is older than one it has seen.
class World {
 public:
  World() : server_([this](const net::Request& request) { return take(request); }) {}
  std::string url() const { return server_.url("/"); }
  std::map<std::string, int> things() const {
    const std::lock_guard hold(mutex_);
    return things_;
  }

 private:
  net::Response take(const net::Request& request) {
    const std::lock_guard hold(mutex_);
    const std::string target(request.target());
    if (request.method_string() == "POST") {
      const auto token = std::stoll(std::string(request["Fencing-Token"]));
      if (token < newest_token_) return net::HttpServer::answer(409);
      newest_token_ = token;
      ++things_.try_emplace(std::string(request["Idempotency-Key"]), 0).first->second;
      return net::HttpServer::answer(200);
    }
    return net::HttpServer::answer(things_.count(target.substr(target.rfind('/') + 1)) ? 200 : 404);
  }
  mutable std::mutex mutex_;
  std::map<std::string, int> things_;
  int64_t newest_token_ = 0;
  net::HttpServer server_;
};

// test/keep: a plugin that makes one thing in that world.
inline void add_keeper(Site& site, const World& world) {
  site.plugin("keeper", {"hyops.provider/1"},
              "requires = [\"hyops.http/1\"]\n[http]\nhosts = [\"{config.api}\"]\n[inputs.api]\n"
              "type = \"string\"\nrequired = true\n");
  site.file(site.setup.catalog / "modules/test/keep/module.toml",
            "module = \"test/keep\"\nversion = \"1.0.0\"\ntitle = \"Keep\"\ndoc = \"A test.\"\n" +
                std::string(key_output));
  site.file(site.setup.catalog / "packs/test/keep/pack.toml",
            "pack = \"test/keep\"\nversion = \"1.0.0\"\nmodule = \"test/keep\"\ndriver = "
            "\"plugin\"\nidempotent = true\n[plugin]\nplugin = \"test.keeper\"\ninterface = "
            "\"hyops.provider/1\"\nverb = \"apply\"\n");
  site.bind("test/keep", "test/keep");
  site.lane("[plugins.\"test.keeper\"]\napi = \"" + world.url() + "\"\n");
}

}  // namespace hyops::tests
