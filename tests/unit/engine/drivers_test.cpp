// The drivers against the real tools: Terraform, Ansible, Packer.
#include <fstream>
#include <map>

#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

// A shipped module with one of its shipped packs.
struct Shipped : Site {
  void take(const std::string& module, const std::string& pack) {
    const auto copy = [&](const std::string& what) {
      fs::create_directories((setup.catalog / what).parent_path());
      fs::copy(fs::path(HYOPS_SOURCE_DIR) / "catalog" / what, setup.catalog / what,
               fs::copy_options::recursive | fs::copy_options::skip_existing);
    };
    copy("modules/" + module);
    copy("packs/" + pack);
    bind(module, pack);
  }
};

// An input `hosts` of one endpoint: port 1 of this machine, where nobody listens.
std::string gone_host() {
  return "{ hosts = [{ name = \"gone\", address = \"127.0.0.1\", port = 1, user = \"root\", "
         "host_key = \"ssh-ed25519 "
         "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\", "
         "expires_ms = 0 }] }";
}

constexpr const char* record_flow =
    "[[step]]\nid = \"machine\"\nmodule = \"inventory/record\"\nphase = \"data\"\ninputs = { name "
    "= \"db-1\", address = \"10.77.3.20\" }\n";

Json recorded_with(const std::string& pack, Shipped& site) {
  site.take("inventory/record", pack);
  site.blueprint(record_flow);
  EXPECT_EQ(site.run(site.plan()), "ok") << pack;
  EXPECT_TRUE(site.verify().clean);
  return site.ledger->slot("drill", "inventory/record#machine").value().value;
}

}  // namespace

// G1: the module and the blueprint stay, the pack is another tool altogether, the outputs are the
// same.
TEST(Drivers,
     let_a_terraform_pack_be_swapped_for_an_ansible_pack_without_touching_module_or_blueprint) {
  if (!tests::has_tool("terraform")) GTEST_SKIP() << "terraform is not on this machine";
  Shipped with_terraform, with_ansible;
  const Json first = recorded_with("inventory/record-terraform", with_terraform);
  const Json second = recorded_with("inventory/record-ansible", with_ansible);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, second);
}

TEST(Drivers, bind_terraforms_saved_plan_to_the_attempt_and_keep_state_per_lane_and_instance) {
  if (!tests::has_tool("terraform")) GTEST_SKIP() << "terraform is not on this machine";
  Shipped site;
  recorded_with("inventory/record-terraform", site);
  const auto bound = site.events("step.bound");
  ASSERT_EQ(bound.size(), 1u);
  const Json body = Json::parse(bound[0]);
  EXPECT_TRUE(get_string(body, "saved_plan").starts_with("sha256:"));
  EXPECT_EQ(get_string(body, "plan"), site.ledger->find_run(site.last).value()->plan.value);
  EXPECT_TRUE(fs::exists(site.setup.home /
                         "lanes/drill/terraform/inventory.record#machine/terraform.tfstate"));
  EXPECT_FALSE(site.events("step.terraform").empty());
}

TEST(Drivers, refuse_a_terraform_plan_that_destroys_where_nothing_is_declared_irreversible) {
  if (!tests::has_tool("terraform")) GTEST_SKIP() << "terraform is not on this machine";
  Shipped site;
  recorded_with("inventory/record-terraform", site);
  // The same state, a pack that no longer wants the resource.
  std::ofstream(site.setup.catalog / "packs/inventory/record-terraform/main.tf")
      << "variable \"name\" {}\nvariable \"address\" {}\nvariable \"domain\" {}\noutput \"id\" { "
         "value = \"x\" }\noutput \"fqdn\" { value = \"y\" }\n";
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_NE(site.events("step.outcome").back().find("engine.terraform.destroys"),
            std::string::npos);
}

TEST(Drivers, show_what_terraform_said_when_it_fails) {
  if (!tests::has_tool("terraform")) GTEST_SKIP() << "terraform is not on this machine";
  Shipped site;
  site.take("inventory/record", "inventory/record-terraform");
  std::ofstream(site.setup.catalog / "packs/inventory/record-terraform/main.tf")
      << "this is not terraform\n";
  site.blueprint(record_flow);
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_TRUE(site.verify().clean);
}

TEST(Drivers, record_what_ansible_did_on_each_host) {
  Shipped site;
  recorded_with("inventory/record-ansible", site);
  const auto hosts = site.events("step.host");
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(get_int(Json::parse(hosts[0]), "failed"), 0);
}

// L9: an unreachable host never ends a step well, and the record names it. What became of a pack
// that may not be repeated is for a person to find out.
TEST(Drivers, leave_an_ansible_step_unknown_whose_host_does_not_answer) {
  Site site;
  site.file(site.setup.catalog / "modules/test/ping/module.toml",
            "module = \"test/ping\"\nversion = \"1.0.0\"\ntitle = \"ping\"\ndoc = "
            "\"x\"\n[inputs.hosts]\ntype = \"list<endpoint>\"\nrequired = true\n"
            "[outputs.x]\ntype = \"string\"\n[effects]\n");
  site.file(site.setup.catalog / "packs/test/ping/pack.toml",
            "pack = \"test/ping\"\nversion = \"1.0.0\"\nmodule = \"test/ping\"\ndriver = "
            "\"ansible\"\n[ansible]\nplaybook = \"site.yml\"\n");
  site.file(site.setup.catalog / "packs/test/ping/site.yml",
            "- hosts: hosts\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n");
  site.bind("test/ping", "test/ping");
  site.blueprint("[[step]]\nid = \"ping\"\nmodule = \"test/ping\"\nphase = \"data\"\ninputs = " +
                 gone_host() + "\n");
  EXPECT_EQ(site.run(site.plan()), "unknown");
  const auto hosts = site.events("step.host");
  ASSERT_EQ(hosts.size(), 1u);
  EXPECT_EQ(get_int(Json::parse(hosts[0]), "unreachable"), 1);
}

// A way that loses every packet for a minute and comes back is not noticed where SSH allows it: TCP
// sends what was lost again after twice that at worst, and an answer has to be waited for until
// then. It is Ansible's own ssh command that is looked at, as ssh understands it.
TEST(Drivers, bear_an_outage_of_a_minute_where_a_tunnel_leads_and_notice_a_dead_host_elsewhere) {
  Site site;
  site.file(site.setup.catalog / "modules/test/ping/module.toml",
            "module = \"test/ping\"\nversion = \"1.0.0\"\ntitle = \"ping\"\ndoc = "
            "\"x\"\n[inputs.hosts]\ntype = \"list<endpoint>\"\nrequired = true\n"
            "[outputs.x]\ntype = \"string\"\n[effects]\n");
  const fs::path pack = site.setup.catalog / "packs/test/ping", seen = site.path() / "seen";
  fs::create_directories(seen);
  site.file(pack / "pack.toml",
            "pack = \"test/ping\"\nversion = \"1.0.0\"\nmodule = \"test/ping\"\ndriver = "
            "\"ansible\"\n[ansible]\nplaybook = \"site.yml\"\n");
  site.file(pack / "site.yml",
            "- hosts: hosts\n  gather_facts: false\n  vars:\n    ansible_ssh_executable: \"{{ "
            "playbook_dir }}/ssh.sh\"\n  tasks:\n    - ansible.builtin.ping:\n");
  site.file(
      pack / "ssh.sh",
      "#!/bin/sh\n/usr/bin/ssh -G \"$@\" | tr '\\n' ';' > " + seen.string() + "/$$\nexit 255\n",
      true);
  site.bind("test/ping", "test/ping");
  std::string hosts;
  for (const char* where : {"name = \"tunnel\", address = \"127.0.0.1\"",
                            "outage_ms = 60000, name = \"overlay\", address = \"10.98.0.2\"",
                            "name = \"near\", address = \"10.77.3.20\""})
    hosts += std::string("{ ") + where +
             ", port = 2200, user = \"root\", host_key = \"ssh-ed25519 "
             "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\" }, ";
  site.blueprint(
      "[[step]]\nid = \"ping\"\nmodule = \"test/ping\"\nphase = \"data\"\n"
      "inputs = { hosts = [" +
      hosts + "] }\n");
  EXPECT_EQ(site.run(site.plan()), "unknown");

  const auto number = [](const std::string& line, const std::string& option) {
    const size_t at = line.find(";" + option + " ");
    return at == line.npos ? 0 : std::stoi(line.substr(at + option.size() + 2));
  };
  std::map<std::string, std::pair<int, int>> bears;  // by address: until connected, until answered
  for (const auto& entry : fs::directory_iterator(seen)) {
    const std::string line = *read_file(entry.path());
    const size_t at = line.find(";hostname ") + 10;
    bears[line.substr(at, line.find(';', at) - at)] = {
        number(line, "connecttimeout"),
        number(line, "serveraliveinterval") * (number(line, "serveralivecountmax") + 1)};
  }
  ASSERT_EQ(bears.size(), 3u);
  for (const char* far : {"127.0.0.1", "10.98.0.2"}) {
    EXPECT_GE(bears[far].first, 75) << far;
    EXPECT_GE(bears[far].second, 2 * 60 + 20) << far;
  }
  EXPECT_LE(bears["10.77.3.20"].first, 10);
  EXPECT_LE(bears["10.77.3.20"].second, 40);
}

// What stands between decision and the first write runs over ssh alone (catalog/shared/remote.py).
TEST(Drivers, leave_a_process_step_unknown_whose_host_does_not_answer_and_say_which) {
  Shipped site;
  site.take("postgresql/verify", "postgresql/verify-debian");
  site.blueprint(
      "[[step]]\nid = \"verify\"\nmodule = \"postgresql/verify\"\nphase = \"readiness\"\ninputs "
      "= " +
      gone_host() + "\n");
  EXPECT_EQ(site.run(site.plan()), "unknown");
  const auto hosts = site.events("step.host");
  ASSERT_FALSE(hosts.empty());
  EXPECT_EQ(get_string(Json::parse(hosts[0]), "host"), "gone");
  EXPECT_EQ(get_int(Json::parse(hosts[0]), "unreachable"), 1);
}

TEST(Drivers, build_with_packer_and_take_outputs_from_its_manifest) {
  if (!tests::has_tool("packer")) GTEST_SKIP() << "packer is not on this machine";
  Shipped site;
  site.take("image/artifact", "image/artifact-packer");
  site.blueprint(
      "[[step]]\nid = \"bake\"\nmodule = \"image/artifact\"\nphase = \"data\"\ninputs = { name = "
      "\"runner\", release = \"1.2.3\" }\n");
  ASSERT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(site.ledger->slot("drill", "image/artifact#bake").value().value["artifact"],
            "runner-1.2.3-qemu");
}
