// runner reap as it is typed, with the plugin that ships, a firewall's API that answers as labd's
// does, and runs whose cores live, died or are elsewhere.
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <optional>

#include "plugin/programs.hpp"
#include "plugin/stream_service.hpp"
#include "unit/cli/support.hpp"
#include "unit/net/http_server.hpp"

namespace hyops::test {
namespace {

constexpr const char* token = "a-token-of-this-test";

// Where ports are enforced: what stands open there, and who asked to close it.
class Firewall {
 public:
  Firewall() : server_([this](const net::Request& request) { return answer(request); }) {}

  void open(const std::string& name, const std::string& run, int64_t fencing_token) {
    const std::lock_guard hold(mutex_);
    rules_[name] = {{"name", name},
                    {"zone", "cloud"},
                    {"source", "198.51.100.8/29"},
                    {"address", "10.77.3.20"},
                    {"port", 22},
                    {"ttl_s", 900},
                    {"remaining_s", 600},
                    {"labels",
                     {{"mode", "public-ephemeral"},
                      {"lane", "drill"},
                      {"run", run},
                      {"step", "reach"},
                      {"key", "key-of-" + name},
                      {"fencing_token", std::to_string(fencing_token)}}}};
  }
  std::vector<std::string> standing() const {
    const std::lock_guard hold(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, rule] : rules_) names.push_back(name);
    return names;
  }
  // X-Fencing-Token of everything that was closed.
  std::vector<std::string> closed_under() const {
    std::vector<std::string> out;
    for (const auto& request : server_.requests())
      if (request.method_string() == "DELETE")
        out.emplace_back(request["X-Fencing-Token"].data(), request["X-Fencing-Token"].size());
    return out;
  }
  std::string url() const { return "http://" + server_.host(); }
  std::atomic<bool> refuses = false;

 private:
  net::Response answer(const net::Request& request) {
    const std::lock_guard hold(mutex_);
    if (request["Authorization"] != std::string("Bearer ") + token)
      return net::HttpServer::answer(401);
    if (request.method_string() == "DELETE") {
      if (refuses)
        return net::HttpServer::answer(
            409,
            Json{{"code", "fencing.stale"}, {"message", std::string("not with ") + token}}.dump());
      const std::string target(request.target().data(), request.target().size());
      rules_.erase(target.substr(target.rfind('/') + 1));
      return net::HttpServer::answer(200, R"({"absent":true})");
    }
    Json all = Json::array();
    for (const auto& [name, rule] : rules_) all.push_back(rule);
    return net::HttpServer::answer(200, Json{{"firewall", all}}.dump());
  }

  mutable std::mutex mutex_;
  std::map<std::string, Json> rules_;
  net::HttpServer server_;
};

class Reap : public ::testing::Test {
 protected:
  void SetUp() override {
    const Json runner =
        home_.run({"runner", "init", "--name", "cloud", "--plane", "cloud", "--json"}).json();
    home_.write("token.json", Json{{"firewall-token", token}}.dump());
    const Ran sealed = Home::run_exactly(
        {"/bin/sh", "-c",
         HYOPS_BUILD_DIR "/bin/hyops secret seal --name drill --version 1 --valid 7d --out " +
             at("drill.sealed") + " --to-runner " + get_string(runner, "seal") + " --home " +
             at("") + " < " + at("token.json")});
    ASSERT_EQ(sealed.code, 0) << sealed.err;
    lane(firewall_.url());
  }
  void TearDown() override {
    if (core_ > 0) end_core();
    (void)streams("rdead").close_all();
  }

  void lane(const std::string& api) {
    home_.write("lanes/drill/lane.toml",
                "lane = \"drill\"\nkind = \"drill\"\nprofile = \"glass\"\nepoch = 1\n[secrets]\n"
                "authority = \"hyops.secrets.offline-bundle\"\nconfig = { bundle = \"" +
                    at("drill.sealed") +
                    "\" }\n[plugins.\"hyops.access.public-ephemeral\"]\napi = \"" + api +
                    "\"\ntoken = \"firewall-token\"\nzone = \"cloud\"\n");
  }
  std::string at(const std::string& name) const { return (home_.path() / name).string(); }

  void run_of(const std::string& id, const std::string& status) {
    auto ledger = home_.ledger();
    put_run(ledger, id, status, failed_story());
  }

  // A core that holds the lane for this run until it is killed.
  void begin_core(const std::string& run) {
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    core_ = ::fork();
    if (core_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto ledger = ledger::Ledger::open(home_.path() / "ledger.db");
      const bool holds = ledger && ledger->take_lease("drill", RunId(run));
      if (::write(ready[1], holds ? "y" : "n", 1) == 1) ::pause();
      ::_exit(1);
    }
    char word = 'n';
    ASSERT_EQ(::read(ready[0], &word, 1), 1);
    ASSERT_EQ(word, 'y');
    for (const int end : ready) ::close(end);
  }
  void end_core() {
    ASSERT_EQ(::kill(core_, SIGKILL), 0);
    ASSERT_EQ(::waitpid(core_, nullptr, 0), core_);
    core_ = 0;
  }

  plugin::Streams streams(const std::string& run) const {
    return plugin::Streams({HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
                            HYOPS_BUILD_DIR "/libexec/hyops/hyops-stream-host",
                            home_.path() / "runs" / run / "streams"},
                           {});
  }
  int64_t endpoint_of(const std::string& run) const {
    plugin::Manifest manifest;
    manifest.id = "test.stream";
    manifest.executables = {"cat"};
    manifest.folder = home_.path();
    fs::create_directories(home_.path() / "runs" / run);
    auto opened = streams(run).open("key-of-endpoint", "db-1", {{"argv", {"cat"}}},
                                    plugin::Programs(manifest), Json::object());
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? get_int(*opened, "port") : 0;
  }
  static bool answers(int64_t port) {
    const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }

  Ran reap(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"runner", "reap"});
    return home_.run(std::move(more));
  }
  // run -> fate, of an answer.
  static std::map<std::string, std::string> fates(const Ran& ran) {
    std::map<std::string, std::string> out;
    const Json answer = ran.json();
    for (const auto& one : answer["open"]) out[get_string(one, "run")] += get_string(one, "fate");
    return out;
  }
  std::vector<Json> noted_in(const std::string& run) const {
    std::vector<Json> out;
    auto ledger = home_.ledger();
    EXPECT_TRUE(
        ledger.each_event_of(RunId(run), {"access.reaped"}, [&](const ledger::Event& event) {
          out.push_back(event.body);
          return true;
        }));
    return out;
  }

  using Fates = std::map<std::string, std::string>;
  Home home_;
  Firewall firewall_;
  pid_t core_ = 0;
};

TEST_F(Reap, closes_what_runs_left_open_that_no_core_looks_after) {
  for (const auto& [run, status] : std::map<std::string, std::string>{
           {"rended", "failed"}, {"rdead", "running"}, {"rwaits", "waiting"}})
    run_of(run, status);
  begin_core("rdead");
  end_core();
  firewall_.open("one", "rended", 3);
  firewall_.open("two", "rdead", 4);
  firewall_.open("three", "rwaits", 2);
  const int64_t port = endpoint_of("rdead");

  const Ran looked = reap({"--dry-run", "--json"});
  EXPECT_EQ(looked.code, 0) << looked.err;
  EXPECT_EQ(fates(looked), (Fates{{"rended", "open"}, {"rdead", "openopen"}, {"rwaits", "open"}}));
  EXPECT_EQ(firewall_.standing().size(), 3u) << "it was only to look";
  EXPECT_TRUE(answers(port));
  const Ran told = reap({"--dry-run"});
  for (const char* word : {"198.51.100.8/29 to 10.77.3.20 port 22", "a way to db-1", "interrupted",
                           "waiting", "rended", "next: hyops runner reap"})
    EXPECT_TRUE(told.says(word)) << word << "\n" << told.out;

  const Ran reaped = reap({"--lane", "drill", "--by", "oncall", "--json"});
  EXPECT_EQ(reaped.code, 0) << reaped.out << reaped.err;
  EXPECT_EQ(fates(reaped),
            (Fates{{"rended", "closed"}, {"rdead", "closedclosed"}, {"rwaits", "closed"}}));
  const Json answer = reaped.json();
  for (const auto& one : answer["open"]) {
    EXPECT_EQ(one["why"], "") << one;
    EXPECT_GT(get_int(one, "ends_ms"), system_clock().wall_ms());
  }
  EXPECT_TRUE(firewall_.standing().empty());
  EXPECT_FALSE(answers(port));
  auto under = firewall_.closed_under();
  std::sort(under.begin(), under.end());
  EXPECT_EQ(under, (std::vector<std::string>{"drill=2", "drill=3", "drill=4"}))
      << "a newer token would fence a core that lives elsewhere";

  EXPECT_EQ(noted_in("rdead").size(), 2u);
  ASSERT_EQ(noted_in("rended").size(), 1u);
  EXPECT_EQ(noted_in("rended")[0]["by"], "oncall");
  const fs::path record = home_.path() / "runs/rended/record";
  EXPECT_NE(read_file(record / "events.jsonl").value_or("").find("access.reaped"),
            std::string::npos);
  EXPECT_NE(read_file(record / "report.html").value_or("").find("closed by the reaper"),
            std::string::npos);
  EXPECT_TRUE(reap().says("nothing stands open"));
  EXPECT_FALSE(home_.run({"lane", "show", "drill", "--json"}).json()["held"].is_object());
}

TEST_F(Reap, touches_nothing_in_a_lane_whose_core_lives) {
  run_of("rlives", "running");
  run_of("rended", "failed");
  begin_core("rlives");
  firewall_.open("one", "rlives", 5);
  firewall_.open("two", "rended", 3);
  const int64_t port = endpoint_of("rlives");
  const Fates kept{{"rlives", "keptkept"}, {"rended", "kept"}};
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"--json"},
        {"--json", "--dry-run"},
        {"--json", "--run", "rlives", "--by", "alice", "--reason", "it must be dead"}}) {
    const Ran ran = reap(how);
    EXPECT_EQ(ran.code, 0) << "somebody looks after all of it";
    for (const auto& [run, fate] : fates(ran)) EXPECT_EQ(fate, kept.at(run));
  }
  EXPECT_TRUE(reap().says("its core lives"));
  EXPECT_EQ(firewall_.standing().size(), 2u);
  EXPECT_TRUE(answers(port));
  end_core();
  EXPECT_EQ(fates(reap({"--json", "--run", "rended"})), (Fates{{"rended", "closed"}}));
  EXPECT_EQ(firewall_.standing(), std::vector<std::string>{"one"}) << "only of the run it named";
  EXPECT_EQ(reap().code, 0);
  EXPECT_TRUE(firewall_.standing().empty());
  EXPECT_FALSE(answers(port));
}

TEST_F(Reap, takes_a_persons_word_on_a_run_of_another_runner) {
  firewall_.open("one", "rfar", 9);
  run_of("rsent", "dispatched");
  firewall_.open("two", "rsent", 8);
  const Ran unclear = reap({"--json"});
  EXPECT_EQ(unclear.code, 4);
  EXPECT_EQ(fates(unclear), (Fates{{"rfar", "unclear"}, {"rsent", "unclear"}}));
  EXPECT_EQ(reap({"--run", "rfar"}).code, 4) << "to name it is no word on it";
  EXPECT_EQ(reap({"--reason", "gone"}).code, 2);
  EXPECT_EQ(reap({"--run", "rfar", "--reason", "gone"}).code, 2) << "whose word?";
  EXPECT_TRUE(reap().says("hyops runner reap --lane drill --run rfar --by NAME --reason TEXT"));
  EXPECT_EQ(firewall_.standing().size(), 2u);
  EXPECT_EQ(reap({"--run", "rfar", "--by", "alice", "--reason", "its machine burned down"}).code,
            0);
  EXPECT_EQ(firewall_.standing(), std::vector<std::string>{"two"});
  EXPECT_EQ(firewall_.closed_under(), std::vector<std::string>{"drill=9"});
  const Json told = home_.run({"state", "show", "access/reaped#rfar", "--lane", "drill", "--json"})
                        .json()["value"];
  EXPECT_EQ(told["by"], "alice");
  EXPECT_EQ(told["reason"], "its machine burned down");
  EXPECT_EQ(told["key"], "key-of-one");
  EXPECT_EQ(reap({"--run", "rsent", "--by", "alice", "--reason", "the same machine"}).code, 0);
  ASSERT_EQ(noted_in("rsent").size(), 1u) << "where this ledger knows the run, it says so";
  EXPECT_EQ(noted_in("rsent")[0]["reason"], "the same machine");
}

TEST_F(Reap, says_what_could_not_be_closed_and_who_could_not_be_asked) {
  run_of("rended", "failed");
  firewall_.open("one", "rended", 3);
  firewall_.refuses = true;
  const Ran failed = reap({"--json"});
  EXPECT_EQ(failed.code, 1);
  EXPECT_EQ(fates(failed), (Fates{{"rended", "failed"}}));
  EXPECT_TRUE(failed.says("fencing.stale"));
  EXPECT_FALSE(failed.says(token)) << failed.out;
  EXPECT_TRUE(noted_in("rended").empty());
  lane("http://" + net::dead_host());
  const Ran silent = reap({"--json"});
  EXPECT_EQ(silent.code, 5);
  EXPECT_EQ(silent.json()["unasked"][0]["plugin"], "hyops.access.public-ephemeral");
  EXPECT_TRUE(reap().says("hyops.access.public-ephemeral cannot be asked"));
  EXPECT_EQ(reap({"--lane", "prod"}).code, 2);
  home_.write("lanes/prod/lane.toml", "lane = \"drill\"\n");
  EXPECT_EQ(reap({"--json"}).json()["unasked"].size(), 2u) << "one lane hides no other";
}

}  // namespace
}  // namespace hyops::test
