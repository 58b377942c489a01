#include "tools/loadgen/script.h"

#include <gtest/gtest.h>

#include <set>

namespace ringpost::loadgen {
namespace {

const Script abc({"a", "bb", "ccc"});

TEST(Script, PlacesMoveAroundTheCycle) {
  Script::Place place = abc.begin_of(1);
  EXPECT_EQ(abc.advance(place, 1), 0u);
  EXPECT_EQ(place.message, 1u);
  EXPECT_EQ(abc.advance(place, 1), 1u);
  EXPECT_EQ(place.message, 2u);
  EXPECT_EQ(abc.advance(place, 3 + 1 + 2 + 3 + 1 + 1), 5u);
  EXPECT_EQ(place.message, 1u);
  EXPECT_EQ(place.offset, 2u);
}

TEST(Script, MatchingStopsAtTheFirstByteThatDiffers) {
  EXPECT_EQ(abc.match(abc.begin_of(0), "abbcccabbcccabb"), 15u);
  EXPECT_EQ(abc.match(abc.begin_of(2), "cccabX"), 5u);
  EXPECT_EQ(abc.match(abc.begin_of(1), "a"), 0u);
  EXPECT_EQ(abc.match({1, 2}, "bccca"), 5u);
  EXPECT_EQ(abc.match({1, 2}, ""), 0u);
}

TEST(Script, RunsOfMessagesAreCountedAcrossTheEnd) {
  EXPECT_EQ(abc.bytes_of(0, 0), 0u);
  EXPECT_EQ(abc.bytes_of(0, 3), 6u);
  EXPECT_EQ(abc.bytes_of(1, 2), 5u);
  EXPECT_EQ(abc.bytes_of(2, 2), 4u);
  EXPECT_EQ(abc.bytes_of(2, 3), 6u);
}

TEST(Script, AMessageIsFoundNearestFirst) {
  EXPECT_EQ(abc.find("bbX", 0), 1u);
  EXPECT_EQ(abc.find("ccc", 0), 2u);
  EXPECT_EQ(abc.find("cc", 0), 3u);  // nobody
}

class TextScript : public testing::TestWithParam<Wrapping> {};

TEST_P(TextScript, MessagesDifferAndHaveTheSizesAskedFor) {
  const std::size_t header = GetParam() == Wrapping::length ? 4 : 0;
  const Script script = make_text_script({20, 24}, GetParam(), 7);
  std::set<std::string> seen;
  std::set<std::size_t> sizes;
  for (std::uint32_t i = 0; i < script.message_count(); ++i) {
    seen.emplace(script.message(i));
    sizes.insert(script.message(i).size() - header);
    EXPECT_EQ(script.message(i).ends_with("\r\n"), GetParam() == Wrapping::crlf);
    if (GetParam() == Wrapping::length) {
      EXPECT_EQ(script.message(i)[3], static_cast<char>(script.message(i).size() - header));
    }
  }
  EXPECT_EQ(seen.size(), script.message_count());
  EXPECT_EQ(sizes, (std::set<std::size_t>{20, 21, 22, 23, 24}));
  EXPECT_EQ(script.message_bytes_max(), 24 + header);
}

INSTANTIATE_TEST_SUITE_P(Wrappings, TextScript,
                         testing::Values(Wrapping::none, Wrapping::length, Wrapping::crlf));

TEST(Script, TheSeedDecides) {
  const auto text = [](std::uint64_t seed) {
    return std::string(make_text_script({64, 64}, Wrapping::none, seed).message(0));
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

}  // namespace
}  // namespace ringpost::loadgen
