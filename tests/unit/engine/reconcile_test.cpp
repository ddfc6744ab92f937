// The ways out of an unknown outcome, driver by driver: adopt what is seen, repeat what is not
// there, or ask a person, whose word is signed and stays in the record.
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

constexpr const char* one_output = "[outputs.x]\ntype = \"string\"\n[effects]\n";
constexpr const char* one_step =
    "[[step]]\nid = \"die\"\nmodule = \"test/die\"\nphase = \"data\"\n";

// A step that dies without saying what it did; nothing can observe it.
struct Unknown : testing::Test {
  Unknown() {
    site.tool("die", one_output, "kill -KILL $$\n");
    site.blueprint(one_step);
    EXPECT_EQ(site.run(site.plan()), "unknown");
  }
  std::string state(const trust::SignedDocument& statement) {
    auto stated = engine::state_outcome(site.setup, *site.ledger, statement);
    return stated ? "ok" : stated.error().code;
  }
  Site site;
};

}  // namespace

TEST_F(Unknown, outcomes_take_only_the_signed_word_of_an_approver_on_this_very_attempt) {
  const auto with = [&](const std::function<void(trust::Statement&)>& change) {
    return state(site.statement("die", "adopt", change));
  };
  auto unsigned_word = site.statement("die", "adopt");
  unsigned_word.signature.clear();
  EXPECT_EQ(state(unsigned_word), "trust.statement.signature");
  auto changed = site.statement("die", "adopt");
  changed.document.replace(changed.document.find("\"1\""), 3, "\"2\"");
  EXPECT_EQ(state(changed), "trust.statement.signature");
  auto forged = site.statement("die", "adopt");
  forged.signature = site.decider.sign(forged.document, "statement").value();
  EXPECT_EQ(state(forged), "trust.statement.signature") << "a decider is no approver";
  EXPECT_EQ(with([](auto& s) { s.by = "mallory"; }), "trust.statement.unknown_person");
  EXPECT_EQ(with([](auto& s) { s.by = "bob"; }), "trust.statement.signature");
  EXPECT_EQ(with([](auto& s) { s.lane = "prod"; }), "trust.statement.lane");
  EXPECT_EQ(with([](auto& s) { s.attempt = 2; }), "engine.step.not_this");
  EXPECT_EQ(with([](auto& s) { s.step = "other"; }), "engine.step.not_unknown");
  EXPECT_EQ(with([](auto& s) { s.outputs = Json::object(); }), "engine.outputs.missing");
  EXPECT_EQ(site.events("step.reconciled").size(), 0u) << "nothing of it left unknown";
  EXPECT_EQ(site.go_on(site.last), "unknown");

  EXPECT_EQ(with({}), "ok");
  EXPECT_EQ(with({}), "engine.step.not_unknown") << "it is known now";
  EXPECT_EQ(site.go_on(site.last), "ok");
  EXPECT_EQ(site.endings()["die"], "adopted");
  EXPECT_TRUE(site.verify().clean);
}

TEST_F(Unknown, outcomes_that_a_person_settled_show_the_signature_in_the_record) {
  ASSERT_EQ(state(site.statement("die", "adopt")), "ok");
  ASSERT_EQ(site.go_on(site.last), "ok");
  const fs::path file = site.record() / "statements/die-1.json";
  const auto signer =
      trust::verify(read_file(file).value(), read_file(file.string() + ".minisig").value(),
                    {site.alice.public_key()});
  EXPECT_TRUE(signer);
  const auto names = [&](const std::string& code) {
    for (const auto& finding : site.verify().findings)
      if (finding.code == code) return true;
    return false;
  };
  ASSERT_TRUE(write_file(file, site.statement("die", "adopt").document));
  EXPECT_TRUE(names("record.statement.other"));
  fs::remove(file);
  EXPECT_TRUE(names("record.statement.missing"));
}

TEST_F(Unknown, outcomes_of_a_step_that_did_not_happen_are_repeated_under_the_same_key) {
  const std::string done = (site.path() / "done").string();
  ASSERT_EQ(state(site.statement("die", "retry")), "ok");
  EXPECT_EQ(site.go_on(site.last), "unknown") << "it dies again, in an attempt of its own";
  const auto intents = site.events("step.intent");
  ASSERT_EQ(intents.size(), 2u);
  EXPECT_EQ(Json::parse(intents[0])["key"], Json::parse(intents[1])["key"]);
  EXPECT_EQ(state(site.statement("die", "adopt")), "engine.step.not_this")
      << "the word on the first attempt says nothing about the second";
}

TEST_F(Unknown, outcomes_are_shown_with_what_each_way_out_would_rest_on) {
  const auto choices =
      engine::reconcile(site.setup, *site.ledger, site.last, site.observer).value();
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_EQ(choices[0].seen, "unclear");
  EXPECT_EQ(choices[0].resolved, "") << "a person must state it";
  EXPECT_EQ(choices[0].evidence, "pack test/die has no observe twin");
  EXPECT_EQ(choices[0].attempt, 1);
  EXPECT_EQ(choices[0].driver, "process");
  EXPECT_FALSE(choices[0].idempotent);
  EXPECT_EQ(choices[0].key, get_string(Json::parse(site.events("step.intent")[0]), "key"));
}

namespace {

// What a look finds, and how the step ends by it.
struct Look {
  const char *name, *observe, *pack, *ending, *choice;
};
void PrintTo(const Look& look, std::ostream* out) { *out << look.name; }
struct Looks : testing::TestWithParam<Look> {};

}  // namespace

TEST_P(Looks, decide_what_becomes_of_a_tool_that_was_killed) {
  const Look look = GetParam();
  Site site;
  const std::string once = (site.path() / "once").string();
  site.tool("die", one_output,
            "if [ -e " + once +
                " ]; then printf '{\"x\":\"again\"}' > \"$HYOPS_OUTPUTS\"; exit 0; "
                "fi\ntouch " +
                once + "\nkill -KILL $$\n",
            look.pack, look.observe);
  site.blueprint(one_step);
  EXPECT_EQ(site.run(site.plan()), std::string(look.ending) == "unknown" ? "unknown" : "ok");
  EXPECT_EQ(site.endings()["die"], look.ending);
  const auto settled = site.events("step.reconciled");
  ASSERT_EQ(settled.size(), std::string(look.choice).empty() ? 0u : 1u);
  if (settled.empty()) return;
  EXPECT_EQ(get_string(Json::parse(settled[0]), "choice"), look.choice);
  EXPECT_FALSE(get_string(Json::parse(settled[0]), "evidence").empty());
  EXPECT_TRUE(site.verify().clean);
}

INSTANTIATE_TEST_SUITE_P(
    Observe, Looks,
    testing::Values(
        Look{"seen", "printf '{\"x\":\"seen\"}' > \"$HYOPS_OUTPUTS\"\n", "", "adopted", "adopt"},
        Look{"seen_without_its_outputs", "printf '{\"y\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n", "",
             "unknown", ""},
        Look{"not_there", "exit 3\n", "", "ok", "retry"},
        Look{"cannot_tell", "exit 1\n", "", "unknown", ""},
        Look{"cannot_tell_but_safe_to_repeat", "exit 1\n", "idempotent = true", "ok", "retry"},
        Look{"nothing_to_look_with_but_safe_to_repeat", "", "idempotent = true", "ok", "retry"}),
    [](const auto& about) { return std::string(about.param.name); });

namespace {

// The first attempt dies and may have done it; the pack is safe to repeat, and what repeats it
// fails. `observe`: what the second look sees, for the first one cannot tell.
struct Doubt {
  const char *name, *observe, *ending, *status;
};
void PrintTo(const Doubt& doubt, std::ostream* out) { *out << doubt.name; }
struct Doubts : testing::TestWithParam<Doubt> {};

}  // namespace

TEST_P(Doubts, of_an_attempt_that_nobody_saw_the_end_of_outlive_a_failed_repetition) {
  const Doubt doubt = GetParam();
  Site site;
  const std::string once = (site.path() / "once").string(), looked = (site.path() / "l").string();
  site.tool("die", one_output,
            "test -e " + once + " && exit 1\ntouch " + once + "\nkill -KILL $$\n",
            "idempotent = true",
            "test -e " + looked + " || { touch " + looked + "; exit 1; }\n" + doubt.observe);
  site.blueprint(one_step);
  EXPECT_EQ(site.run(site.plan()), doubt.status);
  EXPECT_EQ(site.endings()["die"], doubt.ending);
  EXPECT_EQ(site.events("step.intent").size(), 2u);
  EXPECT_TRUE(site.verify().clean);

  // Whoever comes later is told the same: it is unknown still, and a person may state it.
  const auto choices =
      engine::reconcile(site.setup, *site.ledger, site.last, site.observer).value();
  EXPECT_EQ(choices.size(), doubt.ending == std::string("unknown") ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Observe, Doubts,
                         testing::Values(Doubt{"cannot_tell", "exit 1\n", "unknown", "unknown"},
                                         Doubt{"not_there", "exit 3\n", "failed", "failed"},
                                         Doubt{"seen",
                                               "printf '{\"x\":\"seen\"}' > \"$HYOPS_OUTPUTS\"\n",
                                               "adopted", "ok"}),
                         [](const auto& about) { return std::string(about.param.name); });

TEST(Attempts, of_a_run_that_was_resumed_many_times_are_not_used_up) {
  Site site;
  const std::string tries = (site.path() / "tries").string();
  site.tool("die", one_output,
            "echo >> " + tries + "\ntest $(wc -l < " + tries +
                ") -lt 14 && exit 1\n"
                "test $(wc -l < " +
                tries +
                ") -eq 14 && kill -KILL $$\n"
                "printf '{\"x\":\"done\"}' > \"$HYOPS_OUTPUTS\"\n",
            "", "exit 3\n");
  site.blueprint(one_step);
  std::string status = site.run(site.plan());
  for (int resumed = 0; resumed < 14 && status != "ok"; ++resumed) status = site.go_on(site.last);
  EXPECT_EQ(status, "ok") << "the look after the fourteenth attempt says that it did not happen";
}

// What a look has settled is not called unknown because nobody tries any more.
TEST(Attempts, that_were_all_lost_and_changed_nothing_end_failed) {
  Site site;
  site.tool("die", one_output, "kill -KILL $$\n", "", "exit 3\n");
  site.blueprint(one_step);
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(site.endings()["die"], "failed");
  EXPECT_EQ(site.events("step.intent").size(), 4u);
  EXPECT_TRUE(engine::reconcile(site.setup, *site.ledger, site.last, site.observer)->empty());
}
