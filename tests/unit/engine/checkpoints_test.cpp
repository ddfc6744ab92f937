// A runner that tells a run anew signs both stories with its own key; whoever was shown the first
// one tells them apart (G5).
#include <gtest/gtest.h>

#include "process/spawn.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

namespace {

// Exit status of a program in a folder.
int tool(const fs::path& folder, std::vector<std::string> argv) {
  process::SpawnRequest request;
  request.argv = std::move(argv);
  request.directory = folder;
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
  const auto ended = process::run(request, 60'000);
  return ended ? ended->exit.code : -1;
}

// A lane whose run waits at a gate, so that there is a moment to put the ledger back to; and
// somebody elsewhere who is shown its records.
class Stories : public testing::Test {
 protected:
  Stories() : witness(site.path() / "stick") {
    site.tool("say", "[outputs.x]\ntype = \"string\"\n[effects]\n",
              "printf '{\"x\":\"%s\"}' \"$(cat " + (site.path() / "word").string() +
                  ")\" > \"$HYOPS_OUTPUTS\"\n");
    site.profile("approvals = 1", "[gates]\nbefore = [\"readiness\"]\n");
    say("true");
    site.blueprint(
        "[[step]]\nid = \"first\"\nmodule = \"test/say\"\nphase = \"data\"\n"
        "[[step]]\nid = \"second\"\nmodule = \"test/say\"\nphase = \"readiness\"\n");
  }

  void say(const std::string& word) { site.file(site.path() / "word", word); }
  void start() { ASSERT_EQ(site.run(site.plan()), "waiting"); }
  void finish() {
    ASSERT_TRUE(engine::confirm_gate(*site.ledger, site.last, "readiness", "alice"));
    ASSERT_EQ(site.go_on(site.last), "ok");
  }
  // The ledger and everything beside it, as it is now and as it was.
  void keep_home() {
    site.ledger.reset();
    fs::copy(site.setup.home, site.path() / "old-home", fs::copy_options::recursive);
    open();
  }
  void put_home_back() {
    site.ledger.reset();
    fs::remove_all(site.setup.home);
    fs::copy(site.path() / "old-home", site.setup.home, fs::copy_options::recursive);
    open();
  }
  Status show() {
    auto shown = record::show_to(witness, site.record(), {site.runner.public_key()}, &site.bob,
                                 system_clock().wall_ms());
    if (!shown) return pass(shown);
    return {};
  }
  std::string first_finding() {
    const auto seen = site.verify(&witness);
    return seen.findings.empty() ? "none" : seen.findings[0].code + ": " + seen.findings[0].what;
  }
  bool minisign(const trust::PublicKey& key, const fs::path& file, const std::string& signature) {
    site.file(site.path() / "key.pub", trust::public_key_file(key));
    return tool(site.path(), {"minisign", "-V", "-q", "-p", "key.pub", "-m", file.string(), "-x",
                              signature}) == 0;
  }

  Site site;
  trust::Witness witness;

 private:
  void open() { site.ledger.emplace(ledger::Ledger::open(site.setup.ledger()).value()); }
};

}  // namespace

TEST_F(Stories, are_under_checkpoints_that_minisign_verifies_and_a_witness_signs) {
  start();
  finish();
  const auto checkpoints = record::checkpoints_of(site.record()).value();
  ASSERT_EQ(checkpoints.size(), 4u) << "two phases, where it waited, and its end";
  const auto seen = site.verify(&witness);
  EXPECT_TRUE(seen.clean);
  EXPECT_EQ(seen.checkpoints, 4);
  EXPECT_EQ(seen.witnessed, 0);
  EXPECT_EQ(trust::parse_checkpoint(checkpoints.back().document)->seq, seen.events)
      << "the last one covers the whole chain";
  ASSERT_TRUE(show());
  for (const auto& checkpoint : checkpoints) {
    const fs::path file = witness.folder() / site.last.value / checkpoint.name;
    EXPECT_TRUE(minisign(site.runner.public_key(), file, file.string() + ".minisig"));
    EXPECT_TRUE(minisign(site.bob.public_key(), file, file.string() + ".witness.minisig"));
  }
  EXPECT_EQ(site.verify(&witness).witnessed, seen.events);
  ASSERT_TRUE(show()) << "again, with nothing new";
}

TEST_F(Stories, told_anew_are_caught_by_who_remembers_the_first) {
  start();
  keep_home();
  finish();
  ASSERT_TRUE(show());
  EXPECT_EQ(first_finding(), "none");

  put_home_back();
  say("another");
  finish();
  EXPECT_TRUE(site.verify().clean) << "every signature and digest of the second story is good";
  const std::string found = first_finding();
  EXPECT_EQ(found.find("record.fork.event: events.jsonl forks at an event from "), 0u) << found;
  const auto refused = show();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "trust.checkpoint.fork");
  // Whoever doubts the witness has two statements of the runner that cannot both be true.
  fs::path proof;
  for (const auto& entry : fs::directory_iterator(witness.folder() / site.last.value))
    if (entry.path().filename().string().starts_with("fork-") &&
        entry.path().extension() == ".json")
      proof = entry.path();
  ASSERT_FALSE(proof.empty());
  EXPECT_TRUE(minisign(site.runner.public_key(), proof, proof.string() + ".minisig"));
}

TEST_F(Stories, cut_short_are_caught_by_who_saw_more) {
  start();
  const std::string early = (site.path() / "early").string();
  fs::copy(site.record(), early, fs::copy_options::recursive);
  finish();
  ASSERT_TRUE(show());
  fs::remove_all(site.record());
  fs::copy(early, site.record(), fs::copy_options::recursive);
  EXPECT_TRUE(site.verify().clean) << "it was a whole record once";
  EXPECT_EQ(first_finding().find("record.fork.truncated: the witness saw event "), 0u)
      << first_finding();
}

TEST_F(Stories, with_another_approval_under_the_same_events_are_caught_by_the_list_of_files) {
  start();
  finish();
  ASSERT_TRUE(show());
  const Json plan = site.ledger->plan_of(site.last).value();
  const auto other = site.approval(plan, site.alice, "alice");
  ASSERT_TRUE(write_file(site.record() / "approvals/alice.json", other.document));
  ASSERT_TRUE(write_file(site.record() / "approvals/alice.json.minisig", other.signature));
  ASSERT_EQ(
      tool(site.record(), {"sh", "-c",
                           "find . -type f ! -name 'SHA256SUMS*' | sed 's|^\\./||' | LC_ALL=C "
                           "sort | xargs sha256sum > SHA256SUMS"}),
      0);
  const std::string sums = read_file(site.record() / "SHA256SUMS").value();
  ASSERT_TRUE(write_file(site.record() / "SHA256SUMS.minisig",
                         site.runner.sign(sums, "hyops record").value()));
  EXPECT_TRUE(site.verify().clean) << "the runner signed it";
  EXPECT_EQ(first_finding(),
            "record.fork.file: approvals/alice.json is not what the runner signed before");
}

TEST_F(Stories, of_another_run_under_a_used_token_are_caught) {
  keep_home();
  start();
  ASSERT_TRUE(show());
  put_home_back();
  start();
  EXPECT_TRUE(site.verify().clean);
  const auto refused = show();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "trust.checkpoint.fork");
  EXPECT_NE(refused.error().message.find("fencing token 1 of lane drill"), std::string::npos)
      << refused.error().message;
}

TEST_F(Stories, whose_checkpoints_were_taken_out_exchanged_or_forged_are_named) {
  start();
  finish();
  const fs::path folder = site.record() / "checkpoints";
  const auto codes = [&] {
    std::string out;
    for (const auto& finding : site.verify().findings)
      if (finding.code.starts_with("record.checkpoint")) out += finding.code + " ";
    return out;
  };
  EXPECT_EQ(codes(), "");
  const auto second = read_file(folder / "000002.json").value();
  fs::remove(folder / "000002.json");
  EXPECT_EQ(codes(), "record.checkpoint.missing ");
  // By somebody with a key of his own, who says something else about the same event.
  auto forged = trust::parse_checkpoint(second).value();
  forged.head = std::string(64, '0');
  const std::string document = trust::to_document(forged).value();
  ASSERT_TRUE(write_file(folder / "000002.json", document));
  ASSERT_TRUE(write_file(folder / "000002.json.minisig", site.bob.sign(document, "x").value()));
  EXPECT_EQ(codes(),
            "record.checkpoint.signer record.checkpoint.changed record.checkpoint.changed ");
}
