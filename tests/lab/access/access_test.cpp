// The modes of access with packets that do or do not arrive: a jump host, an overlay, a full path.
#include <signal.h>

#include <set>
#include <thread>

#include "lab/access/access_lab.hpp"

namespace hyops::plugin {
namespace {

// The programs that carry connections for this test, by process number.
std::set<int> carriers(const fs::path& folder) {
  std::set<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto words = read_file(entry.path() / "cmdline");
    const std::string marks[] = {std::string("\0-W\0", 4), folder.string()};
    if (words && words->find(marks[0]) != std::string::npos &&
        words->find(marks[1]) != std::string::npos)
      found.insert(std::stoi(pid));
  }
  return found;
}

// A3: only through the bastion, whose key is pinned as well.
TEST_F(AccessLab, reaches_through_the_bastion_what_it_cannot_reach_itself) {
  labd({"fault", "link-cut", "onprem", "cloud"});
  const Json hosts = Json::array({host("db")});
  EXPECT_EQ(opened(direct, {{"patience", "0s"}, {"connect_timeout", "1s"}}, hosts), "access.route");
  auto access = start(bastion, {{"bastion", host("jump")}});
  ASSERT_TRUE(access) << access.error().text();
  auto open = call(*access, "open", {{"hosts", hosts}});
  ASSERT_TRUE(open) << open.error().text();
  const Json endpoint = (*open)["endpoints"][0];
  EXPECT_EQ(endpoint["address"], "127.0.0.1");
  EXPECT_EQ(endpoint["host_key"], host("db")["host_key"]);
  EXPECT_GT(get_int(endpoint, "expires_ms"), system_clock().wall_ms());
  EXPECT_EQ(drive(endpoint, "hostname"), "db\n");
  EXPECT_EQ(*call(*access, "open", {{"hosts", hosts}}), *open) << "the endpoint is stable";
  EXPECT_EQ((*call(*access, "observe", {{"hosts", hosts}}))["present"], true);
  const Json proof = (*call(*access, "prove", {{"hosts", hosts}}))["hosts"][0];
  for (const char* part : {"route", "port", "host_key", "login", "mtu", "clock"})
    EXPECT_EQ(proof[part], true) << part;
  EXPECT_EQ(code(call(*access, "close", *open)), "ok");
  EXPECT_EQ((*call(*access, "observe", {{"hosts", hosts}}))["present"], false);
  EXPECT_TRUE(carriers(temp_->path()).empty());
}

// A6: whose key changed is said, and nothing is opened.
TEST_F(AccessLab, stops_at_a_changed_key_of_the_bastion_and_of_the_host_behind_it) {
  const Json hosts = Json::array({host("db")});
  Json jump = host("jump"), db = host("db");
  std::swap(jump["host_key"], db["host_key"]);
  EXPECT_EQ(opened(bastion, {{"bastion", jump}}, hosts), "access.bastion.host_key.changed");
  EXPECT_EQ(opened(bastion, {{"bastion", host("jump")}}, Json::array({db})),
            "access.host_key.changed");
  Json elsewhere = host("jump");
  elsewhere["port"] = 9;
  const Json brief{{"patience", "0s"}, {"connect_timeout", "1s"}};
  Json config = brief;
  config["bastion"] = elsewhere;
  EXPECT_EQ(opened(bastion, config, hosts), "access.bastion.port");
  config["bastion"] = host("jump");
  config["bastion"]["user"] = "nobody";
  EXPECT_EQ(opened(bastion, config, hosts), "access.bastion.login");
  config["bastion"] = host("jump");
  db = host("db");
  db["port"] = 9;
  EXPECT_EQ(opened(bastion, config, Json::array({db})), "access.port");
  EXPECT_TRUE(carriers(temp_->path()).empty()) << "what could not be opened left something behind";
}

// A3: never inferred for a cloud; taken by itself on-prem and in the lab, and said so.
TEST_F(AccessLab, takes_no_bastion_that_nobody_named) {
  const Json hosts = Json::array({host("db")});
  EXPECT_EQ(opened(bastion, Json::object(), hosts), "access.bastion.missing");
  Json jump = host("jump");
  jump["zone"] = "cloud";
  Json automatic{{"ssh_proxy_jump_auto", true},
                 {"jump_hosts", Json::array({jump})},
                 {"jump_zones", {"onprem"}}};
  EXPECT_EQ(opened(bastion, automatic, hosts), "access.bastion.inferred");
  EXPECT_EQ(log_.find("ssh_proxy_jump_auto"), std::string::npos);
  automatic["jump_zones"] = {"onprem", "cloud"};
  EXPECT_EQ(opened(bastion, automatic, hosts), "ok");
  EXPECT_NE(log_.find("ssh_proxy_jump_auto: jump host jump was taken for db"), std::string::npos);
}

TEST_F(AccessLab, dials_again_when_the_tunnel_is_lost) {
  auto access = start(bastion, {{"bastion", host("jump")}, {"connect_timeout", "2s"}});
  ASSERT_TRUE(access);
  auto open = call(*access, "open", {{"hosts", Json::array({host("db")})}});
  ASSERT_TRUE(open) << open.error().text();
  const Json endpoint = (*open)["endpoints"][0];

  // It dies under a connection: that one is lost, the next is not.
  std::thread loses(
      [&] { EXPECT_EQ(ssh(endpoint, "touch /run/up; exec sleep 600").exit.code, 255); });
  while (run({HYOPS_BUILD_DIR "/libexec/hyops/hyops-labd", "exec", "--dir", dir(), "db", "--",
              "test", "-e", "/run/up"})
             .exit.code != 0)
    ::sched_yield();
  for (const int pid : carriers(temp_->path())) ::kill(pid, SIGKILL);
  loses.join();
  EXPECT_EQ(drive(endpoint, "hostname"), "db\n");

  // No packet comes through: who connects meanwhile waits, and is served afterwards.
  labd({"fault", "link-cut", "onprem", "edge"});
  std::string printed;
  std::thread waits([&] { printed = drive(endpoint, "hostname"); });
  std::set<int> first;
  while (first.empty()) first = carriers(temp_->path()), ::sched_yield();
  for (std::set<int> now = first; now.empty() || now == first; ::sched_yield())
    now = carriers(temp_->path());  // until it was dialled a second time
  labd({"fault", "link-restore", "onprem", "edge"});
  waits.join();
  EXPECT_EQ(printed, "db\n");
}

// A6: small packets come through and full ones do not, or the host lives in another hour.
TEST_F(AccessLab, proves_that_full_packets_pass_and_clocks_agree) {
  const Json hosts = Json::array({host("db")});
  const Json brief{{"patience", "0s"}, {"connect_timeout", "2s"}};
  EXPECT_EQ(opened(direct, brief, hosts), "ok");
  route({"nft",
         "add table inet small; add chain inet small each { type filter hook forward priority "
         "-10; }; add rule inet small each ip daddr " +
             host("db")["address"].get<std::string>() + " meta length > 1300 drop"});
  EXPECT_EQ(opened(direct, brief, hosts), "access.mtu");
  route({"nft", "delete table inet small"});
  labd({"fault", "clock-step", "db", "3600"});
  EXPECT_EQ(opened(direct, brief, hosts), "access.clock");
  Json any = brief;
  any["max_clock_skew"] = "0s";
  EXPECT_EQ(opened(direct, any, hosts), "ok");
}

// A2: the overlay carries it, and nothing else would.
TEST_F(AccessLab, proves_that_the_overlay_carries_the_traffic_and_nothing_else_would) {
  const std::string run_address = host("run")["address"], db_address = host("db")["address"];
  const auto here = [&](std::vector<std::string> argv) {
    const auto done = run(std::move(argv));
    EXPECT_EQ(done.exit.code, 0) << done.err;
  };
  here({"ip", "link", "add", "hyov0", "type", "vxlan", "id", "77", "dstport", "4789", "remote",
        db_address});
  here({"ip", "address", "add", "10.99.0.1/24", "dev", "hyov0"});
  here({"ip", "link", "set", "hyov0", "up"});
  labd({"exec", "db", "--", "ip", "link", "add", "hyov0", "type", "vxlan", "id", "77", "dstport",
        "4789", "remote", run_address});
  labd({"exec", "db", "--", "ip", "address", "add", "10.99.0.2/24", "dev", "hyov0"});
  labd({"exec", "db", "--", "ip", "link", "set", "hyov0", "up"});
  Json db = host("db");
  db["address"] = "10.99.0.2";
  const Json hosts = Json::array({db});
  Json config{
      {"interface", "hyov0"}, {"peer", db_address}, {"patience", "0s"}, {"connect_timeout", "2s"}};

  EXPECT_EQ(opened(overlay, config, hosts), "access.overlay.other_path")
      << "the default route would take over";
  here({"ip", "route", "add", "unreachable", "10.99.0.0/24", "metric", "4096"});
  EXPECT_EQ(opened(overlay, config, hosts), "ok");
  EXPECT_NE(log_.find("overlay hyov0 (vxlan, far end " + db_address + ") carried"),
            std::string::npos);

  Json wrong = config;
  wrong["peer"] = "10.77.2.2";
  EXPECT_EQ(opened(overlay, wrong, hosts), "access.overlay.peer");
  EXPECT_EQ(opened(overlay, config, Json::array({host("db")})), "access.overlay.route");

  // The kernel would send it by the overlay, and something sends it elsewhere all the same.
  here({"nft",
        "add table inet aside; add chain inet aside out { type nat hook output priority -100; "
        "}; add rule inet aside out ip daddr 10.99.0.2 dnat ip to " +
            db_address +
            "; add chain inet aside post { type nat hook postrouting priority "
            "100; }; add rule inet aside post ip daddr " +
            db_address + " masquerade"});
  EXPECT_EQ(opened(overlay, config, hosts), "access.overlay.carries");
  here({"nft", "delete table inet aside"});

  check(overlay, config, hosts);
  here({"ip", "link", "set", "hyov0", "down"});
  EXPECT_EQ(opened(overlay, config, hosts), "access.overlay.interface");
}

TEST_F(AccessLab, keeps_every_promise_of_the_contract_through_a_bastion) {
  check(bastion, {{"bastion", host("jump")}}, Json::array({host("db")}));
}

}  // namespace
}  // namespace hyops::plugin
