// Every way from one lane into another, tried and refused (G6); and an environment that wants to
// have a say, and has none (L15).
#include <sys/stat.h>

#include "operator.hpp"

namespace hyops::test {
namespace {

// Lanes x and y of one installation; y has run and published.
class Lanes : public testing::Test {
 protected:
  Lanes() {
    site.lane("x", "drill", "drill");
    site.lane("y", "drill", "drill");
    site.blueprint(step("db", "data"));
    ran_in("y");
  }
  void ran_in(const std::string& lane) {
    ASSERT_EQ(site.plan(lane).code, 0);
    ASSERT_EQ(site.approve("alice", lane).code, 0);
    ASSERT_EQ(site.start().code, 0);
  }
  Operator site;
};

TEST_F(Lanes, keep_their_state_to_themselves) {
  site.blueprint(step("next", "data", "inputs = { text = { from = \"state:test/say#db.said\" } }"));
  EXPECT_EQ(site.plan("y").code, 0);
  EXPECT_TRUE(refused(site.plan("x"), 2, "plan.state.missing"));
  EXPECT_TRUE(site.hyops({"state", "list", "--lane", "x", "--json"}).json()["slots"].empty());
  for (const char* reference : {"state:y/say#db.said", "state:../y#db.said", "lane.y", "y.db"}) {
    site.blueprint(
        step("next", "data", std::string("inputs = { text = { from = \"") + reference + "\" } }"));
    EXPECT_EQ(site.plan("x").code, 2) << reference;
  }
}

TEST_F(Lanes, take_no_plan_of_another) {
  ASSERT_EQ(site.plan("y").code, 0);
  ASSERT_EQ(site.approve("alice", "y").code, 0);
  Json plan = Json::parse(read_file(site.at("plan.json")).value());
  plan["lane"] = "x";
  site.write("plan.json", canonical(plan).value());
  EXPECT_TRUE(refused(site.start(), 3, "engine.lane.changed"));
}

TEST_F(Lanes, take_no_approval_of_another) {
  ASSERT_EQ(site.plan("x").code, 0);
  EXPECT_TRUE(refused(site.approve("alice", "y"), 3, "trust.approval.other_lane"));
  ASSERT_EQ(site.plan("y", "y.json").code, 0);
  ASSERT_EQ(site.approve("alice", "y", "y.json").code, 0);
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.other_lane"));
}

TEST_F(Lanes, take_no_decision_of_another) {
  site.write("signal.json", "{}");
  site.write("policy.toml", "x = 1\n");
  ASSERT_EQ(site.hyops({"decision",     "issue",
                        "--type",       "burst",
                        "--lane",       "y",
                        "--target",     "cloud",
                        "--rationale",  "busy",
                        "--repository", "main@backup",
                        "--signals",    site.at("signal.json"),
                        "--policy",     site.at("policy.toml"),
                        "--key",        site.at("keys/edge.key"),
                        "--to",         site.at("decision.json")})
                .code,
            0);
  EXPECT_TRUE(refused(site.hyops({"plan", "test/flow", "--lane", "x", "--decision",
                                  site.at("decision.json"), "--to", site.at("plan.json")}),
                      3, "trust.decision.lane"));
}

TEST_F(Lanes, hand_out_no_secret_of_another) {
  site.tool("secretive",
            "[inputs.key]\ntype = \"secret\"\nrequired = true\n[outputs.said]\ntype = "
            "\"string\"\n[effects]\n",
            "printf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("db", "data", "inputs = { key = \"of-y\" }", "test/secretive"));
  ASSERT_EQ(site.plan("x").code, 0);
  ASSERT_EQ(site.approve("alice", "x").code, 0);
  const Ran failed = site.start();
  EXPECT_EQ(failed.code, 1) << failed.out;
  const std::string run = get_string(site.last_run(), "run");
  EXPECT_TRUE(site.hyops({"run", "show", run}).says("engine.secret.no_authority"));
}

TEST_F(Lanes, take_no_signature_of_anothers_people) {
  ASSERT_EQ(site.plan("x").code, 0);
  const std::string file = site.at("lanes/y/lane.toml");
  std::string text = read_file(file).value();
  text.insert(text.find("[approvers]\n") + 12,
              "carol = \"" + split(read_file(site.at("keys/carol.pub")).value(), '\n')[1] + "\"\n");
  ASSERT_TRUE(write_file(file, text));
  EXPECT_TRUE(refused(site.approve("carol", "x"), 3, "trust.approval.unknown_approver"));
  // Signed where she may sign, and carried over with the lane's name changed: her key is not x's.
  ASSERT_EQ(site.plan("y", "y.json").code, 0);
  ASSERT_EQ(site.approve("carol", "y", "y.json").code, 0);
  Json approval = Json::parse(read_file(site.at("approvals/carol.json")).value());
  approval["lane"] = "x";
  site.write("approvals/carol.json", canonical(approval).value());
  EXPECT_TRUE(refused(site.start(), 3, "trust.approval.unknown_approver"));
}

TEST_F(Lanes, move_no_name_that_is_bound_to_another) {
  site.tool("move",
            "[inputs.api]\ntype = \"string\"\nrequired = true\n[inputs.name]\ntype = "
            "\"dns_name\"\nrequired = true\n[outputs.said]\ntype = \"string\"\n[effects]\n"
            "dns_names = [\"name\"]\n",
            "printf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
  for (const char* kind : {"modules", "packs"})
    fs::create_directories(site.catalog() / kind / "dns");
  const auto renamed = [&](const fs::path& from, const fs::path& to) {
    std::string text = read_file(from).value();
    text.replace(text.find("module = \"test/move\""), 20, "module = \"dns/move\"");
    site.write(to.string(), text);
  };
  renamed(site.catalog() / "modules/test/move/module.toml", "catalog/modules/dns/move/module.toml");
  renamed(site.catalog() / "packs/test/move/pack.toml", "catalog/packs/test/move/pack.toml");
  site.bind("dns/move", "test/move");
  site.blueprint(step("move", "data",
                      "inputs = { api = { from = \"lane.dns_api\" }, name = { from = "
                      "\"lane.db_name\" } }",
                      "dns/move"));
  const auto facts = [](const std::string& api, const std::string& name) {
    return "[facts]\ndns_api = \"" + api + "\"\ndb_name = \"" + name + "\"\n";
  };
  site.lane("x", "drill", "drill", facts("http://10.0.0.1:8081", "db.x.test"));
  site.lane("y", "drill", "drill", facts("http://10.0.0.1:8081", "db.y.test"));
  EXPECT_EQ(site.plan("x").code, 0);
  EXPECT_TRUE(refused(site.hyops({"plan", "test/flow", "--lane", "x", "--target", "cloud",
                                  "--reason", "a test", "--input", "move.name=db.y.test"}),
                      3, "policy.dns_binding"));
  site.lane("x", "drill", "drill", facts("http://10.0.0.1:8081", "db.y.test"));
  EXPECT_TRUE(refused(site.plan("x"), 3, "engine.lane.name_bound"));
  site.lane("x", "drill", "drill", facts("http://10.0.0.2:8081", "db.y.test"));
  EXPECT_EQ(site.plan("x").code, 0) << "a rehearsal at an authority of its own";
}

TEST_F(Lanes, are_named_by_names_and_not_by_paths) {
  for (const char* name : {"../y", "y/../x", "/etc", "x\ny", " x", "X", "", "."})
    EXPECT_EQ(site.plan(name).code, 2) << name;
}

// One run as alone as it can be, one amid everything that tools listen to.
TEST_F(Lanes, are_not_changed_by_the_environment_and_neither_is_what_a_step_sees) {
  site.tool("look", "[outputs.said]\ntype = \"string\"\n[effects]\n",
            "tr '\\0' '\\n' < /proc/self/environ | sort > " + site.at("seen") + "\nulimit -c >> " +
                site.at("seen") + "\npwd >> " + site.at("seen") +
                "\nprintf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("look", "data", "", "test/look"));
  ASSERT_TRUE(make_folders(site.path() / "evil"));
  for (const char* tool : {"sh", "env", "tr", "sort", "ssh", "ansible-playbook"})
    ASSERT_TRUE(write_file(site.path() / "evil" / tool,
                           "#!/bin/sh\ntouch " + site.at("fooled") + "\n", 0755));
  const std::map<std::string, std::string> ambient{{"PATH", site.at("evil")},
                                                   {"HOME", site.at("evil")},
                                                   {"HYOPS_LANE", "y"},
                                                   {"HYOPS_HOME", "/nowhere"},
                                                   {"HYOPS_INPUT_text", "ambient"},
                                                   {"TF_VAR_text", "ambient"},
                                                   {"TF_CLI_ARGS", "-lock=false"},
                                                   {"ANSIBLE_CONFIG", "/evil"},
                                                   {"ANSIBLE_HOST_KEY_CHECKING", "0"},
                                                   {"PGHOST", "evil"},
                                                   {"PGPASSWORD", "ambient"},
                                                   {"SSH_AUTH_SOCK", "/evil"},
                                                   {"LD_PRELOAD", "libc.so.6"},
                                                   {"LD_LIBRARY_PATH", site.at("evil")},
                                                   {"BASH_ENV", "/evil"},
                                                   {"ENV", "/evil"},
                                                   {"PYTHONPATH", "/evil"},
                                                   {"http_proxy", "http://127.0.0.1:1"},
                                                   {"AWS_SECRET_ACCESS_KEY", "ambient"},
                                                   {"TMPDIR", site.at("evil")},
                                                   {"LANG", "de_DE.UTF-8"}};
  const auto seen = [&](const std::map<std::string, std::string>& environment) {
    const auto hyops = [&](std::vector<std::string> words) {
      words.insert(words.begin(), HYOPS_BUILD_DIR "/bin/hyops");
      words.insert(words.end(),
                   {"--home", site.path().string(), "--catalog", site.catalog().string()});
      process::SpawnRequest request;
      request.argv = std::move(words);
      request.environment = environment;
      auto done = process::run(request, 60'000);
      EXPECT_TRUE(done && done->exit.code == 0) << (done ? done->out + done->err : "");
    };
    hyops({"plan", "test/flow", "--lane", "x", "--target", "cloud", "--by", "oncall", "--to",
           site.at("plan.json")});
    EXPECT_EQ(site.approve("alice", "x").code, 0);
    hyops({"run", "start", site.at("plan.json"), "--approvals", site.at("approvals"), "--by",
           "oncall"});
    // The run's own folder is in it; everything else must be the same.
    std::string text = read_file(site.at("seen")).value();
    const std::string run = get_string(site.last_run(), "run");
    for (size_t at; (at = text.find(run)) != std::string::npos;)
      text.replace(at, run.size(), "RUN");
    return std::pair{text, read_file(site.at("plan.json")).value()};
  };
  const auto alone = seen({}), amid = seen(ambient);
  EXPECT_EQ(alone.first, amid.first);
  EXPECT_EQ(alone.second, amid.second) << "the plan is the same, byte for byte";
  EXPECT_FALSE(fs::exists(site.at("fooled")));
  for (const auto& line : split(amid.first, '\n')) {
    const std::string name = line.substr(0, line.find('='));
    if (name.size() == line.size()) continue;
    EXPECT_TRUE(name == "PATH" || name == "HOME" || name == "LANG" || name == "PWD" ||
                name.starts_with("HYOPS_"))
        << line;
  }
}

}  // namespace
}  // namespace hyops::test
