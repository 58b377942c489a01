// FrameParser against a plain second implementation, over every split of every stream and over the
// framings of other protocols; and HeaderWriter against FrameParser.

#include "protocols/length_delimited/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/length_delimited/writer.h"
#include "tests/protocols/length_delimited/model.h"
#include "tests/protocols/splits.h"

namespace ringpost::length_delimited {
namespace {

using engine::Prng;
using namespace std::string_literals;

// A frame as HeaderWriter makes it. Bytes of the header that are not the length are 'h'.
std::string frame_of(const Framing& framing, const std::string& payload) {
  const HeaderWriter writer(framing);
  if (framing.skip_bytes == 0) {  // the payload includes the header
    std::string frame = payload;
    EXPECT_EQ(writer.write(payload.size(), frame.data()), Errc::none);
    return frame;
  }
  std::string frame(writer.header_bytes(), 'h');
  EXPECT_EQ(writer.write(payload.size(), frame.data()), Errc::none);
  return frame + payload;
}

void expect_same_at_every_split(const Framing& framing, const std::string& stream) {
  expect_at_every_split(model(framing, stream), stream,
                        [&](const Pieces& pieces) { return fed_in(framing, pieces); });
}

// FE-2, FE-4 and the vectors of section 5.1
TEST(FrameParser, TheVectorsOfTheService) {
  const Framing framing;
  EXPECT_EQ(fed_in(framing, {"\0\0\0\5hello"s}), (Events{"hello"}));
  EXPECT_EQ(fed_in(framing, {"\0\0\0\1a\0\0\0\2bc"s}), (Events{"a", "bc"}));
  EXPECT_EQ(fed_in(framing, {"\0\0\0\2ok\0\0"s}), (Events{"ok"}));
  EXPECT_EQ(fed_in(framing, {"\0\0\0\2ok\xff\xff\xff\xff"s}),
            (Events{"ok", Event(Errc::too_long)}));
  EXPECT_EQ(fed_in(framing, {"\0\0\0\0\0\0\0\0"s}), (Events{"", ""}));
}

// X2
TEST(FrameParser, GivesTheSameFramesAtEverySplit) {
  const Framing framing{.payload_bytes_max = 300};
  expect_same_at_every_split(framing, "\0\0\0\5hello\0\0\0\0"s);
  expect_same_at_every_split(framing, "\0\0\0\0\0\0\0\0\0\0\0\1x\0\0"s);
  expect_same_at_every_split(framing, "\0\0\1\0"s + std::string(256, 'x') + "\0\0\0\2ok"s);
  expect_same_at_every_split(framing, "\0\0\0\2ok\0\0\1\x2d"s + "what follows is not read"s);
  expect_same_at_every_split(framing, "\0\0\0\2ok\0\0\0\5hel"s);
}

// FE-5, FE-6
TEST(FrameParser, TheLimitIsInclusiveAndToldByTheHeaderAlone) {
  const FrameParser parser{Framing{}};
  EXPECT_EQ(parser.header("\0\x80\0\0"s).errc, Errc::none);
  EXPECT_EQ(parser.header("\0\x80\0\0"s).frame_bytes, 8'388'612u);
  EXPECT_EQ(parser.header("\0\x80\0\1"s).errc, Errc::too_long);
  EXPECT_EQ(parser.header("\0\x80\0"s).errc, Errc::none);
  EXPECT_EQ(parser.header("\0\x80\0"s).frame_bytes, 0u);
  const FrameParser none{Framing{.payload_bytes_max = 0}};
  EXPECT_EQ(none.next("\0\0\0\0"s).status, FrameStatus::frame);
  EXPECT_EQ(none.next("\0\0\0\1a"s).errc, Errc::too_long);
}

TEST(FrameParser, ALargeFrameIsWholeWithItsLastByte) {
  const FrameParser parser{Framing{}};
  std::string frame = "\0\x80\0\0"s + std::string(8 << 20, 'x');
  EXPECT_EQ(parser.next(Bytes(frame).substr(0, frame.size() - 1)).status, FrameStatus::need_more);
  const FrameResult r = parser.next(frame);
  EXPECT_EQ(r.consumed, frame.size());
  EXPECT_EQ(static_cast<const void*>(r.payload.data()), frame.data() + 4);
}

TEST(FrameParser, ARunEndsAtTheFrameThatMakesItEnough) {
  const FrameParser parser{Framing{}};
  const std::string three = "\0\0\0\1a\0\0\0\1b\0\0\0\1c"s;
  const auto bytes_of = [&](std::uint64_t enough) { return parser.run(three, enough).bytes; };
  EXPECT_EQ(bytes_of(0), 0u);
  EXPECT_EQ(bytes_of(1), 5u);
  EXPECT_EQ(bytes_of(5), 5u);
  EXPECT_EQ(bytes_of(6), 10u);
  EXPECT_EQ(bytes_of(15), 15u);
  EXPECT_EQ(bytes_of(1000), 15u);
  EXPECT_EQ(parser.run(three, 6).count, 2u);
  EXPECT_EQ(parser.run(three, 6).next.errc, Errc::none);
  const std::string bad = "\0\0\0\1a\xff\0\0\0"s;
  EXPECT_EQ(parser.run(bad, 5).next.errc, Errc::none);  // not looked at
  EXPECT_EQ(parser.run(bad, 6).next.errc, Errc::too_long);
}

// The framings of tokio-util's documentation, with its bytes.
TEST(FrameParser, ReadsTheFramingsOfOthers) {
  const auto two = [](Framing framing) {
    framing.length_bytes = 2;
    return framing;
  };
  // The length before the payload; the header taken off, or left in front.
  EXPECT_EQ(fed_in(two({}), {"\x00\x0bHello world"s}), (Events{"Hello world"}));
  EXPECT_EQ(fed_in(two({.length_adjustment = 2, .skip_bytes = 0}), {"\x00\x0bHello world"s}),
            (Events{"\x00\x0bHello world"s}));
  // The length counts the header.
  EXPECT_EQ(fed_in(two({.length_adjustment = -2}), {"\x00\x0dHello world"s}),
            (Events{"Hello world"}));
  // Three bytes wide, with two more bytes of header that the length does not count.
  EXPECT_EQ(fed_in({.length_bytes = 3, .length_adjustment = 2, .skip_bytes = 3},
                   {"\x00\x00\x0b\xca\xfeHello world"s}),
            (Events{"\xca\xfeHello world"}));
  // Between two other bytes of the header, which are left off with it.
  EXPECT_EQ(fed_in(two({.length_offset = 1, .length_adjustment = 1, .skip_bytes = 3}),
                   {"\xca\x00\x0b\xfeHello world"s}),
            (Events{"\xfeHello world"}));
  EXPECT_EQ(fed_in(two({.length_offset = 1, .length_adjustment = -3, .skip_bytes = 4}),
                   {"\xca\x00\x0e\xfeHello world"s}),
            (Events{"Hello world"}));
  // Little-endian, and the whole header in the payload.
  EXPECT_EQ(fed_in({.endian = Endian::little}, {"\2\0\0\0hi\1\0\0\0!"s}), (Events{"hi", "!"}));
  EXPECT_EQ(fed_in({.length_bytes = 1, .length_adjustment = 1, .skip_bytes = 0}, {"\2hi\0\1!"s}),
            (Events{"\2hi", std::string(1, '\0'), "\1!"}));
}

TEST(FrameParser, ALengthThatEndsInsideItsOwnHeaderIsAnError) {
  const Framing counts_itself{.length_adjustment = -4};
  EXPECT_EQ(fed_in(counts_itself, {"\0\0\0\4\0\0\0\3"s}), (Events{"", Event(Errc::too_short)}));
  const Framing whole{.length_bytes = 2, .skip_bytes = 0};  // the field counts the frame
  EXPECT_EQ(fed_in(whole, {"\0\2\0\3x\0\1"s}), (Events{"\0\2"s, "\0\3x"s, Event(Errc::too_short)}));
  const Framing other{.length_bytes = 2, .length_offset = 2, .skip_bytes = 1};
  EXPECT_EQ(fed_in(other, {"ab\0\3ab\0\2"s}), (Events{"b\0\3"s, Event(Errc::too_short)}));
}

TEST(FrameParser, TheWidestLengthNeitherOverflowsNorWraps) {
  for (const std::int64_t adjustment : {std::int64_t{-8}, std::int64_t{0}, std::int64_t{8}}) {
    const Framing framing{.length_bytes = 8, .length_adjustment = adjustment};
    EXPECT_EQ(fed_in(framing, {std::string(8, '\xff')}), (Events{Event(Errc::too_long)}));
    EXPECT_EQ(fed_in(framing, {"\x7f" + std::string(7, '\xff')}), (Events{Event(Errc::too_long)}));
  }
}

TEST(Framing, FaultsAreTold) {
  EXPECT_EQ(fault_of({}), "");
  EXPECT_NE(fault_of({.length_bytes = 0}), "");
  EXPECT_NE(fault_of({.length_bytes = 9}), "");
  EXPECT_NE(fault_of({.length_offset = header_bytes_limit + 1}), "");
  EXPECT_NE(fault_of({.skip_bytes = -2}), "");
  EXPECT_NE(fault_of({.skip_bytes = header_bytes_limit + 1}), "");
  EXPECT_NE(fault_of({.length_adjustment = length_adjustment_limit + 1}), "");
  EXPECT_NE(fault_of({.length_adjustment = -length_adjustment_limit - 1}), "");
  EXPECT_NE(fault_of({.payload_bytes_max = payload_bytes_limit + 1}), "");
  // No length would do.
  EXPECT_NE(fault_of({.length_adjustment = 100, .payload_bytes_max = 99}), "");
  EXPECT_EQ(fault_of({.length_adjustment = 100, .payload_bytes_max = 100}), "");
  EXPECT_NE(fault_of({.length_bytes = 1, .length_adjustment = -256}), "");
  EXPECT_EQ(fault_of({.length_bytes = 1, .length_adjustment = -255}), "");
  EXPECT_NE(fault_of({.skip_bytes = 0, .payload_bytes_max = 3}), "");
}

TEST(HeaderWriter, HasTheLimitsOfTheParser) {  // FE-9
  std::string header(4, 'h');
  const HeaderWriter writer{Framing{}};
  EXPECT_EQ(writer.write(8'388'609, header.data()), Errc::too_long);
  EXPECT_EQ(header, "hhhh");
  EXPECT_EQ(writer.write(8'388'608, header.data()), Errc::none);
  EXPECT_EQ(header, "\0\x80\0\0"s);
  EXPECT_EQ(writer.write(5, header.data()), Errc::none);
  EXPECT_EQ(header, "\0\0\0\5"s);
}

TEST(HeaderWriter, RefusesWhatTheFieldCannotHold) {
  std::string header(4, 'h');
  const HeaderWriter narrow{Framing{.length_bytes = 1}};
  EXPECT_EQ(narrow.write(255, header.data()), Errc::none);
  EXPECT_EQ(narrow.write(256, header.data()), Errc::too_wide);
  const HeaderWriter more{Framing{.length_adjustment = 2}};  // the payload has at least 2 bytes
  EXPECT_EQ(more.write(1, header.data()), Errc::too_short);
  EXPECT_EQ(more.write(2, header.data()), Errc::none);
  const HeaderWriter whole{Framing{.skip_bytes = 0}};  // the payload has at least the header
  EXPECT_EQ(whole.write(3, header.data()), Errc::too_short);
  EXPECT_EQ(whole.write(4, header.data()), Errc::none);
}

TEST(HeaderWriter, LeavesTheRestOfTheHeaderAlone) {
  std::string header = "abcdefgh";
  const HeaderWriter writer{
      Framing{.length_bytes = 3, .length_offset = 2, .endian = Endian::little, .skip_bytes = 8}};
  EXPECT_EQ(writer.header_bytes(), 8u);
  EXPECT_EQ(writer.write(0x010203, header.data()), Errc::none);
  EXPECT_EQ(header, "ab\3\2\1fgh");
}

// A framing that can be read, drawn from a seed; half of them with small fields and limits.
Framing random_framing(Prng& prng) {
  for (;;) {
    Framing framing;
    framing.length_bytes = 1 + static_cast<std::uint32_t>(prng.below(8));
    framing.length_offset = static_cast<std::uint32_t>(prng.below(prng.one_in(2) ? 1 : 12));
    framing.endian = prng.one_in(2) ? Endian::big : Endian::little;
    framing.length_adjustment = static_cast<std::int64_t>(prng.below(24)) - 12;
    framing.skip_bytes = static_cast<std::int64_t>(prng.below(20)) - 1;
    framing.payload_bytes_max = prng.below(prng.one_in(2) ? 40 : 1000);
    if (fault_of(framing).empty()) return framing;
  }
}

TEST(FrameParser, AgreesWithTheModelOnRandomStreams) {
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const Framing framing = random_framing(prng);
    const HeaderWriter writer(framing);
    std::string stream;
    for (std::uint64_t n = prng.below(12); n > 0; --n) {
      std::string frame(writer.header_bytes() + prng.below(60), 'p');
      // A payload as large as the frame has room for, sometimes one that does not fit.
      const std::uint64_t payload = frame.size() - FrameParser(framing).skip_bytes();
      writer.write(prng.one_in(8) ? payload + prng.below(5) : payload, frame.data());
      if (prng.one_in(30)) frame[prng.below(frame.size())] = static_cast<char>(prng.below(256));
      stream += frame;
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size(); at += pieces.back().size()) {
      pieces.push_back(stream.substr(at, 1 + prng.below(prng.one_in(3) ? 200 : 5)));
    }
    EXPECT_EQ(fed_in(framing, pieces), model(framing, stream));
  }
}

TEST(HeaderWriter, WhateverItWritesTheParserReads) {
  std::uint64_t written = 0;
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const Framing framing = random_framing(prng);
    const FrameParser parser(framing);
    const HeaderWriter writer(framing);
    std::string header(writer.header_bytes(), 'h');
    const std::uint64_t payload_bytes = prng.below(1100);
    const Errc errc = writer.write(payload_bytes, header.data());
    EXPECT_EQ(errc == Errc::too_long, payload_bytes > framing.payload_bytes_max);
    if (errc != Errc::none) continue;
    ++written;
    EXPECT_EQ(parser.header(header).frame_bytes, parser.skip_bytes() + payload_bytes);
  }
  EXPECT_GT(written, 1000u);
}

TEST(HeaderWriter, FramesComeBackAsTheyWereWritten) {
  for (const Framing& framing : {Framing{}, Framing{.length_bytes = 8, .endian = Endian::little},
                                 Framing{.length_bytes = 2, .length_offset = 3, .skip_bytes = 9}}) {
    std::string stream;
    Events expected;
    for (std::size_t bytes = 0; bytes < 300; bytes += 7) {
      expected.emplace_back(std::string(bytes, 'x'));
      stream += frame_of(framing, expected.back().text);
    }
    EXPECT_EQ(fed_in(framing, {stream}), expected);
  }
}

}  // namespace
}  // namespace ringpost::length_delimited
