// E6: which authority a lane's secrets come from changes by a step with evidence, for this run and
// those after it, and is home again when a step says so.
#include "engine/transfer.hpp"
#include "support/site.hpp"

using namespace hyops;
using tests::Site;

namespace {

// A lane with two authorities that know the same name by different words.
struct TwoAuthorities : Site {
  TwoAuthorities() {
    plugin("vault", {"hyops.secret/1"},
           "requires = [\"hyops.secret_sink/1\"]\n[paths]\nread = [\"{config.book}\"]\n"
           "[inputs.book]\ntype = \"string\"\nrequired = true\n");
    write("home", {{"db", {{"value", "the-word-of-home"}}}});
    write("standby", {{"db", {{"value", "the-word-of-standby"}}}});
    lane(authorities());
    verb("authority",
         "[inputs.to]\ntype = \"string\"\nrequired = true\n[outputs.authority]\ntype = "
         "\"string\"\n[effects]\nauthority = \"to\"\n",
         "idempotent = true\n[plugin]\ninterface = \"hyops.secret/1\"\nverb = \"transition\"\n");
    tool("use",
         "[inputs.word]\ntype = \"secret\"\nrequired = true\n[effects]\nsecrets = [\"word\"]\n",
         "cat \"$HYOPS_SECRETS/word\" > " + used().string() + "\n");
  }
  std::string authorities() const {
    return "[secrets]\nauthority = \"test.vault\"\nconfig = { book = \"" + book("home").string() +
           "\" }\n[secrets.standby]\nauthority = \"test.vault\"\nconfig = { book = \"" +
           book("standby").string() + "\" }\n";
  }
  fs::path book(const std::string& name) const { return path() / (name + ".json"); }
  fs::path used() const { return path() / "used"; }
  void write(const std::string& name, const Json& secrets, bool out = false) {
    file(book(name), Json{{"out", out}, {"secrets", secrets}}.dump());
  }
  static std::string move_to(const std::string& to) {
    return "[[step]]\nid = \"authority\"\nmodule = \"test/authority\"\nphase = \"secrets\"\n"
           "inputs = { to = \"" +
           to + "\" }\n";
  }
  // A run that does nothing else.
  RunId move(const std::string& to) {
    blueprint(move_to(to));
    EXPECT_EQ(run(plan()), "ok");
    return last;
  }
  // One step that uses the secret, behind one that moves the authority, if `to` says where.
  void flow(const std::string& to) {
    blueprint((to.empty() ? "" : move_to(to)) +
              "[[step]]\nid = \"use\"\nmodule = \"test/use\"\nphase = \"data\"\ninputs = { "
              "word = \"db\" }\n");
  }
  // What the tool of a run of such a flow was given.
  std::string word(const std::string& to, const std::string& ends = "ok") {
    fs::remove(used());
    flow(to);
    EXPECT_EQ(run(plan()), ends) << Json(events("step.outcome")).dump();
    return read_file(used(), 100).value_or("nothing");
  }
};

}  // namespace

TEST(Transition, E6_is_a_step_with_evidence_that_later_runs_go_by) {
  TwoAuthorities site;
  EXPECT_EQ(site.word(""), "the-word-of-home");
  EXPECT_EQ(site.word("standby"), "the-word-of-standby");
  ASSERT_EQ(site.events("secret.transition").size(), 1u);
  const Json event = Json::parse(site.events("secret.transition")[0]);
  EXPECT_EQ(event["from"], "home");
  EXPECT_EQ(event["to"], "standby");
  EXPECT_EQ(event["plugin"], "test.vault");
  EXPECT_EQ(event["names"], Json::array({"db 1"}));
  EXPECT_TRUE(site.verify().findings.empty());

  EXPECT_EQ(site.word(""), "the-word-of-standby") << "a later run, of any blueprint";
  EXPECT_EQ(site.word("home"), "the-word-of-home") << "as a failback says";
  EXPECT_EQ(site.word(""), "the-word-of-home");
}

// Runners of one lane have no memory in common: what one moved reaches the next by the plan, and
// the dispatcher by the record.
TEST(Transition, E6_reaches_another_runner_by_the_plan_that_it_is_sent) {
  TwoAuthorities site;
  auto dispatcher = ledger::Ledger::open(site.path() / "dispatcher/ledger.db").value();
  EXPECT_EQ(site.word("standby"), "the-word-of-standby");
  auto row = *site.ledger->find_run(site.last).value();
  row.status = "dispatched";
  ASSERT_TRUE(dispatcher.create_run(row, site.ledger->plan_of(site.last).value(), Json::object()));
  ASSERT_TRUE(engine::import_state(dispatcher, site.last, site.record()));

  auto other = ledger::Ledger::open(site.path() / "other/ledger.db").value();
  *site.ledger = std::move(dispatcher);  // plans with what it heard
  site.flow("home");
  const Json back = site.plan();
  EXPECT_EQ(back["secrets_from"], "standby");
  *site.ledger = std::move(other);  // and another runner does it
  fs::remove(site.used());
  EXPECT_EQ(site.run(back), "ok");
  const Json event = Json::parse(site.events("secret.transition").at(0));
  EXPECT_EQ(event["from"], "standby");
  EXPECT_EQ(event["to"], "home");
  EXPECT_EQ(read_file(site.used(), 100).value(), "the-word-of-home");
}

TEST(Transition, E6_is_what_approvers_see) {
  TwoAuthorities site;
  site.flow("standby");
  EXPECT_EQ(site.plan()["blast_radius"]["secret_authority"], Json::array({"standby (test.vault)"}));
  site.flow("");
  EXPECT_FALSE(site.plan()["blast_radius"].contains("secret_authority"));
}

TEST(Transition, E6_does_not_happen_to_one_that_is_out_or_lacks_a_secret) {
  TwoAuthorities site;
  site.write("standby", {{"other", {{"value", "another-word"}}}});
  EXPECT_EQ(site.word("standby", "failed"), "nothing") << "E7: nothing runs behind it";
  EXPECT_TRUE(site.events("secret.transition").empty());
  site.write("standby", {{"db", {{"value", "the-word-of-standby"}}}}, true);
  EXPECT_EQ(site.word("standby", "failed"), "nothing");
  EXPECT_EQ(site.word(""), "the-word-of-home");
}

// A plugin takes the secrets that the lane's configuration names, and no step says which.
TEST(Transition, E6_is_to_one_that_knows_the_secrets_of_plugins_too) {
  TwoAuthorities site;
  site.plugin("speaking", {"hyops.provider/1"},
              "requires = [\"hyops.clock/1\"]\n[inputs.token]\ntype = \"secret\"\n");
  site.lane(site.authorities() + "[plugins.\"test.speaking\"]\ntoken = \"api\"\n");
  site.verb("clock", "[inputs.service]\ntype = \"string\"\ndefault = \"clock\"\n[effects]\n",
            "[plugin]\nplugin = \"test.speaking\"\ninterface = \"hyops.provider/1\"\nverb = "
            "\"apply\"\n");
  site.blueprint(
      "[[step]]\nid = \"authority\"\nmodule = \"test/authority\"\nphase = \"secrets\"\n"
      "inputs = { to = \"standby\" }\n"
      "[[step]]\nid = \"clock\"\nmodule = \"test/clock\"\nphase = \"data\"\n");
  EXPECT_EQ(site.run(site.plan()), "failed") << "standby knows no api";
  EXPECT_EQ(site.endings()["authority"], "failed");
  site.write("standby", {{"api", {{"value", "the-token"}}}});
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(Json::parse(site.events("secret.transition")[0])["names"], Json::array({"api 1"}));
}

TEST(Transition, E6_needs_nothing_of_the_authority_that_was_lost) {
  TwoAuthorities site;
  site.write("home", {{"db", {{"value", "the-word-of-home"}}}}, true);
  EXPECT_EQ(site.word("standby"), "the-word-of-standby");
}

// L19: an authority that is out does not end a recovery. Approvers open the escrow by a plan of its
// own, and the run that stopped half-way goes on with it.
TEST(Transition, L19_reaches_a_run_that_stopped_half_way) {
  TwoAuthorities site;
  site.write("home", {}, true);
  site.flow("");
  ASSERT_EQ(site.run(site.plan()), "failed");
  const RunId half_way = site.last;
  EXPECT_NE(Json::parse(site.events("step.outcome")[0]).value("next", "").find("dr/secrets-escrow"),
            std::string::npos);
  EXPECT_EQ(site.go_on(half_way), "failed") << "nobody has moved anything";
  EXPECT_TRUE(site.events("secret.transition").empty());

  const RunId mover = site.move("standby");
  site.flow("");
  ASSERT_EQ(site.go_on(half_way), "ok");
  EXPECT_EQ(read_file(site.used(), 100).value_or("nothing"), "the-word-of-standby");
  const Json told = Json::parse(site.events("secret.transition").at(0));
  EXPECT_EQ(
      told,
      (Json{
          {"from", "home"}, {"to", "standby"}, {"plugin", "test.vault"}, {"by_run", mover.value}}));
  EXPECT_TRUE(site.verify().clean);
}

TEST(Transition, L19_follows_them_home_again) {
  TwoAuthorities site;
  site.write("home", {}, true);
  site.write("standby", {{"other", {{"value", "another-word"}}}});
  site.flow("");
  ASSERT_EQ(site.run(site.plan()), "failed");
  const RunId half_way = site.last;
  (void)site.move("standby");
  site.flow("");
  EXPECT_EQ(site.go_on(half_way), "failed") << "the escrow does not know it";
  site.write("home", {{"db", {{"value", "the-word-of-home"}}}});
  const RunId back = site.move("home");
  site.flow("");
  ASSERT_EQ(site.go_on(half_way), "ok");
  EXPECT_EQ(read_file(site.used(), 100).value_or("nothing"), "the-word-of-home");
  const auto told = site.events("secret.transition");
  ASSERT_EQ(told.size(), 2u) << "there, and back";
  EXPECT_EQ(Json::parse(told[1])["by_run"], back.value);
}

// What a run says itself later counts for more than what another one said before it.
TEST(Transition, L19_is_over_where_a_run_has_moved_them_itself_since) {
  TwoAuthorities site;
  site.write("standby", {{"db", {{"value", "the-word-of-standby"}}}}, true);
  site.flow("standby");
  const Json plan = site.plan();
  ASSERT_EQ(site.run(plan), "failed") << "standby is out";
  const RunId half_way = site.last;
  site.write("standby", {{"db", {{"value", "the-word-of-standby"}}}});
  ASSERT_EQ(site.word("standby"), "the-word-of-standby");
  ASSERT_EQ(site.word("home"), "the-word-of-home") << "moved there and back meanwhile";
  site.flow("standby");
  fs::remove(site.used());
  ASSERT_EQ(site.go_on(half_way), "ok");
  EXPECT_EQ(read_file(site.used(), 100).value_or("nothing"), "the-word-of-standby");
}

TEST(Transition, E6_is_not_planned_to_where_the_lane_names_none) {
  TwoAuthorities site;
  site.lane("[secrets]\nauthority = \"test.vault\"\nconfig = { book = \"" +
            site.book("home").string() + "\" }\n");
  contract::Diagnostics problems;
  for (const char* to : {"standby", "elsewhere"}) {
    site.flow(to);
    site.plan(&problems);
    ASSERT_EQ(problems.size(), 1u) << to;
    EXPECT_EQ(problems[0].code, "plan.authority");
  }
  EXPECT_EQ(site.word("home"), "the-word-of-home") << "a lane with one authority shows it";
}

TEST(Transition, E9_of_another_epoch_counts_for_nothing) {
  TwoAuthorities site;
  EXPECT_EQ(site.word("standby"), "the-word-of-standby");
  std::string lane = read_file(site.setup.lane_file("drill"), 1u << 20).value();
  site.file(site.setup.lane_file("drill"), lane.replace(lane.find("epoch = 1"), 9, "epoch = 2"));
  EXPECT_EQ(site.word(""), "the-word-of-home");
}
