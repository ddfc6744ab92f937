// A runner that takes what vendors ship: a home with people, a lane and a catalogue, and a platform
// that answers over HTTP on this machine.
#pragma once

#include "plugin/check/platform.hpp"
#include "unit/net/http_server.hpp"
#include "unit/operator/operator.hpp"

namespace hyops::test {

// The platform that the templates are written for, on a port of its own, behind a token.
class Cloud {
 public:
  explicit Cloud(const Json& documents)
      : platform_(documents), server_([this](const net::Request& asked) { return reply(asked); }) {}
  std::string url() const {
    const std::string url = server_.url();
    return url.substr(0, url.size() - 1);
  }
  size_t asked(const std::string& method, const std::string& path) const {
    size_t times = 0;
    for (const auto& request : server_.requests())
      times += request.method_string() == method && request.target() == path;
    return times;
  }
  static constexpr const char* token = "token-of-the-sandbox";

 private:
  std::optional<net::Response> reply(const net::Request& asked) {
    if (asked["Authorization"] != std::string("Bearer ") + token)
      return net::HttpServer::answer(401);
    const auto body = Json::parse(asked.body(), nullptr, false);
    const auto said =
        platform_.answer(std::string(asked.method_string()), std::string(asked.target()),
                         std::string(asked["Idempotency-Key"]), body);
    return net::HttpServer::answer(said.status, said.body.dump());
  }

  plugin::check::Platform platform_;
  net::HttpServer server_;
};

class Runner : public Operator {
 public:
  // A module as it ships.
  void take(const std::string& module) const {
    fs::create_directories((catalog() / "modules" / module).parent_path());
    fs::copy(fs::path(HYOPS_SOURCE_DIR "/catalog/modules") / module, catalog() / "modules" / module,
             fs::copy_options::recursive);
  }

  // That module, done by that verb of a plugin.
  void stands_for(const std::string& module, const std::string& plugin,
                  const std::string& interface, const std::string& verb) {
    take(module);
    write(
        "catalog/packs/acme/use/pack.toml",
        "pack = \"acme/use\"\nversion = \"1.0.0\"\nmodule = \"" + module +
            "\"\ndriver = \"plugin\"\ntimeout = \"1m\"\nidempotent = true\n[plugin]\nplugin = \"" +
            plugin + "\"\ninterface = \"" + interface + "\"\nverb = \"" + verb + "\"\n" +
            (interface == "hyops.access/1" ? "mode = \"runner-local\"\n" : ""));
    bind(module, "acme/use");
  }

  // The embedded authority's bundle, sealed to this runner, with the platform's token in it.
  std::string bundle() {
    const Json key = run({"key", "show", "runner", "--json"}).json();
    fs::create_directories(path() / "own");
    EXPECT_TRUE(write_file(path() / "own/api-token", Cloud::token));
    const auto sealed =
        run({"secret", "seal", "--name", "own", "--version", "1", "--to-runner",
             get_string(key, "seal"), "--from-dir", at("own"), "--out", at("own.sealed")});
    EXPECT_EQ(sealed.code, 0) << sealed.out << sealed.err;
    return at("own.sealed");
  }
};

}  // namespace hyops::test
