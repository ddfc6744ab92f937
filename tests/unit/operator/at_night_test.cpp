// At three in the morning: a terminal goes, options are forgotten, and nobody wants to type a lane
// twice.
#include "operator.hpp"

namespace hyops::test {

TEST(AtNight, a_run_goes_on_when_the_terminal_that_started_it_is_gone) {
  Operator site;
  // The step itself hangs its core up, as the kernel does when a terminal is gone.
  site.tool("hang-up", "[effects]\n",
            "pid=$(" HYOPS_BUILD_DIR "/bin/hyops lane show drill --json --home " +
                site.path().string() +
                " | sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p')\n"
                "kill -HUP \"$pid\"\n");
  site.lane("drill", "drill", "drill");
  site.blueprint(step("one", "data", "", "test/hang-up") + step("two", "readiness"));
  ASSERT_EQ(site.plan("drill").code, 0);
  ASSERT_EQ(site.approve("alice", "drill").code, 0);
  const Ran ran = site.start();
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_EQ(site.last_run()["status"], "ok");
}

TEST(AtNight, little_has_to_be_typed_and_all_that_is_missing_is_said_at_once) {
  Operator site;
  site.lane("drill", "drill", "drill");
  site.blueprint(step("one", "data"));
  ASSERT_EQ(site.plan("drill").code, 0);
  const Ran short_of = site.hyops({"approval", "sign", site.at("plan.json")});
  EXPECT_EQ(short_of.code, 2);
  for (const char* option : {"--as", "--key", "--cost-cap"})
    EXPECT_TRUE(short_of.says(option)) << short_of.err;
  ASSERT_EQ(site.hyops({"approval", "sign", site.at("plan.json"), "--as", "alice", "--key",
                        site.at("keys/alice.key"), "--cost-cap", "0", "--to", site.at("word")})
                .code,
            0);
  const Ran ran =
      site.hyops({"run", "start", site.at("plan.json"), "--approvals", site.at("word/alice.json")});
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  const Ran verified = site.run({"record", "verify", "last"});
  EXPECT_EQ(verified.code, 0) << verified.out;
  EXPECT_TRUE(verified.says("signed by runner")) << verified.out;
}

TEST(AtNight, a_run_that_finds_its_lane_held_says_how_it_goes_on_later) {
  Operator site;
  site.lane("drill", "drill", "drill");
  site.blueprint(step("one", "data"));
  ASSERT_EQ(site.plan("drill").code, 0);
  ASSERT_EQ(site.approve("alice", "drill").code, 0);
  auto ledger = site.ledger();
  const auto held = ledger.take_lease("drill", RunId("rbefore"));
  ASSERT_TRUE(held);
  const Ran refused = site.start();
  EXPECT_EQ(refused.code, 4);
  const std::string run = get_string(site.last_run(), "run");
  EXPECT_TRUE(refused.says("hyops run resume " + run)) << refused.err;
  ASSERT_TRUE(ledger.release_lease("drill", RunId("rbefore"), held->token));
  EXPECT_EQ(site.hyops({"run", "resume", run}).code, 0);
}

}  // namespace hyops::test
