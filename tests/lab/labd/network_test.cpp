// Packets between the zones go where the rules say and nowhere else.
#include "test_lab.hpp"

namespace hyops::labd {
namespace {

class LabNetwork : public NeedsRoot {};

Json router_json(const TestLab& lab, std::vector<std::string> what) {
  std::vector<std::string> argv{"ip", "netns", "exec", lab.router(), "nft", "-j", "list"};
  argv.insert(argv.end(), what.begin(), what.end());
  return Json::parse(run(argv).value_or("{}"));
}

TEST_F(LabNetwork, a_cut_link_passes_no_packet_until_it_is_restored) {
  TestLab lab;
  lab.place("edge", "client");
  lab.place("onprem", "db", {{"address", "10.77.1.10"}});
  EXPECT_TRUE(lab.pings("client", "10.77.1.10"));
  ASSERT_TRUE(lab.labd({"fault", "link-cut", "edge", "onprem"}));
  EXPECT_FALSE(lab.pings("client", "10.77.1.10"));
  EXPECT_FALSE(lab.pings("client", "10.77.1.1"));
  EXPECT_TRUE(lab.pings("client", "10.77.3.1"));
  ASSERT_TRUE(lab.labd({"fault", "link-restore", "onprem", "edge"}));
  EXPECT_TRUE(lab.pings("client", "10.77.1.10"));
}

TEST_F(LabNetwork, a_lost_zone_has_neither_hosts_nor_an_api_until_it_is_restored) {
  TestLab lab;
  lab.place("edge", "client");
  lab.place("onprem", "db", {{"address", "10.77.1.10"}});
  EXPECT_TRUE(lab.reaches("client", "http://10.77.1.1:7077/v1/hosts"));
  ASSERT_TRUE(lab.labd({"fault", "zone-loss", "onprem"}));
  EXPECT_EQ(lab.get("/v1/hosts/db")["power"], "off");
  EXPECT_FALSE(lab.reaches("client", "http://10.77.1.1:7077/v1/hosts"));
  EXPECT_TRUE(lab.reaches("client", "http://10.77.3.1:7077/v1/hosts"));
  const auto refused = lab.client().request("POST", "/v1/hosts/db/power", {{"state", "on"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "zone.lost");
  ASSERT_TRUE(lab.labd({"fault", "zone-restore", "onprem"}));
  EXPECT_EQ(lab.get("/v1/hosts/db")["power"], "on");
  EXPECT_TRUE(lab.pings("client", "10.77.1.10"));
}

TEST_F(LabNetwork, an_isolated_site_reaches_the_apis_only_and_its_lost_packets_are_counted) {
  TestLab lab;
  lab.place("onprem", "old-primary");
  lab.place("edge", "client", {{"address", "10.77.2.20"}});
  const auto [status, answer] =
      lab.api("client", "edge", "PUT", "/v1/isolation/onprem", {{"reason", "failover 7"}});
  ASSERT_EQ(status, 200) << answer;
  EXPECT_EQ(answer["isolated"], true);
  EXPECT_EQ(answer["dropped_packets"], 0);
  EXPECT_FALSE(lab.pings("old-primary", "10.77.2.20"));
  EXPECT_TRUE(lab.reaches("old-primary", "http://10.77.2.1:7077/v1/hosts"));
  EXPECT_GT(lab.get("/v1/isolation/onprem")["dropped_packets"].get<int>(), 0);
  const auto address = lab.get("/v1/hosts/old-primary")["address"].get<std::string>();
  EXPECT_FALSE(lab.pings("client", address));
  EXPECT_EQ(lab.api("client", "cloud", "PUT", "/v1/isolation/onprem", {{"reason", "x"}}).first,
            403);
  EXPECT_EQ(lab.api("client", "edge", "DELETE", "/v1/isolation/onprem").first, 200);
  EXPECT_TRUE(lab.pings("client", address));
}

TEST_F(LabNetwork, egress_reaches_exactly_what_is_allowed_from_the_nat_address) {
  TestLab lab;
  lab.place("cloud", "db", {{"address", "10.77.3.10"}});
  lab.place("cloud", "other", {{"address", "10.77.3.11"}});
  const std::string www = "http://198.51.100.10/";
  EXPECT_FALSE(lab.reaches("db", www));
  const Json definition{
      {"sources", {"10.77.3.10/32"}},
      {"allow", {{{"cidr", "198.51.100.10/32"}, {"port", 80}, {"protocol", "tcp"}}}}};
  const auto [status, answer] = lab.api("db", "cloud", "PUT", "/v1/egress/bootstrap", definition);
  ASSERT_EQ(status, 200) << answer;
  EXPECT_TRUE(lab.reaches("db", www));
  EXPECT_FALSE(lab.reaches("other", www));
  EXPECT_EQ(lab.probe("outside", "198.51.100.10", 22), "answered");
  EXPECT_EQ(lab.probe("db", "198.51.100.10", 22), "silent");
  const auto passed = lab.get("/v1/egress/bootstrap");
  EXPECT_GT(passed["rules"][0]["packets"].get<int>(), 0);
  // Both directions of what passed are counted by whom it was with, and nothing else is.
  ASSERT_EQ(passed["connections"].size(), 1u) << passed;
  const Json& talked = passed["connections"][0];
  EXPECT_EQ(talked["source"], "10.77.3.10");
  EXPECT_EQ(talked["destination"], "198.51.100.10");
  EXPECT_EQ(talked["port"], 80);
  EXPECT_GT(talked["bytes"], passed["rules"][0]["bytes"]);
  Json again = definition;
  again["account"] = "another run";
  EXPECT_EQ(lab.api("db", "cloud", "PUT", "/v1/egress/bootstrap", again).second["connections"],
            Json::array())
      << "counted anew";
  const auto console = lab.get("/v1/hosts/www/console")["console"].get<std::string>();
  EXPECT_NE(console.find("198.51.100.1 - - "), std::string::npos) << console;
  EXPECT_EQ(lab.api("db", "cloud", "DELETE", "/v1/egress/bootstrap").first, 200);
  EXPECT_FALSE(lab.reaches("db", www));
}

TEST_F(LabNetwork, an_inbound_port_carries_its_own_end_where_it_is_enforced) {
  TestLab lab;
  lab.place("cloud", "db", {{"address", "10.77.3.10"}});
  const std::vector<std::string> probe{"ssh-keyscan", "-T", "1", "10.77.3.10"};
  const auto seen = [&] { return !lab.inside("www", probe).value_or("").empty(); };
  EXPECT_FALSE(seen());
  const Json rule{{"name", "break-glass"},
                  {"source", "198.51.100.10/32"},
                  {"address", "10.77.3.10"},
                  {"port", 22},
                  {"ttl_s", 120}};
  ASSERT_EQ(lab.api("db", "cloud", "POST", "/v1/firewall", rule).first, 201);
  EXPECT_TRUE(seen());

  // The kernel's own element has the timeout: no process of ours has to live for it to close.
  const auto listed = router_json(lab, {"set", "inet", "hyops_lab", "inbound"});
  const auto& element = listed["nftables"][1]["set"]["elem"][0]["elem"];
  EXPECT_EQ(element["timeout"], 120);
  EXPECT_LE(element["expires"], 120);
  const auto open = lab.get("/v1/firewall")["firewall"];
  ASSERT_EQ(open.size(), 1u);
  EXPECT_LE(open[0]["remaining_s"], 120);

  Json longer = rule;
  longer["ttl_s"] = 3601;
  longer["name"] = "for-ever";
  EXPECT_EQ(lab.api("db", "cloud", "POST", "/v1/firewall", longer).first, 400);
  Json everybody = rule;
  everybody["source"] = "0.0.0.0/0";
  everybody["name"] = "everybody";
  EXPECT_EQ(lab.api("db", "cloud", "POST", "/v1/firewall", everybody).first, 403);
  EXPECT_EQ(lab.api("db", "cloud", "DELETE", "/v1/firewall/break-glass").first, 200);
  EXPECT_FALSE(seen());
}

TEST_F(LabNetwork, a_cut_api_path_leaves_the_other_traffic_alone) {
  TestLab lab;
  lab.place("onprem", "runner-op");
  ASSERT_TRUE(lab.labd({"fault", "api-cut", "onprem", "cloud"}));
  EXPECT_FALSE(lab.reaches("runner-op", "http://10.77.3.1:7077/v1/hosts"));
  EXPECT_TRUE(lab.reaches("runner-op", "http://10.77.1.1:7077/v1/hosts"));
  EXPECT_TRUE(lab.pings("runner-op", "10.77.3.1"));
  ASSERT_TRUE(lab.labd({"fault", "api-restore", "onprem", "cloud"}));
  EXPECT_TRUE(lab.reaches("runner-op", "http://10.77.3.1:7077/v1/hosts"));
}

TEST_F(LabNetwork, nothing_gets_in_from_the_outside) {
  TestLab lab;
  lab.place("onprem", "db", {{"address", "10.77.1.10"}});
  EXPECT_FALSE(lab.pings("www", "10.77.1.10"));
  EXPECT_EQ(lab.probe("outside", "10.77.1.10", 22), "silent");
  EXPECT_EQ(lab.probe("db", "10.77.1.10", 22), "answered") << "somebody would have answered";
  EXPECT_EQ(lab.probe("db", "10.77.1.10", 1), "refused");
  EXPECT_EQ(lab.probe("outside", "10.77.3.1", 7077), "answered") << "a cloud's API is public";
  EXPECT_EQ(lab.probe("outside", "10.77.1.1", 7077), "silent") << "a site's is not";
  EXPECT_FALSE(lab.reaches("www", "http://10.77.1.1:7077/v1/hosts"));
}

}  // namespace
}  // namespace hyops::labd
