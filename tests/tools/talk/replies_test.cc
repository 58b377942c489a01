#include "tools/talk/replies.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace ringpost::talk {
namespace {

using namespace std::string_literals;
using Status = Replies::Status;

struct Shown {
  std::string text;
  Status status = Status::more;
  bool inside_frame = false;

  friend bool operator==(const Shown&, const Shown&) = default;
};

// The stream, in up to three pieces, as far as it is wanted.
Shown shown(const WireOptions& options, std::string_view stream, std::size_t first,
            std::size_t second) {
  Replies replies(options);
  Shown shown;
  for (const std::string_view piece :
       {stream.substr(0, first), stream.substr(first, second), stream.substr(first + second)}) {
    if (shown.status == Status::more) shown.status = replies.feed(piece, shown.text);
  }
  shown.inside_frame = replies.inside_frame();
  return shown;
}

void expect_shown(const WireOptions& options, std::string_view stream, const Shown& wanted) {
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = 0; first + second <= stream.size(); ++second) {
      EXPECT_EQ(shown(options, stream, first, second), wanted)
          << "split behind " << first << " and " << second
          << " bytes: " << shown(options, stream, first, second).text;
    }
  }
}

TEST(Replies, OfLinesAreTheBytesThatCame) {
  expect_shown({}, "one\r\ntwo\n\nthr\0ee"s, {"one\r\ntwo\n\nthr\0ee"s});
}

TEST(Replies, OfLinesOnceAreTheFirstLine) {
  expect_shown({.once = true}, "A: 1;\r\nB", {"A: 1;\r\n", Status::reply});
  expect_shown({.once = true}, "A: 1;", {"A: 1;"});
}

TEST(Replies, OfFramesAreThePayloadsAsLines) {
  expect_shown({.frames = true}, "\0\0\0\3one\0\0\0\0\0\0\0\5t\nwo\0"s, {"one\n\nt\nwo\0\n"s});
}

TEST(Replies, OfFramesAreShownAsTheyComeAndTheCutIsKnown) {
  expect_shown({.frames = true}, "\0\0\0\3one\0\0\0\5tw"s, {"one\ntw", Status::more, true});
  expect_shown({.frames = true}, "\0\0\0\3one\0"s, {"one\n", Status::more, true});
}

TEST(Replies, OfFramesOnceAreTheFirstFrame) {
  expect_shown({.frames = true, .once = true}, "\0\0\0\3one\0\0\0\3two"s, {"one\n", Status::reply});
  expect_shown({.frames = true, .once = true}, "\0\0\0\0\0\0\0\3two"s, {"\n", Status::reply});
}

TEST(Replies, AFrameOverTheLimitIsTheEnd) {
  const WireOptions options = {.frames = true, .message_bytes_max = 3};
  expect_shown(options, "\0\0\0\3one\0\0\0\4four"s, {"one\n", Status::too_long, true});
}

TEST(Replies, ANewConnectionBeginsAnew) {
  Replies replies({.frames = true});
  std::string text;
  for (const std::string& cut : {"\0\0\0\11half"s, "\0\0"s}) {
    replies.feed(cut, text);
    replies.reset();
    EXPECT_FALSE(replies.inside_frame());
    text.clear();
    replies.feed("\0\0\0\3one"s, text);
    EXPECT_EQ(text, "one\n");
  }
}

}  // namespace
}  // namespace ringpost::talk
