// The vendor's afternoon, with nothing but the installed SDK: build, check, sign, ship, and a
// runner that refuses it until its owner trusts the vendor.
#include <fcntl.h>
#include <unistd.h>

#include "sdk/vendor/sdk.hpp"

namespace hyops::test {
namespace {

// platform.py for as long as it is needed.
class Controller {
 public:
  Controller() {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    const Fd reads(out[0]), writes(out[1]), theirs(in[0]);
    keeps_ = Fd(in[1]);
    process::SpawnRequest request;
    request.argv = {"python3", HYOPS_SOURCE_DIR "/tests/sdk/vendor/platform.py"};
    request.in = theirs.get();
    request.out = writes.get();
    child_.emplace(*process::spawn(request));
    for (char c; ::read(reads.get(), &c, 1) == 1 && c != '\n';) port_ += c;
  }
  std::string url() const { return "http://127.0.0.1:" + port_; }

 private:
  Fd keeps_;
  std::optional<process::Child> child_;
  std::string port_;
};

TEST(Vendor, ships_a_provider_that_a_runner_takes_once_its_owner_trusts_the_key) {
  auto temp = TempDir::create(fs::temp_directory_path());
  const fs::path built = temp->path() / "build", plugin = built / "org.moon.racks";
  const std::string home = (temp->path() / "home").string(),
                    keys = (temp->path() / "keys").string();
  const auto hyops = [&](std::vector<std::string> words) {
    words.insert(words.begin(), Sdk::here().hyops());
    words.insert(words.end(), {"--home", home, "--json"});
    return run(std::move(words));
  };
  build(HYOPS_SOURCE_DIR "/tests/sdk/vendor", built);

  const Controller controller;
  const fs::path work = temp->path() / "check.toml";
  ASSERT_TRUE(write_file(work, "config = { api = \"" + controller.url() +
                                   "\", token = \"token\" }\nsecrets.token = \"moon-token-1\"\n"));
  const auto checked = hyops({"plugin", "check", plugin.string(), "--with", work.string()});
  EXPECT_EQ(checked.exit.code, 0) << checked.out << checked.err;

  ASSERT_EQ(hyops({"key", "new", "moon", "--to", keys}).exit.code, 0);
  const auto stranger = hyops({"plugin", "install", plugin.string()});
  EXPECT_NE(stranger.exit.code, 0);
  EXPECT_NE(stranger.out.find("plugin.signature.missing"), std::string::npos) << stranger.out;
  ASSERT_EQ(hyops({"plugin", "sign", plugin.string(), "--key", keys + "/moon.key"}).exit.code, 0);
  const auto untrusted = hyops({"plugin", "install", plugin.string()});
  EXPECT_EQ(untrusted.exit.code, 3) << untrusted.out;
  EXPECT_NE(untrusted.out.find("plugin.signature.unknown_key"), std::string::npos);
  const auto trusted = hyops({"plugin", "trust", keys + "/moon.pub", "--name", "moon", "--ids",
                              "org.moon.", "--interfaces", "hyops.provider/1"});
  ASSERT_EQ(trusted.exit.code, 0) << trusted.out;
  const auto installed = hyops({"plugin", "install", plugin.string()});
  ASSERT_EQ(installed.exit.code, 0) << installed.out;
  EXPECT_EQ(hyops({"plugin", "install", plugin.string()}).exit.code, 4) << "one is there already";
  EXPECT_EQ(hyops({"plugin", "install", plugin.string(), "--replace"}).exit.code, 0);

  auto listed = parse_json(hyops({"plugin", "list"}).out, "the list");
  ASSERT_TRUE(listed && listed->size() == 1);
  EXPECT_EQ(get_string(listed->front(), "plugin"), "org.moon.racks");
  EXPECT_EQ(get_string(listed->front(), "signed_by"), "moon") << listed->dump();
  EXPECT_EQ(hyops({"plugin", "remove", "org.moon.racks"}).exit.code, 0);
  EXPECT_EQ(parse_json(hyops({"plugin", "list"}).out, "the list")->size(), 0u);
}

TEST(Vendor, leaves_a_signed_report_that_minisign_verifies) {
  auto temp = TempDir::create(fs::temp_directory_path());
  const fs::path built = temp->path() / "build";
  build(HYOPS_SOURCE_DIR "/tests/sdk/vendor", built);
  ASSERT_TRUE(write_file(temp->path() / "check.toml",
                         "config = { api = \"http://platform.test\", token = \"token\" }\n"));
  const std::string stem = (temp->path() / "moon").string(), report = stem + ".json";
  ASSERT_EQ(
      run({Sdk::here().hyops(), "key", "new", "moon", "--to", temp->path().string()}).exit.code, 0);
  const auto checked =
      run({Sdk::here().hyops(), "plugin", "check", (built / "org.moon.racks").string(), "--with",
           (temp->path() / "check.toml").string(), "--only", "creates,exports-one-symbol",
           "--report", report, "--key", stem + ".key"});
  EXPECT_EQ(checked.exit.code, 0) << checked.out << checked.err;
  const auto verified = run({"minisign", "-V", "-p", stem + ".pub", "-m", report});
  EXPECT_EQ(verified.exit.code, 0);
  EXPECT_NE(verified.out.find("only 2 of "), std::string::npos)
      << "two checks are not the conformance of the plugin: " << verified.out;
}

struct Compiler {
  const char *command, *standard, *language, *header;
};
class Header : public ::testing::TestWithParam<Compiler> {};
TEST_P(Header, compiles_alone_without_a_warning) {
  const auto& with = GetParam();
  if (!process::find_executable(with.command, process::default_path)) GTEST_SKIP() << with.command;
  const fs::path header = Sdk::here().prefix() / "include/hyops" / with.header;
  const auto done =
      run({with.command, std::string("-std=") + with.standard, "-x", with.language, "-Wall",
           "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-include", header.string(), "-I",
           (Sdk::here().prefix() / "include").string(), "/dev/null"});
  EXPECT_EQ(done.exit.code, 0) << done.err;
}
const Compiler compilers[] = {
    {"gcc", "c11", "c", "plugin.h"},           {"gcc", "c17", "c", "plugin.h"},
    {"clang", "c11", "c", "plugin.h"},         {"clang", "c17", "c", "plugin.h"},
    {"g++", "c++17", "c++", "plugin.h"},       {"g++", "c++20", "c++", "plugin.h"},
    {"clang++", "c++17", "c++", "plugin.h"},   {"clang++", "c++20", "c++", "plugin.h"},
    {"g++", "c++17", "c++", "plugin.hpp"},     {"g++", "c++20", "c++", "plugin.hpp"},
    {"clang++", "c++17", "c++", "plugin.hpp"}, {"clang++", "c++20", "c++", "plugin.hpp"},
    {"g++", "c++17", "c++", "json.hpp"},       {"g++", "c++20", "c++", "json.hpp"},
    {"clang++", "c++17", "c++", "json.hpp"},   {"clang++", "c++20", "c++", "json.hpp"}};
INSTANTIATE_TEST_SUITE_P(Each, Header, ::testing::ValuesIn(compilers));

}  // namespace
}  // namespace hyops::test
