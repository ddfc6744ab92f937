// hyops.lock and the digests of a plan: what changed after it was agreed to or planned does not
// run.
#include "support/site.hpp"

using namespace hyops;
using hyops::tests::Site;

namespace {

Site said_site() {
  Site site;
  site.tool("say", "[outputs.said]\ntype = \"string\"\n[effects]\n",
            "echo '{\"said\": \"hello\"}' > \"$HYOPS_OUTPUTS\"\n");
  site.blueprint("[[step]]\nid = \"one\"\nmodule = \"test/say\"\nphase = \"data\"\n");
  return site;
}

}  // namespace

TEST(Lock, names_everything_that_a_plan_pins) {
  Site site = said_site();
  const auto plan = plan::parse_plan(site.plan()).value();
  const contract::Lock lock = plan::lock_of(plan);
  EXPECT_TRUE(lock.blueprints.at("test/flow").starts_with("sha256:"));
  EXPECT_TRUE(lock.modules.at("test/say").starts_with("sha256:"));
  EXPECT_TRUE(lock.packs.at("test/say").starts_with("sha256:"));
  EXPECT_TRUE(lock.profiles.at("drill").starts_with("sha256:"));
  EXPECT_TRUE(plan::check_lock(plan, lock));
}

TEST(Lock, refuses_what_is_not_in_it_and_what_is_another) {
  Site site = said_site();
  const auto plan = plan::parse_plan(site.plan()).value();
  contract::Lock lock = plan::lock_of(plan);
  lock.packs.at("test/say").back() ^= 1;
  const auto changed = plan::check_lock(plan, lock);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, "plan.lock.changed");
  EXPECT_NE(changed.error().message.find("pack test/say"), std::string::npos);
  EXPECT_NE(changed.error().next.find("hyops lane lock drill test/flow"), std::string::npos);
  lock.packs.clear();
  EXPECT_EQ(plan::check_lock(plan, lock).error().code, "plan.lock.missing");
}

TEST(Lock, of_a_lane_is_held_against_plans_that_are_admitted) {
  Site site = said_site();
  const Json plan = site.plan();
  contract::Lock lock = plan::lock_of(plan::parse_plan(plan).value());
  const auto keep = [&] { site.file(site.setup.lock_file("drill"), contract::write_lock(lock)); };
  keep();
  ASSERT_TRUE(site.admit(plan));
  lock.modules.at("test/say") = digest_of("another");
  keep();
  const auto refused = site.admit(plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "plan.lock.changed");
}

TEST(Lock, of_a_plan_holds_its_modules_too) {
  Site site = said_site();
  const Json plan = site.plan();
  const auto file = site.setup.catalog / "modules/test/say/module.toml";
  site.file(file, read_file(file).value() + "# changed\n");
  const auto refused = site.admit(plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "engine.module.changed");
}
