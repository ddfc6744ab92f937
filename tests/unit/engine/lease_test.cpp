// Secrets that end (L18) and an authority that is out (L19): a lease is renewed before it could end
// in the middle of a step, kept while nobody answers, and never handed to a tool that it would not
// outlast.
#include <fstream>

#include "support/later.hpp"
#include "support/site.hpp"

using namespace hyops;
using tests::Site;

namespace {

constexpr int64_t one_minute = 60'000;

// Two steps of five minutes at most that take the same secret; once the first has ended the clock
// moves on, and the authority's book may be another.
struct Leased : Site {
  Leased() {
    setup.means = &later;
    profile("approvals = 0");  // which would end first
    plugin("vault", {"hyops.secret/1"},
           "requires = [\"hyops.secret_sink/1\"]\n[paths]\nread = [\"{config.book}\"]\n"
           "[inputs.book]\ntype = \"string\"\nrequired = true\n");
    lane("[secrets]\nauthority = \"test.vault\"\nconfig = { book = \"" + book().string() +
         "\" }\n");
    const char* takes =
        "[inputs.word]\ntype = \"secret\"\nrequired = true\n[effects]\nsecrets = [\"word\"]\n";
    tool("one", takes, "true\n");
    tool("two", takes, "cat \"$HYOPS_SECRETS/word\" > " + ran().string() + "\n");
    blueprint(
        "[[step]]\nid = \"one\"\nmodule = \"test/one\"\nphase = \"data\"\ninputs = { word = "
        "\"db\" }\n"
        "[[step]]\nid = \"two\"\nmodule = \"test/two\"\nphase = \"readiness\"\ninputs = { word = "
        "\"db\" }\n");
    observer.on_event = [this](const std::string& type, const Json& body) {
      if (type != "step.ended" || get_string(body, "step") != "one") return;
      later.by_ms = jump_ms;
      if (!then.is_null()) write(then);
    };
  }
  fs::path book() const { return path() / "book.json"; }
  fs::path ran() const { return path() / "ran"; }
  // As a bundle is replaced: by another file under its name.
  void write(const Json& text) { file(book(), text.dump()); }
  static Json lease(const std::string& value, int64_t ends_in_ms) {
    return {{"secrets",
             {{"db", {{"value", value}, {"expires_ms", system_clock().wall_ms() + ends_in_ms}}}}}};
  }
  static Json out() { return {{"out", true}, {"secrets", Json::object()}}; }
  Json outcome_of_two() { return Json::parse(events("step.outcome").back()); }

  tests::Later later;
  int64_t jump_ms = 0;
  Json then;
};

}  // namespace

TEST(Lease, is_renewed_before_a_step_that_may_outlast_it) {
  Leased site;
  site.write(Leased::lease("the-first-word", 10 * one_minute));
  site.jump_ms = 6 * one_minute;
  site.then = Leased::lease("the-second-word", 20 * one_minute);
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(read_file(site.ran(), 100).value(), "the-second-word");
  EXPECT_EQ(site.events("secret.resolved").size(), 2u);
  EXPECT_NE(site.events("secret.resolved")[1].find("\"ends_ms\":"), std::string::npos);
}

TEST(Lease, that_lasts_is_not_asked_for_again) {
  Leased site;
  site.write(Leased::lease("the-first-word", 10 * one_minute));
  site.jump_ms = 4 * one_minute;
  site.then = Leased::lease("the-second-word", 20 * one_minute);
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(read_file(site.ran(), 100).value(), "the-first-word");
}

TEST(Lease, is_kept_while_the_authority_is_out_and_lasts) {
  Leased site;
  site.write(Leased::lease("the-first-word", 30 * one_minute));
  site.jump_ms = 22 * one_minute;  // two thirds are over: time to renew, and still enough
  site.then = Leased::out();
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(read_file(site.ran(), 100).value(), "the-first-word");
  ASSERT_EQ(site.events("secret.kept").size(), 1u);
  EXPECT_NE(site.events("secret.kept")[0].find("vault.out"), std::string::npos);
}

TEST(Lease, that_ends_before_the_step_could_is_handed_to_no_tool) {
  Leased site;
  site.write(Leased::lease("the-first-word", 10 * one_minute));
  site.jump_ms = 6 * one_minute;
  EXPECT_EQ(site.run(site.plan()), "failed") << "the authority gives no longer one";
  EXPECT_EQ(get_string(site.outcome_of_two(), "code"), "engine.secret.lease");
  EXPECT_EQ(get_string(site.outcome_of_two(), "class"), "expired");
  EXPECT_FALSE(fs::exists(site.ran()));
  site.write(Leased::lease("the-second-word", 30 * one_minute));
  EXPECT_EQ(site.go_on(site.last), "ok") << "as the next step said";
  EXPECT_EQ(read_file(site.ran(), 100).value(), "the-second-word");
}

TEST(Lease, that_cannot_be_renewed_in_time_says_both) {
  Leased site;
  site.write(Leased::lease("the-first-word", 10 * one_minute));
  site.jump_ms = 6 * one_minute;
  site.then = Leased::out();
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(get_string(site.outcome_of_two(), "code"), "engine.secret.lease");
  EXPECT_NE(get_string(site.outcome_of_two(), "message").find("nobody answers"), std::string::npos);
  EXPECT_FALSE(fs::exists(site.ran()));
}

TEST(Lease, that_is_over_leaves_what_the_authority_says) {
  Leased site;
  site.write(Leased::lease("the-first-word", 10 * one_minute));
  site.jump_ms = 11 * one_minute;
  site.then = Leased::out();
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(get_string(site.outcome_of_two(), "code"), "vault.out");
  EXPECT_EQ(get_string(site.outcome_of_two(), "class"), "unavailable") << "so it is tried again";
}

TEST(Lease, of_a_token_is_the_end_that_it_says_of_itself) {
  Leased site;
  const int64_t end_s = system_clock().wall_ms() / 1000 + 120;
  std::string claims = to_base64("{\"sub\":\"hyops\",\"exp\":" + std::to_string(end_s) + "}");
  claims.resize(claims.find_last_not_of('=') + 1);
  site.write({{"secrets", {{"db", {{"value", "eyJhbGciOiJIUzI1NiJ9." + claims + ".c2ln"}}}}}});
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(get_string(site.outcome_of_two(), "code"), "engine.secret.lease")
      << "no authority needs to say so";
}
