// What a plan promises: where each value comes from, what is unknown, what it touches, and one
// digest.
#include "plan/order.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

const char* say =
    "[inputs.text]\ntype = \"string\"\ndefault = \"module\"\n[inputs.host]\ntype = "
    "\"string\"\n[inputs.key]\ntype = \"secret\"\n"
    "[outputs.said]\ntype = \"string\"\n[outputs.count]\ntype = \"int\"\n[effects]\ndns_names = "
    "[\"host\"]\nfiles = [\"/srv/x\"]\n";

std::string step(const std::string& id, const std::string& inputs,
                 const std::string& phase = "data") {
  return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/say\"\nphase = \"" + phase +
         "\"\ninputs = { " + inputs + " }\n";
}

struct Planned : Site {
  Planned() { tool("say", say, "true\n"); }
  std::string first_problem(std::map<std::string, Json> inputs = {}) {
    contract::Diagnostics problems;
    plan(&problems, std::move(inputs));
    return problems.empty() ? "" : problems[0].code;
  }
};

std::string from(const Json& plan, const std::string& input = "text") {
  return plan["steps"][0]["inputs"][input]["from"];
}

}  // namespace

TEST(Plan, says_which_layer_each_value_comes_from_and_the_highest_wins) {
  Planned site;
  site.blueprint(step("a", ""));
  EXPECT_EQ(from(site.plan()), "module test/say, default");
  site.profile("approvals = 1", "[defaults.\"test/say\"]\ntext = \"profile\"\n");
  EXPECT_EQ(from(site.plan()), "profile drill");
  site.lane("[defaults.\"test/say\"]\ntext = \"lane\"\n");
  EXPECT_EQ(from(site.plan()), "lane drill");
  site.blueprint(step("a", "text = \"blueprint\""));
  EXPECT_EQ(from(site.plan()), "blueprint test/flow, step a");
  const Json plan = site.plan(nullptr, {{"a.text", "mine"}});
  EXPECT_EQ(from(plan), "operator");
  EXPECT_EQ(plan["steps"][0]["inputs"]["text"]["value"], "mine");
}

TEST(Plan, takes_nothing_from_the_environment) {
  Planned site;
  site.blueprint(step("a", ""));
  const Json before = site.plan();
  ::setenv("HYOPS_TEXT", "ambient", 1);
  ::setenv("HYOPS_LANE", "prod", 1);
  EXPECT_EQ(site.plan(), before);
  ::unsetenv("HYOPS_TEXT");
  ::unsetenv("HYOPS_LANE");
}

TEST(Plan, marks_what_cannot_be_known_yet_and_never_invents_it) {
  Planned site;
  site.blueprint(step("a", "") + step("b", "text = { from = \"a.said\" }"));
  const Json plan = site.plan();
  const Json& input = plan["steps"][1]["inputs"]["text"];
  EXPECT_EQ(input["known"], false);
  EXPECT_TRUE(input["value"].is_null());
  EXPECT_EQ(input["reference"], "a.said");
  EXPECT_EQ(plan["steps"][1]["needs"], Json::array({"a"}));
}

TEST(Plan, is_the_same_bytes_for_the_same_question) {
  Planned site;
  site.blueprint(step("a", "") + step("b", "text = { from = \"a.said\" }"));
  const Json first = site.plan(), second = site.plan();
  EXPECT_EQ(plan::digest(plan::parse_plan(first).value()).value(),
            plan::digest(plan::parse_plan(second).value()).value());
  site.file(site.setup.catalog / "packs/test/say/run.sh", "#!/bin/sh\nfalse\n", true);
  EXPECT_NE(plan::digest(plan::parse_plan(site.plan()).value()).value(),
            plan::digest(plan::parse_plan(first).value()).value());
}

TEST(Plan, reads_durations_as_people_write_them_in_every_layer) {
  Planned site;
  site.tool("wait",
            "[inputs.pause]\ntype = \"duration\"\ndefault = \"1s\"\n[outputs.x]\ntype = "
            "\"string\"\n[effects]\n",
            "true\n");
  const auto pause = [&](const std::string& inputs) {
    site.blueprint("[[step]]\nid = \"a\"\nmodule = \"test/wait\"\nphase = \"data\"\ninputs = { " +
                   inputs + " }\n");
    return site.plan()["steps"][0]["inputs"]["pause"]["value"];
  };
  EXPECT_EQ(pause(""), 1000);
  EXPECT_EQ(pause("pause = \"15m\""), 900'000);
  site.lane("[facts]\npatience = \"2m\"\n[defaults.\"test/wait\"]\npause = \"3m\"\n");
  EXPECT_EQ(pause(""), 180'000);
  EXPECT_EQ(pause("pause = { from = \"lane.patience\" }"), 120'000);
}

TEST(Plan, sums_up_what_the_run_may_touch) {
  Planned site;
  site.blueprint(step("a", "host = \"db.hyops.test\", key = \"repository-key\""));
  const Json blast = site.plan()["blast_radius"];
  EXPECT_EQ(blast["dns_names"], Json::array({"db.hyops.test"}));
  EXPECT_EQ(blast["secrets"], Json::array({"repository-key"}));
  EXPECT_EQ(blast["files"], Json::array({"/srv/x"}));
}

TEST(Plan, uses_only_state_of_this_lane_and_epoch) {
  Planned site;
  site.blueprint(step("a", "text = { from = \"state:test/say#old.said\" }"));
  EXPECT_EQ(site.first_problem(), "plan.state.missing");
  auto lease = site.ledger->take_lease("drill", RunId("r1")).value();
  ledger::Slot slot;
  slot.lane = "drill";
  slot.key = "test/say#old";
  slot.epoch = 0;  // of an earlier drill
  slot.value = {{"said", "stale"}};
  slot.run = "r1";
  ASSERT_TRUE(site.ledger->put_slot(slot, 0, lease.token));
  EXPECT_EQ(site.first_problem(), "plan.state.missing");
  slot.epoch = 1;
  ASSERT_TRUE(site.ledger->put_slot(slot, 1, lease.token));
  EXPECT_EQ(site.plan()["steps"][0]["inputs"]["text"]["value"], "stale");
}

TEST(Plan, names_what_is_wrong_with_an_input) {
  Planned site;
  site.blueprint(step("a", ""));
  EXPECT_EQ(site.first_problem({{"a.txet", "x"}}), "plan.input.unknown");
  EXPECT_EQ(site.first_problem({{"a.text", 5}}).substr(0, 14), "contract.value");
  site.blueprint(step("a", "text = { from = \"lane.nothing\" }"));
  EXPECT_EQ(site.first_problem(), "plan.fact.missing");
}

TEST(Plan, refuses_placement_whose_price_is_unknown) {
  Planned site;
  site.blueprint(step("a", "", "place"));
  EXPECT_EQ(site.first_problem(), "policy.cost_unknown");
}

TEST(Plan, that_was_changed_in_any_member_is_another_plan) {
  Planned site;
  site.blueprint(step("a", "") + step("b", "text = { from = \"a.said\" }"));
  const Json plan = site.plan();
  const auto code = [](const Json& changed) {
    auto parsed = plan::parse_plan(changed);
    return parsed ? "parsed" : parsed.error().code;
  };
  Json changed = plan;
  std::swap(changed["steps"][0], changed["steps"][1]);
  EXPECT_EQ(code(changed), "plan.malformed");
  changed = plan;
  changed["steps"][0]["id"] = "../evil";
  EXPECT_EQ(code(changed), "plan.malformed");
  changed = plan;
  changed["steps"][0].erase("timeout_ms");
  EXPECT_EQ(code(changed), "plan.malformed");
  changed = plan;
  changed["steps"][0]["extra"] = 1;
  EXPECT_EQ(code(changed), "plan.malformed");
  EXPECT_EQ(code(Json::array()), "plan.malformed");
  EXPECT_EQ(code(plan), "parsed");
}

TEST(Plan, differences_are_told_in_words) {
  Planned site;
  site.blueprint(step("a", ""));
  const auto before = plan::parse_plan(site.plan()).value();
  site.blueprint(step("a", "text = \"new\"") + step("b", ""));
  const auto sentences = plan::diff(before, plan::parse_plan(site.plan()).value());
  const auto has = [&](const std::string& part) {
    return std::any_of(sentences.begin(), sentences.end(),
                       [&](const auto& s) { return s.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("step a: input text was \"module\"")) << sentences.size();
  EXPECT_TRUE(has("step b is new"));
  EXPECT_TRUE(plan::diff(before, before).empty());
}

// An approver compares before signing: what is far back in a long value counts like the rest.
TEST(Plan, differences_behind_the_first_hundred_characters_are_told_too) {
  Planned site;
  site.blueprint(step("a", "text = \"" + std::string(400, 'x') + "open to nobody\""));
  const Json first = site.plan();
  site.blueprint(step("a", "text = \"" + std::string(400, 'x') + "open to everybody\""));
  const auto sentences =
      plan::diff(plan::parse_plan(first).value(), plan::parse_plan(site.plan()).value());
  ASSERT_FALSE(sentences.empty());
  EXPECT_NE(sentences[0].find("nobody"), std::string::npos) << sentences[0];
  EXPECT_NE(sentences[0].find("everybody"), std::string::npos) << sentences[0];
  // And plans of other bytes are never the same, whatever it is that differs.
  const Json leaves = first.flatten();
  for (const auto& [path, value] : leaves.items()) {
    Json other = first;
    Json& leaf = other[Json::json_pointer(path)];
    if (leaf.is_string())
      leaf = leaf.get<std::string>() + "x";
    else if (leaf.is_number_integer())
      leaf = leaf.get<int64_t>() + 1;
    else if (leaf.is_boolean())
      leaf = !leaf.get<bool>();
    const auto parsed = plan::parse_plan(other);
    if (!parsed || other == first) continue;
    EXPECT_FALSE(plan::diff(plan::parse_plan(first).value(), *parsed).empty()) << path;
  }
}

TEST(Plan, orders_a_chain_of_a_hundred_thousand_steps_without_recursion) {
  std::vector<contract::Step> steps(100'000);
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].id = "s" + std::to_string(i);
    if (i > 0) steps[i].needs = {"s" + std::to_string(i - 1)};
  }
  std::reverse(steps.begin(), steps.end());
  const auto order = plan::order(steps);
  ASSERT_EQ(order.size(), steps.size());
  EXPECT_EQ(steps[order.front()].id, "s0");
  EXPECT_EQ(steps[order.back()].id, "s99999");
}
