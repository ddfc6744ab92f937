// The credential horizon (L18): what a run needs ends after the run does, or the run says
// beforehand that it does not, and starts nothing that could not end in time.
#include "engine/horizon.hpp"
#include "support/later.hpp"
#include "support/site.hpp"

using namespace hyops;
using tests::Site;

namespace {

constexpr int64_t minute = 60'000;

// Two steps of five minutes at most, one after the other, and the first of them moves the clock.
struct Expiring : Site {
  explicit Expiring(const std::string& one = "true\n") {
    setup.means = &later;
    tool("one", "[effects]\n", one);
    tool("two", "[effects]\n", "echo x >> " + (path() / "ran").string() + "\n");
    blueprint(
        "[[step]]\nid = \"one\"\nmodule = \"test/one\"\nphase = \"data\"\n"
        "[[step]]\nid = \"two\"\nmodule = \"test/two\"\nphase = \"readiness\"\n");
    observer.on_event = [this](const std::string& type, const Json& body) {
      if (type == "step.ended" && get_string(body, "step") == "one") later.by_ms = jump_ms;
    };
  }
  tests::Later later;
  int64_t jump_ms = 0;  // once the first step has ended
};

plan::Plan planned(std::vector<std::pair<const char*, int64_t>> steps) {
  plan::Plan plan;
  for (const auto& [id, ms] : steps) {
    plan::Step step;
    step.id = id, step.timeout_ms = ms;
    plan.steps.push_back(step);
  }
  return plan;
}

}  // namespace

TEST(Horizon, forecasts_by_time_outs_along_needs_and_phases) {
  auto plan = planned({{"a", 1 * minute}, {"b", 2 * minute}, {"c", 4 * minute}, {"d", minute}});
  plan.steps[1].needs = {"a"};
  plan.steps[3].phase = contract::Phase::readiness;
  const auto forecast = engine::forecast(plan, nullptr).value();
  EXPECT_EQ(forecast.at_most_ms, 5 * minute) << "a then b beside c, and d after both";
  EXPECT_EQ(forecast.measured, 0u);
  EXPECT_EQ(forecast.measured_ms, 0);
}

TEST(Horizon, learns_from_earlier_runs_how_long_steps_take) {
  Expiring site;
  ASSERT_EQ(site.run(site.plan()), "ok");
  const auto plan = plan::parse_plan(site.plan()).value();
  const auto forecast = engine::forecast(plan, &*site.ledger).value();
  EXPECT_EQ(forecast.measured, 2u);
  EXPECT_LT(forecast.at_most_ms, 5 * minute) << "no step took its time-out";
  EXPECT_EQ(forecast.at_most_ms, forecast.measured_ms);
}

TEST(Horizon, counts_as_many_approvals_as_are_wanted_and_the_longest_of_each_person) {
  const auto need =
      engine::approvals_need({{"alice", 5}, {"bob", 9}, {"carol", 7}, {"alice", 8}}, 2, "run-1");
  ASSERT_EQ(need.size(), 2u);
  EXPECT_EQ(need[0].ends_ms, 8) << "carol's may end: two others go on";
  EXPECT_EQ(need[1].ends_ms, 9);
  EXPECT_NE(need[0].what.find("alice"), std::string::npos);
  EXPECT_NE(need[0].renew.find("hyops run renew run-1"), std::string::npos);
}

TEST(Horizon, looks_ahead_to_the_first_end) {
  engine::Forecast forecast;
  forecast.at_most_ms = 10 * minute;
  forecast.measured_ms = 4 * minute;
  engine::Needs needs;
  using Is = engine::Outlook::Is;
  EXPECT_EQ(engine::look_ahead(forecast, needs, 0).is, Is::enough);
  needs.secrets = {{"the sealed bundle x", 20 * minute, ""}};
  needs.until_irreversible = {{"the decision d", 10 * minute, ""}};
  EXPECT_EQ(engine::look_ahead(forecast, needs, 0).is, Is::enough);
  const auto narrow = engine::look_ahead(forecast, needs, 1);
  EXPECT_EQ(narrow.is, Is::perhaps);
  EXPECT_NE(narrow.sentence.find("the decision d"), std::string::npos) << narrow.sentence;
  EXPECT_EQ(engine::look_ahead(forecast, needs, 6 * minute).is, Is::perhaps);
  EXPECT_EQ(engine::look_ahead(forecast, needs, 6 * minute + 1).is, Is::not_enough);
}

TEST(Horizon, holds_each_step_against_what_that_step_needs) {
  contract::Lane lane;
  plan::Step step;
  step.id = "s", step.timeout_ms = 5 * minute;
  engine::Needs needs;
  const auto lapse = [&](int64_t now, const Json& inputs = Json::object(), bool done = false) {
    const auto found = engine::judge_step(step, inputs, lane, {}, needs, done, now);
    return found ? found->expiry.what : "";
  };
  needs.until_irreversible = {{"decision", 6 * minute, ""}};
  EXPECT_EQ(lapse(minute), "");
  EXPECT_EQ(lapse(minute + 1), "decision");
  EXPECT_EQ(lapse(minute + 1, {}, true), "") << "it was carried out already";
  needs.until_irreversible.clear();
  needs.secrets = {{"bundle", 6 * minute, ""}};
  EXPECT_EQ(lapse(minute + 1), "") << "the step takes no secret";
  step.inputs["key"] = {"db-key", true, "", "", "secret"};
  EXPECT_EQ(lapse(minute + 1), "bundle");
  needs.secrets.clear();
  const Json session{
      {"hosts", {{{"name", "db"}, {"address", "10.0.0.1"}, {"expires_ms", 6 * minute}}}}};
  EXPECT_EQ(lapse(minute, session), "");
  EXPECT_NE(lapse(minute + 1, session).find("db"), std::string::npos);
  Json open_ended = session;
  open_ended["hosts"][0]["expires_ms"] = 0;
  EXPECT_EQ(lapse(minute + 1, open_ended), "") << "0: until it is closed";
}

TEST(Horizon, refuses_a_run_whose_steps_took_longer_than_its_approval_lasts) {
  Expiring site("sleep 0.3\n");
  ASSERT_EQ(site.run(site.plan()), "ok");
  const Json plan = site.plan();
  const auto brief = [](trust::Approval& approval) {
    approval.until_ms = system_clock().wall_ms() + 200;
  };
  const auto admitted =
      engine::admit(site.setup, *site.ledger,
                    {plan, {}, {site.approval(plan, site.alice, "alice", brief)}, "oncall", "", 0});
  ASSERT_FALSE(admitted);
  // A slow machine may find it over already; both refuse before anything is used up.
  EXPECT_TRUE(admitted.error().code == "engine.horizon" ||
              admitted.error().code == "trust.approval.expired")
      << admitted.error().text();
}

TEST(Horizon, starts_no_step_that_could_not_end_in_time_and_goes_on_once_renewed) {
  Expiring site;
  site.jump_ms = 6 * minute;  // of the approval's ten, and the step may take five
  const auto id = site.admit(site.plan());
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_EQ(site.go_on(*id), "failed");
  EXPECT_EQ(site.endings()["two"], "not_run");
  EXPECT_FALSE(fs::exists(site.path() / "ran"));
  ASSERT_EQ(site.events("horizon.reached").size(), 1u);
  EXPECT_NE(site.events("horizon.reached")[0].find("the approval by alice"), std::string::npos);
  const auto ended = site.events("step.ended").back();
  EXPECT_NE(ended.find("hyops run renew " + id->value), std::string::npos) << ended;

  const Json plan = site.ledger->plan_of(*id).value();
  const auto fresh = site.approval(plan, site.alice, "alice", [](trust::Approval& approval) {
    approval.from_ms += 6 * minute;
    approval.until_ms += 6 * minute;
  });
  EXPECT_EQ(
      engine::renew(site.setup, *site.ledger, *id, {site.approval(plan, site.runner, "alice")})
          .error()
          .code,
      "trust.approval.signature");
  const auto renewed = engine::renew(site.setup, *site.ledger, *id, {fresh});
  ASSERT_TRUE(renewed) << renewed.error().text();
  EXPECT_EQ(engine::renew(site.setup, *site.ledger, *id, {fresh}).error().code, "ledger.used")
      << "once, like any approval";
  EXPECT_EQ(site.go_on(*id), "ok");
  EXPECT_TRUE(fs::exists(site.path() / "ran"));
  EXPECT_TRUE(site.verify().findings.empty());
}
