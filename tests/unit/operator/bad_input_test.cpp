// What a tired person, a broken disk or somebody hostile can hand to hyops: every refusal has a
// code, a sentence and a next step, and nothing that was there before is lost.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "operator.hpp"

namespace hyops::test {
namespace {

class BadInput : public testing::Test {
 protected:
  BadInput() {
    site.lane("drill", "drill", "drill");
    site.blueprint(step("db", "data"));
  }
  // Runs a script in a mount namespace of its own; what it mounts is gone with it.
  Ran in_own_mounts(const std::string& script) const {
    return Home::run_exactly({"/usr/bin/unshare", "--mount", "/bin/sh", "-euc", script});
  }
  std::string hyops(const std::string& words) const {
    return HYOPS_BUILD_DIR "/bin/hyops " + words + " --home " + site.path().string() +
           " --catalog " + site.catalog().string();
  }
  void approved() {
    ASSERT_EQ(site.plan("drill").code, 0);
    ASSERT_EQ(site.approve("alice", "drill").code, 0);
  }
  Operator site;
};

bool may_mount() {
  return ::geteuid() == 0 && Home::run_exactly({"/usr/bin/unshare", "--mount", "/bin/sh", "-euc",
                                                "mount -t tmpfs -o size=64k hyops-test /mnt"})
                                     .code == 0;
}

TEST_F(BadInput, toml_of_any_bytes_is_answered_with_its_place) {
  std::string odd, deep;
  for (int c = 0; c < 256; ++c) odd += static_cast<char>(c);
  for (int i = 0; i < 5000; ++i) deep += "[";
  for (const std::string& text :
       {std::string(), odd, std::string("\0\0\0", 3), std::string("[&"),
        std::string("\xef\xbb\xbf"), std::string("blueprint = \"test/flow\"\xff"), "x = " + deep,
        std::string("a = 1\r\nb = \"\r\n"), std::string("blueprint = \"\"\"\n"),
        std::string(2u << 20, '#'),
        std::string("blueprint = \"test/flow\"\nblueprint = \"again\"\n")}) {
    site.write("catalog/blueprints/test/flow/blueprint.toml", text);
    EXPECT_TRUE(refused(site.plan("drill"), 2, "blueprint.toml"));
    EXPECT_TRUE(refused(site.hyops({"blueprint", "check", "test/flow"}), 2, "blueprint.toml"));
    site.write("lanes/odd/lane.toml", text);
    EXPECT_TRUE(refused(site.plan("odd"), 2, "lane.toml"));
    EXPECT_TRUE(refused(site.hyops({"lane", "check", "odd"}), 2, "lane.toml"));
  }
}

TEST_F(BadInput, files_that_are_missing_or_no_files_are_named) {
  EXPECT_TRUE(refused(site.hyops({"run", "start", site.at("none.json")}), 5, "none.json"));
  EXPECT_TRUE(refused(site.hyops({"run", "start", site.path().string()}), 2, "file.kind"));
  EXPECT_TRUE(refused(site.hyops({"plan", "test/nothing", "--lane", "drill"}), 2,
                      "contract.unknown.blueprint"));
  EXPECT_TRUE(refused(site.hyops({"plan", "test/flwo", "--lane", "drill"}), 2, "test/flow"));
  for (const char* name : {"../../etc/passwd", "test/../flow", "a\nb/c", "/etc", "a b/c", ""})
    EXPECT_EQ(site.hyops({"plan", name, "--lane", "drill"}).code, 2) << name;
  for (const char* name : {"../../etc", "a\nb", "", "-"})
    EXPECT_NE(site.hyops({"run", "show", name}).code, 0) << name;
  fs::create_directories(site.path() / "approvals");
  site.write("plan.json", "[]");
  EXPECT_TRUE(refused(site.start(), 2, "plan.malformed"));
  site.write("plan.json", std::string(100'000, '['));
  EXPECT_TRUE(refused(site.start(), 2, "json.syntax"));
}

TEST_F(BadInput, names_that_leave_their_place_are_refused_where_they_stand) {
  for (const std::string id : {"../evil", "a\\nb", "a b", "", "/etc", "lane", "a.b"}) {
    site.blueprint(step(id, "data"));
    EXPECT_EQ(site.plan("drill").code, 2) << id;
  }
  for (const std::string module :
       {"../../evil", "test/../say", "test/say/x", "say", "test/s\\ny"}) {
    site.blueprint(step("db", "data", "", module));
    EXPECT_EQ(site.plan("drill").code, 2) << module;
  }
  site.blueprint(step("db", "data", "instance = \"../evil\""));
  EXPECT_EQ(site.plan("drill").code, 2);
}

TEST_F(BadInput, a_pack_that_points_out_of_its_folder_is_refused) {
  site.write("catalog/packs/test/say/pack.toml",
             "pack = \"test/say\"\nversion = \"1.0.0\"\nmodule = \"test/say\"\ndriver = "
             "\"process\"\n[process]\nrun = [\"./../../../../../bin/sh\"]\n");
  EXPECT_TRUE(refused(site.plan("drill"), 2, "contract.pack.file"));
  site.write("catalog/packs/test/say/pack.toml",
             "pack = \"test/say\"\nversion = \"1.0.0\"\nmodule = \"test/say\"\ndriver = "
             "\"process\"\n[process]\nrun = [\"./run.sh\"]\n");
  fs::create_symlink("/etc/passwd", site.catalog() / "packs/test/say/data");
  const Ran linked = site.plan("drill");
  EXPECT_NE(linked.code, 0) << "a link brings in what nobody reviewed";
  EXPECT_TRUE(linked.says("next: ")) << linked.err;
}

TEST_F(BadInput, an_approval_that_is_empty_approves_nothing) {
  approved();
  for (const char* text : {"", " \n", "{}", "null", "[]"}) {
    site.write("approvals/alice.json", text);
    EXPECT_EQ(site.start().code, 2) << text;
  }
  site.write("approvals/alice.json", "");
  EXPECT_TRUE(refused(site.start(), 2, "trust.approval.empty"));
  fs::remove(site.at("approvals/alice.json.minisig"));
  EXPECT_EQ(site.start().code, 2);
  EXPECT_EQ(site.runs(), 0u);
}

TEST_F(BadInput, a_ledger_that_was_cut_short_is_refused_and_left_as_it_is) {
  approved();
  ASSERT_EQ(site.start().code, 0);
  const auto whole = read_file(site.at("ledger.db")).value();
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{100}, size_t{4096}, whole.size() / 2, whole.size() - 4096}) {
    fs::remove(site.at("ledger.db-wal"));
    fs::remove(site.at("ledger.db-shm"));
    site.write("ledger.db", whole.substr(0, size));
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"run", "list"}, {"plan", "test/flow", "--lane", "drill"}}) {
      const Ran ran = site.hyops(words);
      EXPECT_NE(ran.code, 0) << size << " bytes: " << words[0] << ran.out;
      EXPECT_TRUE(ran.says("ledger.") && ran.says("next: ")) << size << ran.err;
    }
    EXPECT_TRUE(refused(site.start(), 1, "ledger."));
    EXPECT_EQ(read_file(site.at("ledger.db")).value(), whole.substr(0, size)) << "left as it is";
  }
  fs::remove(site.at("ledger.db-wal"));
  fs::remove(site.at("ledger.db-shm"));
  site.write("ledger.db", whole);
  EXPECT_EQ(site.runs(), 1u) << "a good copy put back is good";
}

TEST_F(BadInput, a_home_that_cannot_be_written_is_said_before_anything_is_done) {
  if (!may_mount()) GTEST_SKIP() << "this needs root and mount namespaces";
  approved();
  const auto before = digest_of_tree(site.path() / "approvals").value();
  const std::string home = site.path().string();
  for (const std::string& words :
       {"run start " + site.at("plan.json") + " --approvals " + site.at("approvals"),
        std::string("plan test/flow --lane drill --to ") + site.at("other.json"),
        std::string("key new dave")}) {
    const Ran ran = in_own_mounts("mount --bind " + home + " " + home +
                                  "; mount -o remount,ro,bind " + home + "; exec " + hyops(words));
    EXPECT_NE(ran.code, 0) << words;
    EXPECT_LT(ran.code, 100) << words;
    EXPECT_TRUE(ran.says("next: ")) << words << ran.err;
  }
  EXPECT_EQ(digest_of_tree(site.path() / "approvals").value(), before);
  EXPECT_EQ(site.start().code, 0) << "the approval is as good as it was";
}

TEST_F(BadInput, a_full_disk_ends_a_run_honestly_and_costs_no_approval) {
  if (!may_mount()) GTEST_SKIP() << "this needs root and mount namespaces";
  approved();
  // A copy of the home on a disk of its own, filled to the last block; then given room again.
  const std::string home = site.path().string();
  const Ran ran = in_own_mounts("mount -t tmpfs -o size=8m hyops-test /mnt; cp -a " + home +
                                " /mnt/home; "
                                "mount --bind /mnt/home " +
                                home +
                                "; dd if=/dev/zero of=/mnt/filler bs=4k 2>/dev/null || true; "
                                "set +e; " +
                                hyops("run start " + site.at("plan.json") +
                                      " --by oncall --approvals " + site.at("approvals")) +
                                "; echo full=$?; rm /mnt/filler; " +
                                hyops("run start " + site.at("plan.json") +
                                      " --by oncall --approvals " + site.at("approvals")) +
                                "; echo room=$?; " + hyops("run list --json"));
  EXPECT_TRUE(ran.says("full=5")) << ran.out << ran.err;
  EXPECT_TRUE(ran.says("disk_full") || ran.says("file.write")) << ran.err;
  EXPECT_TRUE(ran.says("next: ")) << ran.err;
  EXPECT_TRUE(ran.says("room=0")) << ran.out << ran.err;
}

TEST_F(BadInput, a_cycle_is_told_with_its_path) {
  site.blueprint(step("a", "data", "needs = [\"c\"]") + step("b", "data", "needs = [\"a\"]") +
                 step("c", "data", "needs = [\"b\"]"));
  const Ran ran = site.plan("drill");
  EXPECT_TRUE(refused(ran, 2, "contract.cycle"));
  EXPECT_TRUE(ran.says("a") && ran.says("b") && ran.says("c") && ran.says(" -> ")) << ran.err;
}

TEST_F(BadInput, a_hundred_thousand_steps_are_refused_in_words_and_the_most_that_fit_are_planned) {
  std::string steps;
  for (int i = 0; i < 100'000; ++i) steps += step("s" + std::to_string(i), "data");
  site.blueprint(steps);
  EXPECT_TRUE(refused(site.plan("drill"), 2, "file.too_large"));
  steps.clear();
  for (int i = 0; i < 5'000; ++i)
    steps += step("s" + std::to_string(i), "data",
                  i ? "needs = [\"s" + std::to_string(i - 1) + "\"]" : "");
  site.blueprint(steps);
  const Ran planned = site.plan("drill");
  EXPECT_EQ(planned.code, 0) << planned.err;
}

// A plan document has no TOML limit: it may come from a generator.
TEST_F(BadInput, a_plan_document_of_more_steps_than_a_blueprint_can_have_is_read) {
  ASSERT_EQ(site.plan("drill").code, 0);
  Json plan = Json::parse(read_file(site.at("plan.json")).value());
  const Json one = plan["steps"][0];
  for (int i = 1; i < 20'000; ++i) {
    plan["steps"].push_back(one);
    plan["steps"].back()["id"] = "s" + std::to_string(i);
  }
  site.write("huge.json", canonical(plan).value());
  const Ran diff = site.hyops({"plan", "diff", site.at("huge.json"), site.at("plan.json")});
  EXPECT_EQ(diff.code, 0) << diff.err.substr(0, 1000);
  EXPECT_TRUE(diff.says("step s19999 is gone"));
}

TEST_F(BadInput, a_runner_that_does_not_answer_is_named_with_what_to_do) {
  const std::string key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  const std::string seal = get_string(site.run({"runner", "status", "--json"}).json()["runner"],
                                      "seal"),
                    sign = get_string(site.run({"runner", "status", "--json"}).json()["runner"],
                                      "key");
  // Port 1 of this machine: nobody listens there.
  site.lane("drill", "drill", "drill",
            "[runners.far]\nplane = \"far\"\nkey = \"" + sign + "\"\nseal = \"" + seal +
                "\"\nendpoint = { name = \"far\", address = \"127.0.0.1\", port = 1, user = "
                "\"root\", host_key = \"" +
                key + "\" }\n");
  approved();
  const Ran ran = site.hyops({"run", "dispatch", site.at("plan.json"), "--approvals",
                              site.at("approvals"), "--runner", "far", "--by", "oncall"});
  EXPECT_NE(ran.code, 0);
  EXPECT_TRUE(ran.says("next: ")) << ran.err;
  EXPECT_EQ(site.start().code, 0) << "an order that never arrived used up nothing";
}

}  // namespace
}  // namespace hyops::test
