// A plugin that does as it is told by its inputs, so that a test sees what a plugin sees.
#include "hyops/plugin.hpp"

#include <unistd.h>
#include <nlohmann/json.hpp>

namespace {

using hyops::sdk::Answer;
using hyops::sdk::Call;
using hyops::sdk::Failed;
using hyops::sdk::Host;
using nlohmann::json;

class Speaking {
 public:
  Speaking(const Host& host, std::string_view config) : host_(host), config_(json::parse(config)) {
    if (config_.value("refuse", false))
      throw Failed("invalid/speaking.refused", "the test asked for it");
    host_.log(1, "speaking is made");
  }

  std::string plan(Call&, std::string_view inputs) {
#ifdef SPEAKING_IMPOSTOR
    return "{\"echo\":\"not the one you signed\"}";
#endif
    return json{{"echo", json::parse(inputs)},
                {"config", config_},
                {"cost", {{"currency", "EUR"}, {"micro_per_hour", 0}}}}
        .dump();
  }

  // {"service": "http" | "exec" | "stream" | "unseal" | "sink" | "clock" | "fail" | "throw" |
  // "die", ...}
  std::string apply(Call& call, std::string_view inputs) {
    const json wanted = json::parse(inputs);
    const std::string service = wanted.value("service", "");
    if (service == "fail") throw Failed(wanted.at("code"), wanted.at("message"));
    if (service == "throw") throw std::runtime_error("thrown on purpose");
    if (service == "clock") return json{{"wall_ms", host_.wall_ms()}}.dump();
    if (service == "sink") {
      host_.put_secret(wanted.at("name").get<std::string>(), "7",
                       wanted.at("value").get<std::string>());
      return "{}";
    }
    Answer answer;
    if (service == "http")
      answer = host_.http(wanted.at("request").dump(), wanted.value("body", ""));
    if (service == "stream") {
      const std::string verb = wanted.at("verb"), asked = wanted.at("request").dump();
      answer = verb == "open"    ? host_.open_stream(asked)
               : verb == "close" ? host_.close_stream(asked)
                                 : host_.observe_stream(asked);
    }
    if (service == "exec") answer = host_.exec(wanted.at("request").dump());
    if (service == "unseal") answer = host_.unseal(wanted.at("sealed").get<std::string>());
    call.progress(1000, "done");
    return json{{"json", json::parse(answer.json.empty() ? "{}" : answer.json)},
                {"bytes", answer.body}}
        .dump();
  }

  std::string observe(Call& call, std::string_view) {
    return json{{"about", json::parse(call.about())},
                {"pid", ::getpid()},
                {"cwd", cwd()},
                {"environment", environ && *environ ? *environ : ""},
                {"open", open_descriptors()}}
        .dump();
  }

  // Works until it is told to stop, and then says so.
  std::string release(Call& call, std::string_view) {
    call.progress(1, "working");
    while (!call.wait(60'000)) {
    }
    throw Failed("cancelled/speaking.stopped", "stopped as told");
  }

 private:
  static std::string cwd() {
    char place[256] = "";
    return ::getcwd(place, sizeof place) ? place : "";
  }
  static int open_descriptors() {
    int open = 0;
    for (int fd = 0; fd < 256; ++fd)
      open += ::lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF ? 1 : 0;
    return open;
  }
  Host host_;
  json config_;
};

}  // namespace

HYOPS_PLUGIN("test.speaking", "1.0.0", Speaking, hyops::sdk::Provider<Speaking>)
