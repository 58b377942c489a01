#include "tools/loadgen/tally.h"

#include <gtest/gtest.h>

namespace ringpost::loadgen {
namespace {

using Part = Slice::Part;
constexpr Nanos second = engine::nanos_per_s;

std::unique_ptr<Slice> interval(Part part, std::uint32_t shard, std::uint32_t index,
                                std::uint64_t replies, Nanos latency = 1000) {
  auto made = std::make_unique<Slice>();
  made->part = part;
  made->shard = shard;
  made->index = index;
  made->begin = 100 * second + index * second;
  made->end = made->begin + second;
  made->requests = replies;
  made->replies = replies;
  made->connections = 5;
  if (replies != 0) made->latency.record(latency, replies);
  return made;
}

TEST(Tally, ARowIsThereOnceEveryShardHasGivenItsPart) {
  Tally tally(2, 100 * second);
  tally.add(interval(Part::measured, 0, 0, 10));
  EXPECT_TRUE(tally.take_rows().empty());
  tally.add(interval(Part::measured, 0, 1, 10));
  tally.add(interval(Part::measured, 1, 0, 30));
  const std::vector<Second> rows = tally.take_rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].replies, 40u);
  EXPECT_EQ(rows[0].connections, 10u);
  EXPECT_EQ(rows[0].start, 0);
  EXPECT_EQ(rows[0].max, 1000);
  EXPECT_TRUE(tally.take_rows().empty());
}

TEST(Tally, TheWarmUpHasRowsAndNothingElse) {
  Tally tally(1, 100 * second);
  tally.add(interval(Part::warmup, 0, 0, 1000, 7'000'000));
  tally.add(interval(Part::measured, 0, 1, 10));
  RunResult result;
  tally.finish(result);
  ASSERT_EQ(result.seconds.size(), 2u);
  EXPECT_TRUE(result.seconds[0].warmup);
  EXPECT_EQ(result.seconds[0].max, 7'000'000);
  EXPECT_EQ(result.replies, 10u);
  EXPECT_EQ(result.began, 101 * second);
  EXPECT_EQ(result.elapsed, second);
  EXPECT_EQ(result.latency.count(), 10u);
  EXPECT_EQ(result.rate_per_s(), 10.0);
}

// Late answers belong to the latencies, for they were asked for in the period; but not to its rate.
TEST(Tally, TheTailCountsForLatencyAlone) {
  Tally tally(1, 100 * second);
  tally.add(interval(Part::measured, 0, 0, 10));
  tally.add(interval(Part::tail, 0, 1, 3, 500'000'000));
  RunResult result;
  tally.finish(result);
  EXPECT_EQ(result.seconds.size(), 1u);
  EXPECT_EQ(result.replies, 10u);
  EXPECT_EQ(result.latency.count(), 13u);
  EXPECT_EQ(result.latency.max(), 500'000'000);
}

// What was answered in time is known to the shard: it has counted nothing else.
TEST(Tally, AnsweredIsWithoutTheWarmUpAndWithTheTail) {
  Tally tally(1, 100 * second);
  std::uint32_t index = 0;
  for (const Part part : {Part::warmup, Part::measured, Part::tail}) {
    auto one = interval(part, 0, index, 10);
    one->answered = part == Part::tail ? 2 : 8;
    tally.add(std::move(one));
    ++index;
  }
  RunResult result;
  tally.finish(result);
  EXPECT_EQ(result.answered, 10u);
}

TEST(Tally, AShardThatEndedEarlierLeavesItsRowsToTheOthers) {
  Tally tally(2, 100 * second);
  tally.add(interval(Part::measured, 0, 0, 1));
  tally.add(interval(Part::measured, 1, 0, 1));
  tally.add(interval(Part::measured, 1, 1, 5));
  RunResult result;
  tally.finish(result);
  EXPECT_EQ(result.seconds.size(), 2u);
  EXPECT_EQ(result.replies, 7u);
  EXPECT_EQ(result.elapsed, 2 * second);
}

// The row was as long as the part that came first, and missing if that was a tail.
TEST(Tally, ARowIsAsLongAsItsLongestPart) {
  Tally tally(2, 100 * second);
  auto half = interval(Part::measured, 0, 0, 5);
  half->end = half->begin + second / 2;
  half->busy = second / 2;
  tally.add(std::move(half));
  tally.add(interval(Part::tail, 0, 1, 2));
  tally.add(interval(Part::measured, 1, 0, 10));
  tally.add(interval(Part::measured, 1, 1, 10));
  RunResult result;
  tally.finish(result);
  ASSERT_EQ(result.seconds.size(), 2u);
  EXPECT_EQ(result.seconds[0].length, second);
  EXPECT_EQ(result.seconds[0].replies, 15u);
  EXPECT_DOUBLE_EQ(result.seconds[0].cpu_share, 0.5 / 1.5);
  EXPECT_EQ(result.seconds[1].start, second);
  EXPECT_EQ(result.seconds[1].replies, 10u);
  EXPECT_EQ(result.latency.count(), 27u);
}

}  // namespace
}  // namespace ringpost::loadgen
