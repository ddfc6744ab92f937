// The repository's side of a fence: a former primary that holds the right key is turned away by the
// repository's own sshd, and everybody else is not.
#include "lab/labd/test_lab.hpp"

namespace hyops::labd {
namespace {

constexpr const char* repository = "10.77.2.30";

std::string text_of(const std::string& file) {
  return read_file(HYOPS_SOURCE_DIR "/catalog/packs/postgresql/" + file).value_or("");
}

class RepositoryFence : public NeedsRoot {
 protected:
  void SetUp() override {
    NeedsRoot::SetUp();
    if (IsSkipped()) return;
    if (::access("/usr/bin/pgbackrest", X_OK) != 0) GTEST_SKIP() << "this needs pgBackRest";
    lab_.emplace();
    const Json host = lab_->place("edge", "repository", {{"address", repository}});
    old_ = lab_->place("onprem", "db-old", {{"address", "10.77.1.20"}});
    lab_->place("cloud", "db-new", {{"address", "10.77.3.20"}});
    ASSERT_TRUE(lab_->inside("repository",
                             {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key"}));
    const auto key = lab_->inside("repository", {"cat", "/root/key"});
    ASSERT_TRUE(key);
    const Json made = told("repository-pgbackrest/files/", {"repository.py", "make.py"},
                           {{"path", "/var/lib/pgbackrest"},
                            {"retention", 1},
                            {"values", {{"repository_key", *key}, {"repository_cipher", "x"}}}});
    ASSERT_TRUE(made["outputs"].contains("public_key")) << made;
    for (const char* database : {"db-old", "db-new"}) {
      ASSERT_TRUE(
          lab_->inside(database, {"install", "-m", "600", "/dev/stdin", "/root/key"}, *key));
      ASSERT_TRUE(
          lab_->inside(database, {"tee", "/root/known"},
                       std::string(repository) + " " + host["host_key"].get<std::string>() + "\n"));
    }
  }

  // What a program made of these fragments answers on the repository.
  Json told(const std::string& pack, const std::vector<std::string>& fragments, const Json& given) {
    std::string text =
        text_of(pack + "on_host.py") + "\ngiven = json.loads(" + Json(given.dump()).dump() + ")\n";
    for (const auto& fragment : fragments) text += text_of(pack + fragment) + "\n";
    const auto said = lab_->inside("repository", {"python3", "-"}, text);
    EXPECT_TRUE(said) << said.error().message;
    return Json::parse(said.value_or("{}"), nullptr, false);
  }
  Json fence(const std::string& program, bool revoked = true) {
    return told("revoke-repository/files/", {"repository.py", "admitted.py", program},
                {{"former", {old_}}, {"at", repository}, {"revoked", revoked}});
  }

  bool gets_in(const std::string& host) {
    const auto said =
        lab_->inside(host, {"ssh", "-i", "/root/key", "-o", "UserKnownHostsFile=/root/known", "-o",
                            "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o",
                            "ConnectTimeout=20", "-o", "IdentitiesOnly=yes",
                            std::string("pgbackrest@") + repository, "pgbackrest version"});
    return said && said->find("pgBackRest") != std::string::npos;
  }

  std::optional<TestLab> lab_;
  Json old_;
};

TEST_F(RepositoryFence, turns_the_former_primary_away_whatever_key_it_holds_and_nobody_else) {
  EXPECT_TRUE(gets_in("db-old"));
  EXPECT_TRUE(gets_in("db-new"));
  EXPECT_TRUE(fence("observe.py")["outputs"].empty()) << "nothing is revoked yet";

  const Json revoked = fence("revoke.py");
  ASSERT_TRUE(revoked["outputs"].contains("proof")) << revoked;
  const Json claim = Json::parse(revoked["outputs"]["proof"].get<std::string>());
  EXPECT_EQ(claim["kind"], "repository-revoked");
  EXPECT_EQ(claim["subject"]["hosts"][0]["name"], "db-old");
  EXPECT_FALSE(gets_in("db-old"));
  EXPECT_TRUE(gets_in("db-new")) << "the one that takes over has the same key";
  EXPECT_EQ(fence("revoke.py")["outputs"], revoked["outputs"]) << "twice is once";
  EXPECT_EQ(fence("observe.py")["outputs"], revoked["outputs"]);

  // Somebody gives the account another key: the fence is not seen in place any more.
  ASSERT_TRUE(lab_->inside("repository", {"sh", "-c",
                                          "sed -n 's/^from=[^ ]*,restrict/restrict/p' "
                                          "/var/lib/pgbackrest-home/.ssh/authorized_keys >/root/k "
                                          "&& cat /root/k >>/var/lib/pgbackrest-home/.ssh/"
                                          "authorized_keys"}));
  EXPECT_TRUE(gets_in("db-old"));
  EXPECT_TRUE(fence("observe.py")["outputs"].empty());

  EXPECT_EQ(fence("revoke.py", false)["outputs"]["proof"], "");
  EXPECT_TRUE(gets_in("db-old")) << "failback gives it back";
}

}  // namespace
}  // namespace hyops::labd
