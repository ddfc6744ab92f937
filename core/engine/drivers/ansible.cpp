// Runs a playbook: inventory from typed endpoints, pinned host keys only, per-host results in the
// record.
#include "base/digest.hpp"
#include "base/text.hpp"
#include "engine/drivers/ssh.hpp"
#include "engine/drivers/tool.hpp"

namespace hyops::engine {
namespace {

namespace fs = std::filesystem;

// ssh multiplexes one connection per host over a socket whose path has 108 bytes at most.
constexpr size_t longest_socket_folder = 40;

class AnsibleDriver final : public ToolDriver {
 protected:
  Result<std::vector<Stage>> prepare(const Call& call, Shared& shared) override {
    auto stage = playbook(call, shared, call.pack.playbook);
    if (!stage) return pass(stage);
    return std::vector<Stage>{std::move(*stage)};
  }

  Result<std::vector<Stage>> prepare_observe(const Call& call, Shared& shared) override {
    if (call.pack.observe_playbook.empty()) return std::vector<Stage>{};
    auto stage = playbook(call, shared, call.pack.observe_playbook);
    if (!stage) return pass(stage);
    stage->absent_codes = {3};
    return std::vector<Stage>{std::move(*stage)};
  }

 private:
  static Result<Stage> playbook(const Call& call, Shared& shared, const std::string& file) {
    Json groups = Json::object();
    for (const auto& [input, endpoints] : endpoints_of(call)) {
      Json hosts = Json::object();
      for (const auto& endpoint : endpoints) {
        hosts[get_string(endpoint, "name")] = {
            {"ansible_host", get_string(endpoint, "address")},
            {"ansible_port", get_int(endpoint, "port", 22)},
            {"ansible_user", get_string(endpoint, "user", "root")},
            // Ansible has a limit of its own, which would stand before that of the configuration.
            {"ansible_ssh_timeout", connect_timeout_s(endpoint)},
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
        {call.folder / "ansible.cfg", "[defaults]\n"}};
    for (const auto& [path, text] : files)
      if (auto written = write_file(path, text, 0600); !written) return pass(written);

    auto config = write_ssh_config(call, shared.setup);
    if (!config) return pass(config);
    std::string ssh = "-F " + config->string();
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
                              {"ANSIBLE_CALLBACKS_ENABLED", "hyops_record"}});
    return stage;
  }
};

}  // namespace

std::unique_ptr<Driver> make_ansible_driver() { return std::make_unique<AnsibleDriver>(); }

}  // namespace hyops::engine
