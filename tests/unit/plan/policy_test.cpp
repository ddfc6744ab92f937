// Every obligation that is judged before a run: a plan that breaks it is refused with its ID, the
// field and a next step; the same plan mended passes.
#include "support/site.hpp"

using namespace hyops;

namespace {

plan::Input known(Json value) { return {std::move(value), true, "a test", "", "string"}; }

plan::Step step(const std::string& id, const std::string& module, contract::Phase phase) {
  plan::Step step;
  step.id = id, step.module = module, step.phase = phase;
  return step;
}

// A plan that breaks nothing: egress, a placed host, access to it.
struct Judged {
  Judged() {
    plan.blueprint = "dr/x", plan.execution_plane = "runner-local";
    plan.lane = "drill", plan.lane_kind = "drill";
    plan.cost = {{"estimate_micro", 1'000'000}, {"unpriced", Json::array()}};
    profile.name = "strict";
    plan.steps = {step("out", "egress/policy", contract::Phase::egress),
                  step("host", "compute/host", contract::Phase::place),
                  step("reach", "access/session", contract::Phase::access)};
    plan.steps[2].interface = "hyops.access/1";
  }
  plan::Input& input(const std::string& name) { return plan.steps[1].inputs[name]; }

  // The one refusal there is; its words are looked at by all tests alike.
  std::string refusal(const std::vector<std::string>& words = {}) {
    contract::Diagnostics problems;
    plan::judge(plan, profile, problems);
    if (problems.empty()) return "";
    EXPECT_EQ(problems.size(), 1u) << problems[0].text();
    const Error& error = problems[0];
    for (const auto& word : words)
      EXPECT_NE(error.message.find(word), std::string::npos) << word << ": " << error.message;
    EXPECT_EQ(error.kind, FailureClass::denied);
    EXPECT_FALSE(error.next.empty()) << error.code;
    return error.code;
  }
  plan::Plan plan;
  contract::Profile profile;
};

}  // namespace

TEST(Policy, lets_a_plan_pass_that_breaks_nothing) { EXPECT_EQ(Judged().refusal(), ""); }

TEST(Policy, A1_wants_egress_declared_where_a_runner_reaches_hosts_it_places) {
  Judged judged;
  judged.plan.steps.erase(judged.plan.steps.begin());
  EXPECT_EQ(judged.refusal({"A1", "egress", "none"}), "policy.egress_undeclared");
  judged.plan.steps[0].phase = contract::Phase::data;
  EXPECT_EQ(judged.refusal(), "") << "nothing is placed";
  judged.plan.steps[0].phase = contract::Phase::place;
  judged.plan.steps[1].interface = "";
  EXPECT_EQ(judged.refusal(), "") << "nothing is reached";
}

TEST(Policy, A2_refuses_an_overlay_as_the_only_path_of_a_dr_blueprint) {
  Judged judged;
  judged.profile.connectivity = "private-overlay";
  EXPECT_EQ(judged.refusal({"A2", "connectivity", "private-overlay", "strict"}),
            "policy.overlay_only");
  judged.plan.blueprint = "onprem/x";
  EXPECT_EQ(judged.refusal(), "") << "good for normal operation";
}

TEST(Policy, A5_refuses_public_access_in_a_live_lane) {
  Judged judged;
  judged.profile.connectivity = "public-ephemeral";
  EXPECT_EQ(judged.refusal(), "") << "a drill may";
  judged.plan.lane_kind = "live";
  EXPECT_EQ(judged.refusal({"A5", "connectivity", "public-ephemeral"}), "policy.public_access");
  judged.profile.connectivity = "bastion-explicit";
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, A5_opens_a_port_only_with_everything_that_speaks_for_it) {
  Judged judged;
  auto& reach = judged.plan.steps[2];
  reach.plugin = "hyops.access.public-ephemeral";
  reach.inputs["public_reason"] = known("the vpn is gone, and the disk fills");
  reach.inputs["public_sources"] = known({"198.51.100.8/29"});
  reach.inputs["hosts"] = {Json(), false, "step host", "host.hosts", "list<host>"};
  judged.input("role") = known("repository");
  EXPECT_EQ(judged.refusal({"A5", "reach", "break_glass", "strict"}), "policy.public_port");
  judged.profile.defaults["access/session"]["break_glass"] = true;
  EXPECT_EQ(judged.refusal(), "");
  judged.plan.lane_kind = "live";
  EXPECT_EQ(judged.refusal(), "") << "break-glass, where the profile says so";

  judged.profile.approvals_required = 0;
  EXPECT_EQ(judged.refusal({"approval"}), "policy.public_port");
  judged.profile.approvals_required = 1;
  judged.profile.approver_is_not_requester = false;
  EXPECT_EQ(judged.refusal({"approval"}), "policy.public_port");
  judged.profile.approver_is_not_requester = true;
  reach.inputs["public_reason"] = known(" \t");
  EXPECT_EQ(judged.refusal({"public_reason"}), "policy.public_port");
  reach.inputs["public_reason"] = known("the vpn is gone");
  for (const char* everybody : {"0.0.0.0/0", "::/0"}) {
    reach.inputs["public_sources"] = known({"198.51.100.8/29", everybody});
    EXPECT_EQ(judged.refusal({"everybody", everybody}), "policy.public_port");
  }
  reach.inputs["public_sources"] = known(Json::array());
  EXPECT_EQ(judged.refusal({"public_sources"}), "policy.public_port");
  reach.inputs["public_sources"] = known({"198.51.100.8/29"});
  for (const char* role : {"postgresql", "database", "db", "redis-cache"}) {
    judged.input("role") = known(role);
    EXPECT_EQ(judged.refusal({"database", "step host"}), "policy.public_port") << role;
  }
}

TEST(Policy, A7_refuses_a_public_address_without_a_reason) {
  Judged judged;
  judged.input("address") = known("public");
  EXPECT_EQ(judged.refusal({"A7", "host", "public_reason"}), "policy.public_address");
  for (const Json& none : {Json(""), Json(), Json(true), Json::array({"x"})}) {
    judged.input("public_reason") = known(none);
    EXPECT_EQ(judged.refusal(), "policy.public_address") << none;
  }
  judged.input("public_reason") = known("the vendor's licence server calls back");
  EXPECT_EQ(judged.refusal(), "");
  judged.input("public_reason") = known("");
  judged.input("address") = known("private");
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, C4_refuses_a_bare_project_id) {
  Judged judged;
  judged.input("project_id") = known("p-1");
  EXPECT_EQ(judged.refusal({"C4", "host", "project_id", "control"}), "policy.project_id");
  judged.plan.steps[1].inputs.erase("project_id");
  judged.input("host_project") = known("p-1");
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, E1_refuses_a_dr_blueprint_outside_runner_local) {
  Judged judged;
  judged.plan.execution_plane = "workstation";
  EXPECT_EQ(judged.refusal({"E1", "workstation"}), "policy.execution_plane");
  judged.plan.blueprint = "onprem/x";
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, G3_refuses_what_has_no_price_and_what_costs_more_than_the_budget) {
  Judged judged;
  judged.plan.cost["unpriced"] = Json::array({"host"});
  EXPECT_EQ(judged.refusal({"G3", "host"}), "policy.cost_unknown");
  judged.profile.unknown_cost_denied = false;
  EXPECT_EQ(judged.refusal(), "") << "the profile allows it by name";
  judged.profile.unknown_cost_denied = true;
  judged.plan.cost["unpriced"] = Json::array();
  judged.profile.cost_max_micro = 999'999;
  EXPECT_EQ(judged.refusal({"G3", "999999", "EUR"}), "policy.cost_exceeded");
  judged.profile.cost_max_micro = 1'000'000;
  EXPECT_EQ(judged.refusal(), "") << "the budget itself may be spent";
}

TEST(Policy, tells_everything_that_is_wrong_at_once) {
  Judged judged;
  judged.plan.steps.erase(judged.plan.steps.begin());
  judged.plan.steps[0].inputs["address"] = known("public");
  judged.plan.cost["unpriced"] = Json::array({"host"});
  contract::Diagnostics problems;
  plan::judge(judged.plan, judged.profile, problems);
  EXPECT_EQ(problems.size(), 3u);
}
