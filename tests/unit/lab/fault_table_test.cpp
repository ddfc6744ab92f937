// The table of faults: whole, unambiguous, and held against records that show a fault or do not.
#include "lab/fault_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/file.hpp"

namespace hyops::lab {
namespace {

Json event(const std::string& type, Json body) { return {{"type", type}, {"body", body}}; }

TEST(FaultTable, has_every_fault_that_the_lab_must_know) {
  std::set<std::string> names;
  for (const auto& rule : fault_table()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name << " stands there twice";
    EXPECT_FALSE(rule.meaning.empty()) << rule.name;
    EXPECT_EQ(rule.ends, "ok") << rule.name << ": no fault of ours may be the end of a recovery";
    static const std::set<std::string> states{"ok", "failed", "unknown", "abandoned", "running"};
    EXPECT_TRUE(states.count(rule.leaves)) << rule.name << " leaves the run " << rule.leaves;
  }
  for (const char* name :
       {"host-kill", "zone-loss", "link-cut", "core-kill", "plugin-segv", "tool-kill",
        "dispatcher-kill", "link-slow", "machine-reset", "dns-stale", "old-primary-returns",
        "repository-down", "secret-authority-down", "secret-escrow-down", "clock-step", "disk-full",
        "plugin-hang"})
    EXPECT_TRUE(names.count(name)) << name;
}

TEST(FaultTable, strikes_at_steps_that_the_failover_has) {
  auto text =
      read_file(HYOPS_SOURCE_DIR "/catalog/blueprints/dr/postgresql-failover/blueprint.toml");
  ASSERT_TRUE(text);
  for (const auto& rule : fault_table()) {
    EXPECT_FALSE(rule.at.empty()) << rule.name;
    for (const auto& step : rule.at)
      EXPECT_NE(text->find("id = \"" + step + "\""), std::string::npos)
          << rule.name << " strikes at " << step;
  }
}

TEST(FaultTable, gives_a_fault_without_a_step_its_own) {
  EXPECT_EQ(parse_fault("core-kill").step, "restore");
  EXPECT_EQ(parse_fault("core-kill@verify").step, "verify");
  EXPECT_EQ(parse_fault("core-kill@verify").name, "core-kill");
  EXPECT_EQ(parse_fault("nonsense").step, "");
  EXPECT_EQ(find_fault("nonsense"), nullptr);
  EXPECT_EQ(find_fault(parse_fault("@restore").name), nullptr);
}

TEST(FaultTable, is_printed_whole) {
  const std::string text = fault_list();
  for (const auto& rule : fault_table()) {
    for (const auto& step : rule.at)
      EXPECT_NE(text.find(rule.name + "@" + step + "\n"), std::string::npos);
    EXPECT_NE(text.find(rule.meaning), std::string::npos);
  }
}

TEST(FaultTable, misses_a_trace_that_belongs_to_another_step) {
  const FaultRule& rule = *find_fault("tool-kill");
  const Json unknown = event("step.outcome", {{"step", "restore"}, {"status", "unknown"}});
  const Json looked = event("step.reconciled", {{"step", "restore"}, {"choice", "retry"}});
  EXPECT_TRUE(missing_traces(rule, "restore", {unknown, looked}).empty());
  EXPECT_EQ(missing_traces(rule, "restore", {unknown}).size(), 1u);
  EXPECT_EQ(missing_traces(rule, "verify", {unknown, looked}).size(), 2u);
  EXPECT_EQ(missing_traces(rule, "restore",
                           {event("step.outcome", {{"step", "restore"}, {"status", "ok"}}), looked})
                .size(),
            1u);
  EXPECT_EQ(missing_traces(rule, "restore", {}).size(), 2u);
}

TEST(FaultTable, looks_for_what_happens_to_a_run_in_the_whole_run) {
  EXPECT_TRUE(
      missing_traces(*find_fault("core-kill"), "restore", {event("run.resumed", {})}).empty());
}

TEST(FaultStory, tells_what_was_known_what_was_not_and_what_was_done) {
  const Json story = fault_story(
      "restore",
      {event("step.ended", {{"step", "fence-site"}, {"ending", "ok"}}),
       event("step.intent", {{"step", "restore"}, {"attempt", 1}}),
       event("run.resumed", Json::object()),
       event("step.outcome", {{"step", "restore"},
                              {"attempt", 1},
                              {"status", "unknown"},
                              {"message", "the tool was killed"}}),
       event("step.reconciled",
             {{"step", "restore"}, {"evidence", "no effect found"}, {"choice", "retry"}}),
       event("step.outcome", {{"step", "restore"},
                              {"attempt", 2},
                              {"status", "failed"},
                              {"class", "unavailable"},
                              {"message", "no repository"}}),
       event("step.retry", {{"step", "restore"}, {"pause_ms", 2000}, {"class", "unavailable"}}),
       event("step.ended", {{"step", "restore"}, {"ending", "ok"}}),
       event("step.ended", {{"step", "promote"}, {"ending", "ok"}})});
  EXPECT_EQ(story["known"], Json({"fence-site ended ok"}));
  EXPECT_EQ(story["unknown"], Json({"restore: its core ended before an outcome was written",
                                    "restore, attempt 1: the tool was killed"}));
  EXPECT_EQ(story["done"],
            Json({"the run was resumed", "restore was looked at: no effect found; retry",
                  "restore, attempt 2: no repository (unavailable)",
                  "restore was tried again after 2.0 s (unavailable)", "restore ended ok"}));
}

TEST(FaultStory, says_that_an_outcome_was_never_written) {
  const Json story = fault_story("restore", {event("step.intent", {{"step", "restore"}})});
  EXPECT_EQ(story["unknown"], Json({"restore: no outcome was ever written"}));
  EXPECT_TRUE(fault_story("restore", {})["unknown"].empty());  // it was never started
}

}  // namespace
}  // namespace hyops::lab
