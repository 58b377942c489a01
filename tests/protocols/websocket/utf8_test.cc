#include "protocols/websocket/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/websocket/utf8_avx2.h"

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
    Utf8Checker narrow;
    ASSERT_EQ(narrow.feed_narrow(text) && narrow.complete(), is_one) << c;
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

// --- Wide vectors --------------------------------------------------------------------------------

constexpr std::uint32_t samples[] = {0x7f,   0x80,   0x7ff,  0x800,   0xfff,   0x1000,
                                     0xd7ff, 0xe000, 0xffff, 0x10000, 0xfffff, 0x10ffff};

// Characters of all lengths, in stretches with and without ASCII; sometimes one byte is wrong.
std::string some_text(engine::Prng& prng) {
  std::string text;
  const std::size_t bytes = prng.below(prng.one_in(4) ? 300 : 80);
  while (text.size() < bytes) {
    const bool is_ascii = prng.one_in(2);
    for (std::uint64_t i = prng.below(is_ascii ? 70 : 12); i > 0; --i)
      text += is_ascii ? std::string(1, 'a') : encoded(samples[prng.below(std::size(samples))]);
  }
  if (!text.empty() && prng.one_in(2))
    text[prng.below(text.size())] = static_cast<char>(prng.below(256));
  return text;
}

// How many bytes are right, fed to the plain checker one by one; npos: all of them.
std::size_t first_wrong(const std::string& text) {
  Utf8Checker checker;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!checker.feed_narrow({&text[i], 1})) return i;
  return std::string::npos;
}

// Whether what was fed is wrong is known at the very byte, wherever the text is cut.
TEST(Utf8, WideVectorsAreWrongAtTheSameByteAsCharacters) {
  if (!can_avx2()) GTEST_SKIP() << "the processor has no AVX2";
  std::size_t wrong_texts = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    engine::Prng prng(seed);
    const std::string text = some_text(prng);
    const std::size_t wrong = first_wrong(text);
    if (wrong != std::string::npos) ++wrong_texts;
    const std::size_t cut = prng.below(text.size() + 1);
    Utf8Checker front;
    const bool front_is_right = front.feed({text.data(), cut});
    ASSERT_EQ(front_is_right, wrong >= cut) << "seed " << seed;
    for (std::size_t end = cut; front_is_right && end <= text.size(); ++end) {
      Utf8Checker checker = front;
      ASSERT_EQ(checker.feed({text.data() + cut, end - cut}), wrong >= end)
          << "seed " << seed << ", cut at " << cut << ", until " << end;
      Utf8Checker narrow;
      if (wrong < end) continue;
      ASSERT_TRUE(narrow.feed_narrow({text.data(), end}));
      ASSERT_EQ(checker.complete(), narrow.complete()) << "seed " << seed;
    }
  }
  EXPECT_GT(wrong_texts, 500U);
}

// In place and elsewhere, at every turn of the mask and behind a character that has begun.
TEST(Utf8, UnmaskIsToUnmaskAndToFeed) {
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    engine::Prng prng(seed);
    const std::string text = some_text(prng);
    const std::size_t cut = prng.below(text.size() + 1);
    const std::size_t skipped = prng.below(20);  // so that it lies anywhere
    const Mask mask(static_cast<std::uint32_t>(prng.next()));
    std::string lies(skipped + text.size(), '\0');
    websocket::unmask(lies.data() + skipped, text, mask);
    const engine::Bytes masked = engine::Bytes(lies).substr(skipped);
    std::string out(text.size(), '\0');
    Utf8Checker checker;
    Utf8Checker plain;
    bool is_right = checker.unmask(out.data(), masked.substr(0, cut), mask);
    ASSERT_EQ(is_right, plain.feed_narrow({text.data(), cut})) << "seed " << seed;
    if (!is_right) continue;
    Utf8Checker in_place = checker;
    is_right = checker.unmask(out.data() + cut, masked.substr(cut), mask.turned(cut));
    ASSERT_EQ(is_right, plain.feed_narrow({text.data() + cut, text.size() - cut}));
    char* const begin = lies.data() + skipped + cut;
    ASSERT_EQ(in_place.unmask(begin, masked.substr(cut), mask.turned(cut)), is_right);
    if (!is_right) continue;
    ASSERT_EQ(checker.complete(), plain.complete());
    ASSERT_EQ(out, text) << "seed " << seed;
    ASSERT_EQ(engine::Bytes(lies).substr(skipped + cut), text.substr(cut));
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
