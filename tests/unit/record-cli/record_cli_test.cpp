// hyops record as an auditor and an operator type it.
#include "../record/support.hpp"

#include "process/spawn.hpp"

namespace hyops::record {
namespace {

struct Ran {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out, nullptr, false); }
};

struct RecordCommand : RecordTest {
  fs::path home = folder.path() / "home";

  RecordCommand() {
    whole_run();
    EXPECT_TRUE(make_folders(home / "keys"));
    EXPECT_TRUE(
        write_file(home / "keys/runner.key", read_file(folder.path() / "key.sec").value(), 0600));
    EXPECT_TRUE(make_folders(home / "lanes/drill"));
    EXPECT_TRUE(write_file(home / "lanes/drill/lane.toml",
                           "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = "
                           "1\n[runners.cloud]\nplane = \"cloud\"\nkey = \"" +
                               secret.public_key().text + "\"\n"));
  }

  Ran hyops(std::vector<std::string> words) {
    words.insert(words.begin(), HYOPS_BUILD_DIR "/bin/hyops");
    words.insert(words.end(), {"--home", home.string()});
    process::SpawnRequest request;
    request.argv = std::move(words);
    request.directory = folder.path();
    request.environment = {{"LANG", "C.UTF-8"}};
    const auto done = process::run(request, 60'000);
    if (!done) {
      ADD_FAILURE() << done.error().text();
      return {};
    }
    return {done->exit.signal ? 128 + done->exit.signal : done->exit.code, done->out, done->err};
  }
};

TEST_F(RecordCommand, exports_a_run_that_the_lane_verifies) {
  const auto exported = hyops({"record", "export", "last", "--to", "record"});
  ASSERT_EQ(exported.code, 0) << exported.err;
  const auto by_lane = hyops({"record", "verify", "record", "--lane", "drill"});
  EXPECT_EQ(by_lane.code, 0) << by_lane.out << by_lane.err;
  EXPECT_NE(by_lane.out.find("signed by runner cloud of lane drill"), std::string::npos);
  const auto by_file = hyops({"record", "verify", "record", "--key", "key.pub", "--json"});
  EXPECT_EQ(by_file.code, 0);
  EXPECT_EQ(by_file.json()["proven"], true);
  EXPECT_EQ(hyops({"record", "verify", "record", "--key", secret.public_key().text}).code, 0);
  const auto again = hyops({"record", "export", run.value, "--to", "record"});
  EXPECT_EQ(again.code, 4);
  EXPECT_NE(again.err.find("record.exists"), std::string::npos);
}

// G6, E9: one runner may serve two lanes with one key.
TEST_F(RecordCommand, proves_nothing_for_a_lane_that_the_run_was_not_in) {
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  std::string live = read_file(home / "lanes/drill/lane.toml").value();
  live.replace(live.find("\"drill\""), 7, "\"live\"");
  ASSERT_TRUE(make_folders(home / "lanes/live"));
  ASSERT_TRUE(write_file(home / "lanes/live/lane.toml", live));
  for (const char* noun : {"record", "witness"}) {
    const std::string verb = noun == std::string("record") ? "verify" : "sign";
    const auto refused = hyops({noun, verb, "record", "--lane", "live"});
    EXPECT_EQ(refused.code, 3) << refused.out;
    EXPECT_NE(refused.err.find("a run in lane drill, not in lane live"), std::string::npos);
    EXPECT_NE(refused.err.find("record.lane.other"), std::string::npos) << refused.err;
    EXPECT_EQ(hyops({noun, verb, "record", "--lane", "drill"}).code, 0);
  }
}

// A dispatcher's own ledger knows what it sent, and nothing of what became of it.
TEST_F(RecordCommand, is_what_a_dispatcher_shows_of_a_run_that_another_machine_carried_out) {
  const fs::path record = folder.path() / "desk/runs" / run.value / "record";
  ASSERT_TRUE(make_folders(record.parent_path()));
  const auto here = hyops({"run", "show", "last", "--json"}).json();
  home = folder.path() / "desk";
  const auto desk = [&](const std::string& status) {
    auto sent = ledger::Ledger::open(home / "ledger.db").value();
    ledger::RunRow row = ledger.run(run).value();
    row.status = status;
    row.runner = "cloud";
    if (!sent.find_run(run).value()) {
      ASSERT_TRUE(sent.create_run(row, ledger.plan_of(run).value(), Json::object()));
    }
    ASSERT_TRUE(sent.set_status(run, status));
  };
  desk("dispatched");
  const auto unknown = hyops({"run", "show", "last"});
  EXPECT_NE(unknown.out.find("to runner cloud, which alone knows"), std::string::npos)
      << unknown.out << unknown.err;
  for (const char* claim : {"approved", "not_run", "took", "Completed"})
    EXPECT_EQ(unknown.out.find(claim), std::string::npos) << unknown.out;
  EXPECT_NE(unknown.out.find("hyops run collect " + run.value), std::string::npos);
  EXPECT_NE(hyops({"record", "report", "last"}).err.find("hyops run collect"), std::string::npos);

  home = folder.path() / "home";
  ASSERT_EQ(hyops({"record", "export", "last", "--to", record.string()}).code, 0);
  home = folder.path() / "desk";
  desk(here["status"]);
  const auto told = hyops({"run", "show", "last", "--json"}).json();
  for (const char* part : {"steps", "approvals", "headline", "duration_ms"})
    EXPECT_EQ(told[part], here[part]) << part;
  EXPECT_EQ(hyops({"record", "report", "last"}).code, 0);
}

TEST_F(RecordCommand, does_not_call_a_record_proven_without_a_key) {
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  const auto unsure = hyops({"record", "verify", "record"});
  EXPECT_EQ(unsure.code, 1);
  EXPECT_NE(unsure.out.find("WHO wrote it is not proven"), std::string::npos);
  EXPECT_EQ(hyops({"record", "verify", "record", "--unsigned"}).code, 0);
  const auto told = hyops({"record", "verify", "record", "--json"}).json();
  EXPECT_EQ(told["clean"], true);
  EXPECT_EQ(told["proven"], false);
  const auto other = trust::SecretKey::generate().value().public_key().text;
  const auto unknown = hyops({"record", "verify", "record", "--key", other});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.out.find("record.signature.unknown"), std::string::npos);
}

TEST_F(RecordCommand, names_what_is_wrong_and_warns_in_the_report) {
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  std::ofstream(to / "plan.json", std::ios::app) << " ";
  const auto broken = hyops({"record", "verify", "record", "--unsigned"});
  EXPECT_EQ(broken.code, 1);
  EXPECT_NE(broken.out.find("plan.json is not what was signed"), std::string::npos);
  const auto report = hyops({"record", "report", "record"});
  EXPECT_EQ(report.code, 1);
  EXPECT_NE(report.out.find("WARNING: this record does not verify"), std::string::npos);
  EXPECT_EQ(hyops({"record", "verify", "nothing-here"}).code, 2);
}

TEST_F(RecordCommand, reports_a_run_from_the_ledger_or_a_record_from_its_folder) {
  const auto live = hyops({"record", "report", run.value});
  EXPECT_EQ(live.code, 0) << live.err;
  EXPECT_NE(live.out.find("Completed"), std::string::npos);
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  EXPECT_EQ(hyops({"record", "report", "record", "--html", "page.html"}).code, 0);
  EXPECT_NE(read_file(folder.path() / "page.html").value().find("<!DOCTYPE html>"),
            std::string::npos);
  const auto told = hyops({"record", "report", "record", "--json"}).json();
  EXPECT_EQ(told["headline"]["word"], "Completed");
  EXPECT_EQ(told["sound"], true);
}

TEST_F(RecordCommand, is_shown_to_a_witness_who_refuses_a_second_story) {
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  const auto alone = hyops({"record", "verify", "record", "--lane", "drill"});
  EXPECT_NE(alone.out.find("No witness is known here"), std::string::npos) << alone.out;
  ASSERT_EQ(hyops({"key", "new", "stick", "--to", "usb"}).code, 0);
  EXPECT_EQ(hyops({"witness", "sign", "record"}).code, 2) << "whose record, only a key can tell";
  const std::vector<std::string> sign{"witness",  "sign",        "record", "--lane",       "drill",
                                      "--memory", "usb/witness", "--as",   "usb/stick.key"};
  const auto seen = hyops(sign);
  ASSERT_EQ(seen.code, 0) << seen.out << seen.err;
  const auto proven =
      hyops({"record", "verify", "record", "--lane", "drill", "--witness", "usb/witness"});
  EXPECT_EQ(proven.code, 0);
  EXPECT_NE(proven.out.find("A witness saw its first"), std::string::npos) << proven.out;
  const auto listed = hyops({"witness", "show", "--memory", "usb/witness", "--json"}).json();
  ASSERT_EQ(listed["runs"].size(), 1u) << listed.dump();
  EXPECT_EQ(listed["runs"][0]["run"], run.value);
  EXPECT_EQ(listed["runs"][0]["signed"], true);

  // The same run once more on another ledger, under the same key.
  const fs::path again = folder.path() / "again";
  fs::create_directories(again);
  for (const char* part : {"keys", "lanes"})
    fs::copy(home / part, again / part, fs::copy_options::recursive);
  home = again;
  ledger = ledger::Ledger::open(home / "ledger.db", clock).value();
  whole_run();
  fs::remove_all(folder.path() / "record");
  ASSERT_EQ(hyops({"record", "export", "last", "--to", "record"}).code, 0);
  EXPECT_EQ(hyops({"record", "verify", "record", "--lane", "drill"}).code, 0);
  const auto forked =
      hyops({"record", "verify", "record", "--lane", "drill", "--witness", "usb/witness"});
  EXPECT_EQ(forked.code, 1);
  EXPECT_NE(forked.out.find("record.fork.event"), std::string::npos) << forked.out;
  const auto refused = hyops(sign);
  EXPECT_EQ(refused.code, 4);
  EXPECT_NE(refused.err.find("trust.checkpoint.fork"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace hyops::record
