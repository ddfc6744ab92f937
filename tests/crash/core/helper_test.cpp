// The helper of a plugin dies before and after each frame that it sends or takes: the core lives,
// looks what became of it, and the world has seen one effect.
//
// HYOPS_CRASH_POINTS=all tries every frame; otherwise a few.
#include <cstdlib>
#include <iostream>

#include "world.hpp"

namespace fs = std::filesystem;
using namespace hyops;
using hyops::tests::Site;
using hyops::tests::World;

namespace {

// An installation whose helper is killed by its tracer when it makes `call` for the nth time. The
// tracer is a grandchild, so that the helper is the core's own child as ever.
class Fragile {
 public:
  Fragile(const std::string& call, int n) {
    tests::add_keeper(site, world);
    site.blueprint("[[step]]\nid = \"kept\"\nmodule = \"test/keep\"\nphase = \"data\"\n");
    run = site.admit(site.plan()).value();
    trace = (site.path() / "trace").string();
    const fs::path prefix = site.path() / "prefix";
    site.file(prefix / "libexec/hyops/hyops-plugin-host",
              "#!/bin/sh\nexec /usr/bin/strace -D -qq -A -o " + trace + " -e trace=" + call +
                  " -e inject=" + call + ":signal=KILL:when=" + std::to_string(n) +
                  " " HYOPS_BUILD_DIR "/libexec/hyops/hyops-plugin-host \"$@\"\n",
              true);
    fs::create_symlink(HYOPS_BUILD_DIR "/libexec/hyops/hyops-step-host",
                       prefix / "libexec/hyops/hyops-step-host");
    site.setup.prefix = prefix;
  }
  bool was_hit() const {
    const auto seen = read_file(trace).value_or("");
    return seen.find("killed by SIGKILL") != std::string::npos;
  }

  World world;
  Site site;
  RunId run;
  std::string trace;
};

}  // namespace

TEST(Helper, that_dies_at_any_frame_leaves_one_effect_and_a_run_that_ends) {
  const char* wanted = std::getenv("HYOPS_CRASH_POINTS");
  const bool all = wanted && std::string_view(wanted) == "all";
  int points = 0;
  for (const char* call : {"sendto", "recvfrom"})
    for (int n = 1; n < 200; n += all || n < 4 ? 1 : 3) {
      SCOPED_TRACE(std::string(call) + " " + std::to_string(n));
      Fragile fragile(call, n);
      // Every helper of this run dies so: it ends by what is known without one, or by a person.
      const std::string first = fragile.site.go_on(fragile.run);
      const bool hit = fragile.was_hit();
      EXPECT_TRUE(fragile.site.ledger->check());
      EXPECT_LE(fragile.world.things().size(), 1u);
      fragile.site.setup.prefix = HYOPS_BUILD_DIR;
      // The third crash puts the plugin in quarantine, which a person lifts.
      fs::remove_all(fragile.site.setup.home / "quarantine");
      EXPECT_EQ(first == "ok" ? first : fragile.site.go_on(fragile.run), "ok") << first;
      EXPECT_EQ(fragile.world.things().size(), 1u);
      EXPECT_TRUE(fragile.site.verify().clean);
      if (!hit || HasFailure()) break;
      ++points;
    }
  EXPECT_GT(points, 6) << "hardly anything was ever hit";
  std::cout << "helper: " << points << " frames\n";
}
