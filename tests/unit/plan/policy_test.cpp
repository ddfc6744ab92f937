// Every obligation that is judged before a run: a plan that breaks it is refused with its ID, the
// field and a next step; the same plan mended passes.
#include "plan/policy.hpp"
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
    plan.steps[2].plugin = "a.plugin";
    plan.steps[2].mode = "runner-local";
    plan.steps[2].inputs["hosts"] = {Json(), false, "step host", "host.hosts", "list<host>"};
  }
  plan::Input& input(const std::string& name) { return plan.steps[1].inputs[name]; }

  // The one refusal there is; its words are looked at by all tests alike.
  std::string refusal(const std::vector<std::string>& words = {}) {
    contract::Diagnostics problems;
    plan::judge(plan, profile, problems, lane ? &*lane : nullptr);
    if (problems.empty()) return "";
    EXPECT_EQ(problems.size(), 1u) << problems[0].text();
    const Error& error = problems[0];
    for (const auto& word : words)
      EXPECT_NE(error.message.find(word), std::string::npos) << word << ": " << error.message;
    EXPECT_EQ(error.kind, FailureClass::denied);
    EXPECT_FALSE(error.next.empty()) << error.code;
    return error.code;
  }
  // A cutover after all that has to come before it.
  void cut_over() {
    plan.steps.push_back(step("restore", "test/restore", contract::Phase::data));
    plan.steps.push_back(step("look", "test/look", contract::Phase::readiness));
    plan.steps.push_back(step("move", "dns/cutover", contract::Phase::cutover));
  }
  plan::Plan plan;
  contract::Profile profile;
  std::optional<contract::Lane> lane;
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
  judged.plan.steps[1].mode = "";
  EXPECT_EQ(judged.refusal(), "") << "nothing is reached";
}

TEST(Policy, A2_refuses_an_overlay_as_the_only_path_of_a_dr_blueprint) {
  Judged judged;
  judged.profile.connectivity = "private-overlay";
  judged.plan.steps[2].mode = "private-overlay";
  EXPECT_EQ(judged.refusal({"A2", "connectivity", "private-overlay", "strict"}),
            "policy.overlay_only");
  judged.plan.blueprint = "onprem/x";
  EXPECT_EQ(judged.refusal(), "") << "good for normal operation";
}

TEST(Policy, A3_never_infers_a_bastion_but_in_the_zones_that_the_lane_calls_its_own) {
  Judged judged;
  judged.profile.connectivity = "bastion-explicit";
  judged.plan.steps[2].mode = "bastion-explicit";
  judged.lane.emplace().name = "drill";
  judged.input("zone") = known("cloud");
  Json& settings = judged.lane->plugins["a.plugin"];
  EXPECT_EQ(judged.refusal({"A3", "reach", "drill", "none"}), "policy.bastion_unnamed");
  settings["ssh_proxy_jump_auto"] = true;
  EXPECT_EQ(judged.refusal({"A3", "cloud"}), "policy.bastion_unnamed") << "no zone is its own";
  settings["jump_zones"] = {"onprem"};
  EXPECT_EQ(judged.refusal({"A3", "cloud"}), "policy.bastion_unnamed");
  judged.input("zone") = known("onprem");
  EXPECT_EQ(judged.refusal(), "");
  judged.input("zone") = known("cloud");
  settings["bastion"] = {{"name", "jump"}};
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, A4_reaches_by_a_mode_of_one_platform_what_stands_on_it_alone) {
  Judged judged;
  judged.plan.steps[2].platforms = {"sky"};
  EXPECT_EQ(judged.refusal({"A4", "reach", "sky", "no platform"}), "policy.access_platform");
  judged.plan.steps[1].platforms = {"sea"};
  EXPECT_EQ(judged.refusal({"A4", "sky", "sea"}), "policy.access_platform");
  judged.plan.steps[1].platforms = {"sky", "sea"};
  EXPECT_EQ(judged.refusal(), "policy.access_platform") << "some may stand elsewhere";
  judged.plan.steps[1].platforms = {"sky"};
  EXPECT_EQ(judged.refusal(), "");
  // Hosts that this plan does not place: the lane says where they stand.
  judged.plan.steps[2].inputs["hosts"] = known(Json::array());
  EXPECT_EQ(judged.refusal({"A4"}), "policy.access_platform");
  judged.lane.emplace().facts["platform"] = "sea";
  EXPECT_EQ(judged.refusal({"A4", "sea"}), "policy.access_platform");
  judged.lane->facts["platform"] = "sky";
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, A5_refuses_public_access_in_a_live_lane) {
  Judged judged;
  judged.profile.connectivity = "public-ephemeral";
  judged.plan.steps[2].mode = "";
  EXPECT_EQ(judged.refusal(), "") << "a drill may";
  judged.plan.lane_kind = "live";
  EXPECT_EQ(judged.refusal({"A5", "connectivity", "public-ephemeral"}), "policy.public_access");
  judged.profile.connectivity = "bastion-explicit";
  judged.plan.steps[2].mode = "bastion-explicit";
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, A5_opens_a_port_only_with_everything_that_speaks_for_it) {
  Judged judged;
  auto& reach = judged.plan.steps[2];
  reach.mode = "public-ephemeral";
  reach.inputs["public_reason"] = known("the vpn is gone, and the disk fills");
  reach.inputs["public_sources"] = known({"198.51.100.8/29"});
  judged.input("role") = known("repository");
  EXPECT_EQ(judged.refusal({"A5", "reach", "break_glass", "strict"}), "policy.public_port");
  judged.profile.defaults["access/session"]["break_glass"] = true;
  EXPECT_EQ(judged.refusal(), "");
  judged.plan.lane_kind = "live";
  EXPECT_EQ(judged.refusal(), "") << "break-glass, where the profile says so";
  judged.plan.lane_kind = "drill";

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
  judged.plan.cost["unpriced"] = Json::array();
  judged.profile.cost_max_micro = 999'999;
  EXPECT_EQ(judged.refusal({"G3", "999999", "EUR"}), "policy.cost_exceeded");
  judged.profile.cost_max_micro = 1'000'000;
  EXPECT_EQ(judged.refusal(), "") << "the budget itself may be spent";
}

TEST(Policy, E4_and_E5_refuse_a_cutover_without_what_comes_before_it) {
  Judged judged;
  judged.cut_over();
  EXPECT_EQ(judged.refusal(), "");
  judged.plan.steps[3].phase = contract::Phase::access;
  EXPECT_EQ(judged.refusal({"E4", "move", "data"}), "policy.cutover_early");
  judged.plan.steps[3].phase = contract::Phase::data;
  judged.plan.steps[3].inputs["key"] = {"repository-key", true, "lane drill", "", "secret"};
  EXPECT_EQ(judged.refusal({"E5", "restore", "secrets"}), "policy.secrets_late");
  judged.plan.steps[2].phase = contract::Phase::secrets;
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, E8_refuses_what_is_quietly_less_than_what_was_declared) {
  Judged judged;
  judged.input("public_reason") = known("the vendor calls back");
  judged.input("address") = {"public", true, "lane drill", "", "string"};
  EXPECT_EQ(judged.refusal(), "") << "the lane may declare it";
  judged.input("address").from = "operator";
  EXPECT_EQ(judged.refusal({"E8", "host"}), "policy.public_downgrade");
  judged.input("address").value = "private";

  judged.input("repository") = {Json::object(), true, "lane drill, fact repository", "",
                                "endpoint"};
  EXPECT_EQ(judged.refusal(), "");
  for (const char* from : {"blueprint dr/x, step host", "operator"}) {
    judged.input("repository").from = from;
    EXPECT_EQ(judged.refusal({"E8", "host"}), "policy.repository_hard_coded");
  }
  judged.input("repository") = {Json(), false, "step out", "out.repository", "endpoint"};
  EXPECT_EQ(judged.refusal(), "");

  judged.plan.steps[2].mode = "private-overlay";
  EXPECT_EQ(judged.refusal({"E8", "reach", "private-overlay", "runner-local"}),
            "policy.access_mode");
  judged.plan.steps[2].mode = "runner-local";

  judged.plan.lane_kind = "live";
  judged.profile.approvals_required = 0;
  EXPECT_EQ(judged.refusal({"E8"}), "policy.approval_implicit");
  judged.profile.approvals_required = 1;
  judged.profile.approver_is_not_requester = false;
  EXPECT_EQ(judged.refusal({"E8"}), "policy.approval_implicit");
  judged.plan.lane_kind = "drill";
  EXPECT_EQ(judged.refusal(), "");
}

TEST(Policy, G6_moves_only_the_names_that_the_lane_declares) {
  Judged judged;
  judged.cut_over();
  auto& inputs = judged.plan.steps.back().inputs;
  inputs["name"] = {"db.hyops.test", true, "lane drill, fact db_name", "", "dns_name"};
  inputs["ttl"] = {5, true, "operator", "", "int"};
  EXPECT_EQ(judged.refusal(), "");
  for (const char* input : {"api", "authority", "zone", "name", "api_key"}) {
    const auto before = inputs;
    inputs[input] = {"db.other.test", true, "operator", "", "dns_name"};
    EXPECT_EQ(judged.refusal({"G6", "move", input}), "policy.dns_binding") << input;
    inputs = before;
  }
}

TEST(Policy, L12_takes_a_proof_from_a_fence_of_the_same_run_only) {
  Judged judged;
  judged.plan.steps.insert(judged.plan.steps.begin(),
                           step("fence", "fence/site", contract::Phase::fence));
  judged.cut_over();
  auto& move = judged.plan.steps.back();
  move.proofs = {"fence_proof"};
  move.inputs["fence_proof"] = {Json(), false, "step fence", "fence.proof", "string"};
  EXPECT_EQ(judged.refusal(), "");
  move.inputs["fence_proof"] = known("");
  EXPECT_EQ(judged.refusal(), "") << "nobody is replaced";
  move.fenced = {"expected"};
  move.inputs["expected"] = known(Json::array({{{"name", "db-old"}}}));
  EXPECT_EQ(judged.refusal({"L12", "move", "expected"}), "policy.fence_unproven");
  move.inputs["expected"] = known(Json::array());
  EXPECT_EQ(judged.refusal(), "");
  move.inputs["fence_proof"] = {"a proof", true, "operator", "", "string"};
  EXPECT_EQ(judged.refusal({"L12", "move", "operator"}), "policy.fence_unproven");
  move.inputs["fence_proof"] = {"a proof", true, "state fence/site#old", "", "string"};
  EXPECT_EQ(judged.refusal({"L12", "move"}), "policy.fence_unproven");
  move.inputs["fence_proof"] = {Json(), false, "step look", "look.said", "string"};
  EXPECT_EQ(judged.refusal({"L12", "move"}), "policy.fence_unproven");
}

TEST(Policy, a_should_is_passed_over_for_a_reason_and_a_must_never) {
  Judged judged;
  judged.lane.emplace();
  judged.lane->facts = {{"primary_site", "onprem"},
                        {"control_sites", {{"records", "onprem"}, {"decisions", "edge"}}}};
  EXPECT_EQ(judged.refusal({"D1", "records"}), "policy.control_site");
  judged.plan.accepted["policy.control_site"] = {"moves next week, ticket 12", "operator"};
  EXPECT_EQ(judged.refusal(), "");
  judged.profile.severity["policy.control_site"] = contract::Severity::must;
  contract::Diagnostics problems;
  plan::judge(judged.plan, judged.profile, problems, &*judged.lane);
  ASSERT_EQ(problems.size(), 2u) << "it stands, and there is nothing that could be accepted";
  EXPECT_EQ(problems[0].code, "policy.control_site");
  EXPECT_EQ(problems[1].code, "policy.accept");
  judged.profile.severity.clear();
  judged.lane->facts.clear();
  EXPECT_EQ(judged.refusal({"nothing to pass over"}), "policy.accept");

  EXPECT_EQ(*plan::acceptable("D1", judged.profile), "policy.control_site");
  EXPECT_EQ(*plan::acceptable("policy.gate_missing", judged.profile), "policy.gate_missing");
  for (const char* word : {"A7", "policy.public_address", "E8", "L12", "policy.nothing", ""})
    EXPECT_EQ(plan::acceptable(word, judged.profile).error().code, "policy.accept") << word;
}

TEST(Policy, names_the_field_and_where_it_was_written) {
  Judged judged;
  judged.input("address") = known("public");
  contract::Blueprint blueprint;
  contract::Step written;
  written.id = "host";
  written.inputs["address"].place = {"blueprint.toml", 12, 5};
  blueprint.steps = {written};
  const auto found = plan::findings({judged.plan, judged.profile, nullptr, &blueprint});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].field, "steps.host.inputs.address");
  ASSERT_TRUE(found[0].place);
  EXPECT_EQ(found[0].place->line, 12);
  EXPECT_NE(plan::refusal(found[0]).text().find("blueprint.toml:12:5"), std::string::npos);
}

TEST(Policy, is_judged_of_a_plan_document_as_of_the_plan) {
  Judged judged;
  judged.plan.steps[2].platforms = {"sky"};
  judged.plan.steps[1].platforms = {"sky", "sea"};
  judged.plan.steps[1].proofs = {"fence_proof"};
  judged.plan.steps[1].fenced = {"expected"};
  for (auto& step : judged.plan.steps) {
    step.driver = contract::Driver::plugin;
    step.instance = step.id;
    step.pack = step.module;
  }
  judged.plan.accepted["policy.control_site"] = {"soon", "lane drill"};
  judged.plan.profile = "strict";
  judged.plan.origin = {{"request", Json::object()}};
  judged.plan.policy = judged.plan.blast_radius = Json::object();
  const auto read = plan::parse_plan(plan::to_json(judged.plan));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->steps[2].mode, "runner-local");
  EXPECT_EQ(read->steps[1].platforms, judged.plan.steps[1].platforms);
  EXPECT_EQ(read->steps[1].proofs, judged.plan.steps[1].proofs);
  EXPECT_EQ(read->steps[1].fenced, judged.plan.steps[1].fenced);
  EXPECT_EQ(read->accepted.at("policy.control_site").from, "lane drill");
  EXPECT_EQ(plan::findings({*read, judged.profile}).size(), 1u);
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
