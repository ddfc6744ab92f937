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
  const Json told = good.json();
  for (const auto& rule : told["rules"]) EXPECT_TRUE(rule["holds"].get<bool>()) << rule;

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

// A live lane whose profile waits for nobody before the cutover: a should, passed over with a
// reason.
TEST(PolicyCommand, keeps_the_reason_for_which_a_should_was_passed_over) {
  Operator site;
  std::string profile = read_file(site.catalog() / "profiles/prod-like.toml").value();
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"before = [\"cutover\"]", "before = []"},
        {"required = 2", "required = 1\nby = [\"alice\"]"}})
    profile.replace(profile.find(from), from.size(), to);
  site.write("catalog/profiles/prod-like.toml", profile);
  site.lane("prod", "live", "prod-like");
  site.blueprint(step("restore", "data") + step("look", "readiness") + step("move", "cutover"));
  EXPECT_TRUE(refused(site.plan("prod"), 3, "policy.gate_missing"));
  const auto plan = [&](const std::string& accept) {
    return site.hyops({"plan", "test/flow", "--lane", "prod", "--target", "cloud", "--by", "oncall",
                       "--reason", "a test", "--accept", accept, "--to", site.at("plan.json")});
  };
  EXPECT_TRUE(refused(plan("policy.gate_missing="), 3, "policy.accept"));
  EXPECT_TRUE(refused(plan("E4=in a hurry"), 3, "policy.accept"));
  EXPECT_TRUE(refused(plan("D1=nothing is wrong there"), 3, "policy.accept"));
  const Ran planned = plan("G2=nobody is awake");
  ASSERT_EQ(planned.code, 0) << planned.err;
  EXPECT_TRUE(planned.says("1 needed of alice")) << planned.out;
  EXPECT_TRUE(site.hyops({"policy", "check", site.at("plan.json")}).says("passed  G2"));
  const Ran signed_by = site.approve("alice", "prod");
  ASSERT_EQ(signed_by.code, 0) << signed_by.err;
  EXPECT_TRUE(signed_by.says("PASSED OVER")) << signed_by.out;
  EXPECT_TRUE(signed_by.says("nobody is awake")) << signed_by.out;
  EXPECT_TRUE(signed_by.says("horizon")) << signed_by.out;
  ASSERT_EQ(site.start().code, 0);
  const std::string run = get_string(site.last_run(), "run");
  const std::string record = site.at("runs/" + run + "/record");
  EXPECT_NE(read_file(record + "/events.jsonl").value().find("policy.accepted"), std::string::npos);
  EXPECT_NE(read_file(record + "/report.html").value().find("nobody is awake"), std::string::npos);

  // What the lane accepts once and for all is in each of its plans, with the lane's name.
  site.lane("prod", "live", "prod-like", "[accepted]\nG2 = \"one person on call\"\n");
  ASSERT_EQ(site.plan("prod").code, 0);
  const Json made = Json::parse(read_file(site.at("plan.json")).value());
  EXPECT_EQ(made["accepted"]["policy.gate_missing"]["from"], "lane prod");
}

}  // namespace
}  // namespace hyops::test
