// A ledger with a run as the engine leaves it, and the tools an auditor has: minisign and
// sha256sum.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "record/record.hpp"
#include "trust/trust.hpp"

namespace hyops::record {

namespace fs = std::filesystem;

// Runs a program in a folder; its exit status. Output goes to `out` where wanted.
inline int run_tool(const std::vector<std::string>& words, const fs::path& folder,
                    const fs::path& out = "/dev/null") {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(folder.c_str()) != 0) ::_exit(126);
    const int null = ::open("/dev/null", O_RDONLY);
    const int to = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(null, 0);
    ::dup2(to, 1);
    ::dup2(to, 2);
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

class StillClock : public Clock {
 public:
  int64_t now = 1'772'330'584'005;  // 2026-03-01T02:03:04.005Z
  int64_t wall_ms() const override { return now; }
  int64_t mono_ms() const override { return now; }
};

struct RecordTest : testing::Test {
  TempDir folder = TempDir::create(fs::temp_directory_path(), "hyops-record").value();
  StillClock clock;
  RunId run{"r20260301-test"};
  fs::path steps = folder.path() / "steps", to = folder.path() / "record";
  ledger::Ledger ledger = ledger::Ledger::open(folder.path() / "home/ledger.db", clock).value();

  trust::SecretKey secret = make_key(folder.path());

  static trust::SecretKey make_key(const fs::path& place) {
    EXPECT_EQ(run_tool({"minisign", "-G", "-W", "-p", "key.pub", "-s", "key.sec"}, place), 0);
    return trust::SecretKey::load(place / "key.sec").value();
  }

  // The keys are minisign's own; that minisign accepts what we sign with them has a test of its
  // own.
  Result<std::string> sign(std::string_view message) const {
    return secret.sign(message, "hyops record " + run.value);
  }
  Verifier verifier() const {
    return [this](std::string_view message, std::string_view signature) -> Result<std::string> {
      auto good = trust::verify(message, signature, {secret.public_key()});
      if (!good) return pass(good);
      return "runner-cloud";
    };
  }

  Result<Leaks> export_it(const Redactor& redactor) {
    return export_run(
        ledger, run, steps, redactor, [this](std::string_view message) { return sign(message); },
        to);
  }
  Result<Leaks> export_it() { return export_it(Redactor::create({}).value()); }

  static Json planned(const std::string& id, const std::string& module, const std::string& phase,
                      const std::string& pack) {
    return {{"id", id},
            {"module", module},
            {"instance", id},
            {"phase", phase},
            {"driver", "process"},
            {"needs", Json::array()},
            {"pack", {{"name", pack}, {"version", "1.0.0"}, {"digest", "sha256:00"}}}};
  }
  Json plan() const {
    return {{"plan", 1},
            {"title", "Restore PostgreSQL at the DR target and cut over"},
            {"blueprint", {{"name", "dr/postgresql-failover"}, {"version", "1.0.0"}}},
            {"lane", "drill"},
            {"lane_kind", "drill"},
            {"epoch", 3},
            {"profile", {{"name", "drill"}}},
            {"execution_plane", "runner-local"},
            {"target", "cloud"},
            {"rto_ms", 900'000},
            {"rpo_ms", 300'000},
            {"cost",
             {{"currency", "EUR"},
              {"estimate_micro", 120'000},
              {"cap_micro", 5'000'000},
              {"micro_per_hour", 60'000}}},
            {"steps",
             {planned("fence", "postgresql/fence", "fence", "postgresql/fence-proof"),
              planned("db-host", "compute/host", "place", "local/host"),
              planned("restore", "postgresql/restore", "data", "postgresql/restore-pgbackrest"),
              planned("cutover", "dns/cutover", "cutover", "dns/cutover-powerdns"),
              planned("notify", "publish/notify", "publish", "publish/notify-mail")}}};
  }
  std::string begin() {
    const auto digest = digest_of_json(plan()).value();
    EXPECT_TRUE(ledger.create_run(
        {run, "drill", "dr/postgresql-failover", "running", PlanDigest(digest), clock.now,
         clock.now, "ada", "runner-cloud"},
        plan(), {{"restore.stanza", {{"value", "main"}, {"from", "lane drill, fact stanza"}}}}));
    const std::string decision =
        R"({"expires_ms":1772334184005,"id":"d-17","issued_ms":1772330580000,"rationale":"three of three vantage points lost the primary","signals":{"primary.reachable":"sha256:aa11"},"target":"cloud","type":"failover"})";
    EXPECT_TRUE(ledger.put_document(run, "decision.json", decision));
    EXPECT_TRUE(ledger.put_document(run, "decision.json.minisig", "untrusted comment: x\n"));
    EXPECT_TRUE(ledger.put_document(
        run, "approvals/alice.json",
        Json{{"approver", "alice"}, {"plan", digest}, {"decision", digest_of(decision)}}.dump()));
    event("approval.accepted", {{"approver", "alice"},
                                {"plan", digest},
                                {"until_ms", 1'772'334'184'005},
                                {"cost_cap_micro", 5'000'000}});
    event("run.started",
          {{"plan", digest},
           {"lane", "drill"},
           {"requester", "ada"},
           {"rto_ms", 900'000},
           {"rpo_ms", 300'000},
           {"runner", {{"host", "runner-cloud"}, {"plane", "cloud"}, {"version", "0.1.0"}}},
           {"fencing_token", 4}});
    return digest;
  }
  void event(const std::string& type, const Json& body, int64_t later_ms = 100) {
    clock.now += later_ms;
    EXPECT_TRUE(ledger.append(run, type, body));
  }
  void phase(const std::string& name, bool starts) {
    event(starts ? "phase.started" : "phase.ended",
          starts ? Json{{"phase", name}} : Json{{"phase", name}, {"status", "ok"}});
  }
  void good_step(const std::string& id, int64_t ms, const Json& outputs = Json::object()) {
    event("step.intent", {{"step", id}, {"attempt", 1}, {"key", "k-" + id}});
    event("step.probe",
          {{"step", id},
           {"attempt", 1},
           {"probe", id + " is there"},
           {"ok", true},
           {"expected", "yes"},
           {"found", "yes"}},
          ms);
    clock.now += 1;
    EXPECT_TRUE(ledger.append_all(
        run, {{"step.outcome",
               {{"step", id}, {"attempt", 1}, {"status", "ok"}, {"outputs", outputs}, {"ms", ms}}},
              {"step.ended", {{"step", id}, {"ending", "ok"}, {"reason", ""}}}}));
    log(id, 1, id + " did its work\n");
  }
  void log(const std::string& id, int attempt, const std::string& text) {
    const fs::path at = steps / id / std::to_string(attempt);
    EXPECT_TRUE(make_folders(at));
    EXPECT_TRUE(write_file(at / "log.txt", text));
  }
  // A failover that ends well after 41 seconds.
  void whole_run() {
    begin();
    phase("fence", true);
    good_step("fence", 1200);
    phase("fence", false);
    phase("place", true);
    event("step.http", {{"step", "db-host"},
                        {"method", "POST"},
                        {"url", "http://10.77.3.1:7077/v1/hosts"},
                        {"status", 201},
                        {"ms", 40},
                        {"bytes", 312}});
    good_step("db-host", 5200,
              {{"hosts", Json::array({{{"name", "db1"}, {"address", "10.77.3.20"}}})}});
    phase("place", false);
    event("secret.resolved", {{"name", "repository_key"},
                              {"version", 2},
                              {"authority", "hyops.secrets.offline-bundle"}});
    phase("data", true);
    good_step("restore", 24'300, {{"recovered_lsn", "0/5000148"}});
    phase("data", false);
    event("gate.opened", {{"phase", "cutover"}});
    event("gate.confirmed", {{"phase", "cutover"}, {"by", "ada"}}, 3000);
    phase("cutover", true);
    good_step("cutover", 3100, {{"serial", 7}});
    phase("cutover", false);
    event("marker", {{"name", "client.first_write"}, {"wall_ms", clock.now}});
    event("marker",
          {{"name", "rpo"}, {"rows_lost", 0}, {"rows_acknowledged", 1841}, {"lost_ms", 0}});
    event("step.ended",
          {{"step", "notify"}, {"ending", "skipped"}, {"reason", "the lane has no mail gateway"}});
    event("run.ended", {{"status", "ok"}});
    EXPECT_TRUE(ledger.set_status(run, "ok"));
  }

  std::string text_of(const std::string& name) const { return read_file(to / name).value(); }
  Verification verified() const { return verify(to, verifier()).value(); }
  bool finds(const std::string& code) const {
    for (const auto& finding : verified().findings)
      if (finding.code == code) return true;
    return false;
  }
};

}  // namespace hyops::record
