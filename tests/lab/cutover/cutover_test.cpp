// The DNS cutover against real authorities and resolvers: it puts back what was not answered, and
// names who does not follow.
#include <regex>

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
    ASSERT_TRUE(
        lab_->inside("client", {"mkdir", "-p", "/root/cutover", "/root/ttl", "/root/secrets"}));
    for (const char* file :
         {"cutover/run.py", "cutover/move.py", "cutover/rrset.py", "cutover/authority.py",
          "ttl/run.py", "ttl/rrset.py", "ttl/authority.py"})
      keep("client", std::string("/root/") + file, text_of(file));
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

  std::string ask(const std::string& server, const std::string& name = "db.hyops.test") {
    const auto said =
        lab_->inside("client", {"dig", "+short", "+tries=5", "+time=2", "@" + server, name});
    EXPECT_TRUE(said) << said.error().message;
    return said ? said->substr(0, said->find('\n')) : "";
  }

  void raise_ttl() {
    ASSERT_TRUE(
        lab_->inside("authority", {"pdnsutil", "--config-dir=/etc/powerdns", "replace-rrset",
                                   "hyops.test", "db", "A", "3600", before}));
  }

  // What the pack leaves: its outputs, or {class, message}.
  Json move(const Json& more) { return carry_out("cutover", more); }

  Json carry_out(const std::string& pack, const Json& more) {
    Json inputs{{"api", std::string("http://") + authority + ":8081"},
                {"authority", authority},
                {"authority_port", 53},
                {"resolvers", Json::array()},
                {"zone", "hyops.test"},
                {"name", "db.hyops.test"},
                {"ttl", 1},
                {"wait", 20'000},
                {"forgotten_at_ms", 0},
                {"target", {{{"address", after}}}},
                {"expected", {{{"address", before}}}},
                {"fence_proof", ""}};  // which the run judges before it starts the pack
    inputs.update(more);
    keep("client", "/root/request.json", Json{{"inputs", inputs}}.dump());
    keep("client", "/root/probes", "");
    const auto ran = lab_->inside(
        "client", {"env", "HYOPS_REQUEST=/root/request.json", "HYOPS_OUTPUTS=/root/outputs",
                   "HYOPS_PROBES=/root/probes", "HYOPS_SECRETS=/root/secrets", "python3",
                   "/root/" + pack + "/run.py"});
    const auto left =
        lab_->inside("client", {"cat", ran ? "/root/outputs" : "/root/outputs.error"});
    EXPECT_TRUE(left) << (ran ? "" : ran.error().message);
    return Json::parse(left.value_or("{}"), nullptr, false);
  }

  std::string probes() { return lab_->inside("client", {"cat", "/root/probes"}).value_or(""); }

  std::optional<TestLab> lab_;
};

TEST_F(Cutover, names_the_resolvers_that_do_not_follow_and_moves_the_name_all_the_same) {
  resolve("honest", "10.77.2.61", "");
  resolve("stale", "10.77.2.62", " cache-min-ttl: 3600\n");
  // Those behind the second do not exist, and keep nobody from asking the first once more.
  const Json left =
      move({{"resolvers", {"10.77.2.61", "10.77.2.62", "10.77.2.63", "10.77.2.64", "10.77.2.65"}}});
  EXPECT_EQ(left["address"], after) << left;
  EXPECT_EQ(left["laggards"], Json({"10.77.2.62", "10.77.2.63", "10.77.2.64", "10.77.2.65"}));
  EXPECT_EQ(ask(authority), after);
  EXPECT_EQ(ask("10.77.2.61"), after);
  EXPECT_EQ(ask("10.77.2.62"), before);
  EXPECT_NE(probes().find("\"10.77.3.20\", \"ok\": true, \"probe\": \"a client on this machine"),
            std::string::npos)
      << probes();
  // Once more changes nothing: a retry after success is a success.
  EXPECT_EQ(move(Json::object())["serial"], left["serial"]);
}

TEST_F(Cutover, lowers_the_ttl_ahead_and_waits_for_no_longer_one) {
  // As somebody left it: everybody may keep the answer for an hour.
  raise_ttl();
  resolve("honest", "10.77.2.61", "");
  const Json lowered = carry_out("ttl", Json::object());
  EXPECT_EQ(lowered["previous_ttl"], 3600) << lowered;
  EXPECT_EQ(ask(authority), before) << "the name has not moved";
  EXPECT_EQ(carry_out("ttl", Json::object())["previous_ttl"], 1) << "short enough already";
  EXPECT_EQ(carry_out("ttl", {{"expected", {{{"address", after}}}}})["class"], "conflict");
  // Lowered a moment before the move: what was remembered until then is still said, and waited for.
  const Json soon = move({{"resolvers", {"10.77.2.61"}},
                          {"wait", 1'000},
                          {"forgotten_at_ms", lowered["forgotten_at_ms"]}});
  EXPECT_EQ(soon["laggards"], Json({"10.77.2.61"})) << soon;
  EXPECT_TRUE(std::regex_search(probes(), std::regex("may have kept that for 3[0-9]{3} s")))
      << probes();
  ASSERT_EQ(
      move({{"target", {{{"address", before}}}}, {"expected", {{{"address", after}}}}})["address"],
      before);
  // Moved before the hour is over: who still holds the old answer is named and not waited for.
  raise_ttl();
  const Json left = move({{"resolvers", {"10.77.2.61"}}, {"wait", 1'000}});
  EXPECT_EQ(left["address"], after) << left;
  EXPECT_EQ(left["laggards"], Json({"10.77.2.61"}));
  EXPECT_NE(probes().find("may have kept that for 3600 s"), std::string::npos) << probes();
}

TEST_F(Cutover, waits_for_resolvers_that_remember_that_there_was_no_such_name) {
  // For four seconds, as the zone's SOA allows: longer than a cutover waits where nothing is
  // remembered.
  ASSERT_TRUE(lab_->inside(
      "authority", {"pdnsutil", "--config-dir=/etc/powerdns", "replace-rrset", "hyops.test", "@",
                    "SOA", "4", "ns.hyops.test hostmaster.hyops.test 9 600 60 86400 4"}));
  resolve("honest", "10.77.2.61", "");
  resolve("stale", "10.77.2.62", " cache-min-ttl: 3600\n");
  for (const char* resolver : {"10.77.2.61", "10.77.2.62"})
    EXPECT_EQ(ask(resolver, "new.hyops.test"), "");
  const Json left = move({{"name", "new.hyops.test"},
                          {"expected", Json::array()},
                          {"resolvers", {"10.77.2.61", "10.77.2.62"}}});
  EXPECT_EQ(left["address"], after) << left;
  EXPECT_EQ(left["laggards"], Json({"10.77.2.62"}));
  EXPECT_EQ(ask("10.77.2.61", "new.hyops.test"), after);
  EXPECT_NE(probes().find("still answers that there is no such name"), std::string::npos)
      << probes();
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
  const Json other{{"name", "db-old"}, {"address", "10.77.1.99"}};
  const Json left = move({{"expected", {other}}});
  EXPECT_EQ(left["class"], "conflict") << left;
  EXPECT_EQ(ask(authority), before);
  EXPECT_EQ(move({{"target", {{{"address", before}}}}})["class"], "invalid");
  EXPECT_EQ(ask(authority), before);
}

}  // namespace
}  // namespace hyops::labd
