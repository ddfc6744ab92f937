// What a profile adds to the obligations, from its own file on: limits on inputs, hours, people,
// phases. And what it may not take away.
#include "contract/document.hpp"
#include "plan/policy.hpp"
#include "support/site.hpp"

using namespace hyops;

namespace {

const std::string head = "profile = \"strict\"\ntitle = \"Test\"\nlane_kinds = [\"live\"]\n";

contract::Profile profile(const std::string& text) {
  contract::Diagnostics problems;
  auto read = contract::parse_profile(head + text, "strict.toml", problems);
  for (const auto& problem : problems) ADD_FAILURE() << problem.text();
  return read ? *read : contract::Profile{};
}

std::string refused(const std::string& text) {
  contract::Diagnostics problems;
  EXPECT_FALSE(contract::parse_profile(head + text, "strict.toml", problems)) << text;
  return problems.empty() ? "" : problems[0].code;
}

plan::Plan one_step(const char* input, Json value, const char* type) {
  plan::Plan plan;
  plan.lane_kind = "drill";
  plan.cost = Json::object();
  plan::Step step;
  step.id = "host", step.module = "compute/host", step.phase = contract::Phase::place;
  step.inputs[input] = {std::move(value), true, "lane live", "", type};
  plan.steps = {step};
  return plan;
}

// The field that stands against the plan; empty: nothing does.
std::string against(const contract::Profile& profile, const plan::Plan& plan) {
  const auto found = plan::findings({plan, profile});
  EXPECT_LE(found.size(), 1u);
  return found.empty() ? "" : found[0].id + " at " + found[0].field;
}

std::string rule(const std::string& limit, const std::string& input = "zone") {
  return "[[rule]]\nid = \"r\"\nsentence = \"So it is.\"\nmodule = \"compute/host\"\ninput = \"" +
         input + "\"\n" + limit + "\n";
}

int64_t at(const std::string& time) { return from_rfc3339(time).value(); }

}  // namespace

TEST(ProfileRules, limit_zones_sizes_and_addresses_and_name_the_field) {
  const auto zones = profile(rule("one_of = [\"eu-1\", \"eu-2\"]"));
  EXPECT_EQ(against(zones, one_step("zone", "eu-2", "string")), "");
  EXPECT_EQ(against(zones, one_step("zone", "us-1", "string")), "r at steps.host.inputs.zone");
  auto other = one_step("zone", "us-1", "string");
  other.steps[0].module = "compute/other";
  EXPECT_EQ(against(zones, other), "") << "the rule is about one module";

  const auto size = profile(rule("max = 2", "count"));
  EXPECT_EQ(against(size, one_step("count", 2, "int")), "");
  EXPECT_EQ(against(size, one_step("count", 3, "int")), "r at steps.host.inputs.count");
  const auto named = profile(rule("pattern = \"^small-.*$\"", "size"));
  EXPECT_EQ(against(named, one_step("size", "small-2", "string")), "");
  EXPECT_NE(against(named, one_step("size", "huge-2", "string")), "");
  EXPECT_NE(against(named, one_step("size", {"small-1", "huge-2"}, "list<string>")), "");

  const auto within = profile(rule("within = [\"10.77.3.0/24\", \"fd00::/64\"]", "at"));
  for (const Json& good : {Json("10.77.3.9"), Json("fd00::9")})
    EXPECT_EQ(against(within, one_step("at", good, "address")), "") << good;
  EXPECT_EQ(against(within, one_step("at", "10.77.3.128/25", "cidr")), "");
  EXPECT_EQ(against(within, one_step("at", Json::array(), "list<host>")), "");
  for (const auto& [bad, type] : {std::pair{Json("10.77.4.9"), "address"},
                                  {Json("fd00:0:0:1::9"), "address"},
                                  {Json("10.77.0.0/16"), "cidr"},
                                  {Json("0.0.0.0/0"), "cidr"}})
    EXPECT_NE(against(within, one_step("at", bad, type)), "") << bad;
}

TEST(ProfileRules, hold_for_what_only_an_earlier_step_gives_just_before_the_step) {
  const auto zones = profile(rule("one_of = [\"eu-1\"]"));
  auto plan = one_step("zone", Json(), "string");
  plan.steps[0].inputs["zone"].known = false;
  plan.steps[0].inputs["zone"].reference = "find.zone";
  EXPECT_EQ(against(zones, plan), "");
  EXPECT_TRUE(plan::judge_inputs(plan, plan.steps[0], {{"zone", "eu-1"}}, zones));
  const auto broken = plan::judge_inputs(plan, plan.steps[0], {{"zone", "us-1"}}, zones);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, "policy.profile");
}

TEST(ProfileRules, a_should_of_a_profile_is_passed_over_by_its_id) {
  const auto zones = profile(rule("one_of = [\"eu-1\"]\nseverity = \"should\""));
  auto plan = one_step("zone", "us-1", "string");
  contract::Diagnostics problems;
  plan::judge(plan, zones, problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].code, "policy.profile");
  EXPECT_NE(problems[0].next.find("--accept r="), std::string::npos) << problems[0].next;
  plan.accepted[*plan::acceptable("r", zones)] = {"the EU is full", "operator"};
  problems.clear();
  plan::judge(plan, zones, problems);
  EXPECT_TRUE(problems.empty());
}

TEST(ProfileRules, say_in_which_hours_runs_may_start_and_which_decisions_do_not_wait) {
  const auto nights = profile(
      "[window]\nopen = [\"mon-fri 20:00-06:00\", \"sun 00:00-24:00\"]\n"
      "except = [\"failover\"]\n");
  plan::Plan plan;
  const auto may = [&](const std::string& time) {
    return plan::judge_time(plan, nights, at(time)).has_value();
  };
  EXPECT_TRUE(may("2026-03-02T20:00:00.000Z")) << "a Monday evening";
  EXPECT_TRUE(may("2026-03-03T05:59:59.999Z")) << "and the night after it";
  EXPECT_FALSE(may("2026-03-03T06:00:00.000Z"));
  EXPECT_FALSE(may("2026-03-02T03:00:00.000Z")) << "before the first evening, after Sunday";
  EXPECT_TRUE(may("2026-03-07T05:00:00.000Z")) << "Friday's night ends on Saturday";
  EXPECT_FALSE(may("2026-03-07T12:00:00.000Z"));
  EXPECT_TRUE(may("2026-03-08T12:00:00.000Z"));
  plan.origin = {{"decision", {{"type", "failback"}}}};
  EXPECT_FALSE(may("2026-03-07T12:00:00.000Z"));
  plan.origin = {{"decision", {{"type", "failover"}}}};
  EXPECT_TRUE(may("2026-03-07T12:00:00.000Z"));
  for (const char* span : {"mon 20:00", "fri-mon 10:00-11:00", "mon 25:00-26:00", "mon 1:00-2:00",
                           "mon 00:00-24:01", "moon 00:00-01:00", "daily 00:00-01:00x"})
    EXPECT_EQ(refused("[window]\nopen = [\"" + std::string(span) + "\"]\n"),
              "contract.value.window")
        << span;
}

TEST(ProfileRules, want_steps_in_phases_of_whatever_cuts_over) {
  const auto strict = profile("[validation]\nphases = [\"rearm\"]\n");
  auto plan = one_step("x", 1, "int");
  EXPECT_EQ(against(strict, plan), "") << "it moves nobody";
  for (const auto phase :
       {contract::Phase::data, contract::Phase::readiness, contract::Phase::cutover}) {
    plan.steps.push_back(plan.steps[0]);
    plan.steps.back().phase = phase;
  }
  EXPECT_EQ(against(strict, plan), "validation at profile.validation.phases");
  plan.steps.push_back(plan.steps[0]);
  plan.steps.back().phase = contract::Phase::rearm;
  EXPECT_EQ(against(strict, plan), "");
}

TEST(ProfileRules, only_tighten_what_the_standard_obliges_to) {
  for (const char* loose : {"[cost]\nunknown = \"allow\"\n", "[approvals]\nrequired = 0\n",
                            "[approvals]\ndistinct_from_requester = false\n",
                            "[severity]\n\"policy.public_address\" = \"should\"\n"})
    EXPECT_EQ(refused(loose), "contract.profile.loosens") << loose;
  for (const char* id : {"A7", "policy.public_address"})  // an obligation's name is nobody else's
    EXPECT_EQ(refused("[[rule]]\nid = \"" + std::string(id) +
                      "\"\nsentence = \"x\"\ninput = \"y\"\nmax = 1\nseverity = \"should\"\n"),
              "contract.name.malformed")
        << id;
  EXPECT_EQ(refused(rule("")), "contract.value.empty") << "a rule that limits nothing";
  EXPECT_EQ(refused(rule("max = 1") + rule("max = 2")), "contract.name.malformed");
  const auto tighter = profile("[severity]\n\"policy.gate_missing\" = \"must\"\n");
  EXPECT_EQ(plan::acceptable("G2", tighter).error().code, "policy.accept");
  contract::Diagnostics problems;
  plan::judge(one_step("x", 1, "int"), profile("[severity]\n\"policy.typo\" = \"must\"\n"),
              problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].code, "policy.profile");
}
