// A core that slept while its lane was taken by another does nothing more: not in the ledger, not
// on this machine, not out there (L3).
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;
using hyops::tests::World;

namespace {

std::string step(const std::string& id, const std::string& module, const std::string& phase) {
  return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/" + module + "\"\nphase = \"" + phase +
         "\"\n";
}

// A lane with a run that a core of its own carries, until it is stopped at an event.
class Lane {
 public:
  Lane() {
    stamps = (site.path() / "stamps").string();
    site.tool("stamp", tests::key_output,
              "echo stamp >> " + stamps + "\nprintf '{\"key\":\"k\"}' > \"$HYOPS_OUTPUTS\"\n", "",
              "test -e " + stamps + " || exit 3\nprintf '{\"key\":\"k\"}' > \"$HYOPS_OUTPUTS\"\n");
    tests::add_keeper(site, world);
    site.blueprint(step("first", "stamp", "data") + step("kept", "keep", "readiness"));
    first = site.admit(site.plan()).value();
    second = site.admit(site.plan()).value();
  }

  // The first run, in a core that stops itself (SIGSTOP) after `type` of `at` is in the ledger.
  pid_t sleep_after(const std::string& type, const std::string& at) {
    site.ledger.reset();
    const pid_t core = ::fork();
    if (core == 0) {
      site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
      site.observer.on_event = [&](const std::string& seen, const Json& body) {
        if (seen == type && get_string(body, "step") == at) ::raise(SIGSTOP);
      };
      (void)write_file(site.path() / "said", site.go_on(first));
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(core, &status, WUNTRACED);
    EXPECT_TRUE(WIFSTOPPED(status));
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
    return core;
  }

  // Somebody judged the sleeper dead who should not have: its lock file is gone, its boot another.
  void judge_dead() {
    site.ledger.reset();
    fs::remove(site.setup.ledger().string() + ".leases");
    sqlite3* handle = nullptr;
    sqlite3_open(site.setup.ledger().c_str(), &handle);
    EXPECT_EQ(
        sqlite3_exec(handle, "UPDATE leases SET boot_id = 'another'", nullptr, nullptr, nullptr),
        SQLITE_OK);
    sqlite3_close(handle);
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
  }

  std::string wake(pid_t core) {
    ::kill(core, SIGCONT);
    ::waitpid(core, nullptr, 0);
    return read_file(site.path() / "said").value_or("");
  }

  size_t events_of(const RunId& run) {
    size_t count = 0;
    EXPECT_TRUE(site.ledger->each_event(run, 0, [&](const ledger::Event&) { return ++count > 0; }));
    return count;
  }
  size_t stamped() { return read_file(stamps).value_or("").size() / 6; }

  World world;
  Site site;
  std::string stamps;
  RunId first, second;
};

}  // namespace

TEST(Fencing, lets_nobody_take_the_lane_of_a_core_that_only_sleeps) {
  Lane lane;
  const pid_t core = lane.sleep_after("step.intent", "first");
  const auto lease = lane.site.ledger->lease("drill").value();
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->pid, core);
  EXPECT_EQ(lane.site.ledger->judge(*lease).value(), ledger::Holder::alive);
  const std::string refused = lane.site.go_on(lane.second);
  EXPECT_NE(refused.find("ledger.lease.held"), std::string::npos) << refused;
  EXPECT_EQ(lane.wake(core), "ok");
  EXPECT_EQ(lane.site.go_on(lane.second), "ok");
}

// Each of these is the last thing the sleeper did; whatever would come next is refused.
TEST(Fencing, refuses_the_next_side_effect_of_a_core_whose_lane_was_taken) {
  const std::pair<const char*, const char*> moments[] = {{"run.started", ""},
                                                         {"step.intent", "first"},
                                                         {"step.outcome", "first"},
                                                         {"step.intent", "kept"}};
  for (const auto& [type, at] : moments) {
    SCOPED_TRACE(std::string(type) + " " + at);
    Lane lane;
    const pid_t core = lane.sleep_after(type, at);
    lane.judge_dead();
    const size_t before = lane.stamped(), told = lane.events_of(lane.first);
    EXPECT_EQ(lane.site.go_on(lane.second), "ok");
    const size_t after = lane.stamped();
    EXPECT_EQ(after, before + 1);
    const std::string said = lane.wake(core);
    EXPECT_NE(said.find("ledger.fenced"), std::string::npos) << said;
    EXPECT_EQ(lane.stamped(), after) << "it acted on this machine";
    EXPECT_EQ(lane.world.things().size(), 1u) << "it acted out there";
    EXPECT_EQ(lane.events_of(lane.first), told) << "it wrote into the ledger";
    EXPECT_EQ(lane.site.go_on(lane.first), "ok") << "resumed, it holds the lane again";
    EXPECT_EQ(lane.world.things().size(), 2u);
    EXPECT_TRUE(lane.site.verify().clean);
  }
}

// Two runners have two ledgers: the dispatcher's token decides, where the thing is made.
TEST(Fencing, refuses_the_older_of_two_runners_at_the_provider) {
  World world;
  const auto runner_with = [&](Site& site, int64_t token) {
    tests::add_keeper(site, world);
    site.blueprint(step("kept", "keep", "data"));
    const Json plan = site.plan();
    auto run =
        engine::admit(site.setup, *site.ledger,
                      {plan, {}, {site.approval(plan, site.alice, "alice")}, "oncall", "", token});
    EXPECT_TRUE(run);
    return *run;
  };
  Site asleep, awake;
  const RunId old = runner_with(asleep, 5), next = runner_with(awake, 6);
  EXPECT_EQ(awake.go_on(next), "ok");
  EXPECT_EQ(asleep.go_on(old), "failed");
  EXPECT_EQ(world.things().size(), 1u);
  ASSERT_EQ(asleep.events("step.outcome").size(), 1u);
  EXPECT_NE(asleep.events("step.outcome")[0].find("conflict"), std::string::npos);
}
