// The proof of a fence (L12): promotion and cutover start with a fresh one of their own run, lane
// and decision, of a kind that is known, and with no other.
#include "engine/fence.hpp"
#include "support/later.hpp"
#include "support/site.hpp"

using namespace hyops;
using tests::Site;

namespace {

const Json claim{{"kind", "network-isolated"},
                 {"subject", {{"zone", "onprem"}}},
                 {"by", "the router"},
                 {"evidence", "12 packets dropped"}};

// A fence whose claim is a file of the test, and a step that wants its proof, as promotion does.
struct Fenced : Site {
  Fenced() {
    tool("fence", "[outputs.proof]\ntype = \"string\"\n[effects]\nproofs = [\"proof\"]\n",
         "cp " + (path() / "claim").string() + " \"$HYOPS_OUTPUTS\"\n", "",
         "cp " + (path() / "seen").string() + " \"$HYOPS_OUTPUTS\"\n");
    tool("promote",
         "[inputs.fence_proof]\ntype = \"string\"\nrequired = true\nmin = 1\n"
         "[inputs.former]\ntype = \"list<host>\"\ndefault = []\n[effects]\nproofs = "
         "[\"fence_proof\"]\nfenced = [\"former\"]\nirreversible = true\n",
         "echo promoted > " + (path() / "promoted").string() + "\n[ ! -e " +
             (path() / "broken").string() + " ]\n");
    tool("move",
         "[inputs.fence_proof]\ntype = \"string\"\ndefault = \"\"\n[effects]\nproofs = "
         "[\"fence_proof\"]\n",
         "echo moved > " + (path() / "moved").string() + "\n");
    tool("look", "[effects]\n", "true\n");
    promotes("");
    claims(claim);
    seen(claim);
    setup.means = &later;
  }
  // `former` in TOML: the hosts that promotion replaces.
  void promotes(const std::string& former) {
    const std::string more = former.empty() ? "" : ", former = [" + former + "]";
    blueprint(
        "[[step]]\nid = \"fence\"\nmodule = \"test/fence\"\nphase = \"fence\"\n"
        "[[step]]\nid = \"promote\"\nmodule = \"test/promote\"\nphase = \"data\"\n"
        "inputs = { fence_proof = { from = \"fence.proof\" }" +
        more +
        " }\n"
        "[[step]]\nid = \"look\"\nmodule = \"test/look\"\nphase = \"readiness\"\n"
        "[[step]]\nid = \"move\"\nmodule = \"test/move\"\nphase = \"cutover\"\n"
        "inputs = { fence_proof = { from = \"fence.proof\" } }\n");
  }
  void claims(const Json& what) { file(path() / "claim", Json{{"proof", what.dump()}}.dump()); }
  void seen(const Json& what) { file(path() / "seen", Json{{"proof", what.dump()}}.dump()); }
  bool promoted() const { return fs::exists(path() / "promoted"); }
  bool moved() const { return fs::exists(path() / "moved"); }
  engine::FenceContext context(const plan::Plan& plan) {
    contract::Diagnostics problems;
    lane_ = contract::load_lane(setup.lane_file("drill"), problems);
    return {plan, *lane_, "run-1", later.clock().wall_ms()};
  }

  tests::Later later;
  std::optional<contract::Lane> lane_;
};

std::string code(const Status& status) { return status ? "ok" : status.error().code; }

}  // namespace

TEST(Fence, becomes_a_proof_for_this_run_and_lets_promotion_and_cutover_start) {
  Fenced site;
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_TRUE(site.promoted() && site.moved());
  const Json outputs = Json::parse(site.events("step.outcome")[0])["outputs"];
  const Json proof = Json::parse(get_string(outputs, "proof"));
  EXPECT_EQ(proof["kind"], "network-isolated");
  EXPECT_EQ(proof["lane"], "drill");
  EXPECT_EQ(proof["run"], site.last.value);
  EXPECT_EQ(proof["step"], "fence");
  EXPECT_EQ(proof["evidence"], "12 packets dropped");
}

TEST(Fence, without_a_kind_a_subject_a_witness_or_evidence_proves_nothing) {
  for (const char* missing : {"kind", "subject", "by", "evidence"}) {
    Fenced site;
    Json less = claim;
    less.erase(missing);
    site.claims(less);
    EXPECT_EQ(site.run(site.plan()), "failed") << missing;
    EXPECT_FALSE(site.promoted() || site.moved()) << missing;
  }
  for (const Json& wrong : {Json("prayer"), Json(""), Json(7)}) {
    Fenced site;
    Json other = claim;
    other["kind"] = wrong;
    site.claims(other);
    EXPECT_EQ(site.run(site.plan()), "failed") << wrong;
    EXPECT_FALSE(site.promoted());
  }
  Fenced site;
  site.file(site.path() / "claim", R"({"proof":"fenced, word of honour"})");
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_FALSE(site.promoted());
}

TEST(Fence, proof_that_is_stale_foreign_or_forged_is_refused) {
  Fenced site;
  const auto plan = plan::parse_plan(site.plan()).value();
  const auto here = site.context(plan);
  const Json good = Json::parse(engine::make_proof(claim.dump(), "fence", here).value());
  EXPECT_EQ(code(engine::check_proof(good.dump(), here)), "ok");
  const auto with = [&](const char* member, Json value) {
    Json other = good;
    other[member] = std::move(value);
    return code(engine::check_proof(other.dump(), here));
  };
  EXPECT_EQ(with("lane", "prod"), "engine.fence.foreign");
  EXPECT_EQ(with("origin", "sha256:" + std::string(64, 'a')), "engine.fence.foreign");
  EXPECT_EQ(with("run", "run-0"), "engine.fence.foreign");
  EXPECT_EQ(with("step", "look"), "engine.fence.foreign") << "no step of phase fence";
  EXPECT_EQ(with("observed_ms", here.now_ms - 900'001), "engine.fence.stale");
  EXPECT_EQ(with("observed_ms", here.now_ms - 899'000), "ok");
  EXPECT_EQ(with("observed_ms", here.now_ms + 60'000), "engine.fence.stale");
  EXPECT_EQ(with("kind", "prayer"), "engine.fence.malformed");
  EXPECT_EQ(with("proof", 2), "engine.fence.malformed");
  EXPECT_EQ(code(engine::check_proof("a proof", here)), "engine.fence.malformed");
  EXPECT_EQ(code(engine::check_proof("", here)), "engine.fence.malformed");
}

TEST(Fence, proof_is_about_the_hosts_that_a_step_replaces) {
  const Json host{{"name", "db-old"}, {"address", "10.77.1.20"}, {"zone", "onprem"}};
  const auto covers = [&](const Json& subject, const Json& hosts) {
    return code(engine::check_cover(Json{{"subject", subject}}.dump(), hosts));
  };
  const auto of_hosts = [](const Json& one) { return Json{{"hosts", Json::array({one})}}; };
  EXPECT_EQ(covers({{"zone", "onprem"}}, {host}), "ok") << "a fence around all of its zone";
  EXPECT_EQ(covers(of_hosts({{"name", "db-old"}, {"address", "10.77.1.20"}}), {host}), "ok");
  EXPECT_EQ(covers(of_hosts({{"name", "db-old"}}), {host}), "ok");
  EXPECT_EQ(covers(of_hosts({{"name", "db"}, {"address", "10.77.1.20"}}), "10.77.1.20"), "ok");
  EXPECT_EQ(covers(of_hosts({{"name", "db-old"}, {"address", "127.0.0.1"}}), {host}), "ok")
      << "fenced through a tunnel";
  EXPECT_EQ(covers(of_hosts({{"name", "x"}, {"address", "127.0.0.1"}}), "127.0.0.1"),
            "engine.fence.uncovered");
  EXPECT_EQ(covers({{"zone", "cloud"}}, Json::array()), "ok") << "nobody is replaced";
  EXPECT_EQ(covers({{"zone", "cloud"}}, Json()), "ok");
  for (const Json& subject :
       {Json{{"zone", "cloud"}}, Json{{"zone", ""}}, Json("onprem"), Json::array(), Json(),
        Json{{"hosts", "db-old"}}, of_hosts({{"name", "db-new"}, {"address", "10.77.1.21"}}),
        of_hosts("db-old"), of_hosts({{"name", ""}})})
    EXPECT_EQ(covers(subject, {host}), "engine.fence.uncovered") << subject;
  EXPECT_EQ(covers({{"zone", "onprem"}}, {host, {{"name", "db-2"}, {"zone", "cloud"}}}),
            "engine.fence.uncovered")
      << "each of them";
  for (const char* proof : {"", "a proof", "[]"})
    EXPECT_EQ(code(engine::check_cover(proof, {host})), "engine.fence.uncovered") << proof;
}

TEST(Fence, around_another_host_lets_no_promotion_start) {
  const auto host = [](const std::string& zone) {
    return "{ name = \"db-old\", address = \"10.77.1.20\", zone = \"" + zone +
           "\", user = \"root\", port = 22, host_key = \"ssh-ed25519 "
           "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\" }";
  };
  for (const std::string zone : {"onprem", "cloud"}) {
    Fenced site;
    site.promotes(host(zone));
    EXPECT_EQ(site.run(site.plan()), zone == "onprem" ? "ok" : "failed");
    EXPECT_EQ(site.promoted(), zone == "onprem");
    EXPECT_EQ(site.moved(), zone == "onprem");
    EXPECT_EQ(site.endings()["promote"], zone == "onprem" ? "ok" : "not_run");
  }
}

TEST(Fence, wanted_by_a_step_that_takes_no_proof_lets_it_never_start) {
  Fenced site;
  site.tool("swap", "[inputs.former]\ntype = \"address\"\n[effects]\nfenced = [\"former\"]\n",
            "echo moved > " + (site.path() / "moved").string() + "\n");
  site.blueprint(
      "[[step]]\nid = \"swap\"\nmodule = \"test/swap\"\nphase = \"data\"\n"
      "inputs = { former = \"10.77.1.20\" }\n");
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_FALSE(site.moved());
}

TEST(Fence, proof_that_somebody_types_is_refused_when_planning) {
  Fenced site;
  contract::Diagnostics problems;
  site.plan(&problems, {{"promote.fence_proof", "a proof"}});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].code, "policy.fence_unproven");
}

TEST(Fence, is_looked_at_again_where_the_last_look_is_too_old) {
  for (const bool stands : {true, false}) {
    Fenced site;
    site.file(site.path() / "broken", "");
    const auto id = site.admit(site.plan());
    ASSERT_TRUE(id) << id.error().text();
    EXPECT_EQ(site.go_on(*id), "failed") << "promotion broke off";
    fs::remove(site.path() / "broken");
    fs::remove(site.path() / "promoted");
    if (!stands) fs::remove(site.path() / "seen");
    site.later.by_ms = 901'000;
    const auto shifted = [&](trust::Approval& approval) {
      approval.from_ms += 901'000;
      approval.until_ms += 901'000;
    };
    const auto again = engine::renew(
        site.setup, *site.ledger, *id,
        {site.approval(site.ledger->plan_of(*id).value(), site.alice, "alice", shifted)});
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(site.go_on(*id), stands ? "ok" : "failed");
    EXPECT_EQ(site.promoted(), stands);
    EXPECT_EQ(site.moved(), stands);
    EXPECT_EQ(site.events("fence.observed").size(), stands ? 1u : 0u);
    EXPECT_EQ(site.endings()["promote"], stands ? "ok" : "not_run");
    EXPECT_TRUE(site.verify().findings.empty());
  }
}

TEST(Fence, acceptance_of_loss_is_worth_what_its_signature_is_for) {
  Fenced site;
  const Json document = site.plan();
  const auto plan = plan::parse_plan(document).value();
  const auto here = site.context(plan);
  trust::Acceptance word;
  word.approver = "alice", word.lane = "drill", word.zone = "onprem", word.reason = "fire";
  word.decision = engine::origin_digest(plan).value();
  word.from_ms = here.now_ms - 1000, word.until_ms = here.now_ms + 60'000;
  word.nonce = random_token();
  const auto judged = [&](const trust::Acceptance& said, const trust::SecretKey& key,
                          const std::string& zone = "onprem") {
    const std::string text = trust::to_document(said).value();
    const Json evidence{{"document", text}, {"signature", key.sign(text, "a test").value()}};
    const Json made{{"kind", "loss-accepted"},
                    {"subject", {{"zone", zone}}},
                    {"by", said.approver},
                    {"evidence", evidence.dump()}};
    const auto proof = engine::make_proof(made.dump(), "fence", here);
    return proof ? code(engine::check_proof(*proof, here)) : proof.error().code;
  };
  EXPECT_EQ(judged(word, site.alice), "ok");
  EXPECT_EQ(judged(word, site.bob), "trust.acceptance.signature") << "forged";
  EXPECT_EQ(judged(word, site.alice, "cloud"), "trust.acceptance.other");
  auto other = word;
  other.approver = "mallory";
  EXPECT_EQ(judged(other, site.alice), "trust.acceptance.unknown_approver");
  other = word;
  other.lane = "prod";
  EXPECT_EQ(judged(other, site.alice), "trust.acceptance.other");
  other = word;
  other.decision = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(judged(other, site.alice), "trust.acceptance.other");
  other = word;
  other.until_ms = here.now_ms;
  EXPECT_EQ(judged(other, site.alice), "trust.acceptance.expired");
  other = word;
  other.from_ms = here.now_ms + 1;
  EXPECT_EQ(judged(other, site.alice), "trust.acceptance.not_yet");
  // What ends between fence and cutover does not hold at the cutover.
  const std::string text = trust::to_document(word).value();
  const Json evidence{{"document", text}, {"signature", site.alice.sign(text, "a test").value()}};
  const Json made{{"kind", "loss-accepted"},
                  {"subject", {{"zone", "onprem"}}},
                  {"by", "alice"},
                  {"evidence", evidence.dump()}};
  const auto proof = engine::make_proof(made.dump(), "fence", here);
  ASSERT_TRUE(proof);
  auto after = here;
  after.now_ms += 60'000;
  EXPECT_EQ(code(engine::check_proof(*proof, after)), "trust.acceptance.expired");
  auto set_ahead = here;
  set_ahead.clock_set_ms = 60'000;
  EXPECT_EQ(code(engine::check_proof(*proof, set_ahead)), "engine.clock.set");
}
