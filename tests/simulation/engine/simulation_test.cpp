// Failover and failback as they ship, in one thread, with everything that can go wrong on the way:
// whatever a seed does, nothing is lost, nothing is done twice, and the record tells it (E4, E5,
// E7, E9, L4).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "seed.hpp"

using namespace hyops;
using namespace hyops::simulation;

namespace {

// One installation for all tests of this program.
Site& site() {
  static Site made;
  return made;
}

// What many seeds have seen between them: a simulation in which nothing happens shows nothing.
struct Seen {
  std::map<std::string, int> counts;
  void add(const std::string& trace) {
    for (const char* what :
         {"-> died", "ledger.fenced", " adopted", "step.reconciled", "step.retry", "clock.stepped",
          "-> cancelled", "-> reconciled", "access.close_failed", "run.resumed"})
      counts[what] += trace.find(what) != std::string::npos;
  }
};

std::string play(uint64_t number, Seen* seen = nullptr) {
  Seed seed(site(), number);
  const auto& broken = seed.play();
  if (seen) seen->add(seed.trace());
  if (!broken.empty())
    return broken.front() + "\nseed " + std::to_string(number) +
           "; to see all of it: HYOPS_SIMULATION_SEED=" + std::to_string(number) +
           " build/release/tests/simulation_engine_test";
  return seed.came_home() ? "" : "seed " + std::to_string(number) + " did not come home";
}

// Seeds come in blocks, which may be played side by side: each is a test of its own, as shards are
// made of.
bool every_seed() {
  const char* points = std::getenv("HYOPS_CRASH_POINTS");
  return points && std::string(points) == "all";
}

class Simulation : public testing::TestWithParam<uint64_t> {};

}  // namespace

TEST_P(Simulation, loses_nothing_and_repeats_nothing_whatever_the_seed) {
  if (const char* one = std::getenv("HYOPS_SIMULATION_SEED")) {
    Seed seed(site(), std::strtoull(one, nullptr, 10));
    for (const auto& broken : seed.play()) ADD_FAILURE() << broken;
    std::fputs(seed.trace().c_str(), stdout);
    EXPECT_TRUE(seed.came_home());
    return;
  }
  const uint64_t seeds = every_seed() ? 250 : 8, first = 1 + GetParam() * seeds;
  Seen seen;
  const int64_t began = system_clock().mono_ms();
  for (uint64_t number = first; number < first + seeds; ++number)
    ASSERT_EQ(play(number, &seen), "");
  if (!every_seed()) return;
  for (const auto& [what, count] : seen.counts)
    EXPECT_GT(count, 0) << "no seed had \"" << what << "\"";
  const int64_t ms = std::max<int64_t>(1, system_clock().mono_ms() - began);
  std::printf("seeds %llu to %llu, %lld a minute\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + seeds - 1),
              static_cast<long long>(static_cast<int64_t>(seeds) * 60'000 / ms));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<uint64_t>(0, every_seed() ? 12 : 1));

// Each once broke something, which its line tells.
TEST(SimulationAgain, still_holds_for_seeds_that_found_something) {
  const uint64_t seeds_that_found_something[] = {1, 43};
  for (const uint64_t number : seeds_that_found_something) EXPECT_EQ(play(number), "");
}

TEST(SimulationAgain, tells_the_same_story_for_the_same_seed) {
  Seed first(site(), 11);
  first.play();
  const std::string told = first.trace();
  Seed again(site(), 11);
  again.play();
  EXPECT_EQ(again.trace(), told);
  EXPECT_FALSE(told.empty());
}
