#include "engine/drivers/ssh.hpp"

#include <algorithm>

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

constexpr int64_t alive_s = 10;  // how often a host that is silent is asked for a sign of life
constexpr int64_t connect_s = 10, longest_outage_s = 600;

// How long the way there may lose every packet and comes back (access plugins say so; behind a
// local endpoint there is a tunnel in any case).
int64_t outage_s(const Json& endpoint) {
  const int64_t usual_ms = get_string(endpoint, "address") == "127.0.0.1" ? 60'000 : 0;
  return std::clamp<int64_t>(get_int(endpoint, "outage_ms", usual_ms) / 1000, 0, longest_outage_s);
}

// Once nothing comes through, TCP doubles its pauses: what was lost is sent again after twice the
// outage at worst, and until then no sign of life can come. ssh gives up with one more than this.
int64_t most_unanswered(int64_t outage) { return (2 * outage + 30) / alive_s - 1; }

// ssh takes the first value it finds, so a host stands before what holds for all. Ansible calls it
// by its address.
std::string host_block(const Json& endpoint) {
  const std::string address = get_string(endpoint, "address");
  const int64_t outage = outage_s(endpoint);
  return "Host " + get_string(endpoint, "name") + (outage > 0 ? " " + address : "") +
         "\n  HostName " + address + "\n  Port " + std::to_string(get_int(endpoint, "port", 22)) +
         "\n  User " + get_string(endpoint, "user", "root") + "\n  ConnectTimeout " +
         std::to_string(connect_timeout_s(endpoint)) + "\n" +
         (outage > 0 ? "  ServerAliveCountMax " + std::to_string(most_unanswered(outage)) + "\n"
                     : "");
}

}  // namespace

int64_t connect_timeout_s(const Json& endpoint) {
  const int64_t outage = outage_s(endpoint);
  return outage > 0 ? outage + 2 * connect_s : connect_s;  // it was dialled again by then
}

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
            "  ForwardAgent no\n  ConnectTimeout " +
            std::to_string(connect_s) + "\n  ServerAliveInterval " + std::to_string(alive_s) + "\n";
  for (const auto& [path, text] : {std::pair(keys, known_hosts), std::pair(file, config)})
    if (auto written = write_file(path, text, 0600, Durable::no); !written) return pass(written);
  return file;
}

}  // namespace hyops::engine
