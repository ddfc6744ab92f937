// The tools that people know, run through a step and run bare: the difference is what the record
// costs.
#include "support/site.hpp"

#include "parts.hpp"
#include "process/spawn.hpp"
#include "site_steps.hpp"

namespace hyops::bench {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, std::string> plain{
    {"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"CHECKPOINT_DISABLE", "1"}};

std::map<std::string, std::string> with_home(const fs::path& home) {
  auto environment = plain;
  environment["HOME"] = home;
  return environment;
}

// A module and a pack of the shipped catalogue.
void add_shipped(tests::Site& site, const std::string& module, const std::string& pack) {
  const fs::path shipped = fs::path(HYOPS_SOURCE_DIR) / "catalog";
  for (const auto& part : {"modules/" + module, "packs/" + pack}) {
    need(make_folders((site.setup.catalog / part).parent_path()));
    need(copy_tree(shipped / part, site.setup.catalog / part));
  }
  site.bind(module, pack);
}

void add_row(Table& table, tests::Site& site, const std::string& what, int rounds,
             const std::string& peer, const std::function<void()>& bare) {
  const Json plan = site.plan();
  Samples ours, theirs;
  for (int i = 0; i <= rounds; ++i) {
    const auto times = run_steps(site, plan);
    const double took = times.endings.at(0) - times.intents.at(0), alone = time_ms(bare);
    if (i == 0) continue;  // the first finds no state and cold caches
    ours.add(took);
    theirs.add(alone);
  }
  table.add({what, "ms", ours, peer, theirs, "", {}});
}

}  // namespace

void measure_ansible(Table& table) {
  const auto ansible = tool("ansible-playbook");
  if (!ansible) return table.skip("Ansible", "there is no ansible-playbook here");
  const std::string playbook =
      "---\n- name: Nothing\n  hosts: localhost\n  connection: local\n  gather_facts: false\n  "
      "tasks:\n"
      "    - name: Nothing\n      ansible.builtin.meta: noop\n";
  tests::Site site;
  site.file(site.setup.catalog / "modules/test/play/module.toml",
            "module = \"test/play\"\nversion = \"1.0.0\"\ntitle = \"Nothing\"\ndoc = \"Does "
            "nothing.\"\n[effects]\n");
  const fs::path pack = site.setup.catalog / "packs/test/play";
  site.file(
      pack / "pack.toml",
      "pack = \"test/play\"\nversion = \"1.0.0\"\nmodule = \"test/play\"\ndriver = \"ansible\"\n\n"
      "[ansible]\nplaybook = \"site.yml\"\n");
  site.file(pack / "site.yml", playbook);
  site.bind("test/play", "test/play");
  site.blueprint("[[step]]\nid = \"play\"\nmodule = \"test/play\"\nphase = \"data\"\n");
  const fs::path bare = site.path() / "bare";
  site.file(bare / "site.yml", playbook);
  site.file(bare / "inventory.json", "{\"all\":{\"children\":{}}}");
  add_row(table, site, "Ansible: a play without work, as a step", 5, "ansible-playbook bare", [&] {
    run_bare({{*ansible, "-i", "inventory.json", "site.yml"}, with_home(bare), bare});
  });
}

void measure_terraform(Table& table) {
  const auto terraform = tool("terraform");
  if (!terraform) return table.skip("Terraform", "there is no terraform here");
  tests::Site site;
  add_shipped(site, "inventory/record", "inventory/record-terraform");
  site.blueprint(
      "[[step]]\nid = \"record\"\nmodule = \"inventory/record\"\nphase = \"data\"\n"
      "inputs = { name = \"db-1\", address = \"10.0.0.1\" }\n");
  const fs::path bare = site.path() / "bare";
  need(copy_tree(site.setup.catalog / "packs/inventory/record-terraform", bare));
  site.file(bare / "terraform.tfvars.json",
            R"({"name":"db-1","address":"10.0.0.1","domain":"hyops.test"})");
  // As a step has it: the state stays, all else is fresh.
  add_row(table, site, "Terraform: terraform_data without a change, as a step", 5,
          "terraform init, plan, apply, output bare", [&] {
            fs::remove_all(bare / ".terraform");
            fs::remove(bare / ".terraform.lock.hcl");
            for (const auto& words : {std::vector<std::string>{"init", "-input=false", "-no-color"},
                                      {"plan", "-input=false", "-json", "-out=saved"},
                                      {"apply", "-input=false", "-json", "saved"},
                                      {"output", "-json"}}) {
              Bare stage{{*terraform}, with_home(bare), bare};
              stage.argv.insert(stage.argv.end(), words.begin(), words.end());
              run_bare(stage);
            }
          });
}

void measure_packer(Table& table) {
  const auto packer = tool("packer");
  if (!packer) return table.skip("Packer", "there is no packer here");
  tests::Site site;
  add_shipped(site, "image/artifact", "image/artifact-packer");
  site.blueprint(
      "[[step]]\nid = \"image\"\nmodule = \"image/artifact\"\nphase = \"data\"\n"
      "inputs = { name = \"runner\", release = \"1.0.0\" }\n");
  const fs::path bare = site.path() / "bare";
  need(copy_tree(site.setup.catalog / "packs/image/artifact-packer", bare));
  site.file(bare / "variables.json", R"({"name":"runner","release":"1.0.0","platform":"qemu"})");
  add_row(table, site, "Packer: the file builder, as a step", 5, "packer validate, build bare",
          [&] {
            fs::remove_all(bare / "artifact");
            for (const auto& words :
                 {std::vector<std::string>{"validate"}, {"build", "-color=false"}}) {
              Bare stage{{*packer}, with_home(bare), bare};
              stage.argv.insert(stage.argv.end(), words.begin(), words.end());
              stage.argv.insert(stage.argv.end(), {"-var-file=variables.json", "image.json"});
              run_bare(stage);
            }
          });
}

}  // namespace hyops::bench
