// The DNS cutover against real authorities and resolvers: it puts back what was not answered, and
// names who does not follow.
#include "lab/labd/test_lab.hpp"

namespace hyops::labd {
namespace {

constexpr const char* before = "10.77.1.20";
constexpr const char* after = "10.77.3.20";
constexpr const char* authority = "10.77.2.53";
constexpr const char* key = "a-key-of-this-test";

std::string text_of(const std::string& file) {
  return read_file(HYOPS_SOURCE_DIR "/catalog/packs/powerdns/" + file).value_or("");
}

class Cutover : public NeedsRoot {
 protected:
  void SetUp() override {
    NeedsRoot::SetUp();
    if (IsSkipped()) return;
    lab_.emplace();
    serve("authority", authority);
    lab_->place("edge", "client", {{"address", "10.77.2.20"}});
    ASSERT_TRUE(lab_->inside("client", {"mkdir", "-p", "/root/pack", "/root/secrets"}));
    for (const char* file : {"run.py", "rrset.py", "authority.py"})
      keep("client", std::string("/root/pack/") + file, text_of(std::string("cutover/") + file));
    keep("client", "/root/secrets/api_key", key);
    ASSERT_EQ(move({{"target", {{{"address", before}}}}, {"expected", Json::array()}})["address"],
              before);
  }

  void keep(const std::string& host, const std::string& file, const std::string& text) {
    ASSERT_TRUE(lab_->inside(host, {"tee", file}, text)) << file;
  }

  // A PowerDNS of the zone, set up by the pack that sets up the drill's.
  void serve(const std::string& host, const std::string& address) {
    lab_->place("edge", host, {{"address", address}});
    const Json given{{"address", address},
                     {"port", 53},
                     {"api_port", 8081},
                     {"api_clients", {"10.77.0.0/16"}},
                     {"zone", "hyops.test"},
                     {"ttl", 1},
                     {"values", {{"api_key", key}}}};
    const auto said =
        lab_->inside(host, {"python3", "-"},
                     text_of("authority/files/on_host.py") + "\ngiven = json.loads(" +
                         Json(given.dump()).dump() + ")\n" + text_of("authority/files/serve.py"));
    ASSERT_TRUE(said) << said.error().message;
    ASSERT_TRUE(Json::parse(*said)["outputs"].contains("api")) << *said;
  }

  void resolve(const std::string& host, const std::string& address, const std::string& more) {
    lab_->place("edge", host, {{"address", address}});
    keep(host, "/etc/unbound.lab",
         "server:\n interface: 0.0.0.0\n access-control: 10.77.0.0/16 allow\n do-ip6: no\n"
         " chroot: \"\"\n username: \"\"\n directory: \"/run\"\n pidfile: \"/run/unbound.pid\"\n"
         " use-syslog: no\n module-config: \"iterator\"\n local-zone: \"test.\" nodefault\n" +
             more + "stub-zone:\n name: hyops.test\n stub-addr: 10.77.2.53\n");
    ASSERT_TRUE(lab_->inside(host, {"unbound", "-c", "/etc/unbound.lab"}));
    EXPECT_EQ(ask(address), before);  // and now it holds that answer
  }

  std::string ask(const std::string& server) {
    const auto said = lab_->inside(
        "client", {"dig", "+short", "+tries=5", "+time=2", "@" + server, "db.hyops.test"});
    EXPECT_TRUE(said) << said.error().message;
    return said ? said->substr(0, said->find('\n')) : "";
  }

  // What the pack leaves: its outputs, or {class, message}.
  Json move(const Json& more) {
    Json inputs{{"api", std::string("http://") + authority + ":8081"},
                {"authority", authority},
                {"authority_port", 53},
                {"resolvers", Json::array()},
                {"zone", "hyops.test"},
                {"name", "db.hyops.test"},
                {"ttl", 1},
                {"target", {{{"address", after}}}},
                {"expected", {{{"address", before}}}},
                {"fence_proof", "a proof"}};
    inputs.update(more);
    keep("client", "/root/request.json", Json{{"inputs", inputs}}.dump());
    const auto ran =
        lab_->inside("client", {"env", "HYOPS_REQUEST=/root/request.json",
                                "HYOPS_OUTPUTS=/root/outputs", "HYOPS_PROBES=/root/probes",
                                "HYOPS_SECRETS=/root/secrets", "python3", "/root/pack/run.py"});
    const auto left =
        lab_->inside("client", {"cat", ran ? "/root/outputs" : "/root/outputs.error"});
    EXPECT_TRUE(left) << (ran ? "" : ran.error().message);
    return Json::parse(left.value_or("{}"), nullptr, false);
  }

  std::optional<TestLab> lab_;
};

TEST_F(Cutover, names_the_resolvers_that_do_not_follow_and_moves_the_name_all_the_same) {
  resolve("honest", "10.77.2.61", "");
  resolve("stale", "10.77.2.62", " cache-min-ttl: 3600\n");
  const Json left = move({{"resolvers", {"10.77.2.61", "10.77.2.62", "10.77.2.63"}}});
  EXPECT_EQ(left["address"], after) << left;
  EXPECT_EQ(left["laggards"], Json({"10.77.2.62", "10.77.2.63"}));  // .63 does not exist
  EXPECT_EQ(ask(authority), after);
  EXPECT_EQ(ask("10.77.2.61"), after);
  EXPECT_EQ(ask("10.77.2.62"), before);
  // Once more changes nothing: a retry after success is a success.
  EXPECT_EQ(move(Json::object())["serial"], left["serial"]);
}

TEST_F(Cutover, puts_the_old_address_back_when_the_authority_that_clients_ask_does_not_answer_it) {
  // A secondary that no longer follows its primary: the API's change never reaches the wire there.
  serve("secondary", "10.77.2.55");
  ASSERT_EQ(move({{"api", "http://10.77.2.55:8081"},
                  {"authority", "10.77.2.55"},
                  {"target", {{{"address", before}}}},
                  {"expected", Json::array()}})["address"],
            before);
  const Json left = move({{"authority", "10.77.2.55"}});
  EXPECT_EQ(left["class"], "partial") << left;
  EXPECT_NE(left["message"].get<std::string>().find("was put back"), std::string::npos) << left;
  EXPECT_EQ(ask(authority), before);
}

TEST_F(Cutover, changes_nothing_where_the_name_is_not_what_was_expected) {
  const Json left = move({{"expected", {{{"address", "10.77.1.99"}}}}});
  EXPECT_EQ(left["class"], "conflict") << left;
  EXPECT_EQ(ask(authority), before);
  EXPECT_EQ(move({{"fence_proof", " "}})["class"], "denied");
  EXPECT_EQ(move({{"target", {{{"address", before}}}}})["class"], "invalid");
  EXPECT_EQ(ask(authority), before);
}

}  // namespace
}  // namespace hyops::labd
