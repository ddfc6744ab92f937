// What a plugin can do wrong inside a verb, and what is known afterwards.
#include <signal.h>

#include <atomic>
#include <thread>

#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

struct Broken {
  const char* how;
  const char* code;
  bool unknown;  // nobody knows whether the verb took effect
};
class BrokenVerb : public ::testing::TestWithParam<Broken> {};
TEST_P(BrokenVerb, has_a_code_and_says_whether_the_outcome_is_known) {
  PluginFolder there;
  there.put_signed("test.broken", "broken");
  auto instance = there.start("test.broken");
  ASSERT_TRUE(instance) << instance.error().text();
  auto answer = instance->call(request("apply", {{"how", GetParam().how}}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, GetParam().code) << answer.error().text();
  EXPECT_EQ(outcome_is_unknown(answer.error()), GetParam().unknown);
  EXPECT_FALSE(answer.error().next.empty());
}
INSTANTIATE_TEST_SUITE_P(All, BrokenVerb,
                         ::testing::Values(Broken{"silent", "plugin.answer.none", false},
                                           Broken{"twice", "plugin.answer.twice", false},
                                           Broken{"both", "plugin.answer.both", false},
                                           Broken{"fail-twice", "plugin.answer.twice", false},
                                           Broken{"not-json", "plugin.answer.malformed", false},
                                           Broken{"not-object", "plugin.answer.malformed", false},
                                           Broken{"float", "plugin.answer.malformed", false},
                                           Broken{"not-utf8", "plugin.answer.malformed", false},
                                           Broken{"no-code", "plugin.answer.code", false},
                                           Broken{"core-code", "plugin.answer.code", false},
                                           Broken{"no-class", "plugin.answer.code", false},
                                           Broken{"huge", "plugin.protocol", true},
                                           Broken{"throw", "plugin.protocol", true},
                                           Broken{"bad-frame", "plugin.protocol", true},
                                           Broken{"segv", "plugin.died", true},
                                           Broken{"abort", "plugin.died", true},
                                           Broken{"exit", "plugin.died", true}),
                         [](const auto& about) {
                           std::string name = about.param.how;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(PluginCall, names_the_signal_that_killed_the_helper_and_sends_nothing_to_a_dead_one) {
  PluginFolder there;
  there.put_signed("test.broken", "broken");
  auto instance = there.start("test.broken");
  ASSERT_TRUE(instance);
  auto died = instance->call(request("apply", {{"how", "segv"}}));
  ASSERT_FALSE(died);
  EXPECT_NE(died.error().message.find("signal 11"), std::string::npos) << died.error().message;
  EXPECT_FALSE(instance->running());
  auto again = instance->call(request("apply"));
  EXPECT_EQ(code(again), "plugin.stopped");
  EXPECT_FALSE(outcome_is_unknown(again.error()));
}

TEST(PluginCall, goes_on_after_a_verb_that_failed_properly) {
  PluginFolder there;
  there.put_signed("test.broken", "broken");
  auto instance = there.start("test.broken");
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(request("apply", {{"how", "not-json"}}))),
            "plugin.answer.malformed");
  EXPECT_EQ(code(instance->call(request("apply"))), "ok");
}

TEST(PluginCall, kills_a_plugin_that_hangs_after_its_deadline_and_grace) {
  PluginFolder there;
  there.put_signed("test.broken", "broken");
  auto instance = there.start("test.broken");
  ASSERT_TRUE(instance);
  const pid_t helper = instance->pid();
  auto hangs = request("apply", {{"how", "hang"}});
  hangs.deadline_ms = system_clock().mono_ms() + 30;
  hangs.grace_ms = 30;
  auto answer = instance->call(hangs);
  EXPECT_EQ(code(answer), "plugin.deadline");
  EXPECT_TRUE(outcome_is_unknown(answer.error()));
  EXPECT_NE(::kill(helper, 0), 0) << "the helper must be gone";
}

TEST(PluginCall, takes_the_answer_of_a_plugin_that_stops_when_told_to) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", "requires = [\"hyops.clock/1\"]\n");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance) << instance.error().text();
  std::atomic<bool> stop = false;
  auto answer = instance->call(
      request("release"), [&](int, const std::string&) { stop = true; },
      [&] { return stop.load(); });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "speaking.stopped");
  EXPECT_EQ(answer.error().kind, FailureClass::cancelled);
  EXPECT_EQ(code(instance->call(request("plan"))), "ok")
      << "a cancelled call must not cancel the next";
}

TEST(PluginCall, sends_nothing_once_the_deadline_has_passed) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance);
  auto late = request("plan");
  late.deadline_ms = system_clock().mono_ms() - 1;
  EXPECT_EQ(code(instance->call(late)), "plugin.late");
}

TEST(PluginCall, refuses_verbs_that_are_none) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance);
  EXPECT_EQ(code(instance->call(request("destroy"))), "plugin.verb");
  auto other = request("prove");
  other.interface = "hyops.egress/1";
  EXPECT_EQ(code(instance->call(other)), "plugin.verb");
}

TEST(PluginCall, hands_a_plugins_own_code_and_class_on) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance);
  auto failed = instance->call(request(
      "apply",
      {{"service", "fail"}, {"code", "exhausted/acme.quota"}, {"message", "no\x1b[2J more"}}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "acme.quota");
  EXPECT_EQ(failed.error().kind, FailureClass::exhausted);
  EXPECT_EQ(failed.error().message.find('\x1b'), std::string::npos)
      << "a plugin must not drive a terminal";
  auto thrown = instance->call(request("apply", {{"service", "throw"}}));
  EXPECT_EQ(code(thrown), "sdk.exception");
}

TEST(PluginCall, gives_the_helper_nothing_but_its_socket) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance);
  auto seen = instance->call(request("observe"));
  ASSERT_TRUE(seen) << seen.error().text();
  EXPECT_EQ((*seen)["pid"], instance->pid());
  EXPECT_NE((*seen)["pid"], ::getpid());
  EXPECT_EQ((*seen)["cwd"], "/");
  EXPECT_EQ((*seen)["environment"], "");
  EXPECT_EQ((*seen)["open"], 4) << "standard streams to nowhere and the socket";
  EXPECT_EQ((*seen)["about"]["key"], "key-1");
  EXPECT_EQ((*seen)["about"]["fencing_token"], 7);
}

TEST(PluginCall, runs_many_instances_from_many_threads) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      auto instance = there.start("test.speaking");
      for (int n = 0; instance && n < 25; ++n) {
        auto answer = instance->call(request("plan", {{"t", t}, {"n", n}}));
        if (answer && (*answer)["echo"] == Json{{"t", t}, {"n", n}}) ++good;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
}

TEST(PluginCall, leaves_no_helper_behind) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  pid_t helper = 0;
  {
    auto instance = there.start("test.speaking");
    ASSERT_TRUE(instance);
    helper = instance->pid();
  }
  EXPECT_NE(::kill(helper, 0), 0);
}

}  // namespace
}  // namespace hyops::plugin
