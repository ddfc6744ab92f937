// A wall clock that is set wrong, and a machine that sleeps: no duration changes, no window opens
// early, and the record says what the clock did.
#include "engine/means.hpp"
#include "engine/measured.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

constexpr int64_t hour = 3'600'000;

// This machine, with a wall clock that the test sets, and pauses that take no time to wait for.
class Machine final : public engine::Means, public Clock {
 public:
  int64_t wall_ms() const override { return system_clock().wall_ms() + stepped + slept; }
  int64_t mono_ms() const override { return system_clock().mono_ms() + slept; }
  bool is_kept() const override { return kept; }
  void to_1970() { stepped = 5000 - system_clock().wall_ms() - slept; }

  const Clock& clock() const override { return *this; }
  void pause(int64_t ms) const override { slept += ms, paused += ms; }
  std::unique_ptr<engine::Executor> executor() const override {
    return engine::this_machine().executor();
  }
  std::unique_ptr<engine::Driver> driver(contract::Driver which) const override {
    return engine::this_machine().driver(which);
  }
  Result<plugin::Instance> plugin(const plugin::Registry& registry, const std::string& id,
                                  const Json& config, plugin::Services services) const override {
    return engine::this_machine().plugin(registry, id, config, std::move(services));
  }

  int64_t stepped = 0;
  bool kept = false;  // by a time service
  mutable int64_t slept = 0, paused = 0;
};

const char* timed_outputs = "[outputs.x]\ntype = \"string\"\n[effects]\n";
const char* good = "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n";

std::string step(const std::string& id, const std::string& module, const std::string& phase) {
  return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/" + module + "\"\nphase = \"" + phase +
         "\"\n";
}

struct Timed : Site {
  Timed() {
    setup.means = &machine;
    ledger.reset();
    ledger.emplace(ledger::Ledger::open(setup.ledger(), machine).value());
    tool("good", timed_outputs, good);
    blueprint(step("first", "good", "data") + step("second", "good", "readiness"));
  }
  Json summary() { return record::summary(record()).value(); }
  Machine machine;
};

struct Setting {
  const char* name;
  std::function<void(Machine&)> set;
};
const Setting settings[] = {{"an hour on", [](Machine& m) { m.stepped += hour; }},
                            {"an hour back", [](Machine& m) { m.stepped -= hour; }},
                            {"1970", [](Machine& m) { m.to_1970(); }}};

}  // namespace

TEST(Time, set_wrong_in_the_middle_of_a_run_changes_no_duration) {
  for (const auto& [name, set] : settings) {
    SCOPED_TRACE(name);
    Timed site;
    site.observer.on_event = [&, set = set](const std::string& type, const Json& body) {
      if (type == "step.intent" && get_string(body, "step") == "second") set(site.machine);
    };
    ASSERT_EQ(site.run(site.plan()), "ok");
    EXPECT_EQ(site.events("clock.stepped").size(), 1u);
    const Json told = site.summary();
    for (const Json& ms : {told["duration_ms"], told["phases"][0]["ms"], told["phases"][1]["ms"],
                           told["steps"][0]["ms"], told["steps"][1]["ms"]}) {
      EXPECT_GE(ms.get<int64_t>(), 0);
      EXPECT_LT(ms.get<int64_t>(), hour / 2);
    }
    EXPECT_TRUE(site.verify().clean);
    // A client's clock and that of the start cannot be held against each other any more.
    engine::Measured measured;
    measured.served_ms = system_clock().wall_ms();
    measured.by = "alice", measured.source = "the client's log";
    ASSERT_TRUE(engine::note_measured(site.setup, *site.ledger, site.last, measured));
    EXPECT_TRUE(site.summary()["rto_measured_ms"].is_null());
  }
}

TEST(Time, set_wrong_while_no_core_lived_is_told_by_the_one_that_goes_on) {
  Timed site;
  site.tool("fragile", timed_outputs, "test -e " + (site.path() / "mended").string() + "\n" + good);
  site.blueprint(step("first", "good", "data") + step("second", "fragile", "readiness"));
  ASSERT_EQ(site.run(site.plan()), "failed");
  site.machine.stepped -= hour;
  site.file(site.path() / "mended", "");
  ASSERT_EQ(site.go_on(site.last), "ok");
  ASSERT_EQ(site.events("clock.stepped").size(), 1u);
  EXPECT_NEAR(static_cast<double>(
                  get_int(parse_json(site.events("clock.stepped")[0], "event").value(), "by_ms")),
              static_cast<double>(-hour), 60'000.0);
  EXPECT_GE(site.summary()["duration_ms"].get<int64_t>(), 0);
}

TEST(Time, a_pause_before_a_retry_is_as_long_as_the_profile_says) {
  for (const auto& [name, set] : settings) {
    SCOPED_TRACE(name);
    Timed site;
    site.tool("flaky", timed_outputs,
              "echo '{\"class\":\"unavailable\",\"message\":\"later\"}' > "
              "\"$HYOPS_OUTPUTS.error\"\nexit 1\n");
    site.profile("approvals = 1", "[retry]\nunavailable = { attempts = 2, pause = \"90s\" }\n");
    site.blueprint(step("flaky", "flaky", "data"));
    site.observer.on_event = [&, set = set](const std::string& type, const Json&) {
      if (type == "step.retry") set(site.machine);
    };
    EXPECT_EQ(site.run(site.plan()), "failed");
    EXPECT_EQ(site.events("step.intent").size(), 2u);
    EXPECT_GT(site.machine.paused, 60'000);
    EXPECT_LE(site.machine.paused, 90'000);
  }
}

TEST(Time, a_machine_that_slept_lets_nobody_through_a_gate) {
  Timed site;
  site.profile("approvals = 1", "[gates]\nbefore = [\"readiness\"]\n");
  ASSERT_EQ(site.run(site.plan()), "waiting");
  site.machine.slept += 48 * hour;
  EXPECT_EQ(site.go_on(site.last), "waiting");
  site.machine.stepped += 48 * hour;
  EXPECT_EQ(site.go_on(site.last), "waiting");
  ASSERT_TRUE(engine::confirm_gate(*site.ledger, site.last, "readiness", "alice"));
  EXPECT_EQ(site.go_on(site.last), "failed") << "its approval is over since yesterday (L18)";
  const auto fresh = site.approval(site.ledger->plan_of(site.last).value(), site.alice, "alice",
                                   [&](trust::Approval& approval) {
                                     approval.from_ms = site.setup.clock().wall_ms();
                                     approval.until_ms = approval.from_ms + hour / 2;
                                   });
  EXPECT_EQ(engine::renew(site.setup, *site.ledger, site.last, {fresh}).error().code,
            "engine.clock.set")
      << "signed by the clock that was set";
  site.machine.stepped = 0;
  EXPECT_EQ(engine::renew(site.setup, *site.ledger, site.last, {fresh}).error().code,
            "trust.approval.not_yet");
  site.machine.slept += 48 * hour;
  ASSERT_TRUE(engine::renew(site.setup, *site.ledger, site.last, {fresh}));
  EXPECT_EQ(site.go_on(site.last), "ok");
}

TEST(Time, a_window_that_was_not_open_yet_is_not_opened_by_a_clock_set_back) {
  Timed site;
  const Json plan = site.plan();
  const auto code = [&] {
    auto run = site.admit(plan);
    return run ? "admitted" : run.error().code;
  };
  site.machine.stepped = -hour;
  EXPECT_EQ(code(), "trust.approval.not_yet");
  site.machine.to_1970();
  EXPECT_EQ(code(), "trust.approval.not_yet");
  site.machine.stepped = hour;
  EXPECT_EQ(code(), "trust.approval.expired");
  site.machine.stepped = 0;
  site.machine.slept = hour;  // the machine slept, and so did everything that was approved
  EXPECT_EQ(code(), "trust.approval.expired");
  site.machine.slept = 0;
  EXPECT_EQ(code(), "admitted");
}

TEST(Time, a_clock_that_somebody_set_opens_no_window_early_and_keeps_none_open) {
  Timed site;
  const Json plan = site.plan();
  const auto code = [&](int64_t from_ms) {
    const auto approval = site.approval(plan, site.alice, "alice", [&](trust::Approval& one) {
      one.from_ms += from_ms;
      one.until_ms += from_ms;
    });
    auto run = engine::admit(site.setup, *site.ledger, {plan, {}, {approval}, "oncall", "", 0});
    return run ? "admitted" : run.error().code;
  };
  site.machine.stepped = hour;
  EXPECT_EQ(code(hour), "engine.clock.set") << "it opens in an hour";
  EXPECT_EQ(code(0), "trust.approval.expired");
  site.machine.stepped = -hour;
  EXPECT_EQ(code(-hour), "engine.clock.set") << "it ended an hour ago";
  site.machine.stepped = 1000;
  EXPECT_EQ(code(0), "admitted") << "clock daemons do as much";
  // Whoever keeps the clock may set it.
  site.machine.stepped = hour;
  site.machine.kept = true;
  EXPECT_EQ(code(hour), "admitted");
  site.machine.kept = false;
  EXPECT_EQ(code(hour), "admitted");
  // After a restart nothing contradicts it.
  site.machine.stepped = 2 * hour;
  EXPECT_EQ(code(2 * hour), "engine.clock.set");
  site.ledger.emplace(ledger::Ledger::open(site.setup.ledger(), site.machine,
                                           ledger::Self{"here", "another boot", "pid:[1]", 1, 1})
                          .value());
  EXPECT_EQ(code(2 * hour), "admitted");
}
