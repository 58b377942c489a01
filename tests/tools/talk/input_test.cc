#include "tools/talk/input.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringpost::talk {
namespace {

using namespace std::string_literals;

struct Sent {
  std::string bytes;
  std::uint64_t lines = 0;
  std::uint64_t skipped = 0;

  friend bool operator==(const Sent&, const Sent&) = default;
};

// The text, in up to three pieces, and then the end.
Sent sent(const WireOptions& options, std::string_view text, std::size_t first,
          std::size_t second) {
  Input input(options);
  Sent sent;
  for (const std::string_view piece :
       {text.substr(0, first), text.substr(first, second), text.substr(first + second)}) {
    input.feed(piece, sent.bytes);
  }
  input.finish(sent.bytes);
  sent.lines = input.line_count();
  sent.skipped = input.skipped_count();
  return sent;
}

void expect_sent(const WireOptions& options, std::string_view text, const Sent& wanted) {
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = 0; first + second <= text.size(); ++second) {
      EXPECT_EQ(sent(options, text, first, second), wanted)
          << "split behind " << first << " and " << second
          << " bytes: " << sent(options, text, first, second).bytes;
    }
  }
}

TEST(Input, LinesAreSentWithTheLineEndOfTheWireHoweverTheyCame) {
  const std::string_view typed = "one\ntwo\r\n\nthree";
  expect_sent({}, typed, {"one\ntwo\n\nthree\n", 4});
  expect_sent({.crlf = true}, typed, {"one\r\ntwo\r\n\r\nthree\r\n", 4});
}

TEST(Input, InFramesALineIsAPayloadWithoutItsEnd) {
  expect_sent({.frames = true}, "one\n\r\nthree!", {"\0\0\0\3one\0\0\0\0\0\0\0\6three!"s, 3});
}

TEST(Input, NothingIsSentForNothing) {
  expect_sent({}, "", {});
  expect_sent({.frames = true}, "", {});
}

TEST(Input, ALineLeavesOnlyOnceItIsWhole) {
  Input input({});
  std::string out;
  input.feed("half", out);
  EXPECT_EQ(out, "");
  input.feed(" and half\nhal", out);
  EXPECT_EQ(out, "half and half\n");
}

TEST(Input, LinesOverTheLimitAreSkippedAndCounted) {
  expect_sent({.message_bytes_max = 3}, "abc\nabcd\r\nab\nabcde", {"abc\nab\n", 2, 2});
  expect_sent({.frames = true, .message_bytes_max = 3}, "abcd\nabc\n", {"\0\0\0\3abc"s, 1, 1});
}

TEST(Input, OnceIsOneLine) {
  expect_sent({.once = true}, "GET\nBUY;1;A\nx", {"GET\n", 1});
  expect_sent({.once = true}, "GET", {"GET\n", 1});
  expect_sent({.frames = true, .once = true}, "\nBUY;1;A\n", {"\0\0\0\0"s, 1});
}

TEST(Input, OnceIsOverWithALineThatIsTooLong) {
  expect_sent({.once = true, .message_bytes_max = 3}, "abcd\nabc\n", {"", 0, 1});
}

}  // namespace
}  // namespace ringpost::talk
