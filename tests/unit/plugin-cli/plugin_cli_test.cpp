// The site owner's commands as they are typed: whose plugins may run here, until when, and what
// must not any more. The shared object is none, so whatever ran it would be noticed.
#include "base/digest.hpp"
#include "plugin/quarantine.hpp"
#include "unit/operator/operator.hpp"

namespace hyops::test {
namespace {

class Owner : public ::testing::Test {
 protected:
  Owner() {
    for (const char* name : {"acme", "moon"}) run({"key", "new", name, "--to", at("vendors")});
    put("com.acme.clouds");
    sign("com.acme.clouds", "acme");
  }
  Ran run(std::vector<std::string> words) const { return home_.run(std::move(words)); }
  std::string at(const std::string& name) const { return (home_.path() / name).string(); }
  std::string key(const std::string& name) const { return at("vendors/" + name); }

  std::string public_key(const std::string& name) const {
    return get_string(run({"key", "show", name, "--from", at("vendors"), "--json"}).json(), "key");
  }

  void put(const std::string& id) const {
    home_.write(id + "/plugin.so", "no shared object");
    home_.write(
        id + "/plugin.toml",
        "plugin = \"" + id +
            "\"\nversion = \"1.0.0\"\ntitle = \"Clouds\"\nvendor = \"Acme Ltd\"\nabi = "
            "\"1.0\"\nstatus = \"preview\"\nimplements = [\"hyops.provider/1\"]\nrequires = "
            "[\"hyops.http/1\", \"hyops.exec/1\"]\nhttp.hosts = [\"{config.api}\"]\n"
            "exec.executables = [\"ssh\"]\npaths.read = [\"/etc/acme\"]\nnetwork.direct = "
            "[\"udp:53\"]\n[inputs]\napi = { type = \"string\", required = true, doc = "
            "\"URL of the API.\" }\n");
  }
  void sign(const std::string& what, const std::string& by) const {
    const auto done = run({"plugin", "sign", at(what), "--key", key(by + ".key")});
    EXPECT_EQ(done.code, 0) << done.err;
  }
  Ran trust(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"plugin",
                                   "trust",
                                   key(name + ".pub"),
                                   "--name",
                                   name,
                                   "--ids",
                                   "com." + name + ".",
                                   "--interfaces",
                                   "hyops.provider/1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Ran install() const { return run({"plugin", "install", at("com.acme.clouds"), "--replace"}); }
  Ran revoke(const std::string& what, std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"plugin", "trust", "--revoke", what, "--reason", "CVE-2026-1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Ran take(const std::string& list) const {
    return run({"plugin", "trust", "--revocations", at(list)});
  }
  // A list that this vendor signed.
  void list(const std::string& file, int serial, const std::string& revoked,
            const std::string& by = "acme") const {
    home_.write(file, "serial = " + std::to_string(serial) + "\n" + revoked);
    sign(file, by);
  }
  static std::string version(const std::string& number, const std::string& id = "com.acme.clouds") {
    return "[[revoked]]\nplugin = \"" + id + "\"\nversions = [\"" + number +
           "\"]\nreason = \"CVE-2026-2\"\n";
  }
  std::string refusal() const {  // of the installed plugin
    const Json all = run({"plugin", "list", "--json"}).json();
    for (const auto& item : all)
      if (get_string(item, "plugin") == "com.acme.clouds")
        return item.contains("refused") ? get_string(item["refused"], "code") : "";
    return "not installed";
  }

  Home home_;
};

TEST_F(Owner, reads_what_a_plugin_is_and_may_do_before_any_of_it_runs) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  const auto said = run({"plugin", "describe", "com.acme.clouds"});
  EXPECT_EQ(said.code, 0);
  for (const char* word :
       {"Acme Ltd", "preview", "ABI 1.0", "signed by:   acme", "hyops.provider/1",
        "plan, apply, observe, release", "{config.api}", "ssh", "/etc/acme", "udp:53", "api",
        "string, required", "URL of the API."})
    EXPECT_TRUE(said.says(word)) << word << "\n" << said.out;
  const Json about = run({"plugin", "describe", "com.acme.clouds", "--json"}).json();
  EXPECT_EQ(get_string(about, "signed_by"), "acme");
  EXPECT_EQ(about["direct"], Json::array({"udp:53"}));
  EXPECT_TRUE(refused(run({"plugin", "describe", "com.acme.cloud"}), 2, "plugin.unknown"));
  EXPECT_TRUE(run({"plugin", "describe", "com.acme.cloud"}).says("com.acme.clouds"));

  ASSERT_EQ(run({"plugin", "trust", "--remove", "acme"}).code, 0);
  const auto stranger = run({"plugin", "describe", "com.acme.clouds"});
  EXPECT_EQ(stranger.code, 0) << "what is refused can still be read";
  EXPECT_TRUE(stranger.says("plugin.signature.unknown_key"));
}

TEST_F(Owner, trusts_a_key_until_a_day) {
  EXPECT_TRUE(refused(trust("acme", {"--expires", "soon"}), 2, "plugin.trust.invalid"));
  ASSERT_EQ(trust("acme", {"--expires", "2020-01-01"}).code, 0);
  EXPECT_TRUE(run({"plugin", "trust"}).says("until 2020-01-01"));
  EXPECT_TRUE(install().says("plugin.key.expired"));
  EXPECT_EQ(refusal(), "not installed");
  ASSERT_EQ(run({"plugin", "trust", "--remove", "acme"}).code, 0);
  ASSERT_EQ(trust("acme", {"--expires", "2999-01-01"}).code, 0);
  EXPECT_EQ(get_string(run({"plugin", "trust", "--json"}).json()["keys"].back(), "expires"),
            "2999-01-01");
  EXPECT_EQ(install().code, 0);
}

TEST_F(Owner, revokes_a_version_a_file_or_a_key) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  EXPECT_TRUE(
      refused(run({"plugin", "trust", "--revoke", "com.acme.clouds"}), 2, "plugin.trust.invalid"))
      << "no reason";
  const std::string digest = *digest_of_file(home_.path() / "plugins/com.acme.clouds/plugin.toml");
  const fs::path revoked = home_.path() / "trust/revoked.toml";
  ASSERT_EQ(revoke("com.acme.clouds", {"--versions", "0.9.0"}).code, 0);
  EXPECT_EQ(refusal(), "") << "another version";
  for (const auto& [what, code] :
       {std::pair<std::string, std::string>{"com.acme.clouds", "plugin.revoked"},
        {digest, "plugin.revoked"},
        {key("acme.pub"), "plugin.key.revoked"}}) {
    ASSERT_EQ(revoke(what).code, 0);
    EXPECT_EQ(refusal(), code) << what;
    EXPECT_TRUE(refused(install(), 3, code));
    EXPECT_TRUE(run({"plugin", "trust"}).says("CVE-2026-1"));
    fs::remove(revoked);
    EXPECT_EQ(refusal(), "");
  }
}

TEST_F(Owner, takes_a_vendors_newer_list_and_never_an_older_one) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  list("first.toml", 1, "");
  list("second.toml", 2, version("1.0.0"));
  list("other.toml", 2, version("0.9.0"));
  list("third.toml", 3, version("0.9.0"));
  ASSERT_EQ(take("first.toml").code, 0);
  ASSERT_EQ(take("second.toml").code, 0);
  EXPECT_EQ(refusal(), "plugin.revoked");
  EXPECT_TRUE(refused(take("first.toml"), 3, "plugin.revocations.older"));
  EXPECT_TRUE(refused(take("other.toml"), 3, "plugin.revocations.older")) << "same serial";
  EXPECT_EQ(take("second.toml").code, 0) << "the one that stands here";
  EXPECT_EQ(refusal(), "plugin.revoked");
  const Json lists = run({"plugin", "trust", "--json"}).json()["lists"];
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(get_int(lists[0], "serial"), 2);

  // Forgetting the key and trusting it again is no way round.
  ASSERT_EQ(run({"plugin", "trust", "--remove", "acme"}).code, 0);
  EXPECT_EQ(refusal(), "plugin.signature.unknown_key");
  ASSERT_EQ(trust("acme").code, 0);
  EXPECT_EQ(refusal(), "plugin.revoked");
  EXPECT_TRUE(refused(take("first.toml"), 3, "plugin.revocations.older"));
  ASSERT_EQ(take("third.toml").code, 0);
  EXPECT_EQ(refusal(), "") << "the newest list says what is revoked";
}

TEST_F(Owner, takes_a_list_from_those_who_may_say_it_and_for_their_own_plugins) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  list("moons.toml", 1, version("1.0.0"), "moon");
  EXPECT_TRUE(refused(take("moons.toml"), 3, "plugin.signature.unknown_key"));
  ASSERT_EQ(trust("moon").code, 0);
  EXPECT_TRUE(refused(take("moons.toml"), 3, "plugin.scope.id")) << "it is not moon's plugin";
  list("stolen.toml", 1,
       "[[revoked]]\nkey = \"" + public_key("acme") + "\"\nreason = \"says moon\"\n", "moon");
  ASSERT_EQ(take("stolen.toml").code, 0);
  EXPECT_EQ(refusal(), "") << "moon has no say about what acme signs for itself";

  list("good.toml", 5, version("1.0.0"));
  home_.write("good.toml", "serial = 6\n" + version("0.0.1"));
  EXPECT_TRUE(take("good.toml").says("plugin.signature."));
  fs::remove(at("good.toml.minisig"));
  EXPECT_TRUE(take("good.toml").says("plugin.signature.missing"));
  home_.write("none.toml", version("1.0.0"));
  EXPECT_TRUE(refused(run({"plugin", "sign", at("none.toml"), "--key", key("acme.key")}), 2,
                      "plugin.trust.invalid"))
      << "a list without a serial";

  // Its own key, stolen: from then on not even a newer list with it is believed.
  list("mine.toml", 7,
       "[[revoked]]\nkey = \"" + public_key("acme") + "\"\nreason = \"the laptop is gone\"\n");
  ASSERT_EQ(take("mine.toml").code, 0);
  EXPECT_EQ(refusal(), "plugin.key.revoked");
  list("thief.toml", 8, "");
  EXPECT_TRUE(refused(take("thief.toml"), 3, "plugin.key.revoked"));
}

// Pins: what was rehearsed runs, and nothing else, however well it is signed.
TEST_F(Owner, pins_what_was_rehearsed) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  const auto first = run({"plugin", "lock"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_TRUE(first.says("com.acme.clouds is new: 1.0.0 with sha256:"));
  EXPECT_TRUE(run({"plugin", "lock"}).says("nothing changed"));
  EXPECT_EQ(refusal(), "");

  home_.write("com.acme.clouds/plugin.so", "another object");
  sign("com.acme.clouds", "acme");
  ASSERT_EQ(install().code, 0);
  EXPECT_EQ(refusal(), "plugin.lock.changed") << "signed, and not what was rehearsed";
  EXPECT_TRUE(run({"plugin", "lock"}).says("com.acme.clouds was 1.0.0 with sha256:"));
  EXPECT_EQ(refusal(), "");

  ASSERT_EQ(run({"plugin", "remove", "com.acme.clouds"}).code, 0);
  EXPECT_TRUE(run({"plugin", "lock", "--complete"}).says("com.acme.clouds is gone"));
  ASSERT_EQ(install().code, 0);
  EXPECT_EQ(refusal(), "plugin.lock.missing");
  EXPECT_TRUE(refused(run({"plugin", "lock", "--lane", "nowhere"}), 2, "cli.lane.unknown"));

  home_.write("plugins.lock", "complete = maybe");
  EXPECT_TRUE(refused(run({"plugin", "lock"}), 2, "plugin.lock.invalid"));
  EXPECT_TRUE(refused(run({"plugin", "list"}), 2, "plugin.lock.invalid")) << "nothing is guessed";
  ASSERT_EQ(run({"plugin", "lock", "--remove"}).code, 0) << "the way out";
  EXPECT_EQ(refusal(), "");
}

TEST_F(Owner, keeps_the_pin_of_a_plugin_that_is_refused) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  ASSERT_EQ(run({"plugin", "lock"}).code, 0);
  ASSERT_EQ(run({"plugin", "trust", "--remove", "acme"}).code, 0);
  const Json again = run({"plugin", "lock", "--json"}).json();
  EXPECT_EQ(again["changes"], Json::array());
  EXPECT_EQ(get_string(again["refused"][0], "code"), "plugin.signature.unknown_key");
}

TEST_F(Owner, lets_a_plugin_back_that_crashed_too_often) {
  ASSERT_EQ(trust("acme").code, 0);
  ASSERT_EQ(install().code, 0);
  const std::string digest = *digest_of_file(home_.path() / "plugins/com.acme.clouds/plugin.toml");
  plugin::Quarantine crashes(home_.path() / "quarantine");
  for (int n = 0; n < 3; ++n)
    ASSERT_TRUE(crashes.crashed("com.acme.clouds", digest, "apply", "killed by signal 11"));
  EXPECT_EQ(refusal(), "plugin.quarantined");
  EXPECT_TRUE(run({"plugin", "describe", "com.acme.clouds"}).says("in apply at "));
  EXPECT_TRUE(refused(run({"plugin", "lift", "com.acme.clouds"}), 2, "cli.usage")) << "no reason";
  ASSERT_EQ(
      run({"plugin", "lift", "com.acme.clouds", "--by", "alice", "--reason", "API mended"}).code,
      0);
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(run({"plugin", "describe", "com.acme.clouds"}).says("let back:    by alice"));
  EXPECT_TRUE(refused(run({"plugin", "lift", "com.acme.clouds", "--reason", "again"}), 2,
                      "plugin.quarantine.unknown"));
}

}  // namespace
}  // namespace hyops::test
