// From end to end: what a tool prints in every format is read nowhere; and where a secret was
// written before anybody knew that it is one, the record says which to rotate (K2).
#include <sys/stat.h>

#include "process/spawn.hpp"
#include "support/disguises.hpp"
#include "support/telling.hpp"

using namespace hyops;
using hyops::tests::Telling;
namespace fs = std::filesystem;

namespace {

// What the tool has to say, prepared where nobody scans.
struct Script {
  explicit Script(const std::string& secret)
      : folder(TempDir::create(fs::temp_directory_path(), "hyops-script").value()) {
    std::string all, probes;
    for (const auto& format : tests::formats()) {
      const std::string text = format.print(secret);
      all += text + "\n";
      probes += Json{{"probe", format.name}, {"ok", true}, {"expected", "x"}, {"found", text}}.dump(
                    -1, ' ', true) +
                "\n";
    }
    put("log", all);
    put("probes", probes);
    put("outputs", Json{{"said", all}}.dump());
    put("error", Json{{"class", "invalid"}, {"message", all.substr(0, 3000)}}.dump());
    put("progress", Json{{"permille", 1}, {"note", secret}}.dump() + "\n");
  }
  void put(const char* name, const std::string& text) {
    EXPECT_TRUE(write_file(folder.path() / name, text));
  }
  std::string at(const char* name) const { return (folder.path() / name).string(); }
  TempDir folder;
};

std::string carried_on(const Telling& site, const RunId& run) {
  process::SpawnRequest request;
  request.argv = {HYOPS_BUILD_DIR "/bin/hyops",
                  "run",
                  "carry-on",
                  run.value,
                  "--home",
                  site.setup.home.string(),
                  "--catalog",
                  site.setup.catalog.string()};
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  const auto ended = process::run(request, 120'000);
  EXPECT_TRUE(ended);
  return ended ? ended->out + ended->err : "";
}

size_t expect_told_nowhere(const Telling& site, const std::string& said) {
  EXPECT_FALSE(tests::tells(said, site.secret)) << "the core said it";
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(site.path())) {
    if (!entry.is_regular_file() || entry.path() == site.bundle()) continue;
    ++files;
    EXPECT_FALSE(tests::tells(read_file(entry.path(), 1u << 30).value(), site.secret))
        << entry.path();
  }
  return files;
}

}  // namespace

TEST(Leaks, are_none_in_any_file_of_a_run_whose_tools_print_secrets_in_every_format) {
  std::mt19937_64 random(23);
  for (const size_t kind : {size_t{1}, size_t{5}}) {
    Telling site(tests::a_secret(random, kind));
    const Script script(site.secret);
    const std::string tell = "cat " + script.at("log") + "\ncat " + script.at("log") +
                             " >&2\ncat " + script.at("probes") + " > \"$HYOPS_PROBES\"\ncat " +
                             script.at("progress") + " >> \"$HYOPS_PROGRESS\"\n";
    site.tool("give", tests::takes_a_secret,
              tell + "cat " + script.at("outputs") + " > \"$HYOPS_OUTPUTS\"\n");
    site.tool("complain", tests::takes_a_secret,
              tell + "cat " + script.at("error") + " > \"$HYOPS_OUTPUTS.error\"\nexit 4\n");
    site.blueprint(Telling::step("give") + Telling::step("complain"));
    site.last = site.admit(site.plan()).value();
    site.ledger.reset();
    const std::string said = carried_on(site, site.last);
    EXPECT_NE(said.find("ended failed"), std::string::npos) << said;
    EXPECT_GT(expect_told_nowhere(site, said), 20u);
    site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value());
    EXPECT_EQ(site.endings(),
              (std::map<std::string, std::string>{{"complain", "failed"}, {"give", "ok"}}));
    EXPECT_EQ(site.events("step.probe").size(), 2 * tests::formats().size());
    EXPECT_TRUE(site.events("secret.leaked").empty());
    EXPECT_TRUE(site.verify().clean);
  }
}

// The first step prints it; only the second one makes it known as a secret.
TEST(Leaks, that_are_found_when_the_record_is_closed_seal_it_and_name_what_to_rotate) {
  Telling site;
  const std::string output = "[outputs.said]\ntype = \"string\"\n[effects]\n";
  site.tool("early", output,
            "echo " + site.secret + "\nprintf '{\"said\":\"" + site.secret +
                "\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.tool("give", tests::takes_a_secret, "printf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
  std::string late = Telling::step("give");
  late.replace(late.find("\"data\""), 6, "\"readiness\"");
  site.blueprint("[[step]]\nid = \"early\"\nmodule = \"test/early\"\nphase = \"data\"\n" + late);
  EXPECT_EQ(site.run(site.plan()), "ok");

  const auto told = site.events("secret.leaked");
  ASSERT_EQ(told.size(), 1u);
  const Json leak = Json::parse(told[0]);
  EXPECT_EQ(leak["name"], "db");
  EXPECT_NE(std::find(leak["where"].begin(), leak["where"].end(), "steps/early/log.txt"),
            leak["where"].end())
      << leak.dump();
  for (const auto& entry : fs::recursive_directory_iterator(site.record()))
    if (entry.is_regular_file()) {
      EXPECT_FALSE(tests::tells(read_file(entry.path()).value(), site.secret)) << entry.path();
    }
  struct stat folder {};
  ASSERT_EQ(::stat(site.record().c_str(), &folder), 0);
  EXPECT_EQ(folder.st_mode & 0777, 0700u) << "sealed: for its owner alone";
  EXPECT_NE(read_file(site.record() / "report.html").value().find("ROTATE db"), std::string::npos);
  const auto verified = site.verify();
  EXPECT_TRUE(verified.clean) << (verified.findings.empty() ? "" : verified.findings[0].what);
  // Nobody else writes it out in plain: what this run knew is not known to a later export.
  const auto again =
      record::export_run(*site.ledger, site.last, site.setup.run_folder(site.last.value) / "steps",
                         record::Redactor::create({}).value(), {}, site.path() / "again");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "record.leak.unknown");
  EXPECT_FALSE(fs::exists(site.path() / "again"));
  EXPECT_EQ(site.go_on(site.last), "ok") << "a core that goes on asks for it first";
  EXPECT_EQ(site.events("secret.leaked").size(), 1u) << "said once";
}
