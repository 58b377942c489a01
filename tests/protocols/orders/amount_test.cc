// Reading and writing binary32: the rows of 3.2, and against the standard library over random bit
// patterns.

#include "protocols/orders/amount.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include "engine/base/prng.h"
#include "protocols/orders/shortest_decimal.h"
#include "tests/protocols/orders/model_text.h"

namespace ringpost::orders {
namespace {

using engine::Prng;
using Limits = std::numeric_limits<float>;

std::string text_of(float value) {
  char text[amount_bytes_max];
  const std::size_t bytes = format_amount(value, text);
  EXPECT_LE(bytes, sizeof text);
  return std::string(text, bytes);
}

float from_bits(std::uint64_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

// OB-11, OB-12, OB-23 to OB-26
TEST(FormatAmount, ShowsWhatTheTutorialShows) {
  EXPECT_EQ(text_of(8.0f), "8");
  EXPECT_EQ(text_of(0.1f), "0.1");
  EXPECT_EQ(text_of(0.1f + 0.2f), "0.3");
  EXPECT_EQ(text_of(1.0000001f), "1.0000001");
  EXPECT_EQ(text_of(19.999999f), "19.999998");
  EXPECT_EQ(text_of(1e-7f), "0.0000001");
  EXPECT_EQ(text_of(1e-45f), "0." + std::string(44, '0') + "1");
  EXPECT_EQ(text_of(1e20f), "100000000000000000000");
  EXPECT_EQ(text_of(1e30f), "1" + std::string(30, '0'));
  EXPECT_EQ(text_of(16777216.0f), "16777216");
  EXPECT_EQ(text_of(16777218.0f), "16777218");
  EXPECT_EQ(text_of(-100.0f), "-100");
  EXPECT_EQ(text_of(0.0f), "0");
  EXPECT_EQ(text_of(-0.0f), "-0");
  EXPECT_EQ(text_of(Limits::quiet_NaN()), "NaN");
  EXPECT_EQ(text_of(-Limits::quiet_NaN()), "NaN");
  EXPECT_EQ(text_of(Limits::infinity()), "inf");
  EXPECT_EQ(text_of(-Limits::infinity()), "-inf");
  EXPECT_EQ(text_of(Limits::max()), "340282350000000000000000000000000000000");
  EXPECT_EQ(text_of(-Limits::max()), "-340282350000000000000000000000000000000");
  EXPECT_EQ(text_of(Limits::min()), "0." + std::string(37, '0') + "11754944");
  EXPECT_EQ(text_of(-Limits::denorm_min()), "-0." + std::string(44, '0') + "1");
}

TEST(FormatAmount, AgreesWithTheStandardLibraryOnRandomBits) {
  Prng prng(1);
  for (int i = 0; i < 2'000'000; ++i) {
    const float value = from_bits(prng.next() & 0x7fffffff);
    if (!std::isfinite(value) || value == 0) continue;
    ASSERT_EQ(text_of(value), model_text(value)) << std::bit_cast<std::uint32_t>(value);
  }
}

// Every exponent with the significands around which rounding changes its mind.
TEST(FormatAmount, AgreesWithTheStandardLibraryAtTheEdges) {
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent) {
    for (std::uint32_t low = 0; low < 300; ++low) {
      for (const std::uint32_t fraction : {low, 0x7fffffu - low, 0x400000u + low - 150}) {
        const float value = from_bits(exponent << 23 | fraction);
        if (value == 0) continue;
        ASSERT_EQ(text_of(value), model_text(value)) << std::bit_cast<std::uint32_t>(value);
      }
    }
  }
}

// OB-12: below 2^24 the standard library's fixed form is the same text.
TEST(FormatAmount, EqualsFixedToCharsBelowTwoToThe24) {
  Prng prng(2);
  for (int i = 0; i < 500'000; ++i) {
    const float value = from_bits(prng.below(std::bit_cast<std::uint32_t>(16777216.0f)));
    char fixed[256];
    char* const end = std::to_chars(fixed, fixed + 256, value, std::chars_format::fixed).ptr;
    ASSERT_EQ(text_of(value), std::string(fixed, end));
  }
}

TEST(FormatAmount, ReadsBackToTheSameBits) {
  Prng prng(3);
  for (int i = 0; i < 1'000'000; ++i) {
    const float value = from_bits(prng.next() & 0x7fffffff);
    if (!std::isfinite(value) || value == 0) continue;
    const std::string text = text_of(value);
    const std::optional<float> read = parse_amount(text);
    ASSERT_TRUE(read) << text;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(*read), std::bit_cast<std::uint32_t>(value)) << text;
  }
}

// The sum in the header, by the values that come nearest to it.
TEST(FormatAmount, NeverPassesItsBound) {
  std::size_t longest = 0;
  for (std::uint32_t bits = 1; bits < 1u << 24; bits += 7)
    longest = std::max(longest, text_of(-from_bits(bits)).size());
  EXPECT_EQ(longest, amount_bytes_max);
}

// OB-13 as the tutorial's parser has it, cut to what is finite and above zero.
TEST(ParseAmount, AcceptsTheTutorialsSyntax) {
  EXPECT_EQ(parse_amount("8"), 8.0f);
  EXPECT_EQ(parse_amount("8.0"), 8.0f);
  EXPECT_EQ(parse_amount(".5"), 0.5f);
  EXPECT_EQ(parse_amount("5."), 5.0f);
  EXPECT_EQ(parse_amount("+1"), 1.0f);
  EXPECT_EQ(parse_amount("+.5"), 0.5f);
  EXPECT_EQ(parse_amount("1e3"), 1000.0f);
  EXPECT_EQ(parse_amount("1E3"), 1000.0f);
  EXPECT_EQ(parse_amount("1e+3"), 1000.0f);
  EXPECT_EQ(parse_amount("3.4028235e38"), Limits::max());
  EXPECT_EQ(parse_amount("1e-45"), Limits::denorm_min());
  EXPECT_EQ(parse_amount("7.1e-46"), Limits::denorm_min());
  EXPECT_EQ(parse_amount("1" + std::string(30, '0')), 1e30f);
  EXPECT_EQ(parse_amount("0." + std::string(4000, '0') + "1e4001"), 1.0f);
}

TEST(ParseAmount, RefusesWhatIsMalformed) {
  for (const char* text :
       {"",  ".", " 1",  "1 ",  "1\r", "0x10", "1_0", "1e",  "1e+", "1.0f", "8,0",
        "+", "-", "++1", "+-1", "-+1", "1..2", "e5",  ".e5", "abc", "1;2",  "nan(1)"})
    EXPECT_EQ(parse_amount(text), std::nullopt) << text;
  EXPECT_EQ(parse_amount(Bytes("1\0", 2)), std::nullopt);
}

// OB-23 to OB-26
TEST(ParseAmount, RefusesWhatIsNotFiniteOrNotAboveZero) {
  for (const char* text :
       {"nan",      "NaN",      "-nan",  "+nan",   "inf",    "+inf", "-inf", "INF",
        "infinity", "Infinity", "1e400", "3.5e38", "0",      "+0",   "-0",   "0.0",
        "-0.0",     "0e10",     "-1",    "-1e400", "1e-400", "1e-46"})
    EXPECT_EQ(parse_amount(text), std::nullopt) << text;
}

TEST(ReadPlainDecimal, TakesNumbersAndLeavesTheRest) {
  EXPECT_EQ(read_plain_decimal("8.0;BYND").bytes, 3u);
  EXPECT_EQ(read_plain_decimal("8.0;BYND").value, 8.0f);
  EXPECT_EQ(read_plain_decimal("1.2.3").bytes, 3u);
  EXPECT_EQ(read_plain_decimal("12e3").bytes, 2u);
  // 2^24 + 1 is the middle between two binary32 values; 2^53 + 1 is no binary64.
  for (const char* text : {"", ".", "-1", "+1", "x", ".x", "16777217", "16777217.00",
                           "9007199254740993", "12345678901234567890"})
    EXPECT_EQ(read_plain_decimal(text).bytes, 0u) << text;
}

// Decimals at and beside the middles between two binary32 values, where rounding twice goes wrong.
TEST(ReadPlainDecimal, RoundsOnceAtTheMiddles) {
  Prng prng(6);
  int plain_count = 0;
  for (int i = 0; i < 300'000; ++i) {
    const float low = from_bits(0x3c000000 + prng.below(0x0c000000));  // 2^-7 to 2^17
    const double middle = (static_cast<double>(low) + std::nextafter(low, Limits::max())) / 2;
    char text[64];
    const auto decimals = static_cast<int>(prng.below(17));
    const auto bytes =
        static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.*f", decimals, middle));
    const PlainDecimal plain = read_plain_decimal(Bytes(text, bytes));
    if (plain.bytes == 0) continue;
    ++plain_count;
    const std::optional<float> slow = parse_amount(Bytes(text, bytes));
    ASSERT_EQ(plain.value, slow.value_or(0)) << text;
  }
  EXPECT_GT(plain_count, 100'000);
}

TEST(ReadPlainDecimal, AgreesWithTheStandardLibrary) {
  Prng prng(4);
  int plain_count = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    std::string text = std::to_string(prng.below(prng.one_in(2) ? 1000 : 20'000'000));
    if (!prng.one_in(4)) text.insert(prng.below(text.size() + 1), ".");
    if (prng.one_in(4)) text.insert(0, "0." + std::string(prng.below(6), '0'));
    const PlainDecimal plain = read_plain_decimal(text);
    if (plain.bytes != text.size()) continue;
    ++plain_count;
    const std::optional<float> slow = parse_amount(text);
    ASSERT_EQ(plain.value, slow.value_or(0)) << text;
  }
  EXPECT_GT(plain_count, 500'000);
}

TEST(ShortestDecimal, HasAtMostNineDigits) {
  Prng prng(5);
  for (int i = 0; i < 1'000'000; ++i) {
    const float value = from_bits(1 + prng.below(0x7f7fffff));
    ASSERT_LT(shortest_decimal(value).digits, 1'000'000'000u);
  }
}

}  // namespace
}  // namespace ringpost::orders
