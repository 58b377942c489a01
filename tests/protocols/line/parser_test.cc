// LineParser against a plain second implementation, over every split of every stream: whole, byte
// by byte, at each single split point, and at random ones.

#include "protocols/line/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/line/scan.h"
#include "tests/protocols/line/model.h"
#include "tests/protocols/splits.h"

namespace ringpost::line {
namespace {

using engine::Prng;

void expect_same_at_every_split(LineEnd line_end, std::size_t limit, const std::string& stream) {
  expect_at_every_split(model(line_end, limit, stream), stream,
                        [&](const Pieces& pieces) { return fed_in(line_end, limit, pieces); });
}

// X2
TEST(LineParser, GivesTheSameLinesAtEverySplit) {
  const std::vector<std::string> streams = {
      "GET\n",
      "GET\nGET\n",
      "GET\r\nBUY;8;A\r\n",
      "\n\n\n",
      "\r\n\r\n",
      "\r\r\n\n\r",
      "a\nb\r\nc\rd\r\n\r",
      "BUY;8.0;BYND\nBUY;9.0;PLTR\nBUY;9.0;PLTR\nGET\n",
      "BUY;8.0;BYND\r\nGET",
      std::string("nul\0byte\nx\0\r\n", 13),
      std::string(63, 'a') + "\r\n" + std::string(64, 'b') + "\r\n" + std::string(65, 'c') + "\n",
      std::string(62, 'a') + "\r\n" + std::string(61, '\r') + "\n" + std::string(130, '\n'),
  };
  for (const std::string& stream : streams)
    for (const LineEnd line_end : {LineEnd::crlf, LineEnd::any})
      for (const std::size_t limit : {std::size_t{0}, std::size_t{3}, std::size_t{64}})
        expect_same_at_every_split(line_end, limit, stream);
}

TEST(LineParser, AgreesWithTheModelOnRandomStreams) {
  const std::string alphabet = "ab\r\r\n\n";
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const LineEnd line_end = prng.one_in(2) ? LineEnd::crlf : LineEnd::any;
    const std::size_t limit = prng.below(40);
    // Few line ends in some streams, so that lines get long.
    const std::size_t letters = prng.one_in(2) ? alphabet.size() : 3;
    std::string stream;
    for (std::uint64_t n = prng.below(400); n > 0; --n)
      stream += prng.one_in(20) ? '\n' : alphabet[prng.below(letters)];
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t bytes = 1 + prng.below(prng.one_in(3) ? 200 : 5);
      pieces.push_back(stream.substr(at, bytes));
      at += bytes;
    }
    EXPECT_EQ(fed_in(line_end, limit, pieces), model(line_end, limit, stream));
  }
}

// OB-29, C4
TEST(LineParser, AnyModeStripsExactlyOneCr) {
  EXPECT_EQ(fed_in(LineEnd::any, 100, {"GET\r\nA\r\r\n\r\n"}), (Events{"GET", "A\r", ""}));
}

// CH-2, row 16 of the checklist
TEST(LineParser, CrlfModeKeepsBareCrAndLfAsPayload) {
  Feeder feeder(LineEnd::crlf, 100);
  feeder.feed("a\nb\rc");
  EXPECT_TRUE(feeder.events().empty());
  feeder.feed("\r\n");
  EXPECT_EQ(feeder.events(), (Events{"a\nb\rc"}));
}

// CH-2, row 17 of the checklist
TEST(LineParser, CrAndLfMayComeInTwoSegments) {
  Feeder feeder(LineEnd::crlf, 100);
  feeder.feed("hi\r");
  EXPECT_TRUE(feeder.events().empty());
  feeder.feed("\nyou\r\n");
  EXPECT_EQ(feeder.events(), (Events{"hi", "you"}));
}

TEST(LineParser, TheLfOfALineEndIsNotTheEndOfTheNextLine) {
  // The CR before the LF belongs to the line before: "\r\n" and then a bare "\n".
  EXPECT_EQ(fed_in(LineEnd::crlf, 100, {"a\r\n", "\nb\r\n"}), (Events{"a", "\nb"}));
  EXPECT_EQ(fed_in(LineEnd::crlf, 100, {"a\r\n\nb\r\n"}), (Events{"a", "\nb"}));
}

// OB-30, CH-31
TEST(LineParser, TheLimitIsInclusiveAndCountsThePayloadAlone) {
  const std::string fits(4096, 'x');
  for (const std::string end : {"\n", "\r\n"}) {
    expect_same_at_every_split(LineEnd::any, 16, std::string(16, 'x') + end + "GET" + end);
    expect_same_at_every_split(LineEnd::any, 16, std::string(17, 'x') + end + "GET" + end);
    EXPECT_EQ(fed_in(LineEnd::any, 4096, {fits + end, "GET" + end}), (Events{fits, "GET"}));
    EXPECT_EQ(fed_in(LineEnd::any, 4096, {fits + "y" + end, "GET" + end}),
              (Events{too_long_mark, "GET"}));
  }
  const std::string chat(65536, 'x');
  EXPECT_EQ(fed_in(LineEnd::crlf, 65536, {chat + "\r", "\nhi\r\n"}), (Events{chat, "hi"}));
  EXPECT_EQ(fed_in(LineEnd::crlf, 65536, {chat + "\r", "\r\nhi\r\n"}),
            (Events{too_long_mark, "hi"}));
}

// OB-30, CH-31, row 12 of the checklist
TEST(LineParser, ALongLineIsReportedOnceAndHeldNowhere) {
  for (const LineEnd line_end : {LineEnd::crlf, LineEnd::any}) {
    Feeder feeder(line_end, 4096);
    for (int i = 0; i < 1024; ++i) {
      feeder.feed(std::string(1024, i % 7 == 0 ? '\r' : 'x'));
      EXPECT_LE(feeder.rest().size(), 4097u);
    }
    EXPECT_EQ(feeder.events(), (Events{too_long_mark}));
    feeder.feed("\r\nGET\r\n");
    EXPECT_EQ(feeder.events(), (Events{too_long_mark, "GET"}));
  }
}

TEST(LineParser, TwoLongLinesAreTwoReports) {
  const std::string stream = std::string(100, 'x') + "\r\n" + std::string(90, 'y') + "\r\nz\r\n";
  for (const LineEnd line_end : {LineEnd::crlf, LineEnd::any}) {
    expect_same_at_every_split(line_end, 10, stream);
    EXPECT_EQ(fed_in(line_end, 10, {stream}), (Events{too_long_mark, too_long_mark, "z"}));
  }
}

// OB-2
TEST(LineParser, FinishGivesTheLastLineWithoutALineEnd) {
  EXPECT_EQ(fed_in(LineEnd::any, 100, {"A\nGET"}), (Events{"A", last_line("GET")}));
  EXPECT_EQ(fed_in(LineEnd::any, 100, {"A\nGET\r"}), (Events{"A", last_line("GET")}));
  EXPECT_EQ(fed_in(LineEnd::any, 100, {"A\n"}), (Events{"A"}));
  EXPECT_EQ(fed_in(LineEnd::any, 100, {}), (Events{}));
  EXPECT_EQ(fed_in(LineEnd::any, 2, {"long", "er"}), (Events{too_long_mark}));
}

TEST(LineParser, FinishLeavesAFreshParser) {
  Feeder feeder(LineEnd::any, 4);
  feeder.feed("too long");
  feeder.finish();
  LineParser parser(LineEnd::any, 4);
  EXPECT_EQ(parser.next("too long").status, LineStatus::too_long);
  EXPECT_EQ(parser.finish(""), std::nullopt);
  EXPECT_EQ(parser.next("ok\n").line, "ok");
}

// CH-22: a scan that started again at byte 0 would find the line ends planted behind its back.
TEST(LineParser, BytesOnceScannedAreNotReadAgain) {
  std::string held(200, 'x');
  LineParser parser(LineEnd::any, 4096);
  ASSERT_EQ(parser.next(held).status, LineStatus::need_more);
  std::fill(held.begin(), held.end(), '\n');
  held += "yz\n";
  const LineResult r = parser.next(held);
  EXPECT_EQ(r.status, LineStatus::line);
  EXPECT_EQ(r.consumed, 203u);
}

TEST(LineParser, LinesPointIntoTheInput) {
  const std::string input = "one\ntwo\n";
  LineParser parser(LineEnd::any, 10);
  LineResult r = parser.next(input);
  EXPECT_EQ(static_cast<const void*>(r.line.data()), input.data());
  r = parser.next(Bytes(input).substr(4));
  EXPECT_EQ(static_cast<const void*>(r.line.data()), input.data() + 4);
}

// The unconsumed rest may move between calls, with line ends already seen ahead in it.
TEST(LineParser, AMovedInputKeepsTheLineEndsSeenAhead) {
  LineParser parser(LineEnd::any, 10);
  const std::string first = "one\ntwo\nthr";
  ASSERT_EQ(parser.next(first).consumed, 4u);
  const std::string second = "two\nthree\n";
  EXPECT_EQ(parser.next(second).line, "two");
  EXPECT_EQ(parser.next(Bytes(second).substr(4)).line, "three");
}

TEST(LineScan, EveryByteValueIsFoundWhereItIsAndNowhereElse) {
  for (int wanted = 0; wanted < 256; ++wanted) {
    std::vector<char> block(scan_block_bytes);
    for (int filler = 0; filler < 256; ++filler) {
      if (filler == wanted) continue;
      std::fill(block.begin(), block.end(), static_cast<char>(filler));
      const std::size_t a = static_cast<std::size_t>(wanted + filler) % scan_block_bytes;
      const std::size_t b = static_cast<std::size_t>(wanted * 7 + 3) % scan_block_bytes;
      block[a] = block[b] = static_cast<char>(wanted);
      const std::uint64_t expected = std::uint64_t{1} << a | std::uint64_t{1} << b;
      ASSERT_EQ(scan_full_block(block.data(), static_cast<char>(wanted)), expected);
      for (std::size_t bytes : {std::size_t{0}, a, a + 1, b, b + 1}) {
        const std::uint64_t covered = bytes == 64 ? ~0ull : (1ull << bytes) - 1;
        const std::vector<char> exact(block.begin(), block.begin() + static_cast<long>(bytes));
        ASSERT_EQ(scan_block(exact.data(), bytes, static_cast<char>(wanted)), expected & covered);
      }
    }
  }
}

}  // namespace
}  // namespace ringpost::line
