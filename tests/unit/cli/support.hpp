// The real hyops as a child, in a home of its own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"
#include "ledger/ledger.hpp"
#include "process/spawn.hpp"

namespace hyops::test {

namespace fs = std::filesystem;

struct Ran {
  int code = -1;
  std::string out, err;
  Json json() const {
    auto parsed = parse_json(out, "the answer");
    EXPECT_TRUE(parsed) << out << err;
    return parsed ? *parsed : Json();
  }
  bool says(const std::string& word) const { return (out + err).find(word) != std::string::npos; }
};

class Home {
 public:
  Home() : folder_(std::move(*TempDir::create("/tmp", "hyops-cli-test"))) {}
  const fs::path& path() const { return folder_.path(); }
  fs::path catalog() const { return folder_.path() / "catalog"; }

  // Runs hyops with this home; `words` come first.
  Ran run(std::vector<std::string> words) const {
    words.insert(words.begin(), HYOPS_BUILD_DIR "/bin/hyops");
    words.push_back("--home");
    words.push_back(path().string());
    return run_exactly(std::move(words));
  }
  static Ran run_exactly(std::vector<std::string> argv) {
    process::SpawnRequest request;
    request.argv = std::move(argv);
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    auto done = process::run(request, 60'000);
    if (!done) {
      ADD_FAILURE() << done.error().text();
      return {};
    }
    return {done->exit.signal ? 128 + done->exit.signal : done->exit.code, done->out, done->err};
  }

  ledger::Ledger ledger() const {
    auto opened = ledger::Ledger::open(path() / "ledger.db");
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
    return std::move(*opened);
  }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path() / name).parent_path());
    EXPECT_TRUE(write_file(path() / name, text, 0600));
  }

 private:
  TempDir folder_;
};

inline Json small_plan() {
  Json plan{{"plan", 1},
            {"blueprint", {{"name", "dr/x"}, {"version", "1.0.0"}, {"digest", "sha256:0"}}},
            {"lane", "drill"},
            {"target", "cloud"},
            {"rto_ms", 900000},
            {"steps", Json::array()}};
  for (const auto& [id, phase] :
       {std::pair{"fence", "fence"}, {"restore", "data"}, {"cutover", "cutover"}})
    plan["steps"].push_back({{"id", id},
                             {"phase", phase},
                             {"module", "a/b"},
                             {"driver", "process"},
                             {"pack", {{"name", "a/b"}}}});
  return plan;
}

// A run in the ledger with these events, and the status that goes with them.
inline void put_run(ledger::Ledger& ledger, const std::string& id, const std::string& status,
                    const std::vector<std::pair<std::string, Json>>& events) {
  ledger::RunRow row;
  row.id = RunId(id);
  row.lane = "drill";
  row.blueprint = "dr/x";
  row.status = "planned";
  row.plan = PlanDigest("sha256:" + std::string(64, '0'));
  row.created_ms = row.updated_ms = system_clock().wall_ms();
  row.requester = "alice";
  ASSERT_TRUE(ledger.create_run(row, small_plan(), Json::object()));
  if (!events.empty()) {
    ASSERT_TRUE(ledger.append_all(row.id, events));
  }
  ASSERT_TRUE(ledger.set_status(row.id, status));
}

inline std::vector<std::pair<std::string, Json>> failed_story() {
  return {{"run.started", {{"blueprint", "dr/x"}, {"lane", "drill"}, {"rto_ms", 900000}}},
          {"phase.started", {{"phase", "fence"}}},
          {"step.intent", {{"step", "fence"}, {"attempt", 1}}},
          {"step.outcome", {{"step", "fence"}, {"attempt", 1}, {"status", "ok"}, {"ms", 4100}}},
          {"step.ended", {{"step", "fence"}, {"ending", "ok"}, {"reason", ""}}},
          {"phase.ended", {{"phase", "fence"}, {"status", "ok"}}},
          {"phase.started", {{"phase", "data"}}},
          {"step.intent", {{"step", "restore"}, {"attempt", 1}}},
          {"step.outcome",
           {{"step", "restore"},
            {"attempt", 1},
            {"status", "failed"},
            {"ms", 10},
            {"class", "internal"},
            {"code", "engine.tool.failed"},
            {"message", "the tool ended with exit status 3"},
            {"next", "look"}}},
          {"step.ended",
           {{"step", "restore"},
            {"ending", "failed"},
            {"reason", "the tool ended with exit status 3"}}},
          {"phase.ended", {{"phase", "data"}, {"status", "failed"}}},
          {"step.ended",
           {{"step", "cutover"}, {"ending", "not_run"}, {"reason", "phase data ended failed"}}},
          {"run.ended", {{"status", "failed"}}}};
}

}  // namespace hyops::test
