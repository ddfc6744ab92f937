// A plugin's way from its file to its first answer, confined; what confining costs of it; and a
// verb on an instance that is open.
#include "parts.hpp"
#include "plugin/instance.hpp"
#include "process/spawn.hpp"

namespace hyops::bench {
namespace {

// What a plugin system over subprocesses does at the least: a process, and one line from it.
void shake_hands() {
  process::SpawnRequest request;
  request.argv = {"/bin/echo", "1|1|unix|/run/plugin.sock|grpc"};
  const auto said = need(process::run(request, 10'000));
  if (said.out.empty()) give_up("the subprocess printed no handshake");
}

plugin::CallRequest plan_of_a_host() {
  plugin::CallRequest request;
  request.interface = "hyops.provider/1";
  request.verb = "plan";
  request.input = {{"name", "db-1"}, {"zone", "cloud"}};
  request.lane = "drill";
  return request;
}

}  // namespace

void measure_plugin(Table& table) {
  const auto registry =
      need(plugin::Registry::open(plugin::standard_sources(built(""), "/nonexistent")));
  const auto request = plan_of_a_host();
  const Json config{{"api", "http://127.0.0.1:9"}, {"token", "lab"}, {"zone", "cloud"}};
  const auto start = [&] {
    return need(plugin::Instance::start(registry, "hyops.local.compute", config, {}));
  };
  Samples whole, bare, handshake, confined, open_to_all;
  const std::string helper = registry.sources().helper.string();
  for (int i = 0; i < 31; ++i) {
    std::optional<plugin::Instance> instance;
    const double took = time_ms([&] {
      instance.emplace(start());
      need(instance->call(request));
    });
    instance.reset();  // its end is not part of the way to an answer
    const double spawned = time_ms([] { run_bare({{"/bin/true"}, {}}); });
    const double shaken = time_ms(shake_hands);
    const double fenced =
        time_ms([&] { need(plugin::examine_isolation(registry.sources().helper)); });
    // Started by hand it has no core to serve and ends, having given up nothing.
    const double unfenced = time_ms([&] {
      process::SpawnRequest alone;
      alone.argv = {helper};
      need(process::run(alone, 10'000));
    });
    if (i == 0) continue;
    whole.add(took);
    bare.add(spawned);
    handshake.add(shaken);
    confined.add(fenced);
    open_to_all.add(unfenced);
  }
  table.add({"plugin: manifest, signature, its process confined, load, one `plan`", "ms", whole,
             "posix_spawn of /bin/true", bare, "< 5 ms", whole.median() < 5});
  table.add(
      {"the same", "ms", whole, "a subprocess that prints a handshake line", handshake, "", {}});
  table.add({"of it: the helper starts, confines itself, says so and ends",
             "ms",
             confined,
             "the helper starts and ends, unconfined",
             open_to_all,
             "",
             {}});

  auto open = start();
  Samples verbs;
  for (int i = 0; i < 11; ++i) {
    const double took = time_ms([&] {
      for (int n = 0; n < 1000; ++n) need(open.call(request));
    });
    if (i > 0) verbs.add(took);  // ms for a thousand: us for one
  }
  table.add(
      {"one verb on an open instance", "us", verbs, "", {}, "< 100 us", verbs.median() < 100});
}

}  // namespace hyops::bench
