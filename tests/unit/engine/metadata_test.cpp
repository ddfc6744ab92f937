// From the pack to the record: who declares that his tools read the runner's credentials, who
// approves it, and what is said where they could be read all the same (K7).
#include "support/forbid.hpp"
#include "support/metadata_service.hpp"
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

constexpr const char* declares = "[network]\nmetadata = true\n";

// One step whose tool asks for the credentials and gives out what it got.
struct Asking : Site {
  explicit Asking(const std::string& pack_extra, const std::string& observe = "") {
    tool("ask", "[outputs.got]\ntype = \"string\"\n",
         std::string("got=$(bash -c '") + tests::ask_for_credentials +
             "' | tail -n 1 | tr -d '\"')\nprintf '{\"got\":\"%s\"}' \"$got\" > $HYOPS_OUTPUTS\n",
         pack_extra, observe);
    blueprint("[[step]]\nid = \"ask\"\nmodule = \"test/ask\"\nphase = \"data\"\n");
  }
  std::string got() {
    return get_string(Json::parse(events("step.outcome").at(0))["outputs"], "got");
  }
  std::string metadata() {
    return get_string(Json::parse(events("step.outcome").at(0)), "metadata");
  }
  std::string report() {
    const auto told = record::summary(record());
    return told ? record::text_report(*told, false) : told.error().text();
  }
};

void run_where_it_cannot_be_refused() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);  // a network with nothing in it: what it asks is nobody's
  ASSERT_TRUE(tests::forbid(SYS_bpf));
  Asking site("");
  EXPECT_EQ(site.run(site.plan()), "ok") << "nothing holds up a recovery for that (L16)";
  EXPECT_EQ(site.metadata(), "open");
  const auto said = site.events("step.metadata_open");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("the kernel takes no program"), std::string::npos) << said[0];
  EXPECT_NE(site.report().find("could not refuse it"), std::string::npos) << site.report();
  EXPECT_TRUE(site.verify().clean);
}

}  // namespace

TEST(Metadata, is_refused_to_the_tools_of_a_step_and_the_record_says_so) {
  tests::MetadataService service;
  if (const std::string why = service.start(); !why.empty()) GTEST_SKIP() << why;
  Asking site("");
  const Json plan = site.plan();
  EXPECT_FALSE(plan["blast_radius"].contains("metadata"));
  EXPECT_EQ(site.run(plan), "ok");
  EXPECT_NE(site.got().find(tests::not_permitted), std::string::npos) << site.got();
  EXPECT_EQ(site.metadata(), "refused");
  EXPECT_EQ(get_string(*record::summary(site.record()), "metadata"), "refused");
  EXPECT_NE(site.report().find("refused to every tool"), std::string::npos) << site.report();
  EXPECT_TRUE(site.verify().clean);
}

TEST(Metadata, is_there_where_a_pack_declares_it_which_its_approver_sees_and_the_record_keeps) {
  tests::MetadataService service;
  if (const std::string why = service.start(); !why.empty()) GTEST_SKIP() << why;
  Asking site(declares);
  const Json plan = site.plan();
  EXPECT_EQ(plan["blast_radius"]["metadata"],
            Json::array({"step ask: its tools may read the runner's own credentials"}));
  EXPECT_EQ(site.run(plan), "ok");
  EXPECT_EQ(site.got(), tests::given);
  EXPECT_EQ(site.metadata(), "declared");
  EXPECT_NE(site.report().find("ask (declared by their packs)"), std::string::npos)
      << site.report();
  EXPECT_TRUE(site.verify().clean);
}

TEST(Metadata, is_not_won_by_a_pack_that_declares_it_after_the_approval) {
  Asking site("");
  Json plan = site.plan();
  plan["steps"][0]["metadata"] = true;
  EXPECT_EQ(site.run(plan).substr(0, 15), "plan.unfaithful");
}

TEST(MetadataDeathTest, stays_open_and_is_said_to_be_where_it_cannot_be_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may refuse it to itself";
  EXPECT_EXIT(
      {
        run_where_it_cannot_be_refused();
        ::_exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}
