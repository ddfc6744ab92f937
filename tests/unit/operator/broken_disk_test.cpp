// Every command that writes, on a disk without room and on one that takes nothing: it refuses with
// a code and a next step, and every file is afterwards what it was before; nothing half-written
// stands anywhere.
#include <unistd.h>

#include "operator.hpp"

namespace hyops::test {
namespace {

struct Told {
  int code = -1;
  std::string words, out;
};

class BrokenDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || own_mounts("mount -t tmpfs -o size=64k hyops-test /mnt").code != 0)
      GTEST_SKIP() << "this needs root and mount namespaces";
    site.lane("drill", "drill", "drill");
    site.blueprint(step("db", "data"));
    ASSERT_EQ(site.plan("drill").code, 0);
    ASSERT_EQ(site.approve("alice", "drill").code, 0);
    ASSERT_EQ(site.start().code, 0);
    ASSERT_EQ(site.plan("drill", "next.json").code, 0);
    fs::create_directories(site.path() / "approvals2");
    site.write("secrets.json", "{\"pin\":\"a-secret-value\"}");
    site.write("new.toml", read_file(site.at("lanes/drill/lane.toml")).value());
  }

  static Ran own_mounts(const std::string& script) {
    return Home::run_exactly({"/usr/bin/unshare", "--mount", "/bin/sh", "-euc", script});
  }

  std::vector<std::string> writing_commands() const {
    const std::string run = get_string(site.last_run(), "run");
    return {
        "plan test/flow --lane drill --reason x --to " + site.at("new.json"),
        "plan test/flow --lane drill --reason x --to " + site.at("plan.json"),
        "approval sign " + site.at("next.json") + " --lane drill --as bob --key " +
            site.at("keys/bob.key") + " --cost-cap 1.00 --to " + site.at("approvals2"),
        "decision issue --type failover --target cloud --lane drill --rationale x --repository "
        "main@backup --valid 30m --key " +
            site.at("keys/edge.key") + " --to " + site.at("decision.json"),
        "run start " + site.at("next.json") + " --by oncall --approvals " + site.at("approvals"),
        "run order " + site.at("next.json") + " --runner cloud --approvals " +
            site.at("approvals") + " --to " + site.at("order.json"),
        "run cancel " + run + " --by oncall",
        "run measured " + run + " --rows-lost 1 --source x --by oncall",
        "record export " + run + " --to " + site.at("exported"),
        "record report " + site.at("runs/" + run + "/record") + " --html " + site.at("report.html"),
        "key new dave",
        "runner init --name cloud --plane cloud --replace",
        "lane new staging --from " + site.at("new.toml"),
        "lane lock drill test/flow",
        "plugin new com.acme.clouds --kind provider --to " + site.at("acme")};
  }

  // Types each command in a mount namespace that `breaks` the home's disk, and lists what stands
  // there before the first and after the last.
  std::vector<Told> typed(const std::string& breaks, std::string& before, std::string& after) {
    const std::string list = "(cd " + site.path().string() +
                             " && find . -type f ! -name 'ledger.db-*' -exec sha256sum {} + | "
                             "sort); ";
    std::string script = breaks + "\n" + list + "echo @end; set +e\n";
    const auto commands = writing_commands();
    for (const auto& words : commands)
      script += HYOPS_BUILD_DIR "/bin/hyops " + words + " --home " + site.path().string() +
                " --catalog " + site.catalog().string() +
                " </dev/null 2>&1; code=$?; echo; echo @code $code\n";
    script += list;
    const Ran ran = own_mounts(script);
    std::vector<Told> told;
    std::string rest = ran.out;
    const auto cut = [&](const std::string& mark) {
      const size_t at = rest.find(mark);
      EXPECT_NE(at, std::string::npos) << mark << ran.out << ran.err;
      std::string piece = rest.substr(0, at);
      rest.erase(0, at == std::string::npos ? rest.size() : at + mark.size());
      return piece;
    };
    before = cut("@end\n");
    for (const auto& words : commands) {
      Told one{0, words, cut("@code ")};
      one.code = std::atoi(cut("\n").c_str());
      told.push_back(one);
    }
    after = rest;
    return told;
  }

  void expect_honest(const std::vector<Told>& told) {
    for (const auto& one : told) {
      SCOPED_TRACE(one.words + "\n" + one.out);
      EXPECT_NE(one.code, 0);
      EXPECT_TRUE(one.code <= 7 || one.code == 77) << one.code;
      EXPECT_NE(one.out.find("next: "), std::string::npos);
      EXPECT_NE(one.out.find("hyops explain "), std::string::npos);
      EXPECT_EQ(one.out.find("internal.defect"), std::string::npos);
    }
  }

  Operator site;
};

TEST_F(BrokenDisk, that_is_full_leaves_every_file_as_it_was) {
  const std::string home = site.path().string();
  std::string before, after;
  const auto told = typed("mount -t tmpfs -o size=40m hyops-test /mnt; cp -a " + home +
                              " /mnt/home; mount --bind /mnt/home " + home +
                              "; dd if=/dev/zero of=/mnt/filler bs=4k 2>/dev/null || true",
                          before, after);
  expect_honest(told);
  EXPECT_EQ(before, after);
}

TEST_F(BrokenDisk, that_is_read_only_leaves_every_file_as_it_was) {
  const std::string home = site.path().string();
  std::string before, after;
  const auto told = typed(
      "mount --bind " + home + " " + home + "; mount -o remount,ro,bind " + home, before, after);
  expect_honest(told);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace hyops::test
