#include "engine/base/kernel_owned.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "engine/base/prng.h"

namespace ringpost::engine {
namespace {

#ifdef RINGPOST_DEBUG

TEST(KernelOwned, LetsGoWhatWasForgotten) {
  std::array<char, 100> memory;
  KernelOwned owned;
  owned.note(memory.data(), 50);
  EXPECT_EQ(owned.count(), 1u);
  owned.assert_free(memory.data() + 50, 50);
  owned.forget(memory.data(), 50);
  EXPECT_EQ(owned.count(), 0u);
  owned.assert_free(memory.data(), 100);
}

TEST(KernelOwnedDeathTest, CountsARangeOncePerNote) {
  std::array<char, 100> memory;
  KernelOwned owned;
  owned.note(memory.data(), 50);
  owned.note(memory.data(), 50);
  owned.note(memory.data(), 20);
  owned.forget(memory.data(), 50);
  EXPECT_DEATH(owned.assert_free(memory.data() + 49, 1), "assertion failed");
  owned.forget(memory.data(), 50);
  owned.assert_free(memory.data() + 20, 80);
  EXPECT_DEATH(owned.assert_free(memory.data() + 19, 1), "assertion failed");
  owned.forget(memory.data(), 20);
}

TEST(KernelOwnedDeathTest, AbortsOnAnyOverlap) {
  std::array<char, 100> memory;
  KernelOwned owned;
  owned.note(memory.data() + 40, 20);
  owned.assert_free(memory.data(), 40);
  owned.assert_free(memory.data() + 60, 40);
  EXPECT_DEATH(owned.assert_free(memory.data(), 41), "assertion failed");
  EXPECT_DEATH(owned.assert_free(memory.data() + 59, 1), "assertion failed");
  EXPECT_DEATH(owned.assert_free(memory.data() + 45, 1), "assertion failed");
  EXPECT_DEATH(owned.assert_free(memory.data(), 100), "assertion failed");
  owned.forget(memory.data() + 40, 20);
}

TEST(KernelOwnedDeathTest, AbortsWhenARangeIsForgottenThatWasNeverNoted) {
  std::array<char, 100> memory;
  KernelOwned owned;
  owned.note(memory.data(), 50);
  EXPECT_DEATH(owned.forget(memory.data(), 49), "assertion failed");
  EXPECT_DEATH(owned.forget(memory.data() + 1, 50), "assertion failed");
  owned.forget(memory.data(), 50);
}

// A death test forks, so the model check asks only for ranges that the model says are free; the
// overlap side is covered above.
TEST(KernelOwned, AgreesWithAByteMapOverARandomLife) {
  std::array<char, 256> memory;
  Prng prng(7);
  KernelOwned owned;
  std::vector<std::pair<std::size_t, std::size_t>> noted;
  for (int step = 0; step < 20'000; ++step) {
    if (noted.size() < 8 && prng.one_in(2)) {
      const std::size_t start = prng.below(memory.size());
      const std::size_t bytes = 1 + prng.below(memory.size() - start);
      owned.note(memory.data() + start, bytes);
      noted.emplace_back(start, bytes);
    } else if (!noted.empty()) {
      const std::size_t at = prng.below(noted.size());
      owned.forget(memory.data() + noted[at].first, noted[at].second);
      noted.erase(noted.begin() + static_cast<std::ptrdiff_t>(at));
    }
    ASSERT_EQ(owned.count(), noted.size());
    std::array<bool, memory.size()> busy = {};
    for (const auto& [start, bytes] : noted) {
      for (std::size_t i = 0; i < bytes; ++i) busy[start + i] = true;
    }
    for (std::size_t start = 0; start < memory.size();) {
      std::size_t end = start;
      while (end < memory.size() && !busy[end]) ++end;
      if (end > start) owned.assert_free(memory.data() + start, end - start);
      start = end + 1;
    }
  }
}

#else

TEST(KernelOwned, CostsNothingInRelease) {
  KernelOwned owned;
  char byte = 0;
  owned.note(&byte, 1);
  owned.assert_free(&byte, 1);
  EXPECT_EQ(owned.count(), 0u);
}

#endif

}  // namespace
}  // namespace ringpost::engine
