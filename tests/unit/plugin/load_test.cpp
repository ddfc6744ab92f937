// Every arrow of the load order, broken one at a time: each has a code of its own.
#include <algorithm>
#include <fstream>

#include "plugin/check/elf.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

TEST(PluginLoad, starts_a_signed_plugin_and_calls_it) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking", "requires = [\"hyops.log/1\"]\n");
  auto instance = there.start("test.speaking");
  ASSERT_TRUE(instance) << instance.error().text();
  auto answer = instance->call(request("plan", {{"count", 2}}));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ((*answer)["echo"]["count"], 2);
}

TEST(PluginLoad, refuses_a_plugin_that_nobody_signed) {
  PluginFolder there;
  there.put("test.speaking", "speaking", PluginFolder::manifest("test.speaking"));
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.signature.missing");
}

TEST(PluginLoad, refuses_a_key_it_does_not_know) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  there.trust_key(*trust::SecretKey::generate(), "test.", "\"hyops.provider/1\"");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.signature.unknown_key");
}

TEST(PluginLoad, refuses_a_known_key_beyond_its_ids) {
  PluginFolder there;
  there.trust_keys("com.acme.");
  there.put_signed("test.speaking", "speaking");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.scope.id");
}

TEST(PluginLoad, refuses_a_known_key_beyond_its_interfaces) {
  PluginFolder there;
  there.trust_keys("test.", "\"hyops.secret/1\"");
  there.put_signed("test.speaking", "speaking");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.scope.interface");
}

TEST(PluginLoad, refuses_a_manifest_that_was_changed_after_signing) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  std::ofstream(there.folder("test.speaking") / "plugin.toml", std::ios::app) << "# harmless?\n";
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.signature.wrong");
}

TEST(PluginLoad, refuses_a_signature_that_is_none) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  PluginFolder::write(there.folder("test.speaking") / "plugin.toml.minisig", "trust me\n");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.signature.malformed");
}

TEST(PluginLoad, refuses_a_shared_object_that_was_changed_after_signing) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  std::ofstream(there.folder("test.speaking") / "plugin.so", std::ios::app) << "x";
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.file.changed");
}

TEST(PluginLoad, refuses_a_shared_object_that_is_not_there) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  std::filesystem::remove(there.folder("test.speaking") / "plugin.so");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.file.missing");
}

TEST(PluginLoad, refuses_configuration_beyond_the_schema) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking",
                   "[inputs.api]\ntype = \"string\"\nrequired = true\n[inputs.wait]\ntype = "
                   "\"duration\"\ndefault = \"2s\"\n");
  EXPECT_EQ(code(there.start("test.speaking")), "plugin.config.missing");
  EXPECT_EQ(code(there.start("test.speaking", {{"api", 3}})), "plugin.config.value");
  EXPECT_EQ(code(there.start("test.speaking", {{"api", "x"}, {"apii", "x"}})),
            "plugin.config.unknown");
  auto good = there.start("test.speaking", {{"api", "x"}});
  ASSERT_TRUE(good) << good.error().text();
  EXPECT_EQ((*good->call(request("plan")))["config"], (Json{{"api", "x"}, {"wait", 2000}}));
}

struct Misfit {
  const char* member;
  const char* code;
};
class PluginMisfit : public ::testing::TestWithParam<Misfit> {};
TEST_P(PluginMisfit, is_refused_with_a_code_of_its_own) {
  PluginFolder there;
  there.put_signed("test.family", GetParam().member);
  EXPECT_EQ(code(there.start("test.family")), GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(All, PluginMisfit,
                         ::testing::Values(Misfit{"no_symbol", "plugin.symbol"},
                                           Misfit{"wrong_magic", "plugin.magic"},
                                           Misfit{"newer_major", "plugin.abi"},
                                           Misfit{"short_module", "plugin.abi"},
                                           Misfit{"lies_about_id", "plugin.id"},
                                           Misfit{"other_version", "plugin.version"},
                                           Misfit{"creates_nothing", "plugin.create"},
                                           Misfit{"refuses_to_be", "plugin.create"},
                                           Misfit{"short_table", "plugin.interface"},
                                           Misfit{"no_interface", "plugin.interface"}),
                         [](const auto& about) { return std::string(about.param.member); });

TEST(PluginLoad, says_why_a_plugin_did_not_want_its_configuration) {
  PluginFolder there;
  there.put_signed("test.family", "refuses_to_be");
  auto refused = there.start("test.family");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("it does not want to [family.no]"), std::string::npos);
}

TEST(PluginLoad, survives_a_file_that_is_no_shared_object) {
  PluginFolder there;
  there.put("test.noise", "speaking", PluginFolder::manifest("test.noise"));
  PluginFolder::write(there.folder("test.noise") / "plugin.so", std::string(5000, 'x'));
  ASSERT_TRUE(sign(there.folder("test.noise"), there.key()));
  EXPECT_EQ(code(there.start("test.noise")), "plugin.load");
}

TEST(PluginLoad, survives_a_plugin_that_dies_while_it_is_made) {
  PluginFolder there;
  there.put_signed("test.broken", "broken", "[inputs.how]\ntype = \"string\"\n");
  EXPECT_EQ(code(there.start("test.broken", {{"how", "die-in-create"}})), "plugin.load.died");
}

TEST(PluginLoad, refuses_manifests_from_another_time) {
  PluginFolder there;
  const auto changed = [](std::string from, const std::string& to) {
    std::string text = PluginFolder::manifest("test.x");
    return text.replace(text.find(from), from.size(), to);
  };
  const auto parsed = [&](const std::string& text) { return code(parse_manifest(text, "/x")); };
  EXPECT_EQ(parsed(PluginFolder::manifest("test.x")), "ok");
  EXPECT_EQ(parsed(changed("1.0\"", "2.0\"")), "plugin.manifest.abi");
  EXPECT_EQ(parsed(changed("provider/1", "provider/9")), "plugin.manifest.interface");
  EXPECT_EQ(parsed(PluginFolder::manifest("test.x", "requires = [\"hyops.root/1\"]\n")),
            "plugin.manifest.service");
  EXPECT_EQ(parsed(PluginFolder::manifest("test.x", "surprise = 1\n")), "plugin.manifest.invalid");
  EXPECT_EQ(parsed(PluginFolder::manifest("../../etc")), "plugin.manifest.invalid");
  EXPECT_EQ(parsed("plugin = \"test.x\"\n"), "plugin.manifest.invalid");
  EXPECT_EQ(parsed("[&"), "plugin.manifest.invalid");
}

// The helper is started while the plugin is judged: its own trouble is not said in the plugin's
// place.
TEST(PluginLoad, says_what_is_wrong_with_a_plugin_before_what_is_wrong_with_the_helper) {
  PluginFolder there;
  there.put_signed("test.speaking", "speaking");
  there.put("test.stranger", "speaking", PluginFolder::manifest("test.stranger"));
  const auto registry = Registry::open(
      {{there.root() / "plugins"}, {there.root() / "trust.toml"}, "/nowhere/helper"});
  ASSERT_TRUE(registry);
  const auto start = [&](const char* id, const Json& config) {
    return code(Instance::start(*registry, id, config, {}));
  };
  EXPECT_EQ(start("test.stranger", Json::object()), "plugin.signature.missing");
  EXPECT_EQ(start("test.speaking", {{"colour", "red"}}), "plugin.config.unknown");
  EXPECT_EQ(start("test.speaking", Json::object()), "plugin.helper");
}

// Each library costs every start of every plugin; its own needs, a plugin brings itself.
TEST(PluginHelper, starts_without_the_libraries_of_the_core) {
  const auto symbols = check::read_symbols(HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host");
  ASSERT_TRUE(symbols) << symbols.error().text();
  ASSERT_FALSE(symbols->imported.empty());
  for (const char* library : {"sodium_", "crypto_", "sqlite3_", "curl_", "seccomp_"})
    EXPECT_TRUE(std::none_of(symbols->imported.begin(), symbols->imported.end(),
                             [&](const std::string& name) { return name.starts_with(library); }))
        << library;
}

TEST(PluginLoad, lists_and_describes_without_running_vendor_code) {
  PluginFolder there;
  there.put_signed("test.broken", "broken");
  there.put("test.stranger", "speaking", PluginFolder::manifest("test.stranger"));
  auto registry = there.registry();
  ASSERT_TRUE(registry);
  const auto entries = registry->list();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].signed_by, "tester");
  ASSERT_TRUE(entries[1].problem);
  EXPECT_EQ(entries[1].problem->code, "plugin.signature.missing");
  auto said = registry->describe("test.broken");
  ASSERT_TRUE(said);
  EXPECT_EQ((*said)["signed_by"], "tester");
  EXPECT_EQ((*registry->describe("test.stranger"))["refused"]["code"], "plugin.signature.missing");
  auto unknown = registry->describe("test.brokn");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("test.broken"), std::string::npos);
}

}  // namespace
}  // namespace hyops::plugin
