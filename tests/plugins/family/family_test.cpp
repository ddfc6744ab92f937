// Each member of the broken family inside a real run: what the operator is told, and that nobody
// else was hurt.
#include <algorithm>
#include <future>
#include <set>

#include "plugin/registry.hpp"
#include "support/site.hpp"

namespace hyops {
namespace {

namespace fs = std::filesystem;

struct Member {
  const char* name;
  const char* code;    // of the step's outcome; "": it ended well
  const char* ending;  // of the step
};

std::ostream& operator<<(std::ostream& out, const Member& member) { return out << member.name; }

// A site whose catalogue has the step "odd", done by a plugin, and the step "good", done by a tool.
class FamilySite : public tests::Site {
 public:
  explicit FamilySite(const std::string& member, const std::string& timeout = "30s") {
    const auto key = trust::SecretKey::generate().value();
    EXPECT_TRUE(plugin::add_trusted_key(
        setup.home / "trust", {"family", key.public_key(), {"test."}, {"hyops.provider/1"}, 0}));
    const fs::path folder = setup.home / "plugins/test.family";
    EXPECT_TRUE(make_folders(folder));
    fs::copy_file(std::string(HYOPS_BUILD_DIR "/tests/plugins/") + member + "/plugin.so",
                  folder / "plugin.so");
    file(folder / "plugin.toml",
         "plugin = \"test.family\"\nversion = \"1.0.0\"\ntitle = \"Broken\"\nvendor = \"tests\"\n"
         "abi = \"1.0\"\nstatus = \"drill\"\nimplements = [\"hyops.provider/1\"]\n"
         "requires = [\"hyops.log/1\"]\n");
    EXPECT_TRUE(plugin::sign(folder, key));
    // `release` is no verb that planning asks for a forecast, so the plugin first runs in the run.
    file(setup.catalog / "modules/test/odd/module.toml",
         "module = \"test/odd\"\nversion = \"1.0.0\"\ntitle = \"odd\"\ndoc = \"A test.\"\n"
         "[effects]\n");
    file(setup.catalog / "packs/test/odd/pack.toml",
         "pack = \"test/odd\"\nversion = \"1.0.0\"\nmodule = \"test/odd\"\ndriver = \"plugin\"\n"
         "timeout = \"" +
             timeout +
             "\"\n[plugin]\nplugin = \"test.family\"\n"
             "interface = \"hyops.provider/1\"\nverb = \"release\"\n");
    bind("test/odd", "test/odd");
    tool("good", "[outputs.x]\ntype = \"string\"\n[effects]\n",
         "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n");
    blueprint(
        "[[step]]\nid = \"odd\"\nmodule = \"test/odd\"\nphase = \"data\"\n"
        "[[step]]\nid = \"good\"\nmodule = \"test/good\"\nphase = \"data\"\n"
        "[[step]]\nid = \"after\"\nmodule = \"test/good\"\nphase = \"readiness\"\nneeds = "
        "[\"odd\"]\n");
  }

  Json outcome() {
    Json found;
    EXPECT_TRUE(ledger->each_event(last, 0, [&](const ledger::Event& event) {
      if (event.type == "step.outcome" && get_string(event.body, "step") == "odd")
        found = event.body;
      return true;
    }));
    return found;
  }
};

class Family : public ::testing::TestWithParam<Member> {};

TEST_P(Family, hurts_nothing_but_its_own_step) {
  const Member& member = GetParam();
#ifdef HYOPS_SANITIZED
  if (std::string(member.name) == "eats_memory")
    GTEST_SKIP() << "a sanitizer needs more memory than a plugin may have: it has no limit there";
#endif
  // Another run of the same process, in its own home, meanwhile.
  FamilySite beside("newer_minor");
  const Json other = beside.plan();
  auto unaffected = std::async(std::launch::async, [&] { return beside.run(other); });

  FamilySite site(member.name, std::string(member.code) == "plugin.deadline" ? "400ms" : "30s");
  const std::string ending = member.ending;
  const std::string status = site.run(site.plan());
  EXPECT_EQ(status, ending == "ok" ? "ok" : ending);
  const Json outcome = site.outcome();
  EXPECT_EQ(get_string(outcome, "code"), member.code) << outcome.dump();
  EXPECT_EQ(get_string(outcome, "next").empty(), ending == "ok") << "what to do now";

  const auto endings = site.endings();
  EXPECT_EQ(endings.at("odd"), ending);
  EXPECT_EQ(endings.at("good"), "ok") << "a step beside it";
  EXPECT_EQ(endings.at("after"), ending == "ok" ? "ok" : "not_run") << "E7";
  EXPECT_EQ(unaffected.get(), "ok");

  // The record is whole: every step of the plan has one end, and chain and signature hold.
  EXPECT_EQ(endings.size(), 3u);
  EXPECT_EQ(site.events("step.ended").size(), 3u);
  EXPECT_EQ(site.events("run.ended").size(), 1u);
  EXPECT_TRUE(site.verify().clean);
  for (const char* part : {"run.json", "plan.json", "events.jsonl", "verdict.json", "SHA256SUMS"})
    EXPECT_TRUE(std::filesystem::exists(site.record() / part)) << part;

  // The core goes on: the same process, the same ledger, the next run.
  site.blueprint("[[step]]\nid = \"good\"\nmodule = \"test/good\"\nphase = \"data\"\n");
  EXPECT_EQ(site.run(site.plan()), "ok");
}

const Member members[] = {
    // Before any verb: nothing happened, and that is known.
    Member{"no_symbol", "plugin.symbol", "failed"},
    Member{"wrong_magic", "plugin.magic", "failed"},
    Member{"newer_major", "plugin.abi", "failed"},
    Member{"short_module", "plugin.abi", "failed"},
    Member{"lies_about_id", "plugin.id", "failed"},
    Member{"other_version", "plugin.version", "failed"},
    Member{"null_create", "plugin.abi", "failed"},
    Member{"creates_nothing", "plugin.create", "failed"},
    Member{"refuses_to_be", "plugin.create", "failed"},
    Member{"throws_in_create", "plugin.load.died", "failed"},
    Member{"aborts_in_constructor", "plugin.load.died", "failed"},
    Member{"no_interface", "plugin.interface", "failed"},
    Member{"short_table", "plugin.interface", "failed"},
    Member{"null_verb", "plugin.interface", "failed"},
    // It came back, but what it said is no answer.
    Member{"silent", "plugin.answer.none", "failed"},
    Member{"emits_twice", "plugin.answer.twice", "failed"},
    Member{"fails_without_code", "plugin.answer.code", "failed"},
    Member{"speaks_for_the_core", "plugin.answer.code", "failed"},
    Member{"bad_utf8", "plugin.answer.malformed", "failed"},
    // It did not come back: nobody knows what it did.
    Member{"segv_in_apply", "plugin.died", "unknown"},
    Member{"exits", "plugin.died", "unknown"},
    Member{"eats_memory", "", "ok"},
    Member{"throws_in_verb", "plugin.protocol", "unknown"},
    Member{"huge_answer", "plugin.protocol", "unknown"},
    Member{"bad_frame", "plugin.protocol", "unknown"},
    Member{"hangs", "plugin.deadline", "unknown"},
    Member{"ignores_cancel", "plugin.deadline", "unknown"},
    Member{"forks", "plugin.forbidden", "unknown"},
    Member{"runs_a_shell", "plugin.forbidden", "unknown"},
    // Rude, but bounded: the step ends well.
    Member{"newer_minor", "", "ok"},
    Member{"writes_stdout", "", "ok"},
    Member{"leaks_fds", "", "ok"},
    Member{"floods_log", "", "ok"},
    Member{"kills_the_core", "", "ok"},
    // Kept from what it wanted, and honest about it.
    Member{"opens_udp", "family.no_socket", "failed"},
};
INSTANTIATE_TEST_SUITE_P(Broken, Family, ::testing::ValuesIn(members),
                         [](const auto& about) { return std::string(about.param.name); });

TEST(FamilyTable, has_every_member_of_the_folder) {
  std::set<std::string> told, there;
  for (const auto& member : members) told.insert(member.name);
  for (const auto& entry : fs::directory_iterator(HYOPS_SOURCE_DIR "/tests/plugins/family"))
    if (entry.path().extension() == ".cpp" && entry.path().stem() != "family_test")
      there.insert(entry.path().stem());
  EXPECT_EQ(told, there);
}

TEST(FamilyRecord, holds_what_fenced_the_plugin_and_not_its_flood) {
  FamilySite site("floods_log");
  EXPECT_EQ(site.run(site.plan()), "ok");
  const auto lines = site.events("plugin.log");
  ASSERT_EQ(lines.size(), 201u);
  EXPECT_NE(lines.back().find("19800 more lines were dropped"), std::string::npos);
  const auto started = site.events("plugin.started");
  ASSERT_EQ(started.size(), 1u);
  EXPECT_NE(started[0].find("\"seccomp\":true"), std::string::npos) << started[0];
}

TEST(FamilyRecord, keeps_a_plugin_away_that_crashed_three_times_in_three_runs) {
  FamilySite site("segv_in_apply");
  for (int n = 0; n < 3; ++n) EXPECT_EQ(site.run(site.plan()), "unknown");
  contract::Diagnostics problems;
  site.plan(&problems);
  ASSERT_FALSE(problems.empty());
  EXPECT_NE(problems.front().text().find("plugin.quarantined"), std::string::npos)
      << problems.front().text();
}

}  // namespace
}  // namespace hyops
