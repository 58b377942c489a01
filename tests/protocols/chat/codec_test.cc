// The rows of 4.1 to 4.3 that concern bytes alone. Where a stream of lines matters, lines are cut
// by the line parser and treated as a session treats them, at every split.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/chat/format.h"
#include "protocols/chat/parser.h"
#include "protocols/chat/writer.h"
#include "protocols/line/parser.h"
#include "tests/protocols/chat/talk.h"

namespace ringpost::chat {
namespace {

using engine::Prng;
using line::LineEnd;

// In a heap block of exactly its size, so that a sanitizer sees any read outside of it.
template <typename Check>
std::optional<Errc> checked(Check check, const std::string& text) {
  const std::unique_ptr<char[]> block(new char[text.size()]);
  std::copy(text.begin(), text.end(), block.get());
  return check(Bytes(block.get(), text.size()));
}

bool good_nick(const std::string& nick) {
  const std::optional<Errc> errc = checked(check_nick, nick);
  EXPECT_EQ(errc.value_or(Errc::bad_nick), Errc::bad_nick);
  return !errc;
}

bool good_message(const std::string& message) {
  const std::optional<Errc> errc = checked(check_message, message);
  EXPECT_EQ(errc.value_or(Errc::bad_character), Errc::bad_character);
  return !errc;
}

void expect_at_every_split(LineEnd line_end, const std::string& stream, const Talk& expected) {
  SCOPED_TRACE(testing::PrintToString(stream));
  EXPECT_EQ(talk(line_end, {stream}), expected);
  std::vector<std::string> single;
  for (const char c : stream) single.emplace_back(1, c);
  EXPECT_EQ(talk(line_end, single), expected);
  for (std::size_t at = 1; at < stream.size(); ++at)
    EXPECT_EQ(talk(line_end, {stream.substr(0, at), stream.substr(at)}), expected) << at;
}

// CH-3, CH-4, CH-9, C3, rows 13 and 17 of the checklist
TEST(ChatCodec, ALineGoesOutBehindTheNick) {
  expect_at_every_split(LineEnd::crlf, "alice\r\nhi\r\n", {"alice: hi\r\n", ""});
  expect_at_every_split(LineEnd::any, "alice\nhi\r\nyou\n", {"alice: hi\r\nalice: you\r\n", ""});
}

// CH-7
TEST(ChatCodec, AnEmptyMessageIsAMessage) {
  expect_at_every_split(LineEnd::crlf, "bob\r\n\r\n\r\n", {"bob: \r\nbob: \r\n", ""});
}

// CH-2, CH-34, row 16 of the checklist
TEST(ChatCodec, ABareLfIsABadCharacterOrALineEnd) {
  expect_at_every_split(LineEnd::crlf, "bob\r\na\nb", {"", ""});
  expect_at_every_split(LineEnd::crlf, "bob\r\na\nb\r\nc\r\n",
                        {"bob: c\r\n", "! error: bad character\r\n"});
  expect_at_every_split(LineEnd::any, "bob\r\na\nb\r\n", {"bob: a\r\nbob: b\r\n", ""});
  // The forgery that 4.1 warns of.
  expect_at_every_split(LineEnd::crlf, "eve\r\nx\nbob: fake\r\n",
                        {"", "! error: bad character\r\n"});
}

TEST(ChatCodec, ABareCrIsABadCharacterInBothModes) {
  for (const LineEnd line_end : {LineEnd::crlf, LineEnd::any}) {
    expect_at_every_split(line_end, "bob\r\na\rb\r\nc\r\n",
                          {"bob: c\r\n", "! error: bad character\r\n"});
    expect_at_every_split(line_end, "bob\r\na\r\r\nc\r\n",
                          {"bob: c\r\n", "! error: bad character\r\n"});
  }
}

// CH-32
TEST(ChatCodec, ABadNickIsRefusedAndTheNextLineIsTheNick) {
  expect_at_every_split(
      LineEnd::crlf, "\r\n!bob\r\nb\x01\r\nbob\r\n!x\r\n",
      {"bob: !x\r\n", "! error: bad nick\r\n! error: bad nick\r\n! error: bad nick\r\n"});
}

// CH-10, CH-11, row 19 of the checklist
TEST(ChatCodec, AnUnfinishedTailSaysNothing) {
  EXPECT_EQ(talk(LineEnd::crlf, {"bob\r\nx\r\npart"}), (Talk{"bob: x\r\n", ""}));
  EXPECT_EQ(talk(LineEnd::crlf, {"bo"}), (Talk{"", ""}));
}

// CH-20, CH-31, row 15 of the checklist. The sizes of CH-20 are of the line on the wire.
TEST(ChatCodec, LinesOfEverySizeUpToTheLimit) {
  for (const std::size_t wire : {31u, 32u, 33u, 4096u, 65'536u}) {
    const std::string message(wire - encoded_bytes("bob", ""), 'm');
    EXPECT_EQ(talk(LineEnd::crlf, {"bob\r\n", message + "\r\n"}),
              (Talk{"bob: " + message + "\r\n", ""}));
  }
  for (const std::size_t bytes : {31u, 32u, 33u, 4096u, 65'000u, 65'536u}) {
    const std::string message(bytes, 'm');
    const std::string sent = "bob: " + message + "\r\n";
    std::string twenty, sent_twenty;
    for (int i = 0; i < 20; ++i) {
      twenty += message + "\r\n";
      sent_twenty += sent;
    }
    EXPECT_EQ(talk(LineEnd::crlf, {"bob\r\n" + twenty}), (Talk{sent_twenty, ""}));
  }
  EXPECT_EQ(talk(LineEnd::crlf, {"bob\r\n" + std::string(65'537, 'm') + "\r\nx\r\n"}),
            (Talk{"bob: x\r\n", "! error: line too long\r\n"}));
}

// CH-31: also before there is a nick.
TEST(ChatCodec, ALongLineIsAnsweredOnce) {
  const std::string long_line(200'000, 'm');
  EXPECT_EQ(talk(LineEnd::crlf, {long_line, long_line, "\r\nbob\r\nx\r\n"}),
            (Talk{"bob: x\r\n", "! error: line too long\r\n"}));
}

TEST(ChatCodec, AgreesWithTheModelOnRandomStreams) {
  const std::string alphabet = "ab\r\r\n\n!\t\x01\xff";
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Prng prng(seed);
    const LineEnd line_end = prng.one_in(2) ? LineEnd::crlf : LineEnd::any;
    const std::size_t limit = prng.below(100);
    std::string stream;
    for (std::uint64_t n = prng.below(60); n > 0; --n) {
      stream += alphabet[prng.below(alphabet.size())];
      if (prng.one_in(4)) stream.append(prng.below(20), 'm');
      if (prng.one_in(3)) stream += "\r\n";
    }
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size(); at += pieces.back().size())
      pieces.push_back(stream.substr(at, 1 + prng.below(40)));
    ASSERT_EQ(talk(line_end, pieces, limit), model_talk(line_end, stream, limit)) << seed;
  }
}

// CH-32
TEST(ChatNick, HasOneToSixtyFourBytes) {
  EXPECT_FALSE(good_nick(""));
  for (std::size_t bytes = 1; bytes <= nick_bytes_max; ++bytes)
    EXPECT_TRUE(good_nick(std::string(bytes, 'n')));
  EXPECT_FALSE(good_nick(std::string(nick_bytes_max + 1, 'n')));
}

TEST(ChatNick, DoesNotStartWithTheMarkOfErrors) {
  EXPECT_FALSE(good_nick("!"));
  EXPECT_FALSE(good_nick("!bob"));
  EXPECT_TRUE(good_nick("bob!"));
  EXPECT_TRUE(good_nick(" !"));
}

// CH-32, CH-34, CH-35: each byte value at each place of texts of many lengths.
TEST(ChatText, ControlBytesAreFoundEverywhereAndNothingElseIs) {
  for (const std::size_t bytes :
       {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 63u, 64u, 65u, 72u, 79u, 130u}) {
    for (int byte = 0; byte < 256; ++byte) {
      for (std::size_t at = 0; at < bytes; ++at) {
        std::string text(bytes, byte % 2 == 0 ? 'a' : '\xff');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(good_message(text), !is_control(byte)) << bytes << " " << byte << " " << at;
        if (bytes <= nick_bytes_max && text[0] != '!') {
          ASSERT_EQ(good_nick(text), !is_control(byte)) << bytes << " " << byte << " " << at;
        }
      }
    }
  }
}

TEST(ChatText, AgreesWithTheModelOnRandomBytes) {
  Prng prng(1);
  int good_count = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text(prng.below(200), ' ');
    const std::uint64_t kinds = prng.one_in(2) ? 256 : 96;
    for (char& c : text) c = static_cast<char>(0x20 + prng.below(kinds));
    bool good = true;
    for (const char c : text) good = good && !is_control(static_cast<unsigned char>(c));
    good_count += good ? 1 : 0;
    ASSERT_EQ(good_message(text), good) << testing::PrintToString(text);
  }
  EXPECT_GT(good_count, 1000);
}

TEST(ChatText, TabsAndForeignBytesPass) {
  EXPECT_TRUE(good_message("a\tb"));
  EXPECT_TRUE(good_nick("\t"));
  EXPECT_TRUE(good_message("\x80\xff\xc3\xa4"));  // CH-35
}

TEST(ChatWriter, ErrorLines) {
  EXPECT_EQ(error_line(Errc::line_too_long), "! error: line too long\r\n");
  EXPECT_EQ(error_line(Errc::bad_nick), "! error: bad nick\r\n");
  EXPECT_EQ(error_line(Errc::bad_character), "! error: bad character\r\n");
}

TEST(ChatWriter, NoLineIsLongerThanItsBound) {
  const std::string nick(nick_bytes_max, 'n');
  const std::string message(line_bytes_max_default, 'm');
  EXPECT_EQ(encoded(nick, message), nick + ": " + message + "\r\n");
  EXPECT_EQ(encoded_bytes(nick, message), chat_line_bytes_max(line_bytes_max_default));
}

}  // namespace
}  // namespace ringpost::chat
