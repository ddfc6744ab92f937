// What the core does for a plugin: the caller gives the powers, the manifest limits them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace hyops::plugin {

// Where the streams of one run are, and the executables that keep them.
struct StreamPlace {
  std::filesystem::path step_host, stream_host;
  std::filesystem::path folder{};  // of the run, below one that exists
};

// All are called on the thread that is in Instance::start or Instance::call, never concurrently for
// one instance. One that is empty is a service the plugin is refused (plugin.service.refused).
struct Services {
  // A secret of the lane by name, for the core to put into a request: the plugin never sees it.
  std::function<Result<Secret>(const std::string& name)> secret;
  // hyops.secret_sink/1: what a secret authority resolved.
  std::function<Status(const std::string& name, const std::string& version, Secret value)> sink;
  // hyops.unseal/1: opens bytes that were sealed to this runner.
  std::function<Result<Secret>(std::string_view sealed)> unseal;
  // One line of http.jsonl for every attempt: {method,url,status,ms,bytes,error} (redacted URL).
  std::function<void(const Json& record)> http_record;
  // One line for every executable run: {argv,code,signal,ms}.
  std::function<void(const Json& record)> exec_record;
  // hyops.log/1; level: debug info warning error. The text is not redacted yet and is printable.
  std::function<void(std::string_view level, const std::string& text)> log;
  // Values of "{name}" in the arguments of hyops.exec/1, for example {"identity_file": "/..."}:
  // paths the plugin may use without being told.
  Json exec_values = Json::object();
  // hyops.stream/1; without a folder it is refused.
  StreamPlace streams{};
};

}  // namespace hyops::plugin
