// Runs a playbook: inventory from typed endpoints, pinned host keys only, per-host results in the
// record.
#include <fstream>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

namespace fs = std::filesystem;

constexpr int unreachable = 4;  // ansible-playbook's exit status where a host did not answer

// ssh multiplexes one connection per host over a socket whose path has 108 bytes at most.
constexpr size_t longest_socket_folder = 40;

std::string known_host(const Json& endpoint) {
  const std::string address = get_string(endpoint, "address");
  const int64_t port = get_int(endpoint, "port", 22);
  const std::string where = port == 22 ? address : "[" + address + "]:" + std::to_string(port);
  return where + " " + get_string(endpoint, "host_key") + "\n";
}

class AnsibleDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared& shared) override {
    auto stage = playbook(call, shared, call.pack.playbook);
    if (!stage) return pass(stage);
    return std::vector<Stage>{std::move(*stage)};
  }

  Result<std::optional<Stage>> prepare_observe(const Call& call, Shared& shared) override {
    if (call.pack.observe_playbook.empty()) return std::nullopt;
    auto stage = playbook(call, shared, call.pack.observe_playbook);
    if (!stage) return pass(stage);
    return std::optional<Stage>(std::move(*stage));
  }

  // Our callback plugin wrote one line for every host at the end of the play (L9).
  std::vector<std::pair<std::string, Json>> findings(const Call& call, Shared&) override {
    std::vector<std::pair<std::string, Json>> events;
    std::ifstream in(call.folder / "hosts.jsonl");
    for (std::string line; std::getline(in, line);)
      if (auto host = parse_json(line, "host result", 1u << 20)) {
        (*host)["step"] = call.step.id;
        (*host)["attempt"] = call.attempt;
        events.emplace_back("step.host", std::move(*host));
      }
    return events;
  }

 private:
  static Result<Stage> playbook(const Call& call, Shared& shared, const std::string& file) {
    Json groups = Json::object();
    std::string known_hosts;
    for (const auto& [input, endpoints] : endpoints_of(call)) {
      Json hosts = Json::object();
      for (const auto& endpoint : endpoints) {
        known_hosts += known_host(endpoint);
        hosts[get_string(endpoint, "name")] = {
            {"ansible_host", get_string(endpoint, "address")},
            {"ansible_port", get_int(endpoint, "port", 22)},
            {"ansible_user", get_string(endpoint, "user", "root")},
            {"ansible_ssh_private_key_file", shared.setup.ssh_identity().string()},
            {"ansible_python_interpreter", "/usr/bin/python3"}};
      }
      groups[input] = {{"hosts", hosts}};
    }
    const fs::path secrets = call.folder / "secrets";
    const Json vars{{"hyops",
                     {{"inputs", call.inputs},
                      {"outputs", (call.folder / "outputs.json").string()},
                      {"probes", (call.folder / "probes.jsonl").string()},
                      {"progress", (call.folder / "progress.jsonl").string()},
                      {"secrets", secrets.string()},
                      {"run", shared.journal.run().value},
                      {"step", call.step.id},
                      {"key", call.key},
                      {"lane", shared.plan.lane},
                      {"fencing_token", shared.fencing_token}}}};
    const fs::path inventory = call.folder / "inventory.json";
    const std::pair<fs::path, std::string> files[] = {
        {inventory, Json{{"all", {{"children", groups}}}}.dump()},
        {call.folder / "vars.json", vars.dump()},
        {call.folder / "known_hosts", known_hosts},
        {call.folder / "ansible.cfg", "[defaults]\n"}};
    for (const auto& [path, text] : files)
      if (auto written = write_file(path, text, 0600); !written) return pass(written);

    std::string ssh =
        "-o UserKnownHostsFile=" + (call.folder / "known_hosts").string() +
        " -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o BatchMode=yes"
        " -o IdentitiesOnly=yes -o ForwardAgent=no -o ConnectTimeout=10 -o ServerAliveInterval=10";
    Stage stage{"run",
                {executable("ansible-playbook"), "-i", inventory.string(), "-e",
                 "@" + (call.folder / "vars.json").string(), (pack_copy(call) / file).string()},
                {}};
    stage.lost_codes = {unreachable};
    const fs::path sockets =
        shared.setup.home / "s" / sha256_hex(call.folder.string()).substr(0, 6);
    if (sockets.string().size() <= longest_socket_folder) {
      if (auto made = make_folders(sockets); !made) return pass(made);
      ssh += " -o ControlMaster=auto -o ControlPersist=20s";
      stage.environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = sockets.string();
    }
    stage.environment.insert({{"ANSIBLE_CONFIG", (call.folder / "ansible.cfg").string()},
                              {"ANSIBLE_HOME", (call.folder / "home").string()},
                              {"ANSIBLE_LOCAL_TEMP", (call.folder / "home").string()},
                              {"ANSIBLE_NOCOLOR", "1"},
                              {"ANSIBLE_PIPELINING", "1"},
                              {"ANSIBLE_HOST_KEY_CHECKING", "1"},
                              {"ANSIBLE_RETRY_FILES_ENABLED", "0"},
                              {"ANSIBLE_SSH_ARGS", ssh},
                              {"ANSIBLE_CALLBACK_PLUGINS",
                               (shared.setup.prefix / "share/hyops/ansible/callback").string()},
                              {"ANSIBLE_CALLBACKS_ENABLED", "hyops_record"},
                              {"HYOPS_HOST_RESULTS", (call.folder / "hosts.jsonl").string()}});
    return stage;
  }
};

}  // namespace

std::unique_ptr<Driver> make_ansible_driver() { return std::make_unique<AnsibleDriver>(); }

}  // namespace hyops::engine
