// A plugin that crashes again and again is kept away, and people let it back.
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

class PluginQuarantine : public ::testing::Test {
 protected:
  PluginQuarantine() { there_.put_signed("test.broken", "broken"); }

  // A new registry each time, as a new process would have.
  Registry registry() const {
    auto sources = there_.registry()->sources();
    sources.quarantine = there_.root() / "quarantine";
    return *Registry::open(sources);
  }
  std::string call(const std::string& how, const std::string& verb = "apply") const {
    auto instance = Instance::start(registry(), "test.broken", Json::object(), {});
    if (!instance) return instance.error().code;
    return code(instance->call(request(verb, {{"how", how}})));
  }

  PluginFolder there_;
};

TEST_F(PluginQuarantine, begins_at_the_third_crash_and_outlives_the_process) {
  for (const char* how : {"segv", "abort", "throw"}) EXPECT_NE(call(how), "plugin.quarantined");
  EXPECT_EQ(call("good"), "plugin.quarantined");
  const auto cases = registry().quarantine().list();
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_TRUE(cases[0].quarantined());
  EXPECT_EQ(cases[0].plugin, "test.broken");
  EXPECT_EQ(cases[0].crashes[0].where, "apply");
  EXPECT_NE(cases[0].crashes[0].how.find("signal 11"), std::string::npos);
  auto said = registry().describe("test.broken");
  ASSERT_TRUE(said);
  EXPECT_EQ((*said)["refused"]["code"], "plugin.quarantined");
}

TEST_F(PluginQuarantine, says_so_with_the_crash_that_was_one_too_many) {
  call("segv");
  call("segv");
  auto instance = Instance::start(registry(), "test.broken", Json::object(), {});
  ASSERT_TRUE(instance);
  auto last = instance->call(request("apply", {{"how", "segv"}}));
  ASSERT_FALSE(last);
  EXPECT_NE(last.error().text().find("quarantine"), std::string::npos) << last.error().text();
}

TEST_F(PluginQuarantine, is_far_again_once_the_verb_that_crashed_is_good) {
  call("segv");
  call("segv");
  EXPECT_EQ(call("good", "observe"), "ok");
  EXPECT_EQ(registry().quarantine().list()[0].crashes.size(), 2u)
      << "an observe that works does not excuse an apply that crashes";
  EXPECT_EQ(call("good"), "ok");
  EXPECT_TRUE(registry().quarantine().list()[0].crashes.empty());
}

TEST_F(PluginQuarantine, is_not_for_plugins_that_fail_properly_or_are_slow) {
  for (int n = 0; n < 4; ++n) EXPECT_EQ(call("no-code"), "plugin.answer.code");
  EXPECT_TRUE(registry().quarantine().list().empty());
}

TEST_F(PluginQuarantine, counts_a_plugin_that_dies_before_it_is_ready) {
  there_.put_signed("test.broken", "broken", "[inputs.how]\ntype = \"string\"\n");
  const Json config{{"how", "die-in-create"}};
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(code(Instance::start(registry(), "test.broken", config, {})), "plugin.load.died");
  EXPECT_EQ(code(Instance::start(registry(), "test.broken", config, {})), "plugin.quarantined");
}

TEST_F(PluginQuarantine, is_lifted_by_a_person_with_a_reason_that_is_kept) {
  for (int n = 0; n < 3; ++n) call("segv");
  Quarantine all = registry().quarantine();
  EXPECT_EQ(code(all.lift("test.broken", "alice", "")), "plugin.quarantine.reason");
  EXPECT_EQ(code(all.lift("test.other", "alice", "x")), "plugin.quarantine.unknown");
  EXPECT_EQ(code(all.lift("../x", "alice", "x")), "plugin.quarantine.unknown");
  ASSERT_TRUE(all.lift("test.broken", "alice", "the platform sent nonsense, it does no more"));
  EXPECT_EQ(code(all.lift("test.broken", "alice", "again")), "plugin.quarantine.unknown");
  EXPECT_EQ(call("good"), "ok");
  const auto cases = registry().quarantine().list();
  ASSERT_EQ(cases[0].lifted.size(), 1u);
  EXPECT_EQ(cases[0].lifted[0]["by"], "alice");
  EXPECT_EQ(cases[0].lifted[0]["crashes"], 3);
}

TEST_F(PluginQuarantine, does_not_follow_a_plugin_to_its_next_version) {
  for (int n = 0; n < 3; ++n) call("segv");
  EXPECT_EQ(call("good"), "plugin.quarantined");
  there_.put_signed("test.broken", "broken", "requires = [\"hyops.log/1\"]\n");
  EXPECT_EQ(call("good"), "ok");
}

TEST_F(PluginQuarantine, does_not_guess_at_a_damaged_file) {
  call("segv");
  PluginFolder::write(there_.root() / "quarantine/test.broken.json", "{\"plugin\":");
  EXPECT_EQ(call("good"), "plugin.quarantine.unreadable");
}

}  // namespace
}  // namespace hyops::plugin
