// What `hyops plugin new` makes, from the vendor's first command to a run on somebody's runner:
// every kind, with both compilers, without a line changed.
#include "sdk/vendor/runner.hpp"
#include "sdk/vendor/sdk.hpp"

namespace hyops::test {
namespace {

size_t lines_below(const fs::path& folder) {
  size_t lines = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) {
      const auto text = read_file(entry.path());
      lines += static_cast<size_t>(std::count(text->begin(), text->end(), '\n'));
    }
  return lines;
}

// One afternoon: a folder with the new plugin, built, and the keys that it is signed with.
class Vendor {
 public:
  explicit Vendor(const std::string& kind)
      : id("com.acme." + kind),
        temp_(*TempDir::create(fs::temp_directory_path(), "hyops-vendor")),
        source(temp_.path() / id) {
    const auto made =
        run({Sdk::here().hyops(), "plugin", "new", id, "--kind", kind, "--to", source.string()});
    EXPECT_EQ(made.exit.code, 0) << made.err;
  }
  fs::path build_with(const std::string& compiler) const {
    const fs::path built = temp_.path() / compiler;
    build(source, built, compiler);
    return built / id;
  }
  void sign(const fs::path& plugin) const {
    const std::string keys = (temp_.path() / "keys").string();
    EXPECT_EQ(run({Sdk::here().hyops(), "key", "new", "acme", "--to", keys}).exit.code, 0);
    const auto done = run({Sdk::here().hyops(), "plugin", "sign", plugin.string(), "--key", key()});
    EXPECT_EQ(done.exit.code, 0) << done.err;
  }
  std::string key() const { return (temp_.path() / "keys/acme.key").string(); }
  std::string public_key() const { return (temp_.path() / "keys/acme.pub").string(); }

  const std::string id;

 private:
  TempDir temp_;

 public:
  const fs::path source;
};

void passes_every_check(const fs::path& plugin) {
  const auto checked = run({Sdk::here().hyops(), "plugin", "check", plugin.string()});
  EXPECT_EQ(checked.exit.code, 0) << checked.out << checked.err;
}

class Template : public ::testing::TestWithParam<const char*> {};
TEST_P(Template, is_short_and_passes_every_check_at_once) {
  const Vendor vendor(GetParam());
  EXPECT_LE(lines_below(vendor.source), 150u);
  passes_every_check(vendor.build_with("g++"));
}
INSTANTIATE_TEST_SUITE_P(Each, Template,
                         ::testing::Values("provider", "egress", "access", "secret"),
                         [](const auto& about) { return std::string(about.param); });

// What a lane's plugin is told, in the drill's own modules.
struct Use {
  const char *kind, *interface, *module, *verb, *phase, *inputs, *method, *path;
};
const Use uses[] = {
    {"provider", "hyops.provider/1", "compute/host", "apply", "place",
     "{ name = \"db\", zone = \"zone-1\", role = \"postgresql\" }", "PUT", "/hosts/db"},
    {"egress", "hyops.egress/1", "egress/policy", "apply", "egress",
     "{ zone = \"zone-1\", sources = [\"10.0.0.0/24\"], allow = [\"198.51.100.7/32:443\"] }", "PUT",
     "/egress/zone-1_10.0.0.0-24"},
    {"access", "hyops.access/1", "access/session", "open", "access",
     "{ hosts = [{ name = \"db\", zone = \"zone-1\", address = \"10.0.0.9\", user = \"admin\", "
     "port = 22, host_key = \"ssh-ed25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAICD2XChnG0CTfFvyOsx8bzflpewGIuNHtXaFcl31up5Q\", placement = \"p\" }] "
     "}",
     "PUT", "/sessions/db"},
    {"secret", "hyops.secret/1", "test/open", "resolve", "secrets", "{ word = \"db-password\" }",
     "GET", "/secrets/db-password"},
};

class InUse : public ::testing::TestWithParam<Use> {};
TEST_P(InUse, does_its_work_in_a_run_once_the_owner_trusts_the_vendor) {
  const Use& use = GetParam();
  const std::string kind = use.kind;
  const Vendor vendor(kind);
  const fs::path plugin = vendor.build_with("clang++");
  passes_every_check(plugin);
  vendor.sign(plugin);

  const Cloud cloud(
      Json{{"/secrets/db-password", Json{{"value", "correct-horse"}, {"version", "7"}}}});
  Runner runner;
  const std::string settings = "api = \"" + cloud.url() + "\"\ntoken = \"api-token\"\n",
                    price = kind == "provider" ? "price = 20000\n" : "",
                    own = "[plugins.\"hyops.secrets.offline-bundle\"]\nbundle = \"" +
                          runner.bundle() + "\"\n";
  if (kind == "secret") {
    runner.tool("open",
                "[inputs.word]\ntype = \"secret\"\nrequired = true\n[outputs.said]\ntype = "
                "\"string\"\n[effects]\nsecrets = [\"word\"]\n",
                "test \"$(cat \"$HYOPS_SECRETS/word\")\" = correct-horse\n"
                "printf '{\"said\":\"x\"}' > \"$HYOPS_OUTPUTS\"\n");
    runner.lane(
        "drill", "drill", "drill",
        "[secrets]\nauthority = \"" + vendor.id + "\"\n[secrets.config]\n" + settings + own);
  } else {
    runner.stands_for(use.module, vendor.id, use.interface, use.verb);
    runner.lane("drill", "drill", "drill",
                "[secrets]\nauthority = \"hyops.secrets.offline-bundle\"\n[secrets.config]\n"
                "bundle = \"" +
                    runner.at("own.sealed") + "\"\n[plugins.\"" + vendor.id + "\"]\n" + settings +
                    price);
  }
  runner.blueprint(
      step("use", use.phase, "inputs = " + std::string(use.inputs) + "\n", use.module));

  EXPECT_TRUE(refused(runner.run({"plugin", "install", plugin.string()}), 3,
                      "plugin.signature.unknown_key"));
  const auto trusted = runner.run({"plugin", "trust", vendor.public_key(), "--name", "acme",
                                   "--ids", "com.acme.", "--interfaces", use.interface});
  ASSERT_EQ(trusted.code, 0) << trusted.err;
  const auto installed = runner.run({"plugin", "install", plugin.string()});
  ASSERT_EQ(installed.code, 0) << installed.err;

  const auto planned = runner.plan("drill");
  ASSERT_EQ(planned.code, 0) << planned.out << planned.err;
  const auto approved = runner.approve("alice", "drill");
  ASSERT_EQ(approved.code, 0) << approved.out << approved.err;
  const auto ran = runner.start();
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_EQ(cloud.asked(use.method, use.path), 1u);
}
INSTANTIATE_TEST_SUITE_P(Each, InUse, ::testing::ValuesIn(uses),
                         [](const auto& about) { return std::string(about.param.kind); });

}  // namespace
}  // namespace hyops::test
