// On a disk that fills up: what runs is recorded to its end, nothing new is started, and with room
// again the run goes on (L8).
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/reserve.hpp"
#include "support/site.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;

namespace {

// `what` in a process of its own whose temporary folder is a small disk; false: not possible here.
bool on_small_disk(const std::function<void()>& what) {
  const auto folder = TempDir::create(fs::temp_directory_path(), "hyops-disk").value();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=16m") != 0)
      ::_exit(77);
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    what();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 77) return false;
  EXPECT_EQ(status, 0);
  return true;
}

}  // namespace

TEST(Disk, that_is_full_keeps_room_for_evidence_and_starts_nothing_new) {
  const auto scenario = [] {
    Site site;
    const std::string output = "[outputs.x]\ntype = \"string\"\n[effects]\n",
                      say = "printf '{\"x\":\"1\"}' > \"$HYOPS_OUTPUTS\"\n",
                      filler = (site.path() / "filler").string(),
                      stamps = (site.path() / "stamps").string();
    site.tool("fill", output,
              say + "dd if=/dev/zero of=" + filler + " bs=64k 2>/dev/null || true\n");
    site.tool("stamp", output, "echo stamp >> " + stamps + "\n" + say);
    site.blueprint(
        "[[step]]\nid = \"fill\"\nmodule = \"test/fill\"\nphase = \"data\"\n"
        "[[step]]\nid = \"next\"\nmodule = \"test/stamp\"\nphase = \"readiness\"\n");
    const Json plan = site.plan();
    EXPECT_EQ(site.run(plan), "failed");
    EXPECT_EQ(site.endings(),
              (std::map<std::string, std::string>{{"fill", "ok"}, {"next", "failed"}}));
    EXPECT_EQ(site.events("step.intent").size(), 1u) << "an intent of what could not be recorded";
    EXPECT_NE(site.events("step.ended").back().find("engine.disk.reserve"), std::string::npos);
    EXPECT_FALSE(fs::exists(stamps));
    EXPECT_TRUE(site.verify().clean) << "the record of a run on a full disk";
    EXPECT_TRUE(site.ledger->check());
    EXPECT_EQ(site.admit(plan).error().code, "engine.disk.reserve");
    fs::remove(filler);
    EXPECT_EQ(site.go_on(site.last), "ok");
    EXPECT_TRUE(fs::exists(site.setup.home / "evidence.reserve")) << "the reserve is there again";
    EXPECT_TRUE(site.admit(plan));
  };
  if (!on_small_disk(scenario)) GTEST_SKIP() << "a mount namespace of its own needs root";
}
