// Production rules lived through at the keyboard: two approvals by others than the requester, in
// their lane and window, each good once; and a person before the cutover.
#include "operator.hpp"

namespace hyops::test {
namespace {

class ProdLike : public testing::Test {
 protected:
  ProdLike() {
    site.lane("prod", "live", "prod-like");
    site.blueprint(step("restore", "data") + step("verify", "readiness", "needs = [\"restore\"]") +
                   step("switch", "cutover", "needs = [\"verify\"]"));
  }
  void planned_and_approved() {
    ASSERT_EQ(site.plan("prod").code, 0);
    ASSERT_EQ(site.approve("alice", "prod").code, 0);
    ASSERT_EQ(site.approve("bob", "prod").code, 0);
  }
  Operator site;
};

TEST_F(ProdLike, waits_for_a_person_before_the_cutover_and_is_verified_by_an_auditor) {
  planned_and_approved();
  const Ran started = site.start();
  EXPECT_EQ(started.code, 5) << started.err;
  const std::string run = get_string(site.last_run(), "run");
  EXPECT_TRUE(started.says("hyops run confirm " + run)) << started.out;
  EXPECT_EQ(site.last_run()["status"], "waiting");
  EXPECT_EQ(site.hyops({"run", "resume", run}).code, 5) << "nobody confirmed it";
  EXPECT_TRUE(refused(site.hyops({"run", "confirm", run, "data", "--by", "carol"}), 4,
                      "engine.gate.not_waiting"));
  ASSERT_EQ(site.hyops({"run", "confirm", run, "cutover", "--by", "carol"}).code, 0);
  const Ran ended = site.hyops({"run", "resume", run});
  EXPECT_EQ(ended.code, 0) << ended.err;
  const Ran verified =
      site.hyops({"record", "verify", site.at("runs/" + run + "/record"), "--lane", "prod"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  const auto events = read_file(site.path() / "runs" / run / "record/events.jsonl").value();
  EXPECT_NE(events.find("\"by\":\"carol\",\"phase\":\"cutover\""), std::string::npos) << events;
  EXPECT_EQ(site.hyops({"run", "resume", run}).code, 0) << "there is nothing left to do";
}

TEST_F(ProdLike, wants_two_approvers_who_are_two_people) {
  ASSERT_EQ(site.plan("prod").code, 0);
  fs::create_directories(site.path() / "approvals");
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.too_few"));
  ASSERT_EQ(site.approve("alice", "prod").code, 0);
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.too_few"));
  for (const char* end : {".json", ".json.minisig"})
    fs::copy(site.at(std::string("approvals/alice") + end),
             site.at(std::string("approvals/again") + end));
  EXPECT_EQ(site.start().code, 3) << "the same approval twice is one";
  EXPECT_TRUE(refused(site.approve("carol", "prod"), 3, "trust.approval.unknown_approver"));
  EXPECT_EQ(site.runs(), 0u) << "a refused start leaves no run behind";
}

TEST_F(ProdLike, does_not_count_the_requesters_own_approval) {
  ASSERT_EQ(site.plan("prod", "plan.json", "alice").code, 0);
  EXPECT_TRUE(refused(site.approve("alice", "prod"), 3, "trust.approval.requester"));
  EXPECT_FALSE(fs::exists(site.at("approvals/alice.json"))) << "it is not even signed";
  ASSERT_EQ(site.plan("prod").code, 0);
  ASSERT_EQ(site.approve("alice", "prod").code, 0);
  ASSERT_EQ(site.approve("bob", "prod").code, 0);
  EXPECT_TRUE(refused(site.start("alice"), 3, "trust.approval.requester"));
}

TEST_F(ProdLike, refuses_an_approval_whose_window_is_over_or_too_long) {
  ASSERT_EQ(site.plan("prod").code, 0);
  EXPECT_TRUE(refused(site.approve("alice", "prod", "plan.json", {"--valid", "31m"}), 3,
                      "trust.approval.window"));
  ASSERT_EQ(site.approve("alice", "prod", "plan.json", {"--valid", "1ms"}).code, 0);
  ASSERT_EQ(site.approve("bob", "prod").code, 0);
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.expired"));
}

TEST_F(ProdLike, refuses_approvals_of_another_lane) {
  site.lane("staging", "live", "prod-like");
  ASSERT_EQ(site.plan("staging", "staging.json").code, 0);
  EXPECT_TRUE(
      refused(site.approve("alice", "prod", "staging.json"), 3, "trust.approval.other_lane"));
  ASSERT_EQ(site.approve("alice", "staging", "staging.json").code, 0);
  ASSERT_EQ(site.approve("bob", "staging", "staging.json").code, 0);
  ASSERT_EQ(site.plan("prod").code, 0);
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.other_lane"));
}

// Every command is a process of its own: what was used up is so after any restart.
TEST_F(ProdLike, lets_an_approval_start_one_run_only) {
  planned_and_approved();
  EXPECT_EQ(site.start().code, 5);
  EXPECT_TRUE(refused(site.start(), 3, "ledger.used"));
  EXPECT_EQ(site.runs(), 1u);
  ASSERT_EQ(site.approve("alice", "prod").code, 0);
  EXPECT_TRUE(refused(site.start(), 3, "ledger.used"));
  ASSERT_EQ(site.approve("bob", "prod").code, 0);
  EXPECT_NE(site.start().code, 3) << "two new ones start a new run";
}

TEST_F(ProdLike, refuses_a_plan_whose_gate_was_taken_out_however_many_approve_it) {
  ASSERT_EQ(site.plan("prod").code, 0);
  Json plan = Json::parse(read_file(site.at("plan.json")).value());
  plan["policy"]["gates_before"] = Json::array();
  site.write("plan.json", canonical(plan).value());
  ASSERT_EQ(site.approve("alice", "prod").code, 0);
  ASSERT_EQ(site.approve("bob", "prod").code, 0);
  const Ran ran = site.start();
  EXPECT_TRUE(refused(ran, 3, "plan.unfaithful"));
  EXPECT_TRUE(ran.says("gates_before")) << ran.err;
}

// G2: what a profile changes is told in words, and the blueprint is not touched.
TEST(Profiles, change_policy_without_a_change_to_the_blueprint) {
  Operator site;
  site.lane("rehearsal", "drill", "drill");
  site.lane("prod", "live", "prod-like");
  site.blueprint(step("restore", "data") + step("verify", "readiness") + step("switch", "cutover"));
  const auto before = digest_of_tree(site.catalog() / "blueprints").value();
  ASSERT_EQ(site.plan("rehearsal", "rehearsal.json").code, 0);
  ASSERT_EQ(site.plan("prod", "prod.json").code, 0);
  EXPECT_EQ(digest_of_tree(site.catalog() / "blueprints").value(), before);
  const Json drill = Json::parse(read_file(site.at("rehearsal.json")).value()),
             prod = Json::parse(read_file(site.at("prod.json")).value());
  EXPECT_EQ(drill["blueprint"], prod["blueprint"]);

  const Ran told = site.hyops({"plan", "diff", site.at("rehearsal.json"), site.at("prod.json")});
  EXPECT_EQ(told.code, 0);
  for (const char* sentence :
       {"the lane was rehearsal (drill), is prod (live)", "the profile was drill, is prod-like",
        "policy gates_before was [], is [\"cutover\"]", "policy approvals was ", "policy parallel",
        "policy retry", "step restore: time-out was 300000 ms, is 900000 ms"})
    EXPECT_TRUE(told.says(sentence)) << sentence << "\n" << told.out;
  for (const char* unchanged :
       {"the blueprint was", "module was", "phase was", "pack was", "needs was"})
    EXPECT_FALSE(told.says(unchanged)) << unchanged << "\n" << told.out;
  EXPECT_TRUE(site.hyops({"plan", "diff", site.at("prod.json"), site.at("prod.json")})
                  .says("the plans are the same"));
}

}  // namespace
}  // namespace hyops::test
