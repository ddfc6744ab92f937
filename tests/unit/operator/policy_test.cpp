// The obligations as an operator meets them: listed, explained, and held against a plan document.
#include "operator.hpp"

namespace hyops::test {
namespace {

TEST(PolicyCommand, lists_each_rule_and_explains_it_by_id_and_by_code) {
  const Home home;
  const Json rules = home.run({"policy", "list", "--json"}).json()["rules"];
  ASSERT_FALSE(rules.empty());
  for (const auto& rule : rules)
    for (const char* key : {"id", "code"}) {
      const Ran told = home.run({"policy", "explain", get_string(rule, key)});
      EXPECT_EQ(told.code, 0) << rule;
      EXPECT_TRUE(told.says(get_string(rule, "sentence"))) << told.out;
      EXPECT_TRUE(told.says("next: ")) << told.out;
    }
  const Ran unknown = home.run({"policy", "explain", "A77"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_TRUE(unknown.says("cli.policy.unknown"));
}

TEST(PolicyCommand, says_which_rules_a_plan_breaks_and_that_the_others_hold) {
  Operator site;
  site.lane("rehearsal", "drill", "drill");
  site.blueprint("[[step]]\nid = \"one\"\nmodule = \"test/say\"\nphase = \"data\"\n");
  ASSERT_EQ(site.plan("rehearsal").code, 0);
  const Ran good = site.hyops({"policy", "check", site.at("plan.json"), "--json"});
  ASSERT_EQ(good.code, 0) << good.err;
  for (const auto& rule : good.json()["rules"]) EXPECT_TRUE(rule["holds"].get<bool>()) << rule;

  Json plan = Json::parse(read_file(site.at("plan.json")).value());
  plan["cost"]["unpriced"] = {"compute/host"};
  plan["steps"][0]["inputs"]["address"] = {
      {"known", true}, {"value", "public"}, {"from", "by hand"}, {"type", "string"}};
  site.write("plan.json", canonical(plan).value());
  const Ran bad = site.hyops({"policy", "check", site.at("plan.json")});
  EXPECT_EQ(bad.code, 3) << bad.out << bad.err;
  for (const char* words : {"policy.cost_unknown", "policy.public_address", "holds   E1"})
    EXPECT_TRUE(bad.says(words)) << words << "\n" << bad.out << bad.err;
  EXPECT_FALSE(bad.says("holds   A7")) << bad.out;
}

}  // namespace
}  // namespace hyops::test
