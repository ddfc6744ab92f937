// The SDK as a Debian package: what is in it, and that a vendor who has only that gets on.
#include <unistd.h>

#include <sstream>

#include "base/text.hpp"
#include "sdk/vendor/sdk.hpp"

namespace hyops::test {
namespace {

class Package : public ::testing::Test {
 protected:
  Package() : temp_(*TempDir::create(fs::temp_directory_path(), "hyops-deb")) {
    const auto made = run({"cpack", "-G", "DEB", "--config", HYOPS_BUILD_DIR "/CPackConfig.cmake",
                           "-B", temp_.path().string()});
    EXPECT_EQ(made.exit.code, 0) << made.out << made.err;
    for (const auto& entry : fs::directory_iterator(temp_.path()))
      if (entry.path().extension() == ".deb") file = entry.path().string();
  }
  fs::path root() const { return temp_.path() / "root"; }
  process::Output dpkg(std::vector<std::string> words) const {
    words.insert(words.begin(), {"dpkg", "--root=" + root().string(), "--force-depends",
                                 "--log=" + (temp_.path() / "log").string()});
    return run(std::move(words));
  }
  std::string file;

 private:
  TempDir temp_;
};

TEST_F(Package, holds_exactly_what_its_list_says_readable_and_roots) {
  const auto listed = run({"dpkg-deb", "--contents", file});
  ASSERT_EQ(listed.exit.code, 0) << listed.err;
  std::vector<std::string> paths;
  std::istringstream lines(listed.out);
  for (std::string mode, owner, size, day, hour, path;
       lines >> mode >> owner >> size >> day >> hour >> path;) {
    EXPECT_EQ(owner, "root/root") << path;
    if (mode.front() == 'd') continue;
    const bool runs = path.starts_with("./usr/bin/") || path.starts_with("./usr/libexec/");
    EXPECT_EQ(mode, runs ? "-rwxr-xr-x" : "-rw-r--r--") << path;
    paths.push_back(path.substr(1));
  }
  std::sort(paths.begin(), paths.end());
  const auto wanted = read_file(HYOPS_SOURCE_DIR "/tests/sdk/vendor/package.txt");
  EXPECT_EQ(join(paths, "\n") + "\n", *wanted);
  // Loaded by name when it is needed, so that nothing but this line asks for it.
  const auto depends = run({"dpkg-deb", "--field", file, "Depends"}).out;
  EXPECT_NE(depends.find("libcurl4"), std::string::npos) << depends;
}

TEST_F(Package, is_all_that_a_new_plugin_needs_and_leaves_nothing_when_it_goes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can install a package, even below a folder";
  fs::create_directories(root() / "var/lib/dpkg/info");
  fs::create_directories(root() / "var/lib/dpkg/updates");
  ASSERT_TRUE(write_file(root() / "var/lib/dpkg/status", ""));
  const auto installed = dpkg({"--install", file});
  ASSERT_EQ(installed.exit.code, 0) << installed.err;

  const std::string usr = (root() / "usr").string(), hyops = usr + "/bin/hyops";
  const fs::path work = root() / "work";
  fs::create_directories(work);
  const auto made = run_in(work, {hyops, "plugin", "new", "com.acme.clouds"});
  ASSERT_EQ(made.exit.code, 0) << made.err;
  const auto configured =
      run_in(work, {"cmake", "-S", "com.acme.clouds", "-B", "build", "-DCMAKE_PREFIX_PATH=" + usr});
  ASSERT_EQ(configured.exit.code, 0) << configured.err;
  const auto built = run_in(work, {"cmake", "--build", "build"});
  ASSERT_EQ(built.exit.code, 0) << built.out;
  const auto checked = run_in(work, {"ctest", "--test-dir", "build", "--no-tests=error"});
  EXPECT_EQ(checked.exit.code, 0) << checked.out;

  const auto removed = dpkg({"--purge", "hyops-sdk"});
  EXPECT_EQ(removed.exit.code, 0) << removed.err;
  EXPECT_FALSE(fs::exists(root() / "usr"));
}

}  // namespace
}  // namespace hyops::test
