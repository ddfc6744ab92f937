// The drill as a person types it, from an installed tree: under a fault, and told to stop.
//
// One fault is enough here: `make faults` runs them all, and `make drill` the failback as well.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/file.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "process/metadata.hpp"
#include "process/spawn.hpp"

namespace hyops::lab {
namespace {

namespace fs = std::filesystem;

// An installed hyops, and a lab folder and name that no other test has.
class Drills : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the lab needs root; type: sudo ctest -L lab";
    auto folder = TempDir::create(fs::temp_directory_path());
    ASSERT_TRUE(folder);
    folder_.emplace(std::move(*folder));
    process::SpawnRequest install;
    install.argv = {"cmake", "--install", HYOPS_BUILD_DIR, "--prefix", prefix().string()};
    install.environment = {{"PATH", process::default_path}};
    auto done = process::run(install, 60'000);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(done->exit.code, 0) << done->err;
  }

  fs::path prefix() const { return folder_->path() / "hyops"; }
  fs::path lab() const { return folder_->path() / "lab"; }
  fs::path record() const { return folder_->path() / "record"; }

  process::SpawnRequest drill(std::vector<std::string> more) const {
    process::SpawnRequest request;
    request.argv = {(prefix() / "bin/hyops").string(),
                    "drill",
                    "--lab",
                    lab().string(),
                    "--name",
                    "dt" + random_token(3),
                    "--record",
                    record().string()};
    request.argv.insert(request.argv.end(), more.begin(), more.end());
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    return request;
  }

 private:
  std::optional<TempDir> folder_;
};

TEST_F(Drills, recover_the_database_though_the_core_is_killed_while_it_is_restored) {
  auto done = process::run(drill({"--fault", "core-kill@restore", "--failover-only"}), 280'000);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->exit.code, 0) << done->out << done->err;
  auto text = read_file(record() / "drill.json");
  ASSERT_TRUE(text);
  const Json facts = Json::parse(*text);
  EXPECT_TRUE(facts["passed"].get<bool>());
  EXPECT_FALSE(facts["fault"]["unknown"].empty());
  EXPECT_EQ(facts["fault"]["done"][0], "the run was resumed");
  if (process::examine_metadata()) {
    auto verdict = read_file(record() / "failover/verdict.json", 1 << 20);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(Json::parse(*verdict)["metadata"], "refused") << "K7, on the runners of the lab too";
  }
  EXPECT_FALSE(fs::exists(lab()));
}

TEST_F(Drills, have_a_lab_in_which_a_person_types_commands) {
  const auto typed = [&](std::vector<std::string> words) {
    process::SpawnRequest request;
    request.argv = {(prefix() / "bin/hyops").string(), "lab"};
    request.argv.insert(request.argv.end(), words.begin(), words.end());
    request.environment = {{"PATH", process::default_path}, {"LANG", "C.UTF-8"}};
    auto done = process::run(request, 60'000);
    EXPECT_TRUE(done && done->exit.code == 0) << words[0] << (done ? done->err : "");
    return done ? done->out : "";
  };
  typed({"up", "--lab", lab().string(), "--name", "dt" + random_token(3)});
  typed({"place", "--lab", lab().string(), "--zone", "edge", "--name", "one", "--image", "debian"});
  EXPECT_EQ(typed({"exec", "one", "--lab", lab().string(), "--", "printf", "%s|", "a b", "--json"}),
            "a b|--json|");
  typed({"down", "--lab", lab().string()});
  EXPECT_FALSE(fs::exists(lab()));
}

TEST_F(Drills, told_to_stop_leave_no_lab_behind) {
  for (const int number : {SIGTERM, SIGINT}) {
    auto child = process::spawn(drill({}));
    ASSERT_TRUE(child) << child.error().message;
    // The lab's notes appear while it still comes up: the worst moment to be stopped.
    const auto begun = [&] { return fs::exists(lab() / "state.json"); };
    while (!begun()) {
      auto ended = child->wait(20);
      ASSERT_TRUE(ended && !*ended) << "it ended before it had a lab";
    }
    ASSERT_TRUE(child->signal(number));
    auto ended = child->wait(60'000);
    ASSERT_TRUE(ended && *ended);
    EXPECT_EQ((*ended)->code, 128 + number);
    EXPECT_FALSE(fs::exists(lab()));
  }
}

}  // namespace
}  // namespace hyops::lab
