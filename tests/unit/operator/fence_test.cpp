// Where nothing of a lost site can be reached to be fenced, a person answers for the loss (L12):
// signed at the keyboard, verified offline, and good for one lane, zone and decision.
#include "operator.hpp"

namespace hyops::test {
namespace {

class FenceCommand : public testing::Test {
 protected:
  FenceCommand() {
    const fs::path shipped = HYOPS_SOURCE_DIR "/catalog";
    for (const char* what : {"modules/fence/site", "packs/fence/accept-loss"}) {
      fs::create_directories((site.catalog() / what).parent_path());
      fs::copy(shipped / what, site.catalog() / what, fs::copy_options::recursive);
    }
    site.bind("fence/site", "fence/accept-loss");
    site.tool("promote",
              "[inputs.fence_proof]\ntype = \"string\"\nrequired = true\n[effects]\nproofs = "
              "[\"fence_proof\"]\n",
              "touch " + site.at("promoted") + "\n");
    site.lane("rehearsal", "drill", "drill");
    site.blueprint(
        "decision = [\"failover\"]\n" +
        step("site", "fence", "inputs = { zone = \"onprem\", reason = \"fire\" }", "fence/site") +
        step("promote", "data", "inputs = { fence_proof = { from = \"site.proof\" } }",
             "test/promote"));
    site.write("signals.json", "{}");
    EXPECT_EQ(site.run({"decision",     "issue",
                        "--type",       "failover",
                        "--lane",       "rehearsal",
                        "--target",     "cloud",
                        "--rationale",  "it is lost",
                        "--policy",     site.at("signals.json"),
                        "--repository", "main@backup",
                        "--signals",    site.at("signals.json"),
                        "--key",        site.at("keys/edge.key"),
                        "--to",         site.at("decision.json")})
                  .code,
              0);
  }
  Ran accept(const std::string& zone, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"fence",      "accept",
                                   "--lane",     "rehearsal",
                                   "--zone",     zone,
                                   "--decision", site.at("decision.json"),
                                   "--as",       "alice",
                                   "--key",      site.at("keys/alice.key"),
                                   "--reason",   "the building burns",
                                   "--to",       site.at("acceptance.json")};
    words.insert(words.end(), more.begin(), more.end());
    return site.hyops(words);
  }
  Ran verify(const std::string& zone) {
    return site.hyops({"fence", "verify", site.at("acceptance.json"), "--lane", "rehearsal",
                       "--zone", zone, "--decision", site.at("decision.json")});
  }
  // Planned with what was signed, approved and run: the exit code of the run.
  int run(const std::string& acceptance) {
    const Ran planned = site.hyops({"plan", "test/flow", "--lane", "rehearsal", "--decision",
                                    site.at("decision.json"), "--input",
                                    "site.acceptance=" + acceptance, "--to", site.at("plan.json")});
    EXPECT_EQ(planned.code, 0) << planned.err;
    EXPECT_EQ(
        site.approve("bob", "rehearsal", "plan.json", {"--decision", site.at("decision.json")})
            .code,
        0);
    return site
        .hyops({"run", "start", site.at("plan.json"), "--decision", site.at("decision.json"),
                "--approvals", site.at("approvals"), "--by", "oncall"})
        .code;
  }
  Operator site;
};

TEST_F(FenceCommand, lets_a_promotion_start_by_an_accepted_loss_and_the_record_holds_who_signed) {
  const Ran accepted = accept("onprem");
  ASSERT_EQ(accepted.code, 0) << accepted.err;
  EXPECT_TRUE(accepted.says("next: hyops plan"));
  EXPECT_TRUE(verify("onprem").says("the building burns"));
  EXPECT_TRUE(refused(verify("cloud"), 3, "trust.acceptance.other"));
  EXPECT_TRUE(refused(accept("onprem", {"--valid", "5h"}), 2, "cli.usage"));
  EXPECT_EQ(run(read_file(site.at("acceptance.json")).value()), 0);
  EXPECT_TRUE(fs::exists(site.at("promoted")));
  const std::string events =
      read_file(site.at("runs/" + get_string(site.last_run(), "run") + "/record/events.jsonl"))
          .value();
  EXPECT_NE(events.find("loss-accepted"), std::string::npos);
  EXPECT_NE(events.find("the building burns"), std::string::npos);
}

TEST_F(FenceCommand, starts_no_promotion_by_the_accepted_loss_of_another_zone) {
  ASSERT_EQ(accept("edge").code, 0);
  EXPECT_NE(run(read_file(site.at("acceptance.json")).value()), 0);
  EXPECT_FALSE(fs::exists(site.at("promoted")));
}

}  // namespace
}  // namespace hyops::test
