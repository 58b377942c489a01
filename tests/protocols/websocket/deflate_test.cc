// Messages compressed and inflated: the examples of RFC 7692, round trips from seeds, and what is
// no compressed message; whole, and cut at every byte on both sides.

#include "protocols/websocket/deflate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/protocols/websocket/inflated.h"

namespace ringpost::websocket {

// For GoogleTest.
void PrintTo(const Inflated& inflated, std::ostream* out) {
  *out << "error " << static_cast<int>(inflated.errc) << ", "
       << testing::PrintToString(inflated.message);
}

namespace {

using engine::Prng;
using namespace std::string_literals;

constexpr std::uint64_t bytes_max = 1 << 20;

// The same however it is cut.
Inflated inflated(const std::string& payload, std::uint64_t most = bytes_max) {
  Inflater inflater(most);
  Inflated whole = inflated(inflater, {payload}, 4096);
  EXPECT_EQ(inflated(inflater, {payload, ""}, 4096), whole);
  for (const std::size_t room : {1u, 3u, 100u})
    EXPECT_EQ(inflated(inflater, single_bytes(payload), room), whole);
  for (std::size_t at = 1; at < payload.size(); ++at) {
    EXPECT_EQ(inflated(inflater, {payload.substr(0, at), payload.substr(at)}, 2), whole)
        << "split at " << at;
  }
  return whole;
}

const Inflated wrong{Errc::bad_compression, ""};

// Section 7.2.3
TEST(Deflate, TheExamplesOfTheRfc) {
  const Inflated hello{Errc::none, "Hello"};
  EXPECT_EQ(inflated("\xf2\x48\xcd\xc9\xc9\x07\x00"s), hello);                          // 7.2.3.1
  EXPECT_EQ(inflated("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), hello);          // 7.2.3.3
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), hello);                      // 7.2.3.4
  EXPECT_EQ(inflated("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), hello);  // 7.2.3.5
  EXPECT_EQ(inflated("\x00"s), Inflated{});                                             // 7.2.3.6
  Deflater deflater(6);
  EXPECT_EQ(deflated(deflater, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(deflated(deflater, "Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);  // it kept nothing
}

// 7.2.3.2: its second message refers to the first, which we have asked nobody to do.
TEST(Deflate, AMessageThatRefersToTheOneBeforeIsWrong) {
  EXPECT_EQ(inflated("\xf2\x00\x11\x00\x00"s), wrong);
}

TEST(Deflate, WhatOthersSendIsTaken) {
  EXPECT_EQ(inflated(""), Inflated{});
  const Inflated hello{Errc::none, "Hello"};
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00"s), hello);  // ends with the last block
  EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s),
            (Inflated{Errc::none, "HelloHello"}));
}

TEST(Deflate, WhatIsCutOffOrNoneIsWrong) {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
  for (std::size_t bytes = 1; bytes < hello.size(); ++bytes)
    EXPECT_EQ(inflated(hello.substr(0, bytes)), wrong) << bytes;
  EXPECT_EQ(inflated("\x07"), wrong);  // no such kind of block
  EXPECT_EQ(inflated("\xff\xff\xff\xff"), wrong);
  EXPECT_EQ(inflated("\x00\x05\x00\xff\xff"s
                     "Hello"),
            wrong);                                         // two lengths that differ
  EXPECT_EQ(inflated(hello + "\x00"s), wrong);              // half a block behind it
  EXPECT_EQ(inflated(hello + "\x00\x00\xff\xff"s), wrong);  // the end was sent, too
}

std::string some_message(Prng& prng) {
  std::string message;
  const std::size_t bytes = prng.below(prng.one_in(10) ? 20000 : 300);
  const std::uint64_t kinds = 1 + prng.below(prng.one_in(3) ? 256 : 4);
  while (message.size() < bytes) {
    if (!message.empty() && prng.one_in(20)) {
      const std::size_t from = prng.below(message.size());
      message += message.substr(from, prng.below(500));
    }
    message += static_cast<char>(prng.below(kinds));
  }
  return message;
}

TEST(Deflate, RoundTrips) {
  Deflater fast(1);
  Deflater small(9);
  Inflater inflater(bytes_max);
  std::size_t plain = 0;
  std::size_t compressed = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Prng prng(seed);
    const std::string message = some_message(prng);
    const std::string payload = deflated(prng.one_in(2) ? fast : small, message);
    plain += message.size();
    compressed += payload.size();
    std::vector<std::string> pieces{""};
    for (std::size_t at = 0; at < payload.size(); at += pieces.back().size())
      pieces.push_back(payload.substr(at, 1 + prng.below(prng.one_in(4) ? 2000 : 20)));
    ASSERT_EQ(inflated(inflater, pieces, 1 + prng.below(5000)), (Inflated{Errc::none, message}))
        << "seed " << seed;
  }
  EXPECT_LT(compressed, plain);
}

// What the window that is promised cannot reach is not referred to.
TEST(Deflate, KeepsToItsWindow) {
  Prng prng(1);
  std::string noise;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(prng.below(256));
  Deflater deflater(9);
  EXPECT_GT(deflated(deflater, noise + noise).size(), 2 * noise.size());
  EXPECT_LT(deflated(deflater, noise.substr(0, 3000) + noise.substr(0, 3000)).size(), 3200U);
}

TEST(Deflate, TheLimitIsInclusiveAndHoldsOfWhatComesOut) {
  Deflater deflater(9);
  const std::string payload = deflated(deflater, std::string(1000, 'a'));
  EXPECT_LT(payload.size(), 30U);
  EXPECT_EQ(inflated(payload, 1000), (Inflated{Errc::none, std::string(1000, 'a')}));
  EXPECT_EQ(inflated(payload, 999), (Inflated{Errc::message_too_large, ""}));
  EXPECT_EQ(inflated(payload, 0), (Inflated{Errc::message_too_large, ""}));
  EXPECT_EQ(inflated("\x00"s, 0), Inflated{});
  // Whole, zlib saw what is wrong behind what was too much; byte by byte it did not.
  EXPECT_EQ(inflated("\x00\x0a\x00\xf5\xff"s
                     "0123456789\x07",
                     9),
            (Inflated{Errc::message_too_large, ""}));
}

// A thousandfold: no more comes out than the limit and the room.
TEST(Deflate, ABombEndsAtTheLimit) {
  Deflater deflater(9);
  const std::string payload = deflated(deflater, std::string(32 << 20, '\0'));
  EXPECT_LT(payload.size(), 40000U);
  Inflater inflater(bytes_max);
  inflater.begin();
  std::vector<char> out(4096);
  Bytes rest = payload;
  std::size_t produced = 0;
  InflateResult r;
  do {
    r = inflater.next(rest, true, out.data(), out.size());
    rest.remove_prefix(r.consumed);
    produced += r.produced;
  } while (r.status == InflateStatus::full);
  EXPECT_EQ(r.status, InflateStatus::error);
  EXPECT_EQ(r.errc, Errc::message_too_large);
  EXPECT_EQ(produced, bytes_max + 1);
  // The next message is none the worse for it.
  EXPECT_EQ(inflated(inflater, {"\xf2\x48\xcd\xc9\xc9\x07\x00"s}, 4096),
            (Inflated{Errc::none, "Hello"}));
}

}  // namespace
}  // namespace ringpost::websocket
