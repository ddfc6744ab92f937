// What clients measured of a recovery ends in its signed record and decides whether RTO and RPO
// held.
#include "engine/measured.hpp"

#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

Site ended_site() {
  Site site;
  site.tool("say", "[outputs.said]\ntype = \"string\"\n[effects]\n",
            "echo '{\"said\": \"hello\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(
      "rto = \"5m\"\nrpo = \"1m\"\n"
      "[[step]]\nid = \"one\"\nmodule = \"test/say\"\nphase = \"data\"\n");
  EXPECT_EQ(site.run(site.plan()), "ok");
  return site;
}

Json verdict(const Site& site) {
  return parse_json(read_file(site.record() / "verdict.json").value(), "verdict.json").value();
}

engine::Measured by_the_client(int64_t served_ms) {
  engine::Measured measured;
  measured.served_ms = served_ms;
  measured.by = "oncall";
  measured.source = "log of the order service";
  return measured;
}

}  // namespace

TEST(Measured, recovery_is_judged_in_a_record_that_still_verifies) {
  Site site = ended_site();
  EXPECT_TRUE(verdict(site)["rto_measured_ms"].is_null());
  auto measured = by_the_client(get_int(verdict(site), "started_ms") + 21'300);
  measured.rows_lost = 5;
  measured.rows_acknowledged = 71;
  measured.lost_ms = 700;
  ASSERT_TRUE(engine::note_measured(site.setup, *site.ledger, site.last, measured));
  const Json after = verdict(site);
  EXPECT_EQ(after["rto_measured_ms"], 21'300);
  EXPECT_EQ(after["rto_met"], true);
  EXPECT_EQ(after["rpo"], (Json{{"rows_lost", 5}, {"rows_acknowledged", 71}, {"lost_ms", 700}}));
  EXPECT_EQ(after["rpo_met"], true);
  EXPECT_EQ(after["status"], "ok");
  EXPECT_TRUE(site.verify().clean);
}

TEST(Measured, later_than_the_objective_is_said_plainly) {
  Site site = ended_site();
  auto measured = by_the_client(get_int(verdict(site), "started_ms") + 300'001);
  ASSERT_TRUE(engine::note_measured(site.setup, *site.ledger, site.last, measured));
  EXPECT_EQ(verdict(site)["rto_met"], false);
  EXPECT_NE(verdict(site)["headline"]["sentence"].dump().find("later"), std::string::npos);
}

TEST(Measured, corrections_count_and_the_first_word_stays_readable) {
  Site site = ended_site();
  const int64_t from = get_int(verdict(site), "started_ms");
  for (const int64_t after : {10'000, 20'000})
    ASSERT_TRUE(
        engine::note_measured(site.setup, *site.ledger, site.last, by_the_client(from + after)));
  EXPECT_EQ(verdict(site)["rto_measured_ms"], 20'000);
  EXPECT_EQ(verdict(site)["markers"].size(), 2u);
}

TEST(Measured, without_source_or_before_the_end_is_refused_and_leaves_the_record_alone) {
  Site site = ended_site();
  const std::string before = read_file(site.record() / "SHA256SUMS").value();
  auto nobody = by_the_client(1);
  nobody.source.clear();
  EXPECT_EQ(engine::note_measured(site.setup, *site.ledger, site.last, nobody).error().code,
            "engine.measured.incomplete");
  engine::Measured nothing;
  nothing.by = nothing.source = "x";
  EXPECT_EQ(engine::note_measured(site.setup, *site.ledger, site.last, nothing).error().code,
            "engine.measured.incomplete");
  ASSERT_TRUE(site.ledger->set_status(site.last, "running"));
  EXPECT_EQ(
      engine::note_measured(site.setup, *site.ledger, site.last, by_the_client(1)).error().code,
      "engine.measured.going_on");
  EXPECT_EQ(read_file(site.record() / "SHA256SUMS").value(), before);
}
