// What is around a plugin during one check and outlives its helper: the platform, the services, and
// everything the plugin was heard to say.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/ids.hpp"
#include "plugin/check/platform.hpp"
#include "plugin/check/subject.hpp"
#include "plugin/host_services.hpp"

namespace hyops::plugin::check {

class World {
 public:
  explicit World(const Subject& subject);
  ~World();  // closes what it was asked to keep open

  // Answers a {"t":"service"} frame: http://platform.test itself, the rest as the core would. With
  // `offline` nothing is asked of anybody, and every http and exec request is "unavailable".
  Frame serve(const Frame& asked, int64_t deadline_ms, const std::function<bool()>& cancelled);
  void serve_call(const std::string& key) { host_.serve_call(key); }
  bool offline = false;

  void heard(const std::string& where, const std::string& text) { said_.push_back({where, text}); }

  // Ends every idempotency key: a platform may remember those of earlier checks.
  const std::string token = random_token(4);
  Platform platform;
  const std::vector<std::string>& writes() const { return writes_; }  // "PUT http://...": no GET
  const std::set<std::string>& sunk() const { return sunk_; }  // names that came into the sink

  // Is there a secret that it could have said?
  bool planted() const { return !secrets_.empty(); }
  // Where a secret was said, in whatever spelling: "the log". Empty: nowhere.
  std::string leak() const;

 private:
  Frame http(const Json& request, std::string_view body);
  Services services();
  void plant(std::string_view secret);

  const Subject& subject_;
  std::optional<TempDir> streams_;
  HostServices host_;
  std::vector<std::string> writes_, secrets_;
  std::set<std::string> sunk_;
  struct Said {
    std::string where, text;
  };
  std::vector<Said> said_;
};

}  // namespace hyops::plugin::check
