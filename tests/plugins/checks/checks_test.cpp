// Every check of the conformance kit notices a plugin that is broken in just its way, and no check
// complains about the same plugin without the fault.
#include <gtest/gtest.h>

#include <set>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "plugin/check/check.hpp"
#include "trust/seal.hpp"

namespace hyops::plugin::check {
namespace {

namespace fs = std::filesystem;

struct Fault {
  const char *check, *fault;
  const char* built = "wrong";
  const char* reason = "";  // a word of the line that the vendor reads
};

const Fault faults[] = {
    {"loads-now", "", "wrong_needs_nobody", "nobody_has_this"},
    {"says-who-it-is", "", "wrong_id", "plugin.id"},
    {"creates", "refuses-to-be", "wrong", "wrong.refused"},
    {"exports-one-symbol", "", "wrong_exports_more", "acme_internal"},
    {"scan-under-100-ms", "", "wrong_is_slow", "100 ms"},
    {"unknown-interface-is-null", "knows-everything", "wrong", "hyops.nobody/1"},
    {"tables-are-whole", "short-table", "wrong", "observe"},
    {"rejects-wrong-config", "", "wrong_accepts_anything", "accepted"},
    {"creates-1000-times", "leaks-descriptors"},
    {"creates-1000-times", "leaks-threads"},
    {"creates-1000-times", "leaks-memory", "wrong", "bytes"},
    {"no-stray-threads", "starts-thread", "wrong", "1 threads"},
    {"no-fork-or-exec", "forks-unseen", "wrong", "plugin.forbidden"},
    {"no-fork-or-exec", "", "wrong_forks", "fork()"},
    {"writes-nothing-to-stdout", "writes-stdout", "wrong", "placing"},
    {"answers-once", "emits-twice", "wrong", "plugin.answer.twice"},
    {"answers-once", "throws", "wrong", "plugin.protocol"},
    {"outputs-fit", "forgets-host-key", "wrong", "host_key"},
    {"outputs-fit", "releases-by-name", "wrong", "release"},
    {"plan-is-pure", "plan-writes", "wrong", "PUT http://platform.test/quotas/check"},
    {"plan-is-deterministic", "plan-differs", "wrong", "other bytes"},
    {"keeps-secrets", "logs-secret", "wrong", "the log"},
    {"keeps-secrets", "notes-secret", "wrong", "progress"},
    {"keeps-secrets", "emits-secret", "wrong", "emitted"},
    {"keeps-secrets", "asks-with-secret", "wrong", "a URL"},
    {"keeps-secrets", "logs-answer", "wrong", "the log"},
    {"apply-is-idempotent", "posts", "wrong", "under one key"},
    {"apply-is-idempotent", "answers-otherwise", "wrong", "answers otherwise"},
    {"kill-in-apply", "remembers", "wrong", "does not find"},
    {"release-twice", "releases-once", "wrong", "release again"},
    {"honours-cancel", "ignores-cancel", "wrong", "went on"},
    {"honours-deadline", "ignores-deadline", "wrong", "went on"},
    {"survives-null-services", "trusts-services", "wrong", "signal 11"},
    {"survives-1-mib-input", "has-a-buffer", "wrong", "plugin.died"},
    {"survives-random-json", "trusts-types", "wrong", "seed 1"},
    {"survives-bad-utf8", "echoes-bytes", "wrong", "plugin.answer.malformed"},
    {"errors-carry-a-code", "fails-without-code", "wrong", "plugin.answer.code"},
};

Result<Report> try_it(const std::string& built, const std::string& fault,
                      const std::vector<std::string>& only, bool authority = false) {
  auto temp = TempDir::create(fs::temp_directory_path());
  if (!temp) return pass(temp);
  const fs::path folder = temp->path();
  fs::copy_file(std::string(HYOPS_BUILD_DIR) + "/tests/plugins/" + built + "/plugin.so",
                folder / "plugin.so");
  const std::string interface = authority ? "hyops.secret/1" : "hyops.provider/1";
  auto written = write_file(
      folder / "plugin.toml",
      "plugin = \"test.wrong\"\nversion = \"1.0.0\"\ntitle = \"A test\"\nvendor = \"tests\"\n"
      "abi = \"1.0\"\nstatus = \"stable\"\nimplements = [\"" +
          interface +
          "\"]\nrequires = [\"hyops.http/1\", \"hyops.log/1\", \"hyops.secret_sink/1\"]\n"
          "http.hosts = [\"platform.test:80\"]\n"
          "[inputs]\nwrong = { type = \"string\", default = \"\" }\n");
  if (written)
    written = write_file(folder / "check.toml",
                         "config.wrong = \"" + fault + "\"\n" +
                             (authority ? "inputs.\"hyops.secret/1\" = { names = [\"pgpass\"] }\n"
                                          "platform.\"/secrets/pgpass\" = { value = "
                                          "\"correct-horse-battery\" }\n"
                                        : ""));
  if (!written) return pass(written);
  auto subject = read_subject(folder, {}, HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
  if (!subject) return pass(subject);
  return run(std::move(*subject), only);
}

class WrongPlugin : public ::testing::TestWithParam<Fault> {};
TEST_P(WrongPlugin, is_noticed_by_its_check) {
  const Fault& fault = GetParam();
#ifdef HYOPS_SANITIZED
  for (const char* theirs : {"leaks-memory", "trusts-services"})
    if (std::string(fault.fault) == theirs)
      GTEST_SKIP() << "a sanitizer keeps the books of memory itself, and ends a null call itself";
#endif
  const bool authority = std::string(fault.fault).ends_with("-secret");
  auto report = try_it(fault.built, fault.fault, {fault.check}, authority);
  ASSERT_TRUE(report) << report.error().text();
  ASSERT_EQ(report->verdicts.size(), 1u);
  const Verdict& verdict = report->verdicts.front();
  EXPECT_EQ(name(verdict.outcome), "failed") << verdict.reason;
  EXPECT_NE(verdict.reason.find(fault.reason), std::string::npos) << verdict.reason;
  EXPECT_EQ(verdict.reason.find('\n'), std::string::npos) << "a reason is one line";
}
INSTANTIATE_TEST_SUITE_P(All, WrongPlugin, ::testing::ValuesIn(faults), [](const auto& about) {
  std::string name = std::string(about.param.check) + "_" +
                     (*about.param.fault ? about.param.fault : about.param.built);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(ConformanceKit, passes_the_same_plugin_without_a_fault) {
  for (const bool authority : {false, true}) {
    auto report = try_it("wrong", "", {}, authority);
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_EQ(report->verdicts.size(), promises().size());
    for (const auto& verdict : report->verdicts)
      EXPECT_NE(name(verdict.outcome), "failed") << verdict.check << ": " << verdict.reason;
  }
}

TEST(ConformanceKit, passes_the_offline_bundle) {
  auto temp = TempDir::create(fs::temp_directory_path());
  const auto key = trust::SealKey::generate();
  ASSERT_TRUE(key && key->save(temp->path() / "runner.seal"));
  std::vector<std::pair<std::string, Secret>> secrets;
  secrets.emplace_back("pgpass", Secret("correct-horse-battery"));
  const int64_t now = system_clock().wall_ms();
  auto sealed =
      trust::seal_bundle({"check", 1, now - 1000, now + 3'600'000, {key->public_text()}}, secrets);
  ASSERT_TRUE(sealed && write_file(temp->path() / "check.sealed", *sealed));
  ASSERT_TRUE(write_file(temp->path() / "check.toml",
                         "seal_key = \"" + (temp->path() / "runner.seal").string() +
                             "\"\nconfig.bundle = \"" + (temp->path() / "check.sealed").string() +
                             "\"\ninputs.\"hyops.secret/1\" = { names = [\"pgpass\"] }\n"));
  auto subject =
      read_subject(HYOPS_BUILD_DIR "/lib/hyops/plugins/hyops.secrets.offline-bundle",
                   temp->path() / "check.toml", HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
  ASSERT_TRUE(subject) << subject.error().text();
  auto report = run(std::move(*subject), {});
  ASSERT_TRUE(report) << report.error().text();
  for (const auto& verdict : report->verdicts)
    EXPECT_NE(name(verdict.outcome), "failed") << verdict.check << ": " << verdict.reason;
}

// "| `plan-is-pure` | Planning writes nothing. | `plan-writes` |"
std::string row(const Promise& promise) {
  std::string broken;
  for (const auto& fault : faults)
    if (promise.check == fault.check)
      broken += (broken.empty() ? "`" : ", `") +
                std::string(*fault.fault ? fault.fault : fault.built) + "`";
  return "| `" + promise.check + "` | " + promise.promise + " | " + broken + " |\n";
}

TEST(ConformanceKit, has_a_broken_plugin_for_every_check_and_the_page_says_which) {
  std::set<std::string> tripped, known;
  for (const auto& fault : faults) tripped.insert(fault.check);
  for (const auto& promise : promises()) known.insert(promise.check);
  EXPECT_EQ(tripped, known);
  std::string table =
      "| check | what it tries | shown by (tests/plugins/checks) |\n| --- | --- | --- |\n";
  for (const auto& promise : promises()) table += row(promise);
  const auto page = read_file(HYOPS_SOURCE_DIR "/docs/plugins.md");
  EXPECT_NE(page->find("\n\n" + table + "\n"), std::string::npos) << table;
}

TEST(ConformanceKit, asks_nothing_of_a_plugin_that_does_not_start) {
  auto report = try_it("wrong_id", "", {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->count(Outcome::failed), 1u);
  EXPECT_EQ(name(report->verdicts.back().outcome), "skipped");
}

TEST(ConformanceKit, refuses_a_check_that_it_does_not_have_and_names_the_nearest) {
  auto report = try_it("wrong", "", {"plan-is-pur"});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, "plugin.check.unknown");
  EXPECT_NE(report.error().message.find("plan-is-pure"), std::string::npos);
}

}  // namespace
}  // namespace hyops::plugin::check
