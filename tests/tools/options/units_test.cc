#include "tools/options/units.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace ringpost::tools {
namespace {

using engine::nanos_per_ms;
using engine::nanos_per_s;
using engine::nanos_per_us;

TEST(Units, CountsTakeDecimalAndBinarySuffixes) {
  EXPECT_EQ(parse_count("0").value(), 0u);
  EXPECT_EQ(parse_count("42").value(), 42u);
  EXPECT_EQ(parse_count("10k").value(), 10'000u);
  EXPECT_EQ(parse_count("2M").value(), 2'000'000u);
  EXPECT_EQ(parse_count("1G").value(), 1'000'000'000u);
  EXPECT_EQ(parse_count("4Ki").value(), 4'096u);
  EXPECT_EQ(parse_count("1Mi").value(), 1'048'576u);
}

TEST(Units, BytesTakeThemWithOrWithoutB) {
  EXPECT_EQ(parse_bytes("64").value(), 64u);
  EXPECT_EQ(parse_bytes("64B").value(), 64u);
  EXPECT_EQ(parse_bytes("64KiB").value(), 65'536u);
  EXPECT_EQ(parse_bytes("64Ki").value(), 65'536u);
  EXPECT_EQ(parse_bytes("1M").value(), 1'000'000u);
  EXPECT_EQ(parse_bytes("1MB").value(), 1'000'000u);
  EXPECT_EQ(parse_bytes("1MiB").value(), 1'048'576u);
  EXPECT_EQ(parse_bytes("3GiB").value(), 3'221'225'472u);
}

TEST(Units, DurationsTakeTheirUnitOrTheOneOfTheOption) {
  EXPECT_EQ(parse_duration("10s", nanos_per_s).value(), 10 * nanos_per_s);
  EXPECT_EQ(parse_duration("10", nanos_per_s).value(), 10 * nanos_per_s);
  EXPECT_EQ(parse_duration("10", nanos_per_us).value(), 10 * nanos_per_us);
  EXPECT_EQ(parse_duration("500ms", nanos_per_s).value(), 500 * nanos_per_ms);
  EXPECT_EQ(parse_duration("7ns", nanos_per_s).value(), 7);
  EXPECT_EQ(parse_duration("2m", nanos_per_s).value(), 120 * nanos_per_s);
  EXPECT_EQ(parse_duration("1h", nanos_per_s).value(), 3600 * nanos_per_s);
  EXPECT_EQ(parse_duration("0", nanos_per_s).value(), 0);
}

TEST(Units, RefuseWhatIsNoWholeNumberWithAKnownSuffix) {
  for (const char* text : {"", " ", "k", "x", "1x", "-1", "+1", "1.5", " 1", "1 ", "1kk", "1K",
                           "0x10", "1s", "1e3", "1_000"}) {
    ASSERT_FALSE(parse_count(text)) << text;
    EXPECT_EQ(parse_count(text).error(), NumberError::malformed) << text;
  }
  EXPECT_EQ(parse_bytes("1kb").error(), NumberError::malformed);
  EXPECT_EQ(parse_bytes("1s").error(), NumberError::malformed);
  EXPECT_EQ(parse_duration("1KiB", nanos_per_s).error(), NumberError::malformed);
  EXPECT_EQ(parse_duration("", nanos_per_s).error(), NumberError::malformed);
  EXPECT_EQ(parse_duration("-1s", nanos_per_s).error(), NumberError::malformed);
}

TEST(Units, TellWhatDoesNotFitFromWhatIsNoNumber) {
  EXPECT_EQ(parse_count("18446744073709551615").value(), UINT64_MAX);
  EXPECT_EQ(parse_count("18446744073709551616").error(), NumberError::out_of_range);
  EXPECT_EQ(parse_count("18446744073709551616x").error(), NumberError::malformed);
  EXPECT_EQ(parse_bytes("18014398509481984Ki").error(), NumberError::out_of_range);
  EXPECT_EQ(parse_duration("9223372036854775807ns", nanos_per_s).value(), INT64_MAX);
  EXPECT_EQ(parse_duration("9223372036854775808ns", nanos_per_s).error(),
            NumberError::out_of_range);
  EXPECT_EQ(parse_duration("9223372037", nanos_per_s).error(), NumberError::out_of_range);
}

TEST(Units, ShowUsesTheLargestUnitThatRoundsNothing) {
  EXPECT_EQ(show_count(10'000), "10000");
  EXPECT_EQ(show_bytes(0), "0B");
  EXPECT_EQ(show_bytes(4'096), "4KiB");
  EXPECT_EQ(show_bytes(4'097), "4097B");
  EXPECT_EQ(show_bytes(1 << 20), "1MiB");
  EXPECT_EQ(show_duration(0), "0s");
  EXPECT_EQ(show_duration(30 * nanos_per_s), "30s");
  EXPECT_EQ(show_duration(1500 * nanos_per_ms), "1500ms");
  EXPECT_EQ(show_duration(60 * nanos_per_s), "1m");
}

TEST(Units, WhatIsShownReadsBack) {
  for (std::uint64_t value : {std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024},
                              std::uint64_t{1'000'000}, std::uint64_t{1} << 40, UINT64_MAX}) {
    EXPECT_EQ(parse_count(show_count(value)).value(), value);
    EXPECT_EQ(parse_bytes(show_bytes(value)).value(), value);
  }
  for (engine::Nanos value : {engine::Nanos{1}, nanos_per_us, 1500 * nanos_per_ms, nanos_per_s,
                              7200 * nanos_per_s, std::numeric_limits<engine::Nanos>::max()}) {
    EXPECT_EQ(parse_duration(show_duration(value), nanos_per_s).value(), value);
  }
}

}  // namespace
}  // namespace ringpost::tools
