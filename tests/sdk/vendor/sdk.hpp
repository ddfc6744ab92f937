// What a vendor has: the installed SDK in a folder of its own, a compiler, and nothing of the tree.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"
#include "process/spawn.hpp"

namespace hyops::test {

namespace fs = std::filesystem;

inline process::Output run_in(const fs::path& folder, std::vector<std::string> argv) {
  process::SpawnRequest request;
  request.argv = std::move(argv);
  request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}, {"HOME", "/"}};
  request.directory = folder;
  auto done = process::run(request, 300'000);
  EXPECT_TRUE(done) << done.error().text();
  return done ? *done : process::Output{};
}
inline process::Output run(std::vector<std::string> argv) { return run_in("/", std::move(argv)); }

// Made once for all tests of a program, and gone with the last.
class Sdk {
 public:
  Sdk() : temp_(*TempDir::create(fs::temp_directory_path(), "hyops-sdk")) {
    const auto done = run({"cmake", "--install", HYOPS_BUILD_DIR, "--component", "sdk", "--prefix",
                           prefix().string()});
    EXPECT_EQ(done.exit.code, 0) << done.err;
  }
  fs::path prefix() const { return temp_.path() / "prefix"; }
  std::string hyops() const { return (prefix() / "bin/hyops").string(); }
  fs::path share() const { return prefix() / "share/hyops/sdk"; }
  static const Sdk& here() {
    static const Sdk sdk;
    return sdk;
  }

 private:
  TempDir temp_;
};

inline void build(const fs::path& source, const fs::path& to, const std::string& compiler = {}) {
  std::vector<std::string> configure{
      "cmake", "-S",        source.string(),
      "-B",    to.string(), "-DCMAKE_PREFIX_PATH=" + Sdk::here().prefix().string()};
  if (!compiler.empty()) configure.push_back("-DCMAKE_CXX_COMPILER=" + compiler);
  const auto made = run(configure);
  ASSERT_EQ(made.exit.code, 0) << made.err;
  const auto built = run({"cmake", "--build", to.string()});
  ASSERT_EQ(built.exit.code, 0) << built.out << built.err;
}

}  // namespace hyops::test
