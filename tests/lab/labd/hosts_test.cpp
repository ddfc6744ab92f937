// Hosts of the lab behave like machines: reachable by pinned key, durable, blank, created once.
#include <signal.h>

#include "test_lab.hpp"

namespace hyops::labd {
namespace {

class LabHosts : public NeedsRoot {};

TEST_F(LabHosts, answer_ssh_with_the_host_key_that_the_api_told) {
  TestLab lab;
  lab.place("edge", "client");
  ASSERT_TRUE(
      lab.inside("client", {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key"}));
  auto key = lab.inside("client", {"cat", "/root/key.pub"});
  ASSERT_TRUE(key);
  key->pop_back();
  const auto server = lab.place("onprem", "server", {{"authorized_keys", {*key}}});
  const std::string address = server["address"];
  const std::vector<std::string> ssh{"ssh",
                                     "-i",
                                     "/root/key",
                                     "-o",
                                     "BatchMode=yes",
                                     "-o",
                                     "StrictHostKeyChecking=yes",
                                     "root@" + address,
                                     "hostname"};

  // no pin, no login
  EXPECT_FALSE(lab.inside("client", ssh));
  const auto pin = address + " " + server["host_key"].get<std::string>() + "\n";
  ASSERT_TRUE(lab.inside("client", {"tee", "/root/.ssh/known_hosts"}, pin));
  const auto answer = lab.inside("client", ssh);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "server\n");
}

TEST_F(LabHosts, keep_their_files_and_host_key_across_power_off_and_on) {
  TestLab lab;
  const auto before = lab.place("cloud", "db");
  for (const auto* file :
       {"/root/kept", "/etc/kept", "/var/lib/kept", "/usr/local/kept", "/srv/kept"}) {
    ASSERT_TRUE(lab.inside("db", {"touch", file})) << file;
  }
  ASSERT_TRUE(lab.inside("db", {"touch", "/tmp/lost"}));
  ASSERT_TRUE(lab.labd({"power", "db", "off"}));
  EXPECT_EQ(lab.get("/v1/hosts/db")["power"], "off");
  EXPECT_FALSE(lab.inside("db", {"true"}));
  ASSERT_TRUE(lab.labd({"power", "db", "on"}));
  EXPECT_TRUE(lab.inside(
      "db", {"ls", "/root/kept", "/etc/kept", "/var/lib/kept", "/usr/local/kept", "/srv/kept"}));
  EXPECT_FALSE(lab.inside("db", {"ls", "/tmp/lost"}));
  EXPECT_EQ(lab.get("/v1/hosts/db")["host_key"], before["host_key"]);
  EXPECT_FALSE(fs::exists("/etc/kept"));
  EXPECT_FALSE(fs::exists("/usr/local/kept"));
}

TEST_F(LabHosts, see_nothing_of_what_the_machine_keeps_to_itself) {
  TestLab lab;
  lab.place("onprem", "blank");
  const auto shadow = lab.inside("blank", {"cat", "/etc/shadow"});
  ASSERT_TRUE(shadow);
  EXPECT_EQ(shadow->find('$'), std::string::npos);
  EXPECT_FALSE(lab.inside("blank", {"ls", lab.paths().dir.string()}));
  EXPECT_FALSE(lab.inside("blank", {"ls", "/var/lib/hyops-lab"}));
  const auto postgresql =
      lab.inside("blank", {"find", "/etc/postgresql", "/var/lib/postgresql", "-mindepth", "1"});
  if (fs::exists("/etc/postgresql")) {
    ASSERT_TRUE(postgresql);
    EXPECT_EQ(*postgresql, "");
  }
  EXPECT_FALSE(lab.inside("blank", {"date", "-s", "2020-01-01"}));
  EXPECT_FALSE(lab.inside("blank", {"mknod", "/root/disk", "b", "254", "0"}));
}

TEST_F(LabHosts, stand_in_a_control_group_of_their_own) {
  TestLab lab;
  if (lab.groups().empty()) GTEST_SKIP() << "this machine makes no control groups of version 2";
  lab.place("onprem", "one");
  const auto seen = lab.inside("one", {"cat", "/proc/self/cgroup"});
  ASSERT_TRUE(seen);
  EXPECT_NE(("\n" + *seen).find("\n0::/\n"), std::string::npos) << *seen;
  EXPECT_TRUE(lab.inside("one", {"mkdir", "/sys/fs/cgroup/inner"}));
  EXPECT_TRUE(fs::exists(lab.groups() / "one/inner")) << "it is at the machine's groups";
}

TEST_F(LabHosts, may_mount_inside_a_namespace_of_their_own) {
  TestLab lab;
  lab.place("onprem", "nest");
  EXPECT_TRUE(
      lab.inside("nest", {"unshare", "--mount", "mount", "-t", "tmpfs", "secrets", "/mnt"}));
}

TEST_F(LabHosts, are_made_once_for_one_idempotency_key) {
  TestLab lab;
  const Json body{{"zone", "edge"}, {"name", "once"}, {"image", "debian"}};
  const auto first = lab.client().request("POST", "/v1/hosts", body, "k1");
  const auto second = lab.client().request("POST", "/v1/hosts", body, "k1");
  ASSERT_TRUE(first && second);
  EXPECT_EQ((*first)["operation"]["id"], (*second)["operation"]["id"]);
  ASSERT_TRUE(lab.client().wait((*first)["operation"]["id"]));

  Json other = body;
  other["name"] = "twice";
  const auto mismatch = lab.client().request("POST", "/v1/hosts", other, "k1");
  ASSERT_FALSE(mismatch);
  EXPECT_EQ(mismatch.error().code, "idempotency.mismatch");
  const auto taken = lab.client().request("POST", "/v1/hosts", body, "k2");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "host.exists");
  EXPECT_EQ(lab.get("/v1/operations?key=k1")["operations"].size(), 1u);
  EXPECT_EQ(lab.get("/v1/hosts")["hosts"].size(), 2u);  // once and www
}

TEST_F(LabHosts, are_absent_after_release_however_often_it_is_asked) {
  TestLab lab;
  lab.place("edge", "brief");
  const auto process = lab.state().hosts["brief"].process;
  ASSERT_TRUE(alive(process));
  ASSERT_TRUE(lab.labd({"release", "brief"}));
  EXPECT_FALSE(alive(process));
  EXPECT_FALSE(fs::exists(lab.paths().host("brief")));
  const auto again = lab.client().request("DELETE", "/v1/hosts/brief");
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["absent"], true);
}

TEST_F(LabHosts, outlive_a_killed_daemon_and_are_adopted_by_the_next) {
  TestLab lab;
  const auto before = lab.place("onprem", "db");
  const auto process = lab.state().hosts["db"].process;
  const auto daemons = find_ours("serve", lab.paths().dir.string());
  ASSERT_EQ(daemons.size(), 1u);
  ASSERT_TRUE(end_process(daemons[0], SIGKILL, 5000));
  EXPECT_TRUE(alive(process));
  lab.up();
  const auto after = lab.get("/v1/hosts/db");
  EXPECT_EQ(after["power"], "on");
  EXPECT_EQ(after["placement"], before["placement"]);
  EXPECT_EQ(lab.state().hosts["db"].process.pid, process.pid);
  EXPECT_TRUE(lab.labd({"release", "db"}));
  EXPECT_FALSE(alive(process));
}

}  // namespace
}  // namespace hyops::labd
