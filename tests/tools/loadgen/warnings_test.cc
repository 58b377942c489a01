#include "tools/loadgen/warnings.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

RunResult run_of(double busy_share, Nanos run_delay) {
  RunResult result;
  result.elapsed = engine::nanos_per_s;
  result.requests = result.answered = 1000;
  result.threads = {{.cpu = 3, .busy_share = busy_share, .run_delay = run_delay}};
  return result;
}

TEST(Warnings, AThreadWithTimeToSpareIsNoneOfThem) {
  EXPECT_TRUE(find_warnings(run_of(0.9, 1000)).empty());
}

TEST(Warnings, AFullThreadIsTheBottleneck) {
  const auto warnings = find_warnings(run_of(0.98, 0));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0],
            "the generator is the bottleneck: the thread on CPU 3 was busy 98 % of the time; give "
            "it more --threads");
}

TEST(Warnings, AThreadThatWaitsForItsCpuWasHeldUp) {
  const auto warnings = find_warnings(run_of(0.5, engine::nanos_per_s / 5));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("waited 20 %"), std::string::npos);
}

TEST(Warnings, AnOpenLoopThatIsOnTimeMayBeBusy) {
  RunResult result = run_of(0.98, 0);
  result.setup.asked_per_s = 1000;
  result.late = 5;
  EXPECT_TRUE(find_warnings(result).empty());
  result.late = 50;
  EXPECT_EQ(find_warnings(result).size(), 1u);
}

TEST(Warnings, ARateThatWasNotReachedIsSaid) {
  RunResult result = run_of(0.1, 0);
  result.setup.asked_per_s = 1250;
  const auto warnings = find_warnings(result);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("only 80 %"), std::string::npos);
}

// A server that falls behind is sent everything: there is room for a long backlog.
TEST(Warnings, ARateThatWasSentAndNotAnsweredWasNotReached) {
  RunResult result = run_of(0.1, 0);
  result.setup.asked_per_s = 1000;
  result.answered = 470;
  const auto warnings = find_warnings(result);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("only 47 %"), std::string::npos);
}

TEST(ReachedRate, TheEndOfThePeriodMayCutOneRequestOff) {
  RunResult result = run_of(0.1, 0);
  result.setup.asked_per_s = 1001;
  EXPECT_TRUE(result.reached(1));
  result.setup.asked_per_s = 1002;
  EXPECT_FALSE(result.reached(1));
}

TEST(ReachedRate, APeriodThatEndedLateWasAskedForNoMore) {
  RunResult result = run_of(0.1, 0);
  result.setup.asked_per_s = 1000;
  result.setup.duration = result.elapsed;
  result.elapsed += engine::nanos_per_s / 50;
  EXPECT_TRUE(result.reached(0.999));
  EXPECT_EQ(result.reached_per_s(), 1000);
}

TEST(ReachedRate, WithoutAMeasuredPeriodIsNone) {
  RunResult result = run_of(0.1, 0);
  result.setup.asked_per_s = 1000;
  result.elapsed = 0;
  EXPECT_FALSE(result.reached(0.999));
  EXPECT_EQ(result.reached_per_s(), 0);
}

}  // namespace
}  // namespace ringpost::loadgen
