// Who may start a run, and every reason why not.
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

const char* flow = "[[step]]\nid = \"a\"\nmodule = \"test/say\"\nphase = \"data\"\n";

struct Ready {
  explicit Ready(const std::string& plane = "cloud", const std::string& head = "") : site(plane) {
    site.tool("say", "[outputs.x]\ntype = \"string\"\n[effects]\n",
              "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
    site.blueprint(head + flow);
    plan = site.plan();
  }
  std::string code(const engine::Admission& admission) {
    auto run = engine::admit(site.setup, *site.ledger, admission);
    return run ? "admitted" : run.error().code;
  }
  Site site;
  Json plan;
};

struct Decided : Ready {
  Decided() : Ready("cloud", "decision = [\"burst\"]\n") {
    decide([](trust::Decision&) {});
  }
  void decide(const std::function<void(trust::Decision&)>& change) {
    trust::Decision d;
    d.id = "d-" + random_token(4);
    d.type = "burst";
    d.lane = "drill";
    d.target = "cloud";
    d.dr_mode = "restore";
    d.execution_plane = "runner-local";
    d.rationale = "test";
    d.repository = "main@repository";
    d.issued_ms = system_clock().wall_ms() - 1000;
    d.expires_ms = d.issued_ms + 600'000;
    d.nonce = random_token();
    d.epoch = 1;
    d.signals = {{"probe", digest_of("down")}};
    d.policy = digest_of("policy");
    change(d);
    document = trust::to_document(d).value();
    decision = {"decision", document, site.decider.sign(document, "decision").value()};
    plan = site.plan(
        nullptr, {},
        {{"decision", {{"id", d.id}, {"type", d.type}, {"digest", digest_of(document)}}}});
  }
  engine::Admission admission() {
    return {plan, decision, {site.approval(plan, site.alice, "alice")}, "oncall", "", 0};
  }
  std::string document;
  trust::SignedDocument decision;
};

}  // namespace

TEST(Admission, wants_the_approvals_the_profile_asks_for) {
  Ready r;
  EXPECT_EQ(r.code({r.plan, {}, {}, "oncall", "", 0}), "trust.approval.too_few");
  EXPECT_EQ(r.code({r.plan, {}, {{"empty", "", ""}}, "oncall", "", 0}), "trust.approval.empty");
  EXPECT_EQ(r.code({r.plan, {}, {r.site.approval(r.plan, r.site.alice, "alice")}, "alice", "", 0}),
            "trust.approval.requester");
  EXPECT_EQ(r.code({r.plan, {}, {r.site.approval(r.plan, r.site.alice, "alice")}, "oncall", "", 0}),
            "admitted");
}

// L11: the one who planned, the one who decided and the one who starts it are all who asked.
TEST(Admission, takes_no_approval_of_anybody_who_asked_whoever_starts_it) {
  Ready r;
  const Json asked =
      r.site.plan(nullptr, {}, {{"request", {{"by", "alice"}, {"reason", "a test"}}}});
  EXPECT_EQ(r.code({asked, {}, {r.site.approval(asked, r.site.alice, "alice")}, "root", "", 0}),
            "trust.approval.requester");
  Decided d;
  std::string lane = read_file(d.site.setup.lane_file("drill")).value();
  const std::string bob = d.site.bob.public_key().text;
  lane.replace(lane.find(bob), bob.size(), d.site.decider.public_key().text);
  d.site.file(d.site.setup.lane_file("drill"), lane);  // who decides may approve, as bob
  d.decide([](trust::Decision&) {});
  auto admission = d.admission();
  admission.approvals = {d.site.approval(d.plan, d.site.decider, "bob")};
  EXPECT_EQ(d.code(admission), "trust.approval.requester");
  EXPECT_EQ(d.code(d.admission()), "admitted");
}

TEST(Admission, refuses_an_approval_of_another_plan_lane_or_time) {
  Ready r;
  const auto with = [&](const std::function<void(trust::Approval&)>& change) {
    return r.code(
        {r.plan, {}, {r.site.approval(r.plan, r.site.alice, "alice", change)}, "oncall", "", 0});
  };
  EXPECT_EQ(with([](trust::Approval& a) { a.plan = digest_of("other"); }),
            "trust.approval.other_plan");
  EXPECT_EQ(with([](trust::Approval& a) { a.lane = "prod"; }), "trust.approval.other_lane");
  EXPECT_EQ(with([](trust::Approval& a) { a.decision = digest_of("other"); }),
            "trust.approval.other_decision");
  EXPECT_EQ(with([](trust::Approval& a) { a.blast_radius = digest_of("other"); }),
            "trust.approval.other_blast_radius");
  EXPECT_EQ(with([](trust::Approval& a) {
              a.from_ms -= 900'000;
              a.until_ms -= 900'000;
            }),
            "trust.approval.expired");
  EXPECT_EQ(with([](trust::Approval& a) {
              a.from_ms += 900'000;
              a.until_ms += 900'000;
            }),
            "trust.approval.not_yet");
}

TEST(Admission, refuses_an_approval_that_was_used_for_another_run_also_after_a_restart) {
  Ready r;
  const auto approval = r.site.approval(r.plan, r.site.alice, "alice");
  EXPECT_EQ(r.code({r.plan, {}, {approval}, "oncall", "", 0}), "admitted");
  r.site.ledger.reset();
  r.site.ledger.emplace(ledger::Ledger::open(r.site.setup.ledger()).value());
  EXPECT_EQ(r.code({r.plan, {}, {approval}, "oncall", "", 0}), "ledger.used");
}

TEST(Admission, refuses_a_machine_that_is_no_runner_and_one_of_another_plane) {
  Ready other("onprem");
  EXPECT_EQ(other.code({other.plan,
                        {},
                        {other.site.approval(other.plan, other.site.alice, "alice")},
                        "oncall",
                        "",
                        0}),
            "engine.runner.plane");
  Json nowhere = other.plan;
  nowhere["target"] = "";
  const auto refused = engine::admit(
      other.site.setup, *other.site.ledger,
      {nowhere, {}, {other.site.approval(nowhere, other.site.alice, "alice")}, "oncall", "", 0});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("selects no target"), std::string::npos);
  EXPECT_NE(refused.error().next.find("--target"), std::string::npos) << "not to runner \"\"";
  Ready none;
  std::filesystem::remove(none.site.setup.home / "runner.json");
  EXPECT_EQ(none.code({none.plan,
                       {},
                       {none.site.approval(none.plan, none.site.alice, "alice")},
                       "oncall",
                       "",
                       0}),
            "engine.runner.none");
  Ready forged;
  const auto file = forged.site.setup.home / "runner.json";
  const std::string text = read_file(file).value();
  ASSERT_TRUE(write_file(file, text.substr(0, text.size() - 1) + ",\"x\":1}"));
  EXPECT_EQ(forged.code({forged.plan,
                         {},
                         {forged.site.approval(forged.plan, forged.site.alice, "alice")},
                         "oncall",
                         "",
                         0}),
            "engine.runner.attestation");
}

TEST(Admission, refuses_what_changed_after_the_plan_was_made) {
  const auto code_after = [](const std::function<void(Ready&)>& change) {
    Ready r;
    const auto approval = r.site.approval(r.plan, r.site.alice, "alice");
    change(r);
    return r.code({r.plan, {}, {approval}, "oncall", "", 0});
  };
  EXPECT_EQ(code_after([](Ready& r) { r.site.lane("# changed\n"); }), "engine.lane.changed");
  EXPECT_EQ(code_after([](Ready& r) { r.site.profile("approvals = 1", "# changed\n"); }),
            "engine.profile.changed");
  EXPECT_EQ(code_after([](Ready& r) { r.site.blueprint(std::string(flow) + "# changed\n"); }),
            "engine.blueprint.changed");
  EXPECT_EQ(code_after([](Ready& r) { r.plan["surprise"] = 1; }), "plan.malformed");
}

// E4, G2, L10: approvals do not help a plan that its sources do not give.
TEST(Admission, refuses_a_plan_that_was_changed_by_hand_even_if_that_was_approved) {
  Ready r;
  r.site.tool("wait",
              "[inputs.pause]\ntype = \"duration\"\n[outputs.x]\ntype = \"string\"\n[effects]\n",
              "true\n");
  r.site.profile("approvals = 1", "[gates]\nbefore = [\"readiness\"]\n");
  r.site.blueprint(std::string(flow) +
                   "[[step]]\nid = \"b\"\nmodule = \"test/wait\"\nphase = \"readiness\"\n");
  const Json good = r.site.plan(nullptr, {{"b.pause", "2m"}});
  const auto code = [&](const std::function<void(Json&)>& change) {
    Json plan = good;
    change(plan);
    return r.code({plan, {}, {r.site.approval(plan, r.site.alice, "alice")}, "oncall", "", 0});
  };
  for (const auto& change : std::vector<std::function<void(Json&)>>{
           [](Json& plan) { plan["blast_radius"]["files"] = Json::array({"/nothing"}); },
           [](Json& plan) { plan["cost"]["estimate_micro"] = 7; },
           [](Json& plan) { plan["policy"]["gates_before"] = Json::array(); },
           [](Json& plan) {
             plan["policy"]["retry"]["internal"] = {{"attempts", 9}, {"pause_ms", 0}};
           },
           [](Json& plan) { plan["policy"]["approvals"]["required"] = 0; },
           [](Json& plan) { plan["steps"][1]["phase"] = "data"; },
           [](Json& plan) { plan["steps"].erase(1); },
           [](Json& plan) { plan["steps"][0]["timeout_ms"] = 1; },
           [](Json& plan) { plan["steps"][0]["idempotent"] = true; },
           [](Json& plan) { plan["steps"][0]["instance"] = "other"; },
           [](Json& plan) { plan["title"] = "something harmless"; },
           [](Json& plan) { plan["execution_plane"] = "workstation"; }})
    EXPECT_EQ(code(change), "plan.unfaithful");
  EXPECT_EQ(code([](Json& plan) { plan["steps"][1]["inputs"]["pause"]["value"] = "2m"; }),
            "contract.value.type");
  EXPECT_EQ(code([](Json&) {}), "admitted");
}

TEST(Admission, refuses_an_approval_longer_than_the_profile_allows) {
  Ready r;
  const auto forever = r.site.approval(r.plan, r.site.alice, "alice",
                                       [](trust::Approval& a) { a.until_ms += 86'400'000; });
  EXPECT_EQ(r.code({r.plan, {}, {forever}, "oncall", "", 0}), "trust.approval.window");
}

TEST(Admission, runs_from_a_decision_end_to_end) {
  Decided r;
  auto run = engine::admit(r.site.setup, *r.site.ledger, r.admission());
  ASSERT_TRUE(run) << run.error().text();
  EXPECT_EQ(r.site.go_on(*run), "ok");
  EXPECT_TRUE(std::filesystem::exists(r.site.record() / "decision.json"));
  EXPECT_TRUE(r.site.verify().clean);
}

TEST(Admission, refuses_a_decision_used_twice_of_another_type_target_or_epoch) {
  Decided r;
  EXPECT_EQ(r.code(r.admission()), "admitted");
  EXPECT_EQ(r.code(r.admission()), "ledger.used")
      << "a new approval does not make an old decision good";
  const auto with = [&](const std::function<void(trust::Decision&)>& change) {
    r.decide(change);
    return r.code(r.admission());
  };
  EXPECT_EQ(with([](trust::Decision& d) { d.type = "failback"; }), "engine.decision.type");
  EXPECT_EQ(with([](trust::Decision& d) { d.target = "onprem"; }), "engine.decision.target");
  EXPECT_EQ(with([](trust::Decision& d) { d.epoch = 2; }), "trust.decision.epoch");
  EXPECT_EQ(with([](trust::Decision& d) { d.lane = "prod"; }), "trust.decision.lane");
  EXPECT_EQ(with([](trust::Decision& d) {
              d.issued_ms -= 2'000'000;
              d.expires_ms -= 2'000'000;
            }),
            "trust.decision.expired");
  r.decide([](trust::Decision&) {});
  auto swapped = r.admission();
  const auto planned = r.plan;
  r.decide([](trust::Decision&) {});
  swapped.decision = r.decision;
  EXPECT_EQ(r.code(swapped), "engine.decision.other");
  swapped.decision.reset();
  EXPECT_EQ(r.code(swapped), "engine.decision.missing");
}

TEST(Admission, refuses_a_runner_that_the_lane_does_not_name) {
  const auto named = [](Ready& ready, const std::string& key, const std::string& plane) {
    ready.site.lane("[runners.one]\nplane = \"" + plane + "\"\nkey = \"" + key + "\"\n");
    ready.plan = ready.site.plan();
    return ready.code({ready.plan,
                       {},
                       {ready.site.approval(ready.plan, ready.site.alice, "alice")},
                       "oncall",
                       "",
                       0});
  };
  Ready ready;
  const std::string own = ready.site.runner.public_key().text;
  EXPECT_EQ(named(ready, ready.site.bob.public_key().text, "cloud"), "engine.runner.lane");
  EXPECT_EQ(named(ready, own, "onprem"), "engine.runner.lane");
  EXPECT_EQ(named(ready, own, "cloud"), "admitted");
}

TEST(Admission, names_the_runner_that_can_carry_out_what_this_one_cannot) {
  Ready here("onprem");
  const auto next = [&](const std::vector<std::string>& runners) {
    std::string lane;
    for (const auto& name : runners)
      lane += "[runners." + name + "]\nplane = \"" + (name == "home" ? "onprem" : "cloud") +
              "\"\nkey = \"" + here.site.runner.public_key().text + "\"\n";
    here.site.lane(lane);
    const Json plan = here.site.plan();
    const auto refused = engine::admit(
        here.site.setup, *here.site.ledger,
        {plan, {}, {here.site.approval(plan, here.site.alice, "alice")}, "oncall", "", 0});
    return refused ? "admitted" : refused.error().next;
  };
  EXPECT_EQ(next({"home", "berlin"}), "hyops run dispatch PLAN --runner berlin");
  EXPECT_EQ(next({"berlin", "cloud"}), "hyops run dispatch PLAN --runner cloud");
  EXPECT_NE(next({"home"}).find("hyops runner init --plane cloud"), std::string::npos);
}

TEST(Admission, refuses_another_repository_than_the_decision_declares) {
  for (const char* name : {"repository", "elsewhere"}) {
    Decided ready;
    ready.site.tool("restore",
                    "[inputs.repository]\ntype = \"endpoint\"\nrequired = true\n[inputs.stanza]\n"
                    "type = \"string\"\ndefault = \"main\"\n[effects]\n",
                    "true\n");
    ready.site.lane(
        "[facts]\nrepository = { name = \"" + std::string(name) +
        "\", address = \"10.0.0.1\", port = 22, user = \"root\", host_key = "
        "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\" }\n");
    ready.site.blueprint(
        "decision = [\"burst\"]\n[[step]]\nid = \"a\"\nmodule = \"test/restore\"\nphase = "
        "\"data\"\ninputs = { repository = { from = \"lane.repository\" } }\n");
    ready.decide([](trust::Decision&) {});
    EXPECT_EQ(ready.code(ready.admission()),
              std::string(name) == "repository" ? "admitted" : "engine.decision.repository");
  }
}

TEST(Admission, holds_a_run_against_its_profiles_hours) {
  Ready ready;
  const auto under = [&](const std::string& more) {
    ready.site.profile("approvals = 1", more);
    ready.plan = ready.site.plan();
    return ready.code({ready.plan,
                       {},
                       {ready.site.approval(ready.plan, ready.site.alice, "alice")},
                       "oncall",
                       "",
                       0});
  };
  EXPECT_EQ(under("[window]\nopen = [\"daily 00:00-24:00\"]\n"), "admitted");
  // A day that is neither yesterday, today nor tomorrow, should midnight come meanwhile.
  const int64_t day = (system_clock().wall_ms() / 86'400'000 + 3) % 7;
  const char* days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  EXPECT_EQ(under("[window]\nopen = [\"" + std::string(days[(day + 3) % 7]) + " 00:00-24:00\"]\n"),
            "policy.window");
}

TEST(Admission, counts_the_approvals_of_those_alone_whom_the_profile_names) {
  Ready ready;
  ready.site.profile("approvals = 1\nby = [\"bob\"]");
  ready.plan = ready.site.plan();
  EXPECT_EQ(ready.code({ready.plan,
                        {},
                        {ready.site.approval(ready.plan, ready.site.alice, "alice")},
                        "oncall",
                        "",
                        0}),
            "trust.approval.not_permitted");
  EXPECT_EQ(ready.code({ready.plan,
                        {},
                        {ready.site.approval(ready.plan, ready.site.bob, "bob")},
                        "oncall",
                        "",
                        0}),
            "admitted");
}
