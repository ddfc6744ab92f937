// run list, show and follow over a ledger that another process writes.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "support.hpp"

namespace hyops::test {
namespace {

TEST(RunList, shows_the_newest_first_with_status_and_requester) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "ok",
            {{"run.started", Json::object()}, {"run.ended", {{"status", "ok"}}}});
    put_run(ledger, "rbbb2", "failed", failed_story());
  }
  const Json runs = home.run({"run", "list", "--json"}).json()["runs"];
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0]["status"], "failed");
  EXPECT_EQ(runs[0]["requester"], "alice");
  const Ran only = home.run({"run", "list", "--status", "ok"});
  EXPECT_TRUE(only.says("raaa1"));
  EXPECT_FALSE(only.says("rbbb2"));
  EXPECT_EQ(home.run({"run", "list", "--lane", "other", "--json"}).json()["runs"].size(), 0u);
}

TEST(RunShow, tells_why_it_failed_with_the_tools_last_words_and_the_next_command) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "failed", failed_story());
  }
  std::string log;
  for (int i = 1; i <= 40; ++i)
    log += "line " + std::to_string(i) + (i == 40 ? " \x1b[31mlast\n" : "\n");
  home.write("runs/raaa1/steps/restore/1/log.txt", log);
  const Ran shown = home.run({"run", "show", "raaa1"});
  EXPECT_EQ(shown.code, 0);
  for (const char* word : {"restore", "failed", "exit status 3", "line 21", "line 40", "not_run",
                           "phase data ended failed", "hyops run resume raaa1"})
    EXPECT_TRUE(shown.says(word)) << word << "\n" << shown.out;
  EXPECT_FALSE(shown.says("line 20\n"));
  EXPECT_FALSE(shown.says("\x1b"));
  const Json answer = home.run({"run", "show", "raaa1", "--json"}).json();
  EXPECT_EQ(answer["logs"]["restore"]["lines"].size(), 20u);
  EXPECT_EQ(answer["steps"].size(), 3u);
}

TEST(RunShow, takes_a_part_of_an_id_where_only_one_run_has_it) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "r0abc1xyz", "ok", {{"run.ended", {{"status", "ok"}}}});
    put_run(ledger, "r0abc2xyw", "ok", {{"run.ended", {{"status", "ok"}}}});
  }
  EXPECT_EQ(home.run({"run", "show", "xyz", "--json"}).json()["run"], "r0abc1xyz");
  EXPECT_EQ(home.run({"run", "show", "r0abc2", "--json"}).json()["run"], "r0abc2xyw");
  EXPECT_EQ(home.run({"run", "show", "last"}).code, 0);
  const Ran either = home.run({"run", "show", "r0abc"});
  EXPECT_EQ(either.code, 2);
  EXPECT_TRUE(either.says("cli.run.ambiguous") && either.says("r0abc1xyz"));
  const Ran near = home.run({"run", "show", "r0abc1xyy"});
  EXPECT_EQ(near.code, 2);
  EXPECT_TRUE(near.says("Did you mean \"r0abc1xyz\"?")) << near.err;
}

TEST(RunShow, says_interrupted_where_the_process_of_a_running_run_is_gone) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "running", {{"run.started", {{"lane", "drill"}}}});
  }
  EXPECT_TRUE(home.run({"run", "list"}).says("interrupted"));
  const Ran shown = home.run({"run", "show", "last"});
  EXPECT_TRUE(shown.says("interrupted") && shown.says("hyops run resume raaa1")) << shown.out;
  EXPECT_FALSE(shown.says("still going on") || shown.says("Still running")) << shown.out;
  EXPECT_EQ(home.run({"run", "follow", "last"}).code, 6);
}

// Who looks on at a run that goes is told what goes, not what a record that was made now would say.
TEST(RunShow, shows_what_is_at_work_while_the_run_goes) {
  const Home home;
  auto ledger = home.ledger();
  const RunId run("raaa1");
  put_run(ledger, "raaa1", "running", {{"run.started", {{"lane", "drill"}}}});
  ASSERT_TRUE(ledger.append_all(
      run, {{"step.intent", {{"step", "fence"}, {"attempt", 1}}},
            {"step.outcome", {{"step", "fence"}, {"attempt", 1}, {"status", "ok"}}},
            {"step.ended", {{"step", "fence"}, {"ending", "ok"}}},
            {"step.intent", {{"step", "restore"}, {"attempt", 1}}}}));
  ASSERT_TRUE(ledger.take_lease("drill", run));
  const Ran shown = home.run({"run", "show", "last"});
  EXPECT_TRUE(shown.says("running for")) << shown.out;
  EXPECT_FALSE(shown.says("unknown") || shown.says("record was made")) << shown.out;
  const Json steps = home.run({"run", "show", "last", "--json"}).json()["steps"];
  EXPECT_EQ(steps[0]["ending"], "ok");
  EXPECT_EQ(steps[1]["ending"], "running");
  EXPECT_EQ(steps[2]["reason"], "not reached yet");
}

// The ledger of a lost machine, brought here: nobody can prove anything about its processes.
TEST(RunCancel, promises_nothing_where_nothing_runs_here) {
  const Home home;
  std::string head;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "ok", {{"run.started", Json::object()}});
    put_run(ledger, "rbbb2", "dispatched", {{"run.started", Json::object()}});
    head = ledger.chain_head(RunId("raaa1")).value().hash;
  }
  const Ran ended = home.run({"run", "cancel", "raaa1"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_TRUE(ended.says("nothing to cancel")) << ended.out;
  const Ran elsewhere = home.run({"run", "cancel", "rbbb2"});
  EXPECT_EQ(elsewhere.code, 4) << elsewhere.err;
  EXPECT_TRUE(elsewhere.says("cli.run.elsewhere")) << elsewhere.err;
  // The record of what has ended is closed: nothing is added to it.
  EXPECT_EQ(home.ledger().chain_head(RunId("raaa1")).value().hash, head);
}

TEST(RunFollow, says_that_the_holder_cannot_be_judged_and_ends_with_the_way_out) {
  if (::geteuid() != 0) GTEST_SKIP() << "another machine's name needs root";
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "running", {{"run.started", {{"lane", "drill"}}}});
  }
  const pid_t child = ::fork();
  if (child == 0) {
    bool held = ::unshare(CLONE_NEWUTS) == 0 && ::sethostname("lost-runner", 11) == 0;
    auto ledger = ledger::Ledger::open(home.path() / "ledger.db");
    held = held && ledger && ledger->take_lease("drill", RunId("raaa1"));
    ::_exit(held ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const Ran ran = home.run({"run", "follow", "raaa1"});
  EXPECT_EQ(ran.code, 6) << ran.out << ran.err;
  EXPECT_TRUE(ran.says("machine lost-runner") && ran.says("hyops run abandon raaa1")) << ran.out;
  EXPECT_TRUE(home.run({"run", "show", "raaa1"}).says("hyops run abandon raaa1"));
  EXPECT_EQ(home.run({"run", "abandon", "raaa1", "--by", "alice"}).code, 2) << "and why?";
  const Ran stated =
      home.run({"run", "abandon", "raaa1", "--by", "alice", "--reason", "the site burnt down"});
  EXPECT_EQ(stated.code, 0) << stated.err;
  EXPECT_TRUE(stated.says("hyops run resume raaa1")) << stated.out;
  EXPECT_TRUE(home.run({"run", "show", "raaa1"}).says("interrupted"));
  const Ran again =
      home.run({"run", "abandon", "raaa1", "--by", "alice", "--reason", "the site burnt down"});
  EXPECT_EQ(again.code, 4) << again.err;
}

TEST(RunFollow, ends_where_nobody_started_the_run_or_its_runner_has_it) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "planned", {});
    put_run(ledger, "raaa2", "dispatched", {});
  }
  const Ran planned = home.run({"run", "follow", "raaa1"});
  EXPECT_EQ(planned.code, 5) << planned.out;
  EXPECT_TRUE(planned.says("hyops run resume raaa1")) << planned.out;
  const Ran sent = home.run({"run", "follow", "raaa2"});
  EXPECT_EQ(sent.code, 5) << sent.out;
  EXPECT_TRUE(sent.says("hyops run collect raaa2")) << sent.out;
}

TEST(RunFollow, exits_with_the_code_of_the_status) {
  const std::vector<std::pair<std::string, int>> codes{
      {"ok", 0}, {"failed", 1}, {"waiting", 5}, {"unknown", 6}, {"cancelled", 7}};
  for (const auto& [status, code] : codes) {
    const Home home;
    {
      auto ledger = home.ledger();
      const bool waits = status == "waiting";
      put_run(ledger, "raaa1", status,
              {{"run.started", {{"lane", "drill"}}},
               {"gate.opened", {{"phase", "cutover"}}},
               {waits ? "run.waiting" : "run.ended", {{"status", status}}}});
    }
    const Ran ran = home.run({"run", "follow", "raaa1"});
    EXPECT_EQ(ran.code, code) << status << ran.out << ran.err;
    if (status == "waiting") {
      EXPECT_TRUE(ran.says("hyops run confirm raaa1 cutover --by NAME")) << ran.out;
    }
  }
}

TEST(RunFollow, draws_lines_in_a_pipe_and_ends_when_the_other_process_ends_the_run) {
  const Home home;
  auto ledger = home.ledger();
  put_run(ledger, "raaa1", "running",
          {{"run.started", {{"blueprint", "dr/x"}, {"lane", "drill"}}}});
  ASSERT_TRUE(ledger.take_lease("drill", RunId("raaa1")));  // this process carries it out
  auto following = std::async(std::launch::async, [&] {
    return home.run({"run", "follow", "raaa1"});
  });
  ASSERT_TRUE(
      ledger.append_all(RunId("raaa1"), {{"phase.started", {{"phase", "fence"}}},
                                         {"step.intent", {{"step", "fence"}, {"attempt", 1}}}}));
  ASSERT_TRUE(ledger.append_all(
      RunId("raaa1"), {{"step.outcome", {{"step", "fence"}, {"status", "ok"}}},
                       {"step.ended", {{"step", "fence"}, {"ending", "ok"}, {"reason", ""}}},
                       {"phase.ended", {{"phase", "fence"}, {"status", "ok"}}}}));
  ASSERT_TRUE(ledger.append(RunId("raaa1"), "run.ended", {{"status", "ok"}}));
  ASSERT_TRUE(ledger.set_status(RunId("raaa1"), "ok"));
  const Ran ran = following.get();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(ran.says("phase fence     fence     ok")) << ran.out;
  EXPECT_TRUE(ran.says("run raaa1 ok after")) << ran.out;
  EXPECT_EQ(ran.out.find('\x1b'), std::string::npos);
}

TEST(RunFollow, writes_one_json_object_a_line) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "failed", failed_story());
  }
  const Ran ran = home.run({"run", "follow", "raaa1", "--json"});
  EXPECT_EQ(ran.code, 1);
  size_t lines = 0, at = 0;
  std::string last;
  for (size_t end; (end = ran.out.find('\n', at)) != std::string::npos; at = end + 1, ++lines) {
    auto line = parse_json(ran.out.substr(at, end - at), "a line");
    ASSERT_TRUE(line) << ran.out;
    EXPECT_TRUE(line->contains("type") && line->contains("body") && line->contains("wall_ms"));
    last = get_string(*line, "type");
  }
  EXPECT_EQ(lines, failed_story().size() + 1);
  EXPECT_EQ(last, "follow.ended");
}

TEST(RunFollow, on_a_terminal_keeps_within_it_and_gives_the_cursor_back) {
  const Home home;
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "failed", failed_story());
  }
  const Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  char name[128];
  ASSERT_EQ(::ptsname_r(master.get(), name, sizeof name), 0);
  Fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(slave);
  winsize size{};
  size.ws_col = 60, size.ws_row = 12;
  ASSERT_EQ(::ioctl(slave.get(), TIOCSWINSZ, &size), 0);
  process::SpawnRequest request;
  request.argv = {HYOPS_BUILD_DIR "/bin/hyops", "run", "follow", "raaa1", "--home",
                  home.path().string()};
  request.environment = {{"PATH", process::default_path}};
  request.out = slave.get();
  auto child = process::spawn(request);
  ASSERT_TRUE(child) << child.error().text();
  slave.reset();
  std::string screen;
  char bytes[4096];
  for (ssize_t got; (got = ::read(master.get(), bytes, sizeof bytes)) > 0;)
    screen.append(bytes, static_cast<size_t>(got));
  auto ended = child->wait(10'000);
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ((*ended)->code, 1);
  const size_t hidden = screen.find("\x1b[?25l"), shown = screen.rfind("\x1b[?25h");
  ASSERT_NE(hidden, std::string::npos) << screen;
  ASSERT_NE(shown, std::string::npos);
  EXPECT_GT(shown, screen.rfind("\x1b[?25l"));
  EXPECT_NE(screen.find("restore"), std::string::npos);
  EXPECT_NE(screen.find("next: "), std::string::npos);
}

}  // namespace
}  // namespace hyops::test
