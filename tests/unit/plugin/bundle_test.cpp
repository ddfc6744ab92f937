// The offline bundle through the built plugin and the real helper, sealed by the core's own
// sealing.
#include "trust/seal.hpp"
#include "unit/plugin/plugin_folder.hpp"

namespace hyops::plugin {
namespace {

struct FixedClock : Clock {
  int64_t now = 1'000'000;
  int64_t wall_ms() const override { return now; }
  int64_t mono_ms() const override { return system_clock().mono_ms(); }
};

class OfflineBundle : public ::testing::Test {
 protected:
  OfflineBundle()
      : temp_(*TempDir::create(std::filesystem::temp_directory_path())),
        ours_(*trust::SealKey::generate()),
        theirs_(*trust::SealKey::generate()) {}

  void seal(int64_t version = 3, bool to_us = true) {
    std::vector<std::pair<std::string, Secret>> secrets;
    secrets.emplace_back("db-password", Secret("hunter2"));
    secrets.emplace_back("binary", Secret(std::string_view("\0\x01\xff", 3)));
    std::vector<std::string> to{theirs_.public_text()};
    if (to_us) to.push_back(ours_.public_text());
    auto sealed = trust::seal_bundle({"drill", version, 500'000, 2'000'000, to}, secrets);
    ASSERT_TRUE(sealed) << sealed.error().text();
    PluginFolder::write(file(), *sealed);
  }
  std::string file() const { return (temp_.path() / "drill.sealed").string(); }

  Result<Json> call(const std::string& verb, const Json& input = Json::object(),
                    int64_t min_version = 0) {
    auto registry = Registry::open(standard_sources(HYOPS_BUILD_DIR, temp_.path()));
    if (!registry) return pass(registry);
    Services services;
    services.unseal = [this](std::string_view sealed) { return ours_.unseal(sealed); };
    services.sink = [this](const std::string& name, const std::string& version,
                           Secret value) -> Status {
      taken_[name + "@" + version] = std::string(value.reveal());
      return {};
    };
    auto instance = Instance::start(*registry, "hyops.secrets.offline-bundle",
                                    {{"bundle", file()}, {"min_version", min_version}},
                                    std::move(services), clock_);
    if (!instance) return pass(instance);
    CallRequest request;
    request.interface = "hyops.secret/1";
    request.verb = verb;
    request.input = input;
    return instance->call(request);
  }

  TempDir temp_;
  trust::SealKey ours_, theirs_;
  FixedClock clock_;
  std::map<std::string, std::string> taken_;
};

TEST_F(OfflineBundle, says_what_it_holds_without_opening_it) {
  seal();
  auto said = call("probe");
  ASSERT_TRUE(said) << said.error().text();
  EXPECT_EQ((*said)["names"], (Json{"binary", "db-password"}));
  EXPECT_EQ((*said)["version"], "3");
  EXPECT_EQ((*said)["expires_ms"], 2'000'000);
  EXPECT_TRUE(taken_.empty());
}

TEST_F(OfflineBundle, gives_only_what_was_asked_for_and_only_to_the_sink) {
  seal();
  auto resolved = call("resolve", {{"names", {"db-password"}}});
  ASSERT_TRUE(resolved) << resolved.error().text();
  EXPECT_EQ(taken_, (std::map<std::string, std::string>{{"db-password@3", "hunter2"}}));
  EXPECT_EQ(*resolved, (Json{{"resolved", {{{"name", "db-password"}, {"version", "3"}}}}}));
  ASSERT_TRUE(call("resolve", {{"names", {"binary"}}}));
  EXPECT_EQ(taken_["binary@3"], std::string("\0\x01\xff", 3));
}

TEST_F(OfflineBundle, gives_nothing_when_one_name_is_unknown) {
  seal();
  EXPECT_EQ(code(call("resolve", {{"names", {"db-password", "nobody"}}})), "secret.unknown");
  EXPECT_TRUE(taken_.empty());
}

TEST_F(OfflineBundle, refuses_one_that_expired_or_is_older_than_it_was) {
  seal();
  clock_.now = 2'000'000;
  EXPECT_EQ(code(call("probe")), "secret.bundle.expired");
  clock_.now = 1'999'999;
  EXPECT_EQ(code(call("probe")), "ok");
  EXPECT_EQ(code(call("probe", Json::object(), 4)), "secret.bundle.rollback");
}

TEST_F(OfflineBundle, refuses_one_that_was_sealed_to_others_or_changed) {
  seal(3, false);
  EXPECT_EQ(code(call("resolve", {{"names", {"db-password"}}})), "secret.bundle.recipient");
  seal();
  std::string text = *read_file(file());
  text.replace(text.find("2000000"), 7, "2000001");  // a longer life
  PluginFolder::write(file(), text);
  EXPECT_EQ(code(call("resolve", {{"names", {"db-password"}}})), "secret.bundle.malformed");
  EXPECT_TRUE(taken_.empty());
  PluginFolder::write(file(), "{}");
  EXPECT_EQ(code(call("probe")), "secret.bundle.malformed");
}

TEST_F(OfflineBundle, is_missing_when_it_is_missing_and_takes_nothing_in) {
  EXPECT_EQ(code(call("probe")), "secret.bundle.missing");
  EXPECT_EQ(code(call("transition", {{"to", "home"}})), "secret.bundle.missing");
  seal();
  EXPECT_EQ(code(call("store", {{"name", "x"}})), "secret.unsupported");
  EXPECT_EQ(code(call("transition", {{"to", "home"}})), "ok") << "ready as it is (E6)";
}

}  // namespace
}  // namespace hyops::plugin
