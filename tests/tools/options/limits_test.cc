#include "tools/options/limits.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>

namespace ringpost::tools {
namespace {

TEST(Limits, OpenFilesAreRaisedToTheHardLimit) {
  rlimit original;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &original), 0);
  rlimit low = original;
  low.rlim_cur = std::min<rlim_t>(original.rlim_max, 64);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);

  const auto raised = raise_open_file_limit();
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised.value().before, low.rlim_cur);
  EXPECT_EQ(raised.value().now, original.rlim_max);
  rlimit after;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, original.rlim_max);

  const auto again = raise_open_file_limit();
  ASSERT_TRUE(again);
  EXPECT_EQ(again.value().before, again.value().now);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &original), 0);
}

TEST(Limits, CpusAreThoseOfTheAffinityMask) {
  const auto all = affinity_cpus();
  ASSERT_TRUE(all);
  ASSERT_FALSE(all.value().empty());
  EXPECT_TRUE(std::ranges::is_sorted(all.value()));

  cpu_set_t original, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof original, &original), 0);
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(all.value().back()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  const auto pinned = affinity_cpus();
  ASSERT_EQ(sched_setaffinity(0, sizeof original, &original), 0);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned.value(), std::vector<int>{all.value().back()});
}

}  // namespace
}  // namespace ringpost::tools
