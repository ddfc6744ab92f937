// An authority whose helper dies: what waits for its secrets fails in words of its own, and nothing
// about the step is unknown by it.
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;
namespace fs = std::filesystem;

TEST(Authority, that_dies_is_asked_once_more_and_then_said_to_be_unavailable) {
  Site site;
  site.plugin("dies", {"hyops.secret/1"});
  site.lane("[secrets]\nauthority = \"test.dies\"\n");
  site.tool("use",
            "[inputs.word]\ntype = \"secret\"\nrequired = true\n[effects]\nsecrets = "
            "[\"word\"]\n",
            "true\n");
  site.blueprint(
      "[[step]]\nid = \"use\"\nmodule = \"test/use\"\nphase = \"data\"\ninputs = { word = "
      "\"db\" }\n");
  EXPECT_EQ(site.run(site.plan()), "failed");
  const Json outcome = Json::parse(site.events("step.outcome")[0]);
  EXPECT_EQ(outcome["code"], "engine.secret.unavailable") << outcome;
  EXPECT_EQ(outcome["class"], "unavailable") << "so the profile's retries are for it";
  const auto cases =
      plugin::Registry::open(plugin::standard_sources(site.setup.prefix, site.setup.home))
          .value()
          .quarantine()
          .list();
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].crashes.size(), 2u) << "asked twice";
}
