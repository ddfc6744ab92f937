// The commands of the people who sign: keys, decisions, approvals and sealed secrets, as they type
// them.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/digest.hpp"
#include "base/file.hpp"
#include "plan/plan.hpp"
#include "process/spawn.hpp"
#include "trust/trust.hpp"

using namespace hyops;
namespace fs = std::filesystem;

namespace {

struct Ran {
  int code = -1;
  std::string out, err;
  Json json() const { return Json::parse(out, nullptr, false); }
  bool says(const std::string& word) const { return (out + err).find(word) != std::string::npos; }
};

// A home with a lane that knows alice, bob and the decider edge; and their keys.
class Commands : public testing::Test {
 protected:
  void SetUp() override {
    home_.emplace(std::move(TempDir::create(fs::temp_directory_path(), "trust-cli").value()));
    ASSERT_TRUE(make_folders(path("lanes/drill")));
    const auto key = [&](const std::string& name) {
      return get_string(run({"key", "new", name, "--json"}).json(), "key");
    };
    const std::string alice = key("alice"), bob = key("bob"), edge = key("edge");
    put("lanes/drill/lane.toml",
        "lane = \"drill\"\nkind = \"drill\"\nprofile = \"drill\"\nepoch = 1\n[approvers]\nalice = "
        "\"" +
            alice + "\"\nbob = \"" + bob + "\"\n[deciders]\nedge = \"" + edge + "\"\n");
    put("primary.json", "{\"reachable\":false}");
    put("policy.toml", "rule = 1\n");
  }

  fs::path path(const std::string& name) const { return home_->path() / name; }
  std::string get(const std::string& name) const { return read_file(path(name)).value_or(""); }
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(path(name), text));
  }

  Ran run(std::vector<std::string> words, std::string_view input = {}) {
    words.insert(words.begin(), HYOPS_BUILD_DIR "/bin/hyops");
    words.insert(words.end(), {"--home", home_->path().string()});
    process::SpawnRequest request;
    request.argv = std::move(words);
    request.directory = home_->path();
    request.environment = {{"LANG", "C.UTF-8"}};
    const auto done = process::run(request, 60'000, input);
    if (!done) {
      ADD_FAILURE() << done.error().text();
      return {};
    }
    return {done->exit.signal ? 128 + done->exit.signal : done->exit.code, done->out, done->err};
  }

  Ran decide(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"decision",     "issue",       "--type",    "failover",
                                      "--lane",       "drill",       "--target",  "cloud",
                                      "--rationale",  "it is lost",  "--policy",  "policy.toml",
                                      "--repository", "main@backup", "--signals", "primary.json"};
    if (more.empty()) more = {"--key", "keys/edge.key"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  // A plan made from decision.json where there is one, else from a person's request.
  void make_plan(int64_t cost_micro = 1'500'000) {
    plan::Plan plan;
    plan.title = "Restore PostgreSQL";
    plan.blueprint = "dr/postgresql-failover";
    plan.blueprint_version = "1.0.0";
    plan.lane = plan.profile = plan.lane_kind = "drill";
    plan.blueprint_digest = plan.lane_digest = plan.profile_digest = digest_of("x");
    plan.epoch = 1;
    plan.execution_plane = "runner-local";
    plan.target = "cloud";
    plan.policy = {{"approvals",
                    {{"required", 1}, {"requester_may_approve", false}, {"valid_ms", 3'600'000}}}};
    plan.blast_radius = {{"hosts", {"db-1"}}, {"irreversible", {"promote: cannot be undone"}}};
    plan.cost = {{"currency", "EUR"}, {"estimate_micro", cost_micro}};
    if (fs::exists(path("decision.json")))
      plan.origin = {{"decision", {{"id", "d"}, {"digest", digest_of(get("decision.json"))}}}};
    else
      plan.origin = {{"request", {{"by", "oncall"}, {"reason", "rehearsal"}}}};
    put("plan.json", canonical(plan::to_json(plan)).value());
  }

  Ran approve(const std::string& as, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"approval", "sign", "plan.json", "--lane",   "drill",
                                      "--as",     as,     "--to",      "approvals"};
    if (more.empty()) more = {"--key", "keys/" + as + ".key", "--cost-cap", "5.00"};
    words.insert(words.end(), more.begin(), more.end());
    if (fs::exists(path("decision.json")))
      words.insert(words.end(), {"--decision", "decision.json"});
    return run(words);
  }

  Ran verify_approvals(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"approval",  "verify", "approvals", "--plan",
                                      "plan.json", "--lane", "drill"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

 private:
  std::optional<TempDir> home_;
};

using Keys = Commands;
using Decision = Commands;
using Approval = Commands;
using SecretSeal = Commands;

}  // namespace

TEST_F(Keys, of_a_runner_are_two_files_for_their_owner_and_are_never_replaced) {
  const auto made = run({"key", "new", "runner", "--kind", "runner", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  struct stat info {};
  for (const char* file : {"keys/runner.key", "keys/runner.seal"}) {
    ASSERT_EQ(::stat(path(file).c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << file;
  }
  const std::string before = get("keys/runner.key");
  EXPECT_TRUE(run({"key", "new", "runner", "--kind", "seal"}).says("trust.key.exists"));
  EXPECT_EQ(get("keys/runner.key"), before);
  const auto shown = run({"key", "show", "runner", "--json"}).json();
  EXPECT_EQ(shown["key"], made.json()["key"]);
  EXPECT_EQ(shown["seal"], made.json()["seal"]);
  const auto all = run({"key", "show"});
  EXPECT_TRUE(all.says(get_string(shown, "seal")) && all.says("alice"));
  for (const char* file : {"keys/runner.key", "keys/runner.seal"}) {
    const std::string text = get(file);
    EXPECT_FALSE(all.says(text.substr(text.find('\n') + 1, 20))) << "a secret part is shown";
  }
}

TEST_F(Keys, are_asked_for_in_ways_that_are_understood) {
  EXPECT_EQ(run({"key", "new", "../x"}).code, 2);
  EXPECT_TRUE(run({"key", "new", "x", "--kind", "runer"}).says("Did you mean \"runner\"?"));
  EXPECT_TRUE(run({"key", "show", "nobody"}).says("hyops key new nobody"));
}

TEST_F(Decision, is_issued_shown_and_verified) {
  const auto issued = decide({"--key", "keys/edge.key", "--json"});
  ASSERT_EQ(issued.code, 0) << issued.err;
  EXPECT_EQ(issued.json()["digest"], digest_of(get("decision.json")));
  EXPECT_TRUE(run({"decision", "show", "decision.json"}).says("it is lost"));
  const auto good = run({"decision", "verify", "decision.json", "--lane", "drill", "--json"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.json()["good"], true);
  EXPECT_EQ(good.json()["decision"]["signals"]["primary"], digest_of("{\"reachable\":false}"));
  const auto late = run({"decision", "verify", "decision.json", "--lane", "drill", "--at",
                         "2199-01-01T00:00:00.000Z"});
  EXPECT_EQ(late.code, 3);
  EXPECT_TRUE(late.says("trust.decision.expired"));
}

TEST_F(Decision, by_someone_who_does_not_decide_is_not_even_written) {
  const auto refused = decide({"--key", "keys/alice.key"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_TRUE(refused.says("trust.decision.signature"));
  EXPECT_FALSE(fs::exists(path("decision.json")));
  EXPECT_TRUE(run({"decision", "issue", "--lane", "drill", "--key", "keys/edge.key"})
                  .says("--type, --target, --rationale, --policy are needed"));
}

TEST_F(Decision, that_was_changed_is_refused_as_such) {
  ASSERT_EQ(decide().code, 0);
  std::string text = get("decision.json");
  text.replace(text.find("cloud"), 5, "clout");
  put("decision.json", text);
  const auto refused = run({"decision", "verify", "decision.json", "--lane", "drill"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_TRUE(refused.says("trust.decision.signature"));
}

TEST_F(Approval, shows_what_is_at_stake_and_counts_for_that_plan_only) {
  ASSERT_EQ(decide().code, 0);
  make_plan();
  const auto signed_off = approve("alice");
  ASSERT_EQ(signed_off.code, 0) << signed_off.err;
  for (const char* word :
       {"Restore PostgreSQL", "db-1", "IRREVERSIBLE", "cannot be undone", "1.50 EUR"})
    EXPECT_TRUE(signed_off.says(word)) << word << signed_off.out;
  EXPECT_EQ(verify_approvals().code, 0);
  EXPECT_TRUE(run({"approval", "show", "approvals/alice.json"}).says("5.00"));

  EXPECT_EQ(verify_approvals({"--by", "alice"}).code, 3) << "who asked cannot approve";
  make_plan(1'500'001);
  const auto other = verify_approvals();
  EXPECT_EQ(other.code, 3);
  EXPECT_TRUE(other.says("trust.approval.other_plan"));
}

TEST_F(Approval, of_a_request_needs_no_decision) {
  make_plan();
  ASSERT_EQ(approve("bob").code, 0);
  EXPECT_EQ(verify_approvals().code, 0);
  EXPECT_TRUE(approve("bob", {"--key", "keys/bob.key", "--cost-cap", "5", "--decision", "x"})
                  .says("cli.usage"));
}

TEST_F(Approval, is_refused_before_it_is_signed_where_it_could_not_count) {
  ASSERT_EQ(decide().code, 0);
  make_plan();
  EXPECT_TRUE(approve("alice", {"--key", "keys/bob.key", "--cost-cap", "5"})
                  .says("trust.approval.signature"));
  EXPECT_TRUE(approve("alise", {"--key", "keys/alice.key", "--cost-cap", "5"})
                  .says("Did you mean \"alice\"?"));
  EXPECT_TRUE(approve("alice", {"--key", "keys/alice.key", "--cost-cap", "1.49"})
                  .says("trust.approval.cost"));
  EXPECT_TRUE(approve("alice", {"--key", "keys/alice.key"}).says("--cost-cap is needed"));
  EXPECT_TRUE(approve("alice", {"--key", "keys/alice.key", "--cost-cap", "5", "--valid", "2h"})
                  .says("trust.approval.window"));
  for (const char* money : {"-1", "5,00", "1e3", "5.", "", ".5", "1.0000001", "9999999999"})
    EXPECT_EQ(approve("alice", {"--key", "keys/alice.key", "--cost-cap", money}).code, 2) << money;
  ASSERT_EQ(decide().code, 0) << "a second decision, which the plan was not made from";
  EXPECT_TRUE(approve("alice").says("trust.approval.other_decision"));
  EXPECT_FALSE(fs::exists(path("approvals/alice.json")));
}

TEST_F(Approval, of_a_plan_with_members_that_nobody_would_see_is_refused) {
  make_plan();
  std::string text = get("plan.json");
  put("plan.json", "{\"also\":\"this\"," + text.substr(1));
  const auto refused = approve("alice");
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(refused.says("plan.malformed"));
}

TEST_F(SecretSeal, takes_values_from_standard_input_or_files_and_shows_none) {
  const auto runner = run({"key", "new", "runner", "--kind", "runner", "--json"}).json();
  const std::string seal = get_string(runner, "seal");
  const auto sealed = run({"secret", "seal", "--name", "drill", "--version", "2", "--to-runner",
                           seal, "--out", path("drill.sealed"), "--key", "keys/alice.key"},
                          R"({"db-password":"hunter2","api-key":"k"})");
  ASSERT_EQ(sealed.code, 0) << sealed.err;
  EXPECT_FALSE(sealed.says("hunter2"));
  EXPECT_EQ(get("drill.sealed").find("hunter2"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(path("drill.sealed").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto shown = run({"secret", "show", "drill.sealed", "--json"}).json();
  EXPECT_EQ(shown["names"], (Json{"api-key", "db-password"}));
  EXPECT_EQ(shown["recipients"], Json::array({seal}));
  const auto alice = trust::parse_public_key(get("keys/alice.pub"));
  EXPECT_TRUE(trust::verify(get("drill.sealed"), get("drill.sealed.minisig"), {*alice}));

  ASSERT_TRUE(make_folders(path("values")));
  put("values/token", "t\n");
  const auto from_files = run({"secret", "seal", "--name", "drill", "--version", "3", "--to-runner",
                               seal, "--out", path("files.sealed"), "--from-dir", path("values")});
  ASSERT_EQ(from_files.code, 0) << from_files.err;
  EXPECT_EQ(run({"secret", "show", "files.sealed", "--json"}).json()["names"],
            Json::array({"token"}));
}

TEST_F(SecretSeal, is_refused_for_nobody_for_no_secret_and_for_what_is_not_text) {
  const std::string seal =
      get_string(run({"key", "new", "r", "--kind", "seal", "--json"}).json(), "seal");
  const auto with = [&](std::vector<std::string> to, std::string_view input) {
    std::vector<std::string> words = {"secret",    "seal", "--name", "x",
                                      "--version", "1",    "--out",  "x.sealed"};
    if (!to.empty()) words.push_back("--to-runner");
    words.insert(words.end(), to.begin(), to.end());
    return run(words, input);
  };
  EXPECT_TRUE(with({}, R"({"a":"b"})").says("--to-runner is needed"));
  EXPECT_TRUE(with({"cloud"}, R"({"a":"b"})").says("trust.seal.public"));
  for (const char* input : {"", "[]", R"({"a":1})", "a=b"})
    EXPECT_EQ(with({seal}, input).code, 2) << input;
  EXPECT_TRUE(with({seal}, "{}").says("trust.seal.bundle"));
  EXPECT_FALSE(fs::exists(path("x.sealed")));
}
