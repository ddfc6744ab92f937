// Public access as an operator gets it (A5): a runner on the internet opens a port in the cloud,
// and a prober on the internet sees it close by each of three means, whatever became of that
// runner.
#include <future>
#include <optional>

#include "lab/labd/test_lab.hpp"

namespace hyops::labd {
namespace {

constexpr const char* web = "10.77.3.20";
constexpr const char* work = "/var/lib/hyops/lanes/drill/";

// Says that the port answered, then stopped to; how long that takes is nobody's business here but a
// limit's. Leaves a file when the port first answers, for whoever must not close it before.
constexpr const char* prober = R"py(
import socket, sys, time
limit = time.monotonic() + 100
address, mark = sys.argv[1:]
def answers():
    try:
        socket.create_connection((address, 22), 1).close()
        return True
    except OSError:
        return False
silent, opened = 0, False
while silent < 4:
    if time.monotonic() > limit:
        sys.exit("open" if opened else "never open")
    if answers():
        if not opened:
            open(mark, "w").close()
        opened, silent = True, 0
    elif opened:
        silent += 1
    time.sleep(0.1)
print("open, then closed")
)py";

constexpr const char* profile = R"toml(
profile = "glass"
title = "Breaking glass"
lane_kinds = ["drill"]
[bind]
"access/session" = "access/public-ephemeral"
"egress/policy" = "local/egress"
[defaults."access/session"]
break_glass = true
[gates]
before = ["publish"]
[approvals]
required = 1
)toml";

// The gate before `after` is where a run stands with its port open.
constexpr const char* blueprint = R"toml(
blueprint = "repair/web"
version = "1.0.0"
title = "Reach a host that nothing else reaches"
[[step]]
id = "reach"
module = "access/session"
phase = "access"
inputs = { hosts = { from = "lane.web" }, public_reason = "the overlay is gone", public_sources = ["198.51.100.8/29"] }
[[step]]
id = "after"
module = "egress/policy"
phase = "publish"
inputs = { zone = "cloud", sources = ["10.77.3.0/24"] }
)toml";

constexpr const char* other_blueprint = R"toml(
blueprint = "repair/other"
version = "1.0.0"
title = "Something else in the same lane"
[[step]]
id = "declare"
module = "egress/policy"
phase = "egress"
inputs = { zone = "cloud", sources = ["10.77.3.0/24"] }
)toml";

class PublicAccess : public NeedsRoot {
 protected:
  void SetUp() override {
    NeedsRoot::SetUp();
    if (IsSkipped()) return;
    prefix_ = fs::temp_directory_path() / ("hyops-" + random_hex(4));
    ASSERT_TRUE(run({"cmake", "--install", HYOPS_BUILD_DIR, "--prefix", prefix_.string()}));
    const fs::path catalog = prefix_ / "share/hyops/catalog";
    fs::create_directories(catalog / "blueprints/repair/web");
    fs::create_directories(catalog / "blueprints/repair/other");
    ASSERT_TRUE(write_plain(catalog / "profiles/glass.toml", profile));
    ASSERT_TRUE(write_plain(catalog / "blueprints/repair/web/blueprint.toml", blueprint));
    ASSERT_TRUE(write_plain(catalog / "blueprints/repair/other/blueprint.toml", other_blueprint));
    lab_.emplace(std::vector<std::string>{"--prefix", prefix_.string()});
    lab_->place("edge", "edge", {{"image", "runner"}, {"address", "10.77.2.10"}});
    lab_->place("internet", "out", {{"image", "runner"}, {"address", "198.51.100.11"}});
    const Json edge = init("edge"), out = init("out");
    const Json alice = say("edge", {"hyops", "key", "new", "alice", "--kind", "sign", "--json"});
    Json host = lab_->place("cloud", "web",
                            {{"address", web},
                             {"authorized_keys", {edge["ssh"], out["ssh"]}},
                             {"labels", {{"role", "repository"}}}});
    const std::string api =
        "api = \"http://10.77.3.1:7077\"\ntoken = \"lab-token-cloud\"\nzone = \"cloud\"\n";
    std::string lane =
        "lane = \"drill\"\nkind = \"drill\"\nprofile = \"glass\"\nepoch = 1\n[approvers]\nalice "
        "= " +
        alice["key"].dump() + "\n";
    for (const auto& [name, runner] : {std::pair{"edge", edge}, std::pair{"out", out}})
      lane += std::string("[runners.") + name + "]\nplane = \"" + name +
              "\"\nkey = " + runner["key"].dump() + "\nseal = " + runner["seal"].dump() + "\n";
    lane +=
        "[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = "
        "\"/var/lib/hyops/drill.sealed\" }\n[plugins.\"hyops.local.egress\"]\n" +
        api + "[plugins.\"hyops.access.public-ephemeral\"]\n" + api +
        "widest = 29\n[facts]\nweb = [{ name = \"web\", zone = \"cloud\", address = \"" + web +
        "\", user = \"root\", port = 22, host_key = " + host["host_key"].dump() +
        ", placement = " + host["placement"].dump() + " }]\n";
    ASSERT_TRUE(lab_->inside(
        "edge",
        {"hyops", "secret", "seal", "--name", "drill", "--version", "1", "--valid", "7d", "--out",
         "/var/lib/hyops/drill.sealed", "--to-runner", edge["seal"], "--to-runner", out["seal"]},
        Json{{"lab-token-cloud", lab_->token("cloud")}}.dump()));
    const auto bundle = lab_->inside("edge", {"cat", "/var/lib/hyops/drill.sealed"});
    ASSERT_TRUE(bundle);
    ASSERT_TRUE(lab_->inside("out", {"tee", "/var/lib/hyops/drill.sealed"}, *bundle));
    for (const char* name : {"edge", "out"}) {
      ASSERT_TRUE(lab_->inside(name, {"mkdir", "-p", work}));
      ASSERT_TRUE(lab_->inside(name, {"tee", std::string(work) + "lane.toml"}, lane));
    }
  }

  void TearDown() override {
    lab_.reset();
    std::error_code ignored;
    if (!prefix_.empty()) fs::remove_all(prefix_, ignored);
  }

  Json say(const std::string& host, const std::vector<std::string>& argv) {
    const auto said = lab_->inside(host, argv);
    EXPECT_TRUE(said) << said.error().message;
    return Json::parse(said.value_or("{}"), nullptr, false);
  }

  Json init(const std::string& name) {
    return say(name, {"hyops", "runner", "init", "--name", name, "--plane", name, "--json"});
  }

  // Planned and approved at the edge; the folder that both are in, there.
  std::string approved(const std::string& what, const std::string& target,
                       const std::vector<std::string>& inputs = {}) {
    const std::string folder = "/root/" + std::to_string(++plans_), plan = folder + "/plan.json";
    EXPECT_TRUE(lab_->inside("edge", {"mkdir", "-p", folder + "/approvals"}));
    std::vector<std::string> words{"hyops",    "plan", what,   "--lane", "drill",
                                   "--target", target, "--by", "oncall", "--reason",
                                   "a test",   "--to", plan};
    for (const auto& input : inputs) words.insert(words.end(), {"--input", input});
    const auto planned = lab_->inside("edge", words);
    EXPECT_TRUE(planned) << planned.error().message;
    const auto signed_off =
        lab_->inside("edge", {"hyops", "approval", "sign", plan, "--lane", "drill", "--as", "alice",
                              "--key", "/var/lib/hyops/keys/alice.key", "--to",
                              folder + "/approvals", "--valid", "1h", "--cost-cap", "5.00"});
    EXPECT_TRUE(signed_off) << signed_off.error().message;
    return folder;
  }

  // Ordered at the edge, carried to the runner outside, and started there; its run waits at the
  // gate.
  void open_from_outside(const std::string& how_long) {
    const std::string folder =
        approved("repair/web", "out", {"reach.public_for=\"" + how_long + "\""});
    const auto ordered = lab_->inside(
        "edge", {"hyops", "run", "order", folder + "/plan.json", "--approvals",
                 folder + "/approvals", "--by", "oncall", "--to", folder + "/order.json"});
    ASSERT_TRUE(ordered) << ordered.error().message;
    const auto order = lab_->inside("edge", {"cat", folder + "/order.json"});
    ASSERT_TRUE(lab_->inside("out", {"tee", "/root/order.json"}, order.value_or("")));
    const auto started = lab_->inside("out", {"hyops", "run", "start", "/root/order.json"});
    EXPECT_EQ(say("out", {"hyops", "run", "show", "last", "--json"})["status"], "waiting")
        << (started ? *started : started.error().message);
  }

  std::future<std::string> watched_from(const std::string& host) {
    mark_ = "/root/answered-" + std::to_string(++watches_);
    return std::async(std::launch::async, [this, host, mark = mark_] {
      const auto said = lab_->inside(host, {"python3", "-c", prober, web, mark});
      return said ? *said : said.error().message;
    });
  }
  // The watcher saw it open: a port that is closed at once may never have been seen.
  bool answered(const std::string& host) {
    for (int tries = 0; tries < 400; ++tries)
      if (lab_->inside(host, {"test", "-e", mark_})) return true;
    return false;
  }

  size_t standing_open() { return lab_->get("/v1/firewall")["firewall"].size(); }

  std::optional<TestLab> lab_;
  fs::path prefix_;
  std::string mark_;
  int plans_ = 0, watches_ = 0;
};

TEST_F(PublicAccess,
       closes_on_scope_exit_by_any_runners_reaper_and_by_itself_when_its_runner_is_gone) {
  // The run that opened it ends.
  auto seen = watched_from("www");
  open_from_outside("15m");
  EXPECT_EQ(standing_open(), 1u);
  EXPECT_TRUE(answered("www"));
  ASSERT_TRUE(lab_->inside("out", {"hyops", "run", "confirm", "last", "publish", "--by", "bob"}));
  const auto resumed = lab_->inside("out", {"hyops", "run", "resume", "last"});
  EXPECT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(seen.get(), "open, then closed\n");
  EXPECT_EQ(standing_open(), 0u);

  // Another runner takes the lane; it has neither the first one's ledger nor its word.
  seen = watched_from("www");
  open_from_outside("15m");
  EXPECT_EQ(standing_open(), 1u);
  EXPECT_TRUE(answered("www"));
  const std::string folder = approved("repair/other", "edge");
  const auto ran = lab_->inside("edge", {"hyops", "run", "start", folder + "/plan.json",
                                         "--approvals", folder + "/approvals", "--by", "oncall"});
  EXPECT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(seen.get(), "open, then closed\n");
  EXPECT_EQ(standing_open(), 0u);
  const auto record =
      lab_->inside("edge", {"sh", "-c", "cat /var/lib/hyops/runs/*/record/events.jsonl"});
  ASSERT_TRUE(record);
  EXPECT_NE(record->find("access.reaped"), std::string::npos);
  EXPECT_NE(record->find("198.51.100.8/29 to 10.77.3.20 port 22"), std::string::npos);

  // The runner and its disk are destroyed; nobody is left who knows of the port.
  lab_->place("internet", "stranger", {{"address", "198.51.100.40"}});
  seen = watched_from("www");
  open_from_outside("30s");
  EXPECT_EQ(standing_open(), 1u);
  EXPECT_TRUE(answered("www"));
  EXPECT_EQ(lab_->probe("stranger", web, 22), "silent") << "it is no source";
  const auto gone = lab_->client().request("DELETE", "/v1/hosts/out");
  ASSERT_TRUE(gone) << gone.error().message;
  ASSERT_TRUE(lab_->client().wait((*gone)["operation"]["id"]));
  EXPECT_FALSE(lab_->state().hosts.contains("out"));
  EXPECT_EQ(seen.get(), "open, then closed\n");
  EXPECT_EQ(standing_open(), 0u);
}

// The same by hand: the runner itself closes what its own run left, another one only on a person's
// word.
TEST_F(PublicAccess, closes_by_hand_when_its_run_is_interrupted) {
  auto seen = watched_from("www");
  open_from_outside("15m");
  EXPECT_TRUE(answered("www"));
  EXPECT_EQ(say("out", {"hyops", "runner", "reap", "--dry-run", "--json"})["open"][0]["owner"],
            "waiting");
  EXPECT_EQ(standing_open(), 1u);
  ASSERT_TRUE(lab_->inside("out", {"hyops", "runner", "reap"}));
  EXPECT_EQ(seen.get(), "open, then closed\n");
  EXPECT_EQ(standing_open(), 0u);

  seen = watched_from("www");
  open_from_outside("15m");
  EXPECT_TRUE(answered("www"));
  const std::string run = say("out", {"hyops", "run", "show", "last", "--json"})["run"];
  EXPECT_FALSE(lab_->inside("edge", {"hyops", "runner", "reap", "--lane", "drill"}));
  EXPECT_EQ(standing_open(), 1u) << "whether its core lives cannot be seen from the edge";
  const auto stated = lab_->inside("edge", {"hyops", "runner", "reap", "--run", run, "--by", "bob",
                                            "--reason", "its machine is gone"});
  EXPECT_TRUE(stated) << stated.error().message;
  EXPECT_EQ(seen.get(), "open, then closed\n");
  EXPECT_EQ(standing_open(), 0u);
}

}  // namespace
}  // namespace hyops::labd
