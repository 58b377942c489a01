// The simulator, tested by a toy: it repeats itself from a seed, a correct server survives whatever
// it does, and each rule that a wrong server breaks is noticed.

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/sim/toy_echo.h"

namespace ringpost::sim {
namespace {

constexpr std::uint64_t seed_count = 300;

SimFaults draw(std::uint64_t seed, std::uint32_t shards) { return SimFaults::draw(seed, shards); }

std::uint32_t shards_of(std::uint64_t seed) { return 1 + static_cast<std::uint32_t>(seed % 4); }

TEST(Sim, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::uint32_t shards = shards_of(seed);
    const ToyResult first = run_toy(seed, shards, draw(seed, shards), ToyBug::none);
    const ToyResult second = run_toy(seed, shards, draw(seed, shards), ToyBug::none);
    EXPECT_EQ(first.hash, second.hash) << seed;
    EXPECT_EQ(first.events, second.events) << seed;
  }
}

TEST(Sim, DifferentSeedsAreDifferentRuns) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    hashes.insert(run_toy(seed, 2, draw(seed, 2), ToyBug::none).hash);
  }
  EXPECT_EQ(hashes.size(), 50u);
}

TEST(Sim, ACorrectServerSurvivesEverySeed) {
  std::uint64_t starved = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t wakes = 0;
  std::uint64_t bytes = 0;
  for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
    const std::uint32_t shards = shards_of(seed);
    const ToyResult result = run_toy(seed, shards, draw(seed, shards), ToyBug::none);
    starved += result.counters.starved;
    sleeps += result.counters.sleeps;
    wakes += result.counters.wakes_sent;
    bytes += result.counters.bytes_sent;
  }
  // The runs went where it hurts.
  EXPECT_GT(starved, 100u);
  EXPECT_GT(sleeps, 10'000u);
  EXPECT_GT(wakes, 100u);
  EXPECT_GT(bytes, 100'000u);
}

std::vector<ToyBug> all_bugs() {
  std::vector<ToyBug> bugs;
  for (int bug = 1; bug <= static_cast<int>(toy_bug_last); ++bug) {
    bugs.push_back(static_cast<ToyBug>(bug));
  }
  return bugs;
}

class ToyBugs : public ::testing::TestWithParam<ToyBug> {};

TEST_P(ToyBugs, AreFound) {
  EXPECT_DEATH(
      {
        for (std::uint64_t seed = 1; seed <= seed_count; ++seed) {
          const std::uint32_t shards = shards_of(seed);
          run_toy(seed, shards, draw(seed, shards), GetParam());
        }
      },
      "");
}

INSTANTIATE_TEST_SUITE_P(Sim, ToyBugs, ::testing::ValuesIn(all_bugs()), [](const auto& param) {
  return "Bug" + std::to_string(static_cast<int>(param.param));
});

TEST(SimFaults, AreSetByNameAndPrinted) {
  SimFaults faults;
  EXPECT_EQ(faults.to_text(), "none");
  EXPECT_TRUE(faults.set("hold_one_in", 3));
  EXPECT_TRUE(faults.set("buffer_count", 2));
  EXPECT_FALSE(faults.set("no_such_fault", 1));
  EXPECT_EQ(faults.to_text(), "buffer_count=2 hold_one_in=3");
}

TEST(SimFaults, EverySwitchIsOnInSomeSeedsAndOffInOthers) {
  const SimFaults quiet;
  std::uint64_t on = 0;
  constexpr std::uint64_t seeds = 200;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (SimFaults::draw(seed, 4).hold_one_in != quiet.hold_one_in) ++on;
  }
  EXPECT_GT(on, seeds / 4);
  EXPECT_LT(on, seeds * 3 / 4);
}

}  // namespace
}  // namespace ringpost::sim
