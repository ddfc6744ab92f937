#include "engine/drivers/ssh.hpp"

#include "base/file.hpp"

namespace hyops::engine {
namespace {

namespace fs = std::filesystem;

// Names, addresses, users and keys were checked against their shapes when the input's value became
// known: none holds a space, a quote or a newline.
std::string known_host(const Json& endpoint) {
  const std::string address = get_string(endpoint, "address");
  const int64_t port = get_int(endpoint, "port", 22);
  const std::string where = port == 22 ? address : "[" + address + "]:" + std::to_string(port);
  return where + " " + get_string(endpoint, "host_key") + "\n";
}

// ssh takes the first value it finds, so a host stands before what holds for all.
std::string host_block(const Json& endpoint) {
  const std::string address = get_string(endpoint, "address");
  // Behind a tunnel that loses every packet for a minute a connection is kept, and a new one waits
  // until it was dialled again (hyops.stream/1).
  const bool tunnelled = address == "127.0.0.1";
  return "Host " + get_string(endpoint, "name") + (tunnelled ? " " + address : "") +
         "\n  HostName " + address + "\n  Port " + std::to_string(get_int(endpoint, "port", 22)) +
         "\n  User " + get_string(endpoint, "user", "root") + "\n" +
         (tunnelled ? "  ConnectTimeout 80\n  ServerAliveCountMax 9\n" : "");
}

}  // namespace

std::map<std::string, std::vector<Json>> endpoints_of(const Call& call) {
  std::map<std::string, std::vector<Json>> out;
  for (const auto& [name, field] : call.module.inputs) {
    if (!call.inputs.contains(name)) continue;
    const Json& value = call.inputs[name];
    if (field.type.kind == contract::Kind::endpoint && value.is_object())
      out[name].push_back(value);
    if (field.type.kind == contract::Kind::list && field.type.of->kind == contract::Kind::endpoint)
      for (const auto& endpoint : value) out[name].push_back(endpoint);
  }
  return out;
}

Result<fs::path> write_ssh_config(const Call& call, const Setup& setup) {
  std::string known_hosts, config;
  for (const auto& [input, endpoints] : endpoints_of(call))
    for (const auto& endpoint : endpoints) {
      known_hosts += known_host(endpoint);
      config += host_block(endpoint);
    }
  const fs::path keys = call.folder / "known_hosts", file = call.folder / "ssh_config";
  config += "Host *\n  IdentityFile \"" + setup.ssh_identity().string() +
            "\"\n  IdentitiesOnly yes\n  UserKnownHostsFile \"" + keys.string() +
            "\"\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
            "  ForwardAgent no\n  ConnectTimeout 10\n  ServerAliveInterval 10\n";
  for (const auto& [path, text] : {std::pair(keys, known_hosts), std::pair(file, config)})
    if (auto written = write_file(path, text, 0600, Durable::no); !written) return pass(written);
  return file;
}

}  // namespace hyops::engine
