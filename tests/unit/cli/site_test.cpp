// runner, lane, state and doctor in homes of their own.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <map>

#include "base/text.hpp"
#include "support.hpp"

namespace hyops::test {
namespace {

const char* const profile_text = R"(profile = "small"
title = "For tests"
lane_kinds = ["drill"]
[approvals]
required = 0
)";

std::string lane_text(const std::string& more = {}) {
  return "lane = \"drill\"\nkind = \"drill\"\nprofile = \"small\"\nepoch = 2\n" + more;
}

void give_catalog(const Home& home) { home.write("catalog/profiles/small.toml", profile_text); }

mode_t mode_of(const fs::path& file) {
  struct stat found {};
  EXPECT_EQ(::lstat(file.c_str(), &found), 0) << file;
  return found.st_mode & 0777;
}

TEST(Runner, init_takes_a_home_that_is_named_from_where_one_stands) {
  const Home home;
  const Ran ran = Home::run_exactly(
      {"/bin/sh", "-c",
       "cd " + home.path().string() +
           " && " HYOPS_BUILD_DIR
           "/bin/hyops runner init --name cloud --plane cloud --home h && " HYOPS_BUILD_DIR
           "/bin/hyops doctor --home other --json"});
  EXPECT_TRUE(fs::exists(home.path() / "h/keys/runner.ssh")) << ran.err;
  EXPECT_FALSE(ran.says("nothing is known of the disk")) << ran.out;
}

TEST(Runner, init_makes_private_keys_and_an_attestation_that_status_trusts) {
  const Home home;
  EXPECT_EQ(home.run({"runner", "status"}).code, 1);
  const Ran made = home.run({"runner", "init", "--name", "cloud", "--plane", "cloud", "--address",
                             "10.77.3.10", "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  for (const char* key : {"runner.key", "runner.seal", "runner.ssh"})
    EXPECT_EQ(mode_of(home.path() / "keys" / key), 0600u) << key;
  const Json answer = made.json(), status = home.run({"runner", "status", "--json"}).json();
  EXPECT_EQ(status["runner"]["key"], answer["key"]);
  EXPECT_EQ(status["runner"]["seal"], answer["seal"]);
  EXPECT_EQ(status["runner"]["plane"], "cloud");
  EXPECT_TRUE(get_string(answer, "ssh").starts_with("ssh-ed25519 "));
  const auto secret = read_file(home.path() / "keys/runner.key");
  ASSERT_TRUE(secret);
  for (const auto& line : split(*secret, '\n'))
    EXPECT_FALSE(line.size() > 60 && made.says(line)) << "the secret key was printed";
  const Ran keys = home.run({"key", "show", "--json"});
  ASSERT_EQ(keys.code, 0) << keys.err << "its SSH key stands there, too";
  EXPECT_EQ(keys.json()["keys"].size(), 1u);
}

TEST(Runner, init_replaces_keys_only_when_told_and_keeps_the_old_ones) {
  const Home home;
  const std::vector<std::string> words{"runner", "init", "--name", "a", "--plane", "b", "--json"};
  const Json first = home.run(words).json();
  const Ran again = home.run(words);
  EXPECT_EQ(again.code, 4);
  EXPECT_TRUE(again.says("cli.runner.exists"));
  EXPECT_EQ(home.run({"runner", "status", "--json"}).json()["runner"]["key"], first["key"]);
  auto replace = words;
  replace.push_back("--replace");
  const Json second = home.run(replace).json();
  EXPECT_NE(second["key"], first["key"]);
  EXPECT_TRUE(fs::exists(fs::path(get_string(second, "replaced")) / "runner.key"));
  EXPECT_EQ(home.run({"runner", "status"}).code, 0);
}

TEST(Runner, status_does_not_trust_an_attestation_that_was_changed) {
  const Home home;
  ASSERT_EQ(home.run({"runner", "init", "--name", "a", "--plane", "edge"}).code, 0);
  auto text = read_file(home.path() / "runner.json");
  ASSERT_TRUE(text);
  text->replace(text->find("edge"), 4, "prod");
  home.write("runner.json", *text);
  const Ran status = home.run({"runner", "status"});
  EXPECT_EQ(status.code, 3);
  EXPECT_TRUE(status.says("engine.runner.attestation"));
}

TEST(Runner, init_prints_lines_that_a_lane_takes) {
  const Home home;
  give_catalog(home);
  const Json made =
      home.run({"runner", "init", "--name", "cloud", "--plane", "cloud", "--json"}).json();
  home.write("x.toml", lane_text(get_string(made, "lane_toml")));
  const Ran lane = home.run({"lane", "new", "drill", "--from", (home.path() / "x.toml").string(),
                             "--catalog", home.catalog().string()});
  EXPECT_EQ(lane.code, 0) << lane.err;
}

TEST(Lane, is_put_in_place_only_when_nothing_is_wrong_with_it) {
  const Home home;
  give_catalog(home);
  const std::string file = (home.path() / "x.toml").string(), catalog = home.catalog().string();
  home.write("x.toml", lane_text("kindd = \"x\"\nsurprise = 3\n"));
  const Ran wrong = home.run({"lane", "new", "drill", "--from", file, "--catalog", catalog});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(wrong.says("kindd") && wrong.says("surprise")) << wrong.err;  // all in one pass
  EXPECT_FALSE(fs::exists(home.path() / "lanes"));
  home.write("x.toml", lane_text());
  EXPECT_EQ(home.run({"lane", "new", "prod", "--from", file, "--catalog", catalog}).code, 2);
  ASSERT_EQ(home.run({"lane", "new", "drill", "--from", file, "--catalog", catalog}).code, 0);
  EXPECT_EQ(home.run({"lane", "new", "drill", "--from", file, "--catalog", catalog}).code,
            0);  // the same again is fine
  home.write("x.toml", lane_text("[facts]\na = \"b\"\n"));
  const Ran other = home.run({"lane", "new", "drill", "--from", file, "--catalog", catalog});
  EXPECT_EQ(other.code, 4);
  EXPECT_TRUE(other.says("cli.lane.exists"));
  EXPECT_EQ(
      home.run({"lane", "new", "drill", "--from", file, "--catalog", catalog, "--replace"}).code,
      0);
  EXPECT_EQ(home.run({"lane", "check", "drill", "--catalog", catalog}).code, 0);
  EXPECT_EQ(home.run({"lane", "show", "drill", "--json"}).json()["facts"]["a"], "b");
  EXPECT_EQ(
      home.run({"lane", "list", "--json", "--catalog", catalog}).json()["lanes"][0]["problems"], 0);
}

// L17: who, since when, from where, and whether it is proven that nobody is there any more.
TEST(Lane, show_says_who_holds_it_and_whether_that_one_is_provably_dead) {
  const Home home;
  home.write("lanes/drill/lane.toml", lane_text());
  EXPECT_TRUE(home.run({"lane", "show", "drill"}).says("held       by nobody"));
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto ledger = ledger::Ledger::open(home.path() / "ledger.db");
    const bool holds = ledger && ledger->take_lease("drill", RunId("run-7"));
    if (::write(ready[1], holds ? "y" : "n", 1) == 1) ::pause();
    ::_exit(1);
  }
  char word = 'n';
  ASSERT_EQ(::read(ready[0], &word, 1), 1);
  ASSERT_EQ(word, 'y');
  const Json alive = home.run({"lane", "show", "drill", "--json"}).json()["held"];
  EXPECT_EQ(alive["run"], "run-7");
  EXPECT_EQ(alive["pid"], holder);
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  EXPECT_EQ(alive["host"], host);
  EXPECT_EQ(alive["provably_dead"], false);
  EXPECT_NE(get_string(alive, "since"), "");
  EXPECT_TRUE(home.run({"lane", "show", "drill"}).says("it is not provably dead"));
  ASSERT_EQ(::kill(holder, SIGKILL), 0);
  ASSERT_EQ(::waitpid(holder, nullptr, 0), holder);
  for (const int end : ready) ::close(end);
  EXPECT_EQ(home.run({"lane", "show", "drill", "--json"}).json()["held"]["provably_dead"], true);
  EXPECT_TRUE(
      home.run({"lane", "show", "drill"}).says("it is provably dead: hyops run resume run-7"));
}

TEST(Lane, names_that_leave_the_home_are_refused) {
  const Home home;
  give_catalog(home);
  home.write("x.toml", lane_text());
  for (const char* name : {"../evil", "a/b", "..", "UPPER", ""}) {
    const Ran ran =
        home.run({"lane", "new", "--from", (home.path() / "x.toml").string(), "--", name});
    EXPECT_EQ(ran.code, 2) << name;
  }
  EXPECT_EQ(home.run({"lane", "check", "dril"}).code, 2);
}

TEST(State, shows_what_is_held_what_was_released_and_what_is_of_another_epoch) {
  const Home home;
  home.write("lanes/drill/lane.toml", lane_text());
  {
    auto ledger = home.ledger();
    put_run(ledger, "raaa1", "running", {});
    const auto lease = ledger.take_lease("drill", RunId("raaa1"));
    ASSERT_TRUE(lease);
    const auto put = [&](const std::string& key, int64_t epoch, Json value, int64_t expected) {
      ledger::Slot slot;
      slot.lane = "drill", slot.key = key, slot.epoch = epoch, slot.value = std::move(value),
      slot.run = "raaa1", slot.step = "db";
      const auto done = ledger.put_slot(slot, expected, lease->token);
      ASSERT_TRUE(done) << done.error().text();
    };
    put("compute/host#db", 2, {{"hosts", Json::array({"a"})}}, 0);
    put("compute/host#old", 1, {{"hosts", Json::array()}}, 0);
    put("compute/host#gone", 2, {{"x", 1}}, 0);
    put("compute/host#gone", 2, nullptr, 1);
  }
  std::map<std::string, std::string> conditions;
  const Json listed = home.run({"state", "list", "--lane", "drill", "--json"}).json();
  for (const auto& slot : listed["slots"]) conditions[slot["key"]] = slot["condition"];
  EXPECT_EQ(conditions["compute/host#db"], "held");
  EXPECT_EQ(conditions["compute/host#old"], "other epoch");
  EXPECT_EQ(conditions["compute/host#gone"], "released");
  EXPECT_EQ(home.run({"state", "show", "compute/host#gone", "--lane", "drill", "--json"})
                .json()["history"]
                .size(),
            2u);
  const Ran near = home.run({"state", "show", "compute/host#dbb", "--lane", "drill"});
  EXPECT_EQ(near.code, 2);
  EXPECT_TRUE(near.says("Did you mean \"compute/host#db\"?")) << near.err;
  EXPECT_EQ(home.run({"state", "list"}).code, 2);
}

Json findings_of(const Home& home, const std::string& area) {
  Json out = Json::array();
  const Ran ran = home.run({"doctor", "--json", "--catalog", home.catalog().string()});
  const Json answer = ran.json();
  EXPECT_EQ(ran.code, answer["bad"] == 0 ? 0 : 1);
  for (const auto& finding : answer["findings"]) {
    EXPECT_EQ(get_string(finding, "next").empty(), finding["level"] == "ok") << finding.dump();
    if (finding["area"] == area) out.push_back(finding);
  }
  return out;
}

TEST(Doctor, says_which_part_of_the_control_plane_dies_with_the_primary_site) {
  const Home home;
  give_catalog(home);
  const Json runner =
      home.run({"runner", "init", "--name", "near", "--plane", "onprem", "--json"}).json();
  home.write("lanes/drill/lane.toml",
             lane_text("[facts]\nprimary_site = \"onprem\"\n"
                       "control_sites = { repository = \"edge\", decisions = \"onprem\" }\n" +
                       get_string(runner, "lane_toml")));
  const Json place = findings_of(home, "place");
  ASSERT_EQ(place.size(), 3u) << place.dump(1);
  EXPECT_EQ(place[0]["level"], "bad");  // the only runner stands inside
  EXPECT_EQ(place[1]["level"], "bad");
  EXPECT_TRUE(get_string(place[1], "says").find("decisions stands inside") != std::string::npos);
  EXPECT_EQ(place[2]["level"], "ok");
}

TEST(Doctor, names_the_packs_that_cannot_run_for_want_of_a_tool) {
  const Home home;
  give_catalog(home);
  home.write("catalog/modules/a/b/module.toml",
             "module = \"a/b\"\nversion = \"1.0.0\"\ntitle = \"x\"\n");
  home.write("catalog/packs/a/c/pack.toml",
             "pack = \"a/c\"\nversion = \"1.0.0\"\nmodule = \"a/b\"\ndriver = "
             "\"process\"\n[tools]\nno-such-tool = \">=1.0\"\n"
             "[process]\nrun = [\"./run.sh\"]\n");
  home.write("catalog/packs/a/c/run.sh", "#!/bin/sh\n");
  const Json tools = findings_of(home, "tools");
  ASSERT_FALSE(tools.empty());
  EXPECT_EQ(tools[0]["level"], "warn");
  EXPECT_NE(get_string(tools[0], "says").find("no-such-tool is not on this machine: pack a/c"),
            std::string::npos)
      << tools.dump(1);
}

TEST(Doctor, finds_a_key_that_others_can_read) {
  const Home home;
  give_catalog(home);
  ASSERT_EQ(home.run({"runner", "init", "--name", "a", "--plane", "b"}).code, 0);
  ASSERT_EQ(::chmod((home.path() / "keys/runner.ssh").c_str(), 0644), 0);
  bool found = false;
  for (const auto& finding : findings_of(home, "runner"))
    found = found || finding["level"] == "bad";
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace hyops::test
