#include "cli/runner_connection.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "cli/plugin.hpp"
#include "plugin/instance.hpp"

namespace hyops::cli {
namespace {

namespace fs = std::filesystem;

// The runner's endpoint after the access plugin has proven route, port, host key and login (A6).
Result<Json> open_runner(const Context& context, const contract::Lane& lane,
                         const std::string& runner, const fs::path& identity) {
  const auto known = lane.runners.find(runner);
  if (known == lane.runners.end()) return unknown_runner(lane, runner);
  if (!known->second.endpoint.is_object())
    return fail("cli.runner.unknown",
                "lane " + lane.name + " gives no endpoint of runner " + runner);
  auto registry = open_registry(context, lane.name);
  if (!registry) return pass(registry);
  plugin::Services services;
  services.exec_values = {{"identity_file", identity.string()}};
  services.exec_record = [](const Json&) {};
  const auto given = lane.plugins.find("hyops.access.runner-local");
  Json config = given == lane.plugins.end() ? Json::object() : given->second;
  config["max_clock_skew"] = "0s";  // a runner with a wrong clock is one that has to be reached
  auto access =
      plugin::Instance::start(*registry, "hyops.access.runner-local", config, std::move(services));
  if (!access) return pass(access);
  Json host = known->second.endpoint;
  host["zone"] = known->second.plane;
  host["placement"] = "runner";
  host.erase("expires_ms");
  plugin::CallRequest call;
  call.interface = "hyops.access/1";
  call.verb = "open";
  call.input = {{"hosts", Json::array({host})}};
  call.lane = lane.name;
  call.key = random_token();
  call.deadline_ms = system_clock().mono_ms() + 30'000;
  auto opened = access->call(call);
  if (!opened) return pass(opened, "while opening access to runner " + runner);
  if (!opened->contains("endpoints") || !(*opened)["endpoints"].is_array() ||
      (*opened)["endpoints"].empty())
    return fail("cli.runner.unknown", "the access plugin opened no endpoint for runner " + runner);
  return (*opened)["endpoints"][0];
}

Result<RunnerConnection> connect(const Json& endpoint, const fs::path& identity,
                                 const std::string& command) {
  auto folder = TempDir::create(fs::temp_directory_path());
  if (!folder) return pass(folder);
  const std::string address = get_string(endpoint, "address");
  const int64_t port = get_int(endpoint, "port", 22);
  const std::string where = port == 22 ? address : "[" + address + "]:" + std::to_string(port);
  if (auto pinned = write_file(folder->path() / "known_hosts",
                               where + " " + get_string(endpoint, "host_key") + "\n", 0600);
      !pinned)
    return pass(pinned);
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd in_read(in[0]), in_write(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd out_read(out[0]), out_write(out[1]);
  process::SpawnRequest request;
  request.argv = {"ssh",
                  "-F",
                  "none",
                  "-T",
                  "-i",
                  identity.string(),
                  "-p",
                  std::to_string(port),
                  "-o",
                  "UserKnownHostsFile=" + (folder->path() / "known_hosts").string(),
                  "-o",
                  "GlobalKnownHostsFile=/dev/null",
                  "-o",
                  "StrictHostKeyChecking=yes",
                  "-o",
                  "BatchMode=yes",
                  "-o",
                  "IdentitiesOnly=yes",
                  "-o",
                  "ForwardAgent=no",
                  "-o",
                  "ConnectTimeout=10",
                  "-o",
                  "ServerAliveInterval=5",
                  "-o",
                  "ServerAliveCountMax=3",
                  get_string(endpoint, "user", "root") + "@" + address,
                  command};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  request.in = in_read.get();
  request.out = out_write.get();
  request.err = STDERR_FILENO;
  auto ssh = process::spawn(request);
  if (!ssh) return pass(ssh);
  return RunnerConnection{std::move(*folder), std::move(*ssh), std::move(in_write),
                          std::move(out_read)};
}

}  // namespace

Failure unknown_runner(const contract::Lane& lane, const std::string& runner) {
  std::vector<std::string> names;
  for (const auto& [name, about] : lane.runners) names.push_back(name);
  return fail("cli.runner.unknown", "lane " + lane.name + " has no runner \"" +
                                        printable(runner, 80) + "\"." +
                                        did_you_mean(runner, names));
}

Result<RunnerConnection> connect_runner(const Context& context, const contract::Lane& lane,
                                        const std::string& runner, const fs::path& identity,
                                        const std::string& words) {
  auto endpoint = open_runner(context, lane, runner, identity);
  if (!endpoint) return pass(endpoint);
  return connect(*endpoint, identity, lane.runners.at(runner).hyops + " " + words);
}

}  // namespace hyops::cli
