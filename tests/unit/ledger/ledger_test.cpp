// What the ledger promises to a run, to its readers, and to whoever tries to change the past.
#include "ledger/ledger.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace hyops::ledger {
namespace {

namespace fs = std::filesystem;

class SteppingClock : public Clock {
 public:
  int64_t wall_ms() const override { return ++now_; }
  int64_t mono_ms() const override { return ++now_; }

 private:
  mutable int64_t now_ = 1'700'000'000'000;
};

struct LedgerTest : testing::Test {
  TempDir folder = TempDir::create(fs::temp_directory_path(), "hyops-ledger").value();
  fs::path file = folder.path() / "home/ledger.db";
  SteppingClock clock;
  RunId run{"r1-test"};

  Ledger open() { return Ledger::open(file, clock).value(); }
  Ledger with_run() {
    auto ledger = open();
    EXPECT_TRUE(ledger.create_run(
        {run, "drill", "dr/x", "planned", PlanDigest("sha256:1"), 0, 0, "ada", "cloud"},
        Json{{"steps", Json::array()}}, Json::object()));
    return ledger;
  }
  // What somebody with the sqlite3 shell does.
  int shell(const std::string& sql) {
    sqlite3* handle = nullptr;
    sqlite3_open(file.c_str(), &handle);
    const int code = sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(handle);
    return code;
  }
};

TEST_F(LedgerTest, keeps_events_in_a_chain_that_starts_at_the_run) {
  auto ledger = with_run();
  EXPECT_EQ(ledger.chain_head(run).value().hash, sha256_hex(run.value));
  const auto first = ledger.append(run, "run.started", {{"plan", "sha256:1"}}).value();
  ASSERT_TRUE(ledger.append_all(
      run, {{"step.intent", {{"step", "a"}}}, {"step.outcome", {{"step", "a"}}}}));
  std::vector<Event> events;
  ASSERT_TRUE(ledger.each_event(run, 0, [&](const Event& event) {
    events.push_back(event);
    return true;
  }));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].previous, sha256_hex(run.value));
  EXPECT_EQ(events[0].hash, first.hash);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].seq, static_cast<int64_t>(i) + 1);
    EXPECT_EQ(events[i].hash, event_hash(run, events[i]));
    EXPECT_EQ(events[i].hash, sha256_hex(canonical(event_document(run, events[i])).value()));
    if (i) {
      EXPECT_EQ(events[i].previous, events[i - 1].hash);
    }
  }
  EXPECT_EQ(ledger.chain_head(run).value().hash, events.back().hash);
  EXPECT_TRUE(ledger.check());
}

TEST_F(LedgerTest, hands_out_lines_whose_hash_needs_no_parser) {
  auto ledger = with_run();
  std::vector<std::pair<std::string, Json>> many;
  for (int i = 0; i < 1300; ++i) many.emplace_back("marker", Json{{"n", i}, {"ü\"\n", "\\"}});
  ASSERT_TRUE(ledger.append_all(run, many));
  int64_t seen = 0;
  std::string previous;
  ASSERT_TRUE(ledger.each_line(run, 600, [&](std::string_view line) {
    const auto parsed = parse_json(line, "line").value();
    EXPECT_EQ(get_int(parsed, "seq"), 601 + seen++);
    EXPECT_EQ(get_string(parsed, "hash"),
              sha256_hex(std::string(line.substr(0, line.size() - 75)) + "}"));
    if (!previous.empty()) {
      EXPECT_EQ(get_string(parsed, "previous"), previous);
    }
    previous = get_string(parsed, "hash");
    return true;
  }));
  EXPECT_EQ(seen, 700);
}

TEST_F(LedgerTest, lets_the_reader_call_the_ledger_and_stop) {
  auto ledger = with_run();
  ASSERT_TRUE(ledger.append(run, "a", Json::object()));
  int seen = 0;
  ASSERT_TRUE(ledger.each_event(run, 0, [&](const Event&) {
    ++seen;
    EXPECT_TRUE(ledger.append(run, "b", Json::object()));
    return seen < 4;
  }));
  EXPECT_EQ(seen, 4);
}

TEST_F(LedgerTest, hands_out_only_the_events_that_were_asked_for) {
  auto ledger = with_run();
  std::vector<std::pair<std::string, Json>> many(2000, {"step.terraform", {{"step", "a"}}});
  many.emplace_back("step.outcome", Json{{"step", "a"}, {"status", "ok"}});
  ASSERT_TRUE(ledger.append(run, "step.intent", {{"step", "a"}}));
  ASSERT_TRUE(ledger.append_all(run, many));
  std::vector<std::string> seen;
  ASSERT_TRUE(ledger.each_event_of(run, {"step.intent", "step.outcome"}, [&](const Event& event) {
    seen.push_back(event.type + " " + std::to_string(event.seq) + " " + event.body.dump());
    return true;
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{R"(step.intent 1 {"step":"a"})",
                                            R"(step.outcome 2002 {"status":"ok","step":"a"})"}));
  const auto hostile = ledger.each_event_of(run, {"x') OR ('1'='1"}, [](const Event&) {
    ADD_FAILURE() << "this type is nobody's";
    return true;
  });
  EXPECT_EQ(hostile.error().code, "ledger.event.malformed");
}

TEST_F(LedgerTest, keeps_runs_plans_inputs_and_documents) {
  auto ledger = with_run();
  EXPECT_EQ(ledger.create_run({run, "drill", "", "planned", {}, 0, 0, "", ""}, {}, {}).error().code,
            "ledger.run.exists");
  ASSERT_TRUE(
      ledger.create_run({RunId("r2"), "prod", "dr/x", "planned", {}, 0, 0, "", ""}, {}, {}));
  ASSERT_TRUE(ledger.set_status(run, "running"));
  EXPECT_EQ(ledger.find_run(run).value()->status, "running");
  EXPECT_FALSE(ledger.find_run(RunId("nobody")).value());
  EXPECT_EQ(ledger.runs().value().front().id.value, "r2");
  EXPECT_EQ(ledger.runs("drill").value().size(), 1u);
  EXPECT_EQ(ledger.plan_of(run).value(), (Json{{"steps", Json::array()}}));
  ASSERT_TRUE(ledger.put_document(run, "approvals/alice.json", "{}"));
  ASSERT_TRUE(ledger.put_document(run, "approvals/alice.json", "{}"));
  EXPECT_EQ(ledger.put_document(run, "approvals/alice.json", "{ }").error().code,
            "ledger.document.exists");
  EXPECT_EQ(ledger.put_document(run, "../etc/passwd", "").error().code, "file.name");
  EXPECT_EQ(ledger.documents(run).value().size(), 1u);
  EXPECT_EQ(ledger.append(RunId("nobody"), "a", {}).error().code, "ledger.run.unknown");
  EXPECT_EQ(ledger.append(run, "Not A Type\"", {}).error().code, "ledger.event.malformed");
  EXPECT_EQ(ledger.append(run, "a", {{"x", 1.5}}).error().code, "json.not_canonical");
}

TEST_F(LedgerTest, refuses_to_change_the_past_even_by_the_sqlite_shell) {
  {
    auto ledger = with_run();
    ASSERT_TRUE(ledger.append(run, "run.started", {{"x", 1}}));
    ASSERT_TRUE(ledger.put_document(run, "decision.json", "{}"));
    ASSERT_TRUE(ledger.create_run({RunId("r-used"), "drill", "dr/x", "planned", {}, 0, 0, "", ""},
                                  {}, {}, {{"decision", "n"}}));
  }
  for (const char* sql : {"UPDATE events SET body='{}'", "DELETE FROM events", "DELETE FROM runs",
                          "UPDATE runs SET plan='{}'", "DELETE FROM documents",
                          "UPDATE documents SET bytes=''", "DELETE FROM used"})
    EXPECT_EQ(shell(sql), SQLITE_CONSTRAINT) << sql;
}

TEST_F(LedgerTest, finds_every_kind_of_change_in_a_chain) {
  const char* changes[] = {"UPDATE events SET body='{\"n\":9}' WHERE type='b'",
                           "UPDATE events SET wall_ms=1 WHERE type='b'",
                           "UPDATE events SET type='x' WHERE type='b'",
                           "DELETE FROM events WHERE type='b'",
                           "DELETE FROM events WHERE type='c'",
                           "UPDATE events SET place=place+1 WHERE type='c'",
                           "UPDATE events SET hash='00' WHERE type='c'"};
  for (const char* change : changes) {
    fs::remove_all(file.parent_path());
    {
      auto ledger = with_run();
      for (const char* type : {"a", "b", "c"}) ASSERT_TRUE(ledger.append(run, type, {{"n", 1}}));
      ASSERT_TRUE(ledger.set_status(run, "ok"));
      ASSERT_TRUE(ledger.check());
    }
    ASSERT_EQ(shell(std::string("DROP TRIGGER events_stay; DROP TRIGGER events_kept;") + change),
              SQLITE_OK)
        << change;
    fs::remove(file.string() + ".leases");  // its note of the newest event would tell even sooner
    EXPECT_EQ(open().check().error().code, "ledger.broken") << change;
  }
}

TEST_F(LedgerTest, hands_on_no_event_that_is_not_as_it_was_appended) {
  {
    auto ledger = with_run();
    for (const char* type : {"a", "b", "c"}) ASSERT_TRUE(ledger.append(run, type, {{"n", 1}}));
  }
  ASSERT_EQ(shell("DROP TRIGGER events_stay; UPDATE events SET body='{\"n\":9}' WHERE type='b'"),
            SQLITE_OK);
  auto ledger = open();
  const auto take = [](const Event& event) { return get_int(event.body, "n") == 1; };
  EXPECT_TRUE(ledger.each_event_of(run, {"a"}, take));
  EXPECT_EQ(ledger.each_event_of(run, {"b"}, take).error().code, "ledger.broken");
  EXPECT_EQ(ledger.each_event(run, 0, take).error().code, "ledger.broken");
}

TEST_F(LedgerTest, refuses_what_it_cannot_trust) {
  with_run();
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  EXPECT_EQ(Ledger::open(file).error().code, "ledger.not_yours");
  ::chmod(file.c_str(), 0600);
  ASSERT_EQ(shell("PRAGMA user_version=2"), SQLITE_OK);
  EXPECT_EQ(Ledger::open(file).error().code, "ledger.schema.newer");
  ASSERT_EQ(shell("PRAGMA user_version=1; PRAGMA application_id=7"), SQLITE_OK);
  EXPECT_EQ(Ledger::open(file).error().code, "ledger.broken");

  const fs::path other = folder.path() / "other.db";
  ASSERT_TRUE(write_file(other, std::string(8192, 'x'), 0600));
  EXPECT_EQ(Ledger::open(other).error().code, "ledger.broken");
  fs::create_symlink(other, folder.path() / "link.db");
  EXPECT_EQ(Ledger::open(folder.path() / "link.db").error().code, "ledger.not_yours");
  if (::geteuid() == 0) {
    ASSERT_TRUE(write_file(folder.path() / "theirs.db", "", 0600));
    ASSERT_EQ(::chown((folder.path() / "theirs.db").c_str(), 65534, 65534), 0);
    EXPECT_EQ(Ledger::open(folder.path() / "theirs.db").error().code, "ledger.not_yours");
  }
  // A new one is made whole and then put in its place: one without tables was cut off.
  ASSERT_TRUE(write_file(folder.path() / "empty.db", "", 0600));
  EXPECT_EQ(Ledger::open(folder.path() / "empty.db").error().code, "ledger.broken");
  struct stat made {};
  ::stat((folder.path() / "empty.db").c_str(), &made);
  EXPECT_EQ(made.st_mode & 0777, 0600u);
}

TEST_F(LedgerTest, publishes_state_only_over_the_version_that_was_seen) {
  auto ledger = with_run();
  const auto lease = ledger.take_lease("drill", run).value();
  Slot slot{"drill",   "compute/host#db", 0, 3, Json{{"address", "10.77.3.20"}},
            run.value, "db-host",         0};
  EXPECT_EQ(ledger.slot("drill", slot.key).value().version, 0);
  EXPECT_EQ(ledger.put_slot(slot, 0, lease.token).value().version, 1);
  const auto refused = ledger.put_slot(slot, 0, lease.token);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ledger.slot.conflict");
  EXPECT_NE(refused.error().message.find("step db-host of run r1-test"), std::string::npos);
  EXPECT_EQ(ledger.put_slot(slot, 1, lease.token + 1).error().code, "ledger.fenced");
  slot.value = nullptr;
  EXPECT_EQ(ledger.put_slot(slot, 1, lease.token).value().version, 2);
  EXPECT_EQ(ledger.slot_history("drill", slot.key).value().size(), 2u);
  ASSERT_EQ(ledger.slots("drill").value().size(), 1u);
  EXPECT_TRUE(ledger.slots("drill").value()[0].value.is_null());
  EXPECT_EQ(ledger.slots("drill").value()[0].epoch, 3);
  EXPECT_TRUE(ledger.slots("prod").value().empty());
}

TEST_F(LedgerTest, uses_a_nonce_for_one_run_only_also_over_a_restart_and_all_or_none) {
  const auto create = [](Ledger& ledger, const std::string& id, const std::vector<Once>& once) {
    auto made =
        ledger.create_run({RunId(id), "drill", "dr/x", "planned", {}, 0, 0, "", ""}, {}, {}, once);
    return made ? "made" : made.error().code;
  };
  {
    auto ledger = open();
    EXPECT_EQ(create(ledger, "run-a", {{"decision", "n1"}, {"approval", "n1"}}), "made");
  }
  auto ledger = open();
  EXPECT_EQ(create(ledger, "run-b", {{"decision", "n2"}, {"approval", "n1"}}), "ledger.used");
  EXPECT_FALSE(ledger.find_run(RunId("run-b")).value()) << "a run that was refused is none";
  EXPECT_EQ(create(ledger, "run-b", {{"decision", "n2"}}), "made") << "and used nothing up";
  EXPECT_EQ(create(ledger, "run-c", {{"decision", "n3"}, {"decision", "n3"}}), "ledger.used");
}

TEST_F(LedgerTest, gives_a_lane_to_one_writer_with_growing_tokens) {
  auto one = open();
  auto two = open();
  const auto first = one.take_lease("drill", RunId("ra")).value();
  EXPECT_EQ(one.take_lease("drill", RunId("ra")).value().token, first.token);
  EXPECT_EQ(two.judge(first).value(), Holder::alive);
  const auto refused = two.take_lease("drill", RunId("rb"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ledger.lease.held");
  EXPECT_NE(refused.error().message.find("run ra since 20"), std::string::npos);
  EXPECT_EQ(one.take_lease("drill", RunId("rb")).error().code, "ledger.lease.held");
  EXPECT_TRUE(two.take_lease("prod", RunId("rb")));  // lanes do not touch each other (G6)
  ASSERT_TRUE(one.check_token("drill", first.token));
  ASSERT_TRUE(one.release_lease("drill", RunId("ra"), first.token));
  EXPECT_EQ(one.check_token("drill", first.token).error().code, "ledger.fenced");
  EXPECT_EQ(one.release_lease("drill", RunId("ra"), first.token).error().code, "ledger.fenced");
  EXPECT_FALSE(one.lease("drill").value());
  EXPECT_GT(two.take_lease("drill", RunId("rb")).value().token, first.token);
}

TEST_F(LedgerTest, takes_over_from_a_process_that_is_provably_dead_and_from_no_other) {
  open();
  const pid_t child = ::fork();
  if (child == 0) {
    auto ledger = Ledger::open(file);
    ::_exit(ledger && ledger->take_lease("drill", RunId("ra")) ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  auto ledger = open();
  const auto dead = ledger.lease("drill").value();
  ASSERT_TRUE(dead);
  EXPECT_EQ(ledger.judge(*dead).value(), Holder::dead);

  // The same lease on another machine could be alive: no proof, no take-over.
  ASSERT_EQ(shell("UPDATE leases SET host='elsewhere'"), SQLITE_OK);
  EXPECT_EQ(ledger.take_lease("drill", RunId("rb")).error().code, "ledger.lease.held");
  EXPECT_EQ(ledger.judge(*ledger.lease("drill").value()).value(), Holder::unclear);
  // Nor is a process that merely reuses the number dead for us while start time and boot agree.
  ASSERT_EQ(shell("UPDATE leases SET host='" + dead->host +
                  "', pid=1, pid_start=(SELECT pid_start FROM leases)"),
            SQLITE_OK);
  const auto taken = ledger.take_lease("drill", RunId("rb"));
  ASSERT_TRUE(taken) << taken.error().text();
  EXPECT_EQ(taken->token, dead->token + 1);
}

// L17: where no proof can come, a person's word frees the lane, and stands in the run for ever.
TEST_F(LedgerTest, gives_up_a_holder_on_a_lost_machine_by_a_persons_word_only) {
  auto ledger = with_run();
  {
    auto elsewhere = open();
    const auto held = elsewhere.take_lease("drill", run).value();
    EXPECT_EQ(ledger.give_up_lease(held, "alice", "x").error().code, "ledger.lease.alive");
    ASSERT_EQ(shell("UPDATE leases SET host='elsewhere'"), SQLITE_OK);
    EXPECT_EQ(ledger.give_up_lease(held, "alice", "x").error().code, "ledger.lease.alive")
        << "its lock shows that it lives, wherever it is";
  }
  const auto lost = *ledger.lease("drill").value();
  auto older = lost;
  --older.token;
  EXPECT_EQ(ledger.give_up_lease(older, "alice", "x").error().code, "ledger.fenced");
  ASSERT_TRUE(ledger.give_up_lease(lost, "alice", "the site burnt down"));
  EXPECT_FALSE(ledger.lease("drill").value());
  std::string said;
  ASSERT_TRUE(ledger.each_event(run, 0, [&](const Event& event) {
    if (event.type == "run.abandoned") said = canonical(event.body).value();
    return true;
  }));
  EXPECT_NE(said.find("alice"), std::string::npos) << said;
  EXPECT_NE(said.find("the site burnt down"), std::string::npos) << said;
  EXPECT_NE(said.find("elsewhere"), std::string::npos) << said;
  EXPECT_GT(ledger.take_lease("drill", run).value().token, lost.token);
  EXPECT_EQ(ledger.check_token("drill", lost.token).error().code, "ledger.fenced");
}

TEST_F(LedgerTest, takes_over_after_a_reboot) {
  auto ledger = open();
  const auto before = ledger.take_lease("drill", RunId("ra")).value();
  ASSERT_EQ(shell("UPDATE leases SET boot_id='another-boot'"), SQLITE_OK);
  const auto after = ledger.take_lease("drill", RunId("rb")).value();
  EXPECT_EQ(after.token, before.token + 1);
  EXPECT_EQ(ledger.check_token("drill", before.token).error().code, "ledger.fenced");
}

TEST_F(LedgerTest, is_written_by_threads_and_processes_without_losing_or_forking_the_chain) {
  with_run();
  std::vector<pid_t> children;
  for (int p = 0; p < 3; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto ledger = Ledger::open(file);
      for (int i = 0; ledger && i < 20; ++i)
        if (!ledger->append(run, "marker", {{"process", p}, {"n", i}})) ::_exit(2);
      ::_exit(ledger ? 0 : 1);
    }
    children.push_back(child);
  }
  auto ledger = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(ledger.append(run, "marker", {{"n", i}}));
    });
  for (auto& thread : threads) thread.join();
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  int64_t events = 0;
  ASSERT_TRUE(ledger.each_event(run, 0, [&](const Event& event) { return event.seq == ++events; }));
  EXPECT_EQ(events, 120);
  EXPECT_TRUE(ledger.check());
}

TEST_F(LedgerTest, keeps_what_it_acknowledged_when_the_process_is_killed) {
  with_run();
  int acknowledged[2];
  ASSERT_EQ(::pipe(acknowledged), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto ledger = Ledger::open(file);
    for (int64_t i = 1; ledger; ++i) {
      if (!ledger->append(run, "marker", {{"n", i}})) ::_exit(1);
      if (::write(acknowledged[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
    ::_exit(1);
  }
  ::close(acknowledged[1]);
  int64_t last = 0;
  while (last < 25) ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), ssize_t{sizeof last});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (int64_t more = 0; ::read(acknowledged[0], &more, sizeof more) == ssize_t{sizeof more};)
    last = more;
  ::close(acknowledged[0]);
  auto ledger = open();
  int64_t events = 0;
  ASSERT_TRUE(ledger.each_event(run, 0, [&](const Event&) { return ++events > 0; }));
  EXPECT_GE(events, last);
  EXPECT_LE(events, last + 1);
  EXPECT_TRUE(ledger.check());
}

TEST_F(LedgerTest, says_that_the_disk_is_full_and_keeps_what_it_had) {
  with_run();
  const pid_t child = ::fork();
  if (child == 0) {
    // The kernel refuses growth beyond this, as a full disk does.
    ::signal(SIGXFSZ, SIG_IGN);
    auto ledger = Ledger::open(file);
    if (!ledger || !ledger->append(run, "marker", {{"n", 0}})) ::_exit(1);
    const rlimit limit{200'000, 200'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 100; ++i) {
      auto put = ledger->append(run, "marker", {{"filling", std::string(20'000, 'x')}});
      if (!put) ::_exit(put.error().code == "ledger.disk_full" ? 0 : 2);
    }
    ::_exit(3);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(open().check());
  EXPECT_TRUE(open().append(run, "marker", Json::object()));
}

TEST_F(LedgerTest, makes_room_for_the_events_of_whoever_takes_a_lane_where_there_is_room) {
  const fs::path log = file.string() + "-wal";
  {
    auto ledger = with_run();
    ASSERT_TRUE(ledger.take_lease("drill", run));
    const auto size = fs::file_size(log);
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(ledger.append(run, "marker", {{"n", i}}));
    EXPECT_EQ(fs::file_size(log), size) << "a commit that makes a file longer costs twice";
  }
  EXPECT_TRUE(open().check());
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{500'000, 500'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto ledger = Ledger::open(file);
    if (!ledger || !ledger->take_lease("prod", run)) ::_exit(1);
    if (!ledger->append(run, "marker", Json::object())) ::_exit(2);
    ::_exit(fs::file_size(log) < 200'000 ? 0 : 3);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "what could not be had was given back";
  EXPECT_TRUE(open().check());
}

}  // namespace
}  // namespace hyops::ledger
