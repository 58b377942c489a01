#include "protocols/websocket/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ringpost::websocket {
namespace {

// The bytes of a code point, by RFC 3629 section 3, whether it may be encoded or not.
std::string encoded(std::uint32_t c) {
  const auto put = [](std::uint32_t byte) { return std::string(1, static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xc0 | c >> 6) + put(0x80 | (c & 0x3f));
  if (c < 0x10000)
    return put(0xe0 | c >> 12) + put(0x80 | (c >> 6 & 0x3f)) + put(0x80 | (c & 0x3f));
  return put(0xf0 | c >> 18) + put(0x80 | (c >> 12 & 0x3f)) + put(0x80 | (c >> 6 & 0x3f)) +
         put(0x80 | (c & 0x3f));
}

bool fed_byte_by_byte(const std::string& text) {
  Utf8Checker checker;
  for (const char c : text) {
    if (!checker.feed(engine::Bytes(&c, 1))) return false;
  }
  return checker.complete();
}

TEST(Utf8, EveryCodePointThatIsOne) {
  for (std::uint32_t c = 0; c < 0x120000; ++c) {
    const bool is_one = c < 0x110000 && (c < 0xd800 || c > 0xdfff);
    const std::string text = encoded(c);
    ASSERT_EQ(is_utf8(text), is_one) << c;
    ASSERT_EQ(is_utf8("0123456789abcdefgh" + text + "0123456789abcdefgh"), is_one) << c;
    ASSERT_EQ(fed_byte_by_byte(text), is_one) << c;
  }
}

// All sequences of up to three bytes: valid if and only if they are made of code points.
TEST(Utf8, EveryShortSequence) {
  std::vector<bool> two(65536), one(256);
  std::vector<bool> three(1 << 24);
  const auto index = [](const std::string& text) {
    std::size_t value = 0;
    for (const char c : text) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  };
  for (std::uint32_t c = 0; c < 0x10000; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = encoded(c);
    if (text.size() == 1) one[index(text)] = true;
    if (text.size() == 2) two[index(text)] = true;
    if (text.size() == 3) three[index(text)] = true;
  }
  for (std::size_t value = 0; value < three.size(); ++value) {
    const char bytes[] = {static_cast<char>(value >> 16), static_cast<char>(value >> 8),
                          static_cast<char>(value)};
    const bool made = three[value] || (one[value >> 16] && two[value & 0xffff]) ||
                      (two[value >> 8] && one[value & 0xff]) ||
                      (one[value >> 16] && one[value >> 8 & 0xff] && one[value & 0xff]);
    ASSERT_EQ(is_utf8({bytes, 3}), made) << value;
  }
}

// RFC 6455 section 8.1, and what test suites call fail fast.
TEST(Utf8, IsWrongAsSoonAsNothingCanMendIt) {
  const std::string wrong[] = {"\x80",     "\xc0",     "\xc1",         "\xf5",
                               "\xff",     "\xe0\x9f", "\xed\xa0",     "\xf0\x8f",
                               "\xf4\x90", "\xc3\x28", "a\xe2\x82\x28"};
  for (const std::string& text : wrong) {
    Utf8Checker checker;
    EXPECT_TRUE(checker.feed(text.substr(0, text.size() - 1)));
    EXPECT_FALSE(checker.feed(text.substr(text.size() - 1))) << testing::PrintToString(text);
  }
  const std::string unfinished[] = {"\xc3", "\xe2\x82", "\xf0\x9f\x98"};
  for (const std::string& text : unfinished) {
    Utf8Checker checker;
    EXPECT_TRUE(checker.feed(text));
    EXPECT_FALSE(checker.complete());
  }
}

}  // namespace
}  // namespace ringpost::websocket
