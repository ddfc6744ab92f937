// From an approved plan to a record that verifies, with real tools under the real step host.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/cancel.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

const char* one_text =
    "[inputs.text]\ntype = \"string\"\nrequired = true\n[outputs.said]\ntype = "
    "\"string\"\n[effects]\n";
const char* say_it =
    "printf '{\"said\": \"%s\"}' \"$(sed 's/.*\"text\":\"\\([^\"]*\\)\".*/\\1/' "
    "\"$HYOPS_REQUEST\")\" > \"$HYOPS_OUTPUTS\"\n";

std::string step(const std::string& id, const std::string& module, const std::string& phase,
                 const std::string& inputs, const std::string& more = "") {
  return "[[step]]\nid = \"" + id + "\"\nmodule = \"test/" + module + "\"\nphase = \"" + phase +
         "\"\ninputs = { " + inputs + " }\n" + more + "\n";
}

}  // namespace

TEST(Run, goes_from_an_approved_plan_to_a_record_that_verifies) {
  Site site;
  site.tool("say", one_text, say_it);
  site.blueprint(step("first", "say", "egress", "text = \"hello\"") +
                 step("second", "say", "data", "text = { from = \"first.said\" }"));
  ASSERT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(site.endings(),
            (std::map<std::string, std::string>{{"first", "ok"}, {"second", "ok"}}));
  const auto slot = site.ledger->slot("drill", "test/say#second").value();
  EXPECT_EQ(slot.value, (Json{{"said", "hello"}}));
  const auto verified = site.verify();
  EXPECT_TRUE(verified.clean) << (verified.findings.empty() ? "" : verified.findings[0].what);
  EXPECT_EQ(verified.signer, "test");
}

TEST(Run, never_starts_what_needs_a_failed_step) {
  Site site;
  site.tool("say", one_text, say_it);
  site.tool("fail", "[outputs.x]\ntype = \"string\"\n[effects]\n", "echo broken >&2; exit 4\n");
  site.blueprint(step("bad", "fail", "data", "") + step("beside", "say", "data", "text = \"a\"") +
                 step("behind", "say", "data", "text = { from = \"bad.x\" }") +
                 step("later", "say", "readiness", "text = \"b\""));
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(site.endings(),
            (std::map<std::string, std::string>{
                {"bad", "failed"}, {"beside", "ok"}, {"behind", "not_run"}, {"later", "not_run"}}));
  EXPECT_TRUE(site.verify().clean);
}

// L3: neither what failed to release something nor what was to do it later tells that it is gone.
TEST(Run, releases_in_the_lanes_state_only_what_a_step_released) {
  Site site;
  site.plugin("speaking", {"hyops.provider/1"},
              "requires = []\n[inputs.refuse]\ntype = \"bool\"\n");
  site.lane("[plugins.\"test.speaking\"]\nrefuse = true\n");
  site.verb("lift", "[effects]\n",
            "[plugin]\nplugin = \"test.speaking\"\ninterface = \"hyops.provider/1\"\nverb = "
            "\"release\"\n");
  site.blueprint(step("first", "lift", "egress", "") + step("second", "lift", "data", ""));
  ASSERT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(site.endings(),
            (std::map<std::string, std::string>{{"first", "failed"}, {"second", "not_run"}}));
  for (const char* id : {"first", "second"})
    EXPECT_EQ(site.ledger->slot("drill", std::string("test/lift#") + id)->version, 0) << id;
}

TEST(Run, goes_on_after_the_cause_of_a_failure_was_mended_and_repeats_nothing) {
  Site site;
  site.tool("say", one_text,
            say_it + std::string("echo once >> ") + site.path().string() + "/said\n");
  site.tool(
      "fragile", "[outputs.x]\ntype = \"string\"\n[effects]\n",
      "test -e " + site.path().string() + "/mended\nprintf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("first", "say", "egress", "text = \"hello\"") +
                 step("second", "fragile", "data", ""));
  ASSERT_EQ(site.run(site.plan()), "failed");
  site.file(site.path() / "mended", "");
  EXPECT_EQ(site.go_on(site.last), "ok");
  EXPECT_EQ(read_file(site.path() / "said").value(), "once\n");
  EXPECT_TRUE(site.verify().clean);
}

// A core may die between the end of a run and its record.
TEST(Run, that_is_over_and_has_no_record_gets_one_when_it_is_resumed) {
  Site site;
  site.tool("say", one_text, say_it);
  site.blueprint(step("first", "say", "data", "text = \"hello\""));
  ASSERT_EQ(site.run(site.plan()), "ok");
  EXPECT_TRUE(engine::is_recorded(site.setup, *site.ledger, site.last));
  fs::remove_all(site.record());
  EXPECT_FALSE(engine::is_recorded(site.setup, *site.ledger, site.last));
  EXPECT_EQ(site.go_on(site.last), "ok");
  EXPECT_EQ(site.events("step.intent").size(), 1u);
  EXPECT_TRUE(engine::is_recorded(site.setup, *site.ledger, site.last));
  EXPECT_TRUE(site.verify().clean);
}

TEST(Run, fails_a_step_whose_probe_found_something_else) {
  Site site;
  site.tool("probe", "[outputs.x]\ntype = \"string\"\n[effects]\n",
            "echo '{\"probe\":\"rows\",\"ok\":false,\"expected\":3,\"found\":2}' >> "
            "\"$HYOPS_PROBES\"\nprintf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("verify", "probe", "readiness", ""));
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_EQ(site.events("step.probe").size(), 1u);
}

TEST(Run, fails_a_step_that_gives_no_declared_output) {
  Site site;
  site.tool("silent", "[outputs.x]\ntype = \"string\"\n[effects]\n", "true\n");
  site.blueprint(step("silent", "silent", "data", ""));
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_NE(site.events("step.ended")[0].find("engine.outputs.missing"), std::string::npos);
}

TEST(Run, stops_a_step_at_its_time_out) {
  Site site;
  site.tool("slow", "[outputs.x]\ntype = \"string\"\n[effects]\n", "exec tail -f /dev/null\n",
            "timeout = \"1s\"");
  site.blueprint(step("slow", "slow", "data", ""));
  EXPECT_EQ(site.run(site.plan()), "failed");
  EXPECT_NE(site.events("step.outcome")[0].find("\"class\":\"deadline\""), std::string::npos);
}

TEST(Run, retries_only_the_classes_the_profile_names) {
  Site site;
  site.profile("approvals = 1", "[retry]\nunavailable = { attempts = 3, pause = \"1ms\" }\n");
  const std::string count = site.path().string() + "/count";
  site.tool("flaky", "[outputs.x]\ntype = \"string\"\n[effects]\n",
            "echo x >> " + count + "\n[ $(wc -l < " + count +
                ") -ge 3 ] || { printf '{\"class\":\"unavailable\",\"message\":\"not yet\"}' > "
                "\"$HYOPS_OUTPUTS.error\"; exit 1; }\n"
                "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.profile("approvals = 1", "[retry]\nunavailable = { attempts = 3, pause = \"1ms\" }\n");
  site.blueprint(step("flaky", "flaky", "data", ""));
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(site.events("step.intent").size(), 3u);
  // One key for all attempts: whatever counts side effects sees one.
  const auto intents = site.events("step.intent");
  EXPECT_EQ(Json::parse(intents[0])["key"], Json::parse(intents[2])["key"]);
}

TEST(Run, waits_at_a_gate_until_a_person_confirms_it) {
  Site site;
  site.tool("say", one_text, say_it);
  site.profile("approvals = 1", "[gates]\nbefore = [\"readiness\"]\n");
  site.blueprint(step("first", "say", "data", "text = \"a\"") +
                 step("second", "say", "readiness", "text = \"b\""));
  ASSERT_EQ(site.run(site.plan()), "waiting");
  EXPECT_EQ(site.go_on(site.last), "waiting");
  EXPECT_EQ(engine::confirm_gate(*site.ledger, site.last, "data", "alice").error().code,
            "engine.gate.not_waiting")
      << "only the gate it waits at";
  ASSERT_TRUE(engine::confirm_gate(*site.ledger, site.last, "readiness", "alice"));
  EXPECT_EQ(site.go_on(site.last), "ok");
}

TEST(Run, adopts_what_an_observation_finds_after_the_tool_was_killed) {
  Site site;
  // The tool takes effect, then is killed before it can say so: the effect is there, the outcome is
  // unknown.
  const std::string effect = site.path().string() + "/effect";
  site.tool("die", "[outputs.x]\ntype = \"string\"\n[effects]\n",
            "echo effect >> " + effect + "\nkill -KILL $$\n", "",
            "test -e " + effect + " || exit 3\nprintf '{\"x\":\"seen\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("die", "die", "data", ""));
  EXPECT_EQ(site.run(site.plan()), "ok");
  EXPECT_EQ(site.endings()["die"], "adopted");
  EXPECT_EQ(read_file(effect).value(), "effect\n");
  EXPECT_EQ(site.ledger->slot("drill", "test/die#die").value().value, (Json{{"x", "seen"}}));
}

// The tool runs before its host says so: what a host that dies in between has started is not known.
TEST(Run, looks_for_the_effect_of_a_step_host_that_died_before_it_answered) {
  for (const bool had_begun : {true, false}) {
    SCOPED_TRACE(had_begun ? "its tool may have run" : "nothing was started");
    Site site;
    site.tool("once", "[outputs.x]\ntype = \"string\"\n[effects]\n", "exit 9\n", "",
              "printf '{\"x\":\"found\"}' > \"$HYOPS_OUTPUTS\"\n");
    site.blueprint("[[step]]\nid = \"once\"\nmodule = \"test/once\"\nphase = \"data\"\n");
    const Json plan = site.plan();
    // A host that names itself and dies the first time, and is the real one from then on.
    const fs::path real = site.setup.step_host(), died = site.path() / "died";
    site.setup.prefix = site.path() / "prefix";
    site.file(
        site.setup.step_host(),
        "#!/usr/bin/python3\n"
        "import json, os, struct\n"
        "if os.path.exists('" +
            died.string() +
            "'):\n"
            "    os.execv('" +
            real.string() + "', ['" + real.string() +
            "'])\n"
            "open('" +
            died.string() +
            "', 'w').close()\n"
            "sent = os.fdopen(3, 'rb')\n"
            "sent.read(8)\n"
            "folder = json.loads(sent.read(struct.unpack('<Q', "
            "sent.read(8))[0]))['step_folder']\n" +
            std::string(had_begun ? "" : "raise SystemExit(1)\n") +
            "with open(folder + '/host.json', 'w') as out:\n"
            "    json.dump({'pid': os.getpid(), 'start_ticks': 1, 'boot_id': 'other'}, out)\n",
        true);
    EXPECT_EQ(site.run(plan), had_begun ? "ok" : "failed");
    EXPECT_EQ(site.endings().at("once"), had_begun ? "adopted" : "failed");
  }
}

TEST(Run, leaves_a_step_unknown_that_nothing_can_observe_and_takes_a_persons_word) {
  Site site;
  site.tool("die", "[outputs.x]\ntype = \"string\"\n[effects]\n", "kill -KILL $$\n");
  site.tool("say", one_text, say_it);
  site.blueprint(step("die", "die", "data", "") +
                 step("later", "say", "readiness", "text = { from = \"die.x\" }"));
  ASSERT_EQ(site.run(site.plan()), "unknown");
  EXPECT_EQ(site.endings()["later"], "not_run");
  EXPECT_EQ(site.go_on(site.last), "unknown") << "resuming does not guess either";
  ASSERT_TRUE(engine::state_outcome(site.setup, *site.ledger, site.statement("die", "adopt")));
  EXPECT_EQ(site.go_on(site.last), "ok");
  EXPECT_EQ(site.endings()["later"], "ok");
  const auto ended = site.events("step.ended");
  EXPECT_NE(ended.at(ended.size() - 2).find("stated by alice: looked at the host"),
            std::string::npos);
  EXPECT_TRUE(site.verify().clean);
}

TEST(Run, is_found_again_by_a_new_core_with_the_real_exit_status_of_its_tool) {
  Site site;
  const std::string go = (site.path() / "go").string();
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  site.tool(
      "wait", "[outputs.x]\ntype = \"string\"\n[effects]\n",
      "read x < " + go + "\necho finished\nprintf '{\"x\":\"%s\"}' \"$x\" > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint(step("wait", "wait", "data", ""));
  auto id = site.admit(site.plan());
  ASSERT_TRUE(id) << id.error().text();
  site.last = *id;
  const fs::path log = site.setup.step_folder(id->value, "wait") / "1/log.txt";
  site.ledger.reset();
  // A first core, in a process of its own, that is killed as soon as the tool works.
  const pid_t core = ::fork();
  if (core == 0) {
    auto ledger = ledger::Ledger::open(site.setup.ledger());
    tests::Quiet quiet;
    if (ledger) (void)engine::execute(site.setup, *ledger, *id, quiet);
    ::_exit(0);
  }
  Fd gate(::open(go.c_str(), O_WRONLY | O_CLOEXEC));  // waits for the tool to read
  ::kill(core, SIGKILL);
  ::waitpid(core, nullptr, 0);
  site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
  EXPECT_TRUE(write_all(gate.get(), "late\n"));
  gate.reset();
  EXPECT_EQ(site.go_on(*id), "ok");
  EXPECT_EQ(site.ledger->slot("drill", "test/wait#wait").value().value, (Json{{"x", "late"}}));
  // The record says how long the tool took, not for how long the second core watched it.
  const auto since = [&](const char* type) {
    int64_t at_ms = 0;
    EXPECT_TRUE(site.ledger->each_event(*id, 0, [&](const ledger::Event& event) {
      if (event.type == type) at_ms = event.wall_ms;
      return true;
    }));
    return at_ms;
  };
  EXPECT_GE(get_int(Json::parse(site.events("step.outcome")[0]), "ms") + 2,
            since("run.resumed") - since("step.intent"))
      << "but for what two clocks are rounded by";
  EXPECT_EQ(site.events("step.intent").size(), 1u) << "the attempt was found again, not repeated";
  EXPECT_NE(read_file(log).value().find("finished"), std::string::npos);
  EXPECT_TRUE(site.verify().clean);
}

TEST(Run, starts_nothing_more_once_it_is_cancelled_and_can_be_resumed) {
  Site site;
  site.tool("say", one_text, say_it);
  site.blueprint(step("first", "say", "data", "text = \"a\"") +
                 step("second", "say", "readiness", "text = \"b\""));
  auto id = site.admit(site.plan());
  ASSERT_TRUE(id);
  site.observer.on_event = [&](const std::string& type, const Json&) {
    if (type == "step.intent") {
      EXPECT_TRUE(engine::Cancellation::request(site.setup.run_folder(id->value),
                                                engine::Cancel::after_step));
    }
  };
  EXPECT_EQ(site.go_on(*id), "cancelled");
  EXPECT_EQ(site.endings(),
            (std::map<std::string, std::string>{{"first", "ok"}, {"second", "not_run"}}));
  site.observer.on_event = {};
  EXPECT_EQ(site.go_on(*id), "ok");
}

TEST(Run, stops_the_running_step_when_it_is_cancelled_now) {
  Site site;
  site.tool("slow", "[outputs.x]\ntype = \"string\"\n[effects]\n", "exec tail -f /dev/null\n");
  site.blueprint(step("slow", "slow", "data", ""));
  auto id = site.admit(site.plan());
  ASSERT_TRUE(id);
  site.observer.on_event = [&](const std::string& type, const Json&) {
    if (type == "step.intent") {
      EXPECT_TRUE(
          engine::Cancellation::request(site.setup.run_folder(id->value), engine::Cancel::now));
    }
  };
  EXPECT_EQ(site.go_on(*id), "cancelled");
  EXPECT_NE(site.events("step.outcome")[0].find("engine.step.cancelled"), std::string::npos);
  EXPECT_EQ(site.events("run.stopping").size(), 1u) << "said once";
}

TEST(Run, keeps_the_limit_of_a_resource) {
  Site site;
  const std::string busy = site.path().string() + "/busy";
  site.tool("one", "[outputs.x]\ntype = \"string\"\n[effects]\n",
            "mkdir " + busy + "\nfor i in 1 2 3; do :; done\nrmdir " + busy +
                "\nprintf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.profile("approvals = 1", "[limits.resources]\nrepository = 1\n");
  std::string steps;
  for (const char* id : {"a", "b", "c", "d", "e", "f"})
    steps += step(id, "one", "data", "", "resources = [\"repository\"]\n");
  site.blueprint(steps);
  EXPECT_EQ(site.run(site.plan()), "ok");
}

TEST(Run, refuses_a_pack_that_changed_after_the_plan_was_approved) {
  Site site;
  site.tool("say", one_text, say_it);
  site.blueprint(step("first", "say", "data", "text = \"a\""));
  const Json plan = site.plan();
  const auto admitted = site.admit(plan);
  ASSERT_TRUE(admitted) << admitted.error().text();
  site.file(site.setup.catalog / "packs/test/say/run.sh",
            "#!/bin/sh\ntouch " + site.path().string() + "/evil\n", true);
  EXPECT_NE(site.run(plan).find("plan.unfaithful"), std::string::npos) << "not admitted again";
  EXPECT_EQ(site.go_on(*admitted), "failed") << "and not run where it was admitted before";
  EXPECT_FALSE(fs::exists(site.path() / "evil"));
  EXPECT_NE(site.events("step.outcome")[0].find("engine.pack.changed"), std::string::npos);
}
