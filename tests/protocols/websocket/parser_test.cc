// FrameParser against a plain second implementation, whole, byte by byte and at every split; and
// what is refused, row by row, with its close code.

#include "protocols/websocket/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/websocket/close_parser.h"
#include "protocols/websocket/writer.h"
#include "tests/protocols/splits.h"
#include "tests/protocols/websocket/model.h"

namespace ringpost::websocket {
namespace {

using engine::Prng;
using namespace std::string_literals;

void expect_same_at_every_split(const Limits& limits, Role role, const std::string& stream,
                                Compression compression = Compression::off) {
  expect_at_every_split(
      model(limits, role, stream, compression), stream,
      [&](const Pieces& pieces) { return fed_in(limits, role, pieces, compression); });
}

// A client's frame, written by hand: first byte, then length and payload under a mask.
std::string masked(unsigned first, const std::string& payload,
                   const std::string& mask = "\1\2\3\4") {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += "\xfe"s + static_cast<char>(payload.size() >> 8) + static_cast<char>(payload.size());
  }
  frame += mask;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return frame;
}

Events served(const std::string& stream, const Limits& limits = {},
              Compression compression = Compression::off) {
  expect_same_at_every_split(limits, Role::server, stream, compression);
  return fed_in(limits, Role::server, {stream}, compression);
}

// The client's vectors of section 7.7
TEST(FrameParser, TheVectorsOfTheService) {
  const std::string zeros = "\0\0\0\0"s;
  EXPECT_EQ(served("\x81\x9a\0\0\0\0{\"topics\":[\"cats\",\"dogs\"]}"s),
            Events{"text {\"topics\":[\"cats\",\"dogs\"]}"});
  EXPECT_EQ(served("\x81\x84\0\0\0\0ping"s), Events{"text ping"});
  EXPECT_EQ(served("\x89\x82\0\0\0\0hi"s), Events{"ping hi"});
  EXPECT_EQ(served("\x88\x82\0\0\0\0\x03\xe8"s), Events{"close \x03\xe8"});
}

// RFC 6455 section 5.7
TEST(FrameParser, TheExamplesOfTheRfc) {
  EXPECT_EQ(served("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Events{"text Hello"});
  EXPECT_EQ(fed_in({}, Role::client, {"\x81\x05Hello"}), Events{"text Hello"});
  EXPECT_EQ(fed_in({}, Role::client, {"\x01\x03Hel\x80\x02lo"}), Events{"text Hello"});
  EXPECT_EQ(served("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Events{"pong Hello"});
  const std::string bytes(256, 'b');
  EXPECT_EQ(fed_in({}, Role::client, {"\x82\x7e\x01\0"s + bytes}), Events{"binary " + bytes});
  const std::string more(65536, 'c');
  EXPECT_EQ(fed_in({}, Role::client, {"\x82\x7f\0\0\0\0\0\1\0\0"s + more}),
            Events{"binary " + more});
}

TEST(FrameParser, FragmentsWithControlFramesBetween) {
  EXPECT_EQ(served(masked(0x01, "Hel") + masked(0x89, "p") + masked(0x00, "") + masked(0x8a, "") +
                   masked(0x80, "lo") + masked(0x82, "")),
            (Events{"ping p", "pong ", "text Hello", "binary "}));
  EXPECT_EQ(served(masked(0x01, "") + masked(0x80, "")), Events{"text "});
}

TEST(FrameParser, SixtyFiveThousandFragments) {
  std::string stream = masked(0x02, "0");
  for (int i = 1; i < 65535; ++i) stream += masked(0x00, "0");
  stream += masked(0x80, "1");
  EXPECT_EQ(fed_in({}, Role::server, {stream}), Events{"binary " + std::string(65535, '0') + "1"});
}

TEST(FrameParser, RefusesWhatIsNoFrame) {
  const std::string begun = masked(0x01, "a");
  const struct {
    std::string stream;
    Errc errc;
  } rows[] = {
      {"\xc1", Errc::reserved_bits},
      {"\xa1", Errc::reserved_bits},
      {"\x91", Errc::reserved_bits},
      {"\x83", Errc::bad_opcode},
      {"\x87", Errc::bad_opcode},
      {"\x8b", Errc::bad_opcode},
      {"\x8f", Errc::bad_opcode},
      {"\x80", Errc::bad_continuation},
      {"\x00"s, Errc::bad_continuation},
      {begun + masked(0x81, "b"), Errc::bad_continuation},
      {begun + masked(0x02, "b"), Errc::bad_continuation},
      {"\x09", Errc::bad_control},
      {"\x08", Errc::bad_control},
      {"\x0a", Errc::bad_control},
      {"\x81\x05", Errc::bad_mask},
      {"\x88\x00"s, Errc::bad_mask},
      {"\x89\xfe", Errc::bad_control},
      {"\x88\xff", Errc::bad_control},
      {"\x81\xfe\0\x7d"s, Errc::bad_length},
      {"\x81\xff\0\0\0\0\0\0\xff\xff"s, Errc::bad_length},
      {"\x81\xff\x80\0\0\0\0\0\0\0"s, Errc::bad_length},
      // WS-34: above 16 MiB, before its mask
      {"\x81\xff\0\0\0\0\1\0\0\1"s, Errc::frame_too_large},
  };
  for (const auto& row : rows) {
    const Events events = served(row.stream);
    ASSERT_FALSE(events.empty()) << testing::PrintToString(row.stream);
    EXPECT_EQ(events.back(), error_event(row.errc)) << testing::PrintToString(row.stream);
  }
  EXPECT_EQ(fed_in({}, Role::client, {"\x81\x85"}), Events{error_event(Errc::bad_mask)});
}

TEST(FrameParser, LimitsAreInclusive) {
  const Limits limits{.frame_bytes_max = 3, .message_bytes_max = 5};
  EXPECT_EQ(served(masked(0x81, "abc"), limits), Events{"text abc"});
  EXPECT_EQ(served(masked(0x81, "abcd"), limits), Events{error_event(Errc::frame_too_large)});
  EXPECT_EQ(served(masked(0x01, "abc") + masked(0x80, "de"), limits), Events{"text abcde"});
  EXPECT_EQ(served(masked(0x01, "abc") + masked(0x80, "def"), limits),
            Events{error_event(Errc::message_too_large)});
  // Control frames have their own.
  EXPECT_EQ(served(masked(0x89, std::string(125, 'p')), limits).size(), 1U);
  // The next message starts anew.
  EXPECT_EQ(served(masked(0x81, "abc") + masked(0x81, "def"), limits).size(), 2U);
}

TEST(FrameParser, AgreesWithTheModelOnRandomStreams) {
  const Limits limits{
      .frame_bytes_max = 200, .message_bytes_max = 300, .compressed_bytes_max = 250};
  constexpr unsigned firsts[] = {0x81, 0x82, 0xc1, 0x42, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a};
  std::size_t whole = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Prng prng(seed);
    std::string stream;
    for (std::uint64_t i = prng.below(8); i > 0; --i) {
      std::string payload(prng.below(prng.one_in(4) ? 210 : 20), 'x');
      std::string mask;
      for (int b = 0; b < 4; ++b) mask += static_cast<char>(prng.below(256));
      stream += masked(firsts[prng.below(std::size(firsts))], payload, mask);
      if (prng.one_in(12))
        stream[prng.below(stream.size())] ^= static_cast<char>(1 + prng.below(255));
    }
    const Role role = prng.one_in(8) ? Role::client : Role::server;
    const Compression compression = prng.one_in(2) ? Compression::deflate : Compression::off;
    const Events expected = model(limits, role, stream, compression);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size(); at += pieces.back().size()) {
      pieces.push_back(stream.substr(at, 1 + prng.below(prng.one_in(4) ? 60 : 4)));
    }
    ASSERT_EQ(fed_in(limits, role, pieces, compression), expected) << "seed " << seed;
    if (expected.size() > 1) ++whole;
  }
  EXPECT_GT(whole, 3000U);
}

// RFC 7692 section 6: the first frame of a message says that it is compressed, and no other frame.
TEST(FrameParser, ACompressedMessageSaysSoInItsFirstFrame) {
  const auto agreed = [](const std::string& stream) {
    return served(stream, {}, Compression::deflate);
  };
  EXPECT_EQ(agreed(masked(0xc1, "zz") + masked(0x81, "plain") + masked(0xc2, "")),
            (Events{"compressed text zz", "text plain", "compressed binary "}));
  EXPECT_EQ(agreed(masked(0x41, "z") + masked(0x89, "p") + masked(0x80, "z")),
            (Events{"ping p", "compressed text zz"}));
  const Events refused{error_event(Errc::reserved_bits)};
  for (const char* const first : {"\xc8", "\xc9", "\xca", "\xc0", "\xc3", "\xe1", "\xd1", "\xa1"})
    EXPECT_EQ(agreed(first), refused) << testing::PrintToString(first);
  EXPECT_EQ(agreed(masked(0x41, "z") + "\xc0"), refused);
  EXPECT_EQ(agreed(masked(0x01, "z") + "\xc0"), refused);
  EXPECT_EQ(served("\xc1"), refused);
}

TEST(FrameParser, ACompressedMessageHasALimitOfItsOwn) {
  const Limits limits{.compressed_bytes_max = 5};
  const auto agreed = [&](const std::string& stream) {
    return served(stream, limits, Compression::deflate);
  };
  const Events refused{error_event(Errc::message_too_large)};
  EXPECT_EQ(agreed(masked(0xc1, "12345")), Events{"compressed text 12345"});
  EXPECT_EQ(agreed(masked(0xc1, "123456")), refused);
  EXPECT_EQ(agreed(masked(0x41, "123") + masked(0x80, "456")), refused);
  EXPECT_EQ(agreed(masked(0x81, "123456")), Events{"text 123456"});
}

// --- Close ---------------------------------------------------------------------------------------

TEST(ParseClose, CodesThatMayBeSent) {
  const auto errc_of = [](unsigned code) {
    const std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    return parse_close(payload).errc;
  };
  for (const unsigned code :
       {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1011u, 1014u, 3000u, 4999u}) {
    EXPECT_EQ(errc_of(code), Errc::none) << code;
  }
  for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 2999u, 5000u, 65535u}) {
    EXPECT_EQ(errc_of(code), Errc::bad_close) << code;
  }
}

TEST(ParseClose, HasAReasonInUtf8) {
  const CloseResult close = parse_close("\x03\xe8gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(close.code, 1000);
  EXPECT_EQ(close.reason, "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(parse_close("\x03\xe8\xc3").errc, Errc::bad_utf8);
  EXPECT_EQ(parse_close("").errc, Errc::none);
  EXPECT_EQ(parse_close("").code, 0);
  EXPECT_EQ(parse_close("\x03").errc, Errc::bad_close);
}

}  // namespace
}  // namespace ringpost::websocket
