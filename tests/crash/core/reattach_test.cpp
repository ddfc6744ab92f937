// A core dies while its tool works: the next one finds the same attempt, every byte of its output
// once, and its own exit status (L5, L6).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "process/step_host.hpp"
#include "world.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;

namespace {

constexpr int lines = 200'000;  // more than a pipe and any buffer hold

// A tool that says a numbered line, waits until it is let go, says all the others and ends with
// `code`; its core is killed at that point.
class Orphan {
 public:
  explicit Orphan(int code) {
    gate = (site.path() / "gate").string();
    EXPECT_EQ(::mkfifo(gate.c_str(), 0600), 0);
    site.tool("count", tests::key_output,
              "echo 0\nread x < " + gate + "\nseq 1 " + std::to_string(lines) +
                  "\nprintf '{\"key\":\"%s\"}' \"$x\" > \"$HYOPS_OUTPUTS\"\nexit " +
                  std::to_string(code) + "\n");
    site.blueprint("[[step]]\nid = \"count\"\nmodule = \"test/count\"\nphase = \"data\"\n");
    run = site.admit(site.plan()).value();
    site.last = run;
    folder = site.setup.step_folder(run.value, "count") / "1";
    site.ledger.reset();
    const pid_t core = ::fork();
    if (core == 0) {
      site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
      (void)site.go_on(run);
      ::_exit(0);
    }
    // Opening blocks until the tool reads: the core is killed while it works, and nobody sleeps.
    open_gate = Fd(::open(gate.c_str(), O_WRONLY | O_CLOEXEC));
    ::kill(core, SIGKILL);
    ::waitpid(core, nullptr, 0);
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
  }

  void let_go() {
    EXPECT_TRUE(write_all(open_gate.get(), "late\n"));
    open_gate.reset();
  }

  void expect_one_attempt_with_every_byte_once() {
    EXPECT_EQ(site.events("step.intent").size(), 1u);
    EXPECT_EQ(site.events("run.resumed").size(), 1u);
    std::string all;
    for (int i = 0; i <= lines; ++i) all += std::to_string(i) + "\n";
    EXPECT_EQ(digest_of_file(folder / "log.txt").value(), digest_of(all));
    EXPECT_TRUE(site.verify().clean);
  }

  Site site;
  std::string gate;
  RunId run;
  fs::path folder;
  Fd open_gate;
};

}  // namespace

TEST(Reattach, sees_a_tool_to_its_end_that_outlived_its_core) {
  Orphan orphan(0);
  orphan.site.observer.on_event = [&](const std::string& type, const Json&) {
    if (type == "run.resumed") orphan.let_go();  // not before the new core is there
  };
  EXPECT_EQ(orphan.site.go_on(orphan.run), "ok");
  orphan.expect_one_attempt_with_every_byte_once();
  EXPECT_EQ(orphan.site.ledger->slot("drill", "test/count#count").value().value["key"], "late");
}

TEST(Reattach, takes_the_real_exit_status_of_a_tool_that_ended_meanwhile) {
  for (const int code : {0, 7}) {
    Orphan orphan(code);
    orphan.let_go();
    const auto ended = process::wait_tool(orphan.folder, 60'000);
    ASSERT_TRUE(ended && ended->state == process::ToolState::ended);
    EXPECT_EQ(orphan.site.go_on(orphan.run), code == 0 ? "ok" : "failed");
    orphan.expect_one_attempt_with_every_byte_once();
    if (code == 0) continue;
    ASSERT_EQ(orphan.site.events("step.outcome").size(), 1u);
    EXPECT_NE(orphan.site.events("step.outcome")[0].find("status 7"), std::string::npos)
        << orphan.site.events("step.outcome")[0];
  }
}

// A look while the tool is at work would not find its effect, and repeat it beside itself.
TEST(Reattach, comes_before_anybody_looks_or_says_what_became_of_the_step) {
  Orphan orphan(0);
  Site& site = orphan.site;
  const auto choices =
      engine::reconcile(site.setup, *site.ledger, orphan.run, site.observer).value();
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_EQ(choices[0].seen, "interrupted");
  EXPECT_EQ(choices[0].resolved, "");
  const auto stated =
      engine::state_outcome(site.setup, *site.ledger, site.statement("count", "retry"));
  ASSERT_FALSE(stated);
  EXPECT_EQ(stated.error().code, "engine.step.not_unknown");
  EXPECT_NE(stated.error().next.find("run resume"), std::string::npos);
  EXPECT_TRUE(site.events("step.reconciled").empty());
  site.observer.on_event = [&](const std::string& type, const Json&) {
    if (type == "run.resumed") orphan.let_go();
  };
  EXPECT_EQ(site.go_on(orphan.run), "ok");
  orphan.expect_one_attempt_with_every_byte_once();
}
