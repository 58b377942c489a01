// The rows of tables 3.1, 3.2 and 3.4 that one line decides alone, and a plain second parser.

#include "protocols/orders/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/orders/format.h"
#include "protocols/orders/writer.h"
#include "tests/protocols/orders/model_parser.h"

namespace ringpost::orders {
namespace {

using engine::Prng;

// OB-4
TEST(OrdersParser, TheFirstFieldSelectsTheCommandInExactCase) {
  EXPECT_EQ(told("GET"), "GET");
  EXPECT_EQ(told("BUY;8.0;BYND"), "BUY 8 BYND");
  for (const char* text : {"get", "Get", "buy;1;A", "GETS", "GE", "G", "BUYS;1;A", "BU", " GET",
                           "GET ", "GET\r", "BUY ;1;A", ";GET", ";", "\xef\xbb\xbfGET"})
    EXPECT_EQ(told(text), unknown_command) << text;
}

// OB-4: also the book's own client, which ends its BUY with a separator.
TEST(OrdersParser, ExtraFieldsAreIgnored) {
  EXPECT_EQ(told("GET;"), "GET");
  EXPECT_EQ(told("GET;whatever;\xff\x01"), "GET");
  EXPECT_EQ(told("BUY;8.0;BYND;"), "BUY 8 BYND");
  EXPECT_EQ(told("BUY;8.0;BYND;;x;\xff\x01"), "BUY 8 BYND");
}

// OB-3: fields are not trimmed, and a broken sequence does not swallow the separator.
TEST(OrdersParser, EverySeparatorSplitsAndNothingIsTrimmed) {
  EXPECT_EQ(told("BUY;1; A "), "BUY 1  A ");
  EXPECT_EQ(told("BUY;1 ;A"), bad_amount);
  EXPECT_EQ(told("BUY\xe2;1;A"), unknown_command);
  EXPECT_EQ(told("BUY;1\xe2;A"), bad_amount);
  EXPECT_EQ(told("BUY;1;A\xe2;B"), bad_ticker);
  EXPECT_EQ(told("GET\xff"), unknown_command);
}

// OB-20
TEST(OrdersParser, UnknownCommands) {
  for (const char* text : {"SELL;1;A", "", "get"}) EXPECT_EQ(told(text), unknown_command);
}

// OB-21
TEST(OrdersParser, MissingFields) {
  for (const char* text : {"BUY", "BUY;", "BUY;1", "BUY;abc", "BUY;1e999", "BUY;0"})
    EXPECT_EQ(told(text), missing_field) << text;
}

// OB-22 to OB-26
TEST(OrdersParser, BadAmounts) {
  for (const char* text :
       {"BUY;abc;A", "BUY; 1;A", "BUY;nan;A", "BUY;-100;A", "BUY;inf;A", "BUY;-inf;A", "BUY;0;A",
        "BUY;-0.0;B", "BUY;0.000;A", "BUY;;A", "BUY;1e400;A", "BUY;1e-400;A", "BUY;1;\n;x"})
    EXPECT_EQ(told(text), std::string(text) == "BUY;1;\n;x" ? bad_ticker : bad_amount) << text;
}

// The order of the checks where more than one thing is wrong.
TEST(OrdersParser, TheFirstWrongFieldNamesTheError) {
  EXPECT_EQ(told("SELL;x"), unknown_command);
  EXPECT_EQ(told("BUY;x"), missing_field);
  EXPECT_EQ(told("BUY;x;"), bad_amount);
  EXPECT_EQ(told("BUY;1;"), bad_ticker);
}

// OB-27, OB-28
TEST(OrdersParser, BadTickers) {
  EXPECT_EQ(told("BUY;1;"), bad_ticker);
  EXPECT_EQ(told("BUY;1;;A"), bad_ticker);
  EXPECT_EQ(told("BUY;1;" + std::string(65, 'A')), bad_ticker);
  EXPECT_EQ(told("BUY;1;" + std::string(4000, 'A')), bad_ticker);
  for (int c = 0; c < 256; ++c) {
    if (c == ';') continue;
    const std::string byte(1, static_cast<char>(c));
    const bool good = c >= 0x20 && c < 0x7f;
    // At every place of a word of eight, and behind it.
    for (std::size_t at = 0; at < 12; ++at) {
      const std::string ticker = std::string(at, 'A') + byte + std::string(11 - at, 'B');
      EXPECT_EQ(told("BUY;1;" + ticker), good ? "BUY 1 " + ticker : bad_ticker) << c << " " << at;
      EXPECT_EQ(told("BUY;1;" + ticker + ";rest of it"), good ? "BUY 1 " + ticker : bad_ticker);
    }
  }
}

TEST(OrdersParser, TickersOfEveryLength) {
  for (std::size_t bytes = 1; bytes <= ticker_bytes_max; ++bytes) {
    const std::string ticker(bytes, 'T');
    EXPECT_EQ(told("BUY;2;" + ticker), "BUY 2 " + ticker);
    EXPECT_EQ(told("BUY;2;" + ticker + ";"), "BUY 2 " + ticker);
    EXPECT_EQ(told("BUY;2;" + ticker + ";extra field"), "BUY 2 " + ticker);
  }
}

TEST(OrdersParser, TickersMayHoldColons) { EXPECT_EQ(told("BUY;1;A: B"), "BUY 1 A: B"); }

// OB-28, with the rows of Unicode table 3-7 at their edges.
TEST(OrdersParser, TickersAreUtf8) {
  for (const char* good : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xe1\x80\x80", "\xec\xbf\xbf",
                           "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf1\x80\x80\x80", "\xf4\x8f\xbf\xbf",
                           "Gr\xc3\xb6\xc3\x9f"
                           "e"}) {
    EXPECT_EQ(told("BUY;1;" + std::string(good)), "BUY 1 " + std::string(good));
    EXPECT_EQ(told("BUY;1;" + std::string(good) + "A;x"), "BUY 1 " + std::string(good) + "A");
  }
  for (const char* bad : {"\x80",
                          "\xbf",
                          "\xc0\x80",
                          "\xc1\xbf",
                          "\xc2",
                          "\xc2\x7e",
                          "\xc2\xc0",
                          "\xe0\x9f\xbf",
                          "\xe1\x80",
                          "\xe1\x80\x7e",
                          "\xed\xa0\x80",
                          "\xed\xbf\xbf",
                          "\xf0\x8f\xbf\xbf",
                          "\xf0\x90\x80",
                          "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80",
                          "\xff",
                          "\xfe",
                          "\xc2\x80\x01",
                          "\xc2\x80\x7f"}) {
    EXPECT_EQ(told("BUY;1;" + std::string(bad)), bad_ticker);
    EXPECT_EQ(told("BUY;1;A" + std::string(bad) + ";"), bad_ticker);
  }
  std::string longest;
  for (int i = 0; i < 16; ++i) longest += "\xf0\x9f\x93\x88";
  EXPECT_EQ(told("BUY;1;" + longest), "BUY 1 " + longest);
  EXPECT_EQ(told("BUY;1;" + longest + "A"), bad_ticker);
}

// OB-13 seen through a whole line.
TEST(OrdersParser, AmountsOfEverySpelling) {
  for (const char* one : {"1", "1.0", "1.", "+1", "001", "1.000", "10e-1", "0.1E1", "1e0", "1e+0"})
    EXPECT_EQ(told("BUY;" + std::string(one) + ";A"), "BUY 1 A") << one;
  EXPECT_EQ(told("BUY;.5;A"), "BUY 0.5 A");
  EXPECT_EQ(told("BUY;1e3;A"), "BUY 1000 A");
  EXPECT_EQ(told("BUY;1E3;A"), "BUY 1000 A");
  EXPECT_EQ(told("BUY;19.999999;A"), "BUY 19.999998 A");  // OB-11
  EXPECT_EQ(told("BUY;1e-45;D"), "BUY 0." + std::string(44, '0') + "1 D");
  for (const char* bad : {".", "1\r", "0x10", "1_0", "1e", "1.0f", "8,0", "1.2.3", "++1", "+-1",
                          "-+1", "+", "-", "e1", "1e1.5", "+nan", "infinity", "NaN", "1d3"})
    EXPECT_EQ(told("BUY;" + std::string(bad) + ";A"), bad_amount) << bad;
}

TEST(OrdersParser, AgreesWithTheModelOnRandomLines) {
  const std::vector<std::string> pieces = {
      "BUY",  "GET",  ";",   ";",         ";",   ";",    "1",    "0",           "9",
      ".",    "e",    "E",   "+",         "-",   "A",    "TICK", " ",           "\x01",
      "\x7f", "\xff", "nan", "123456789", "e-3", "\xc3", "\xa9", "\xe2\x82\xac"};
  for (std::uint64_t seed = 0; seed < 200'000; ++seed) {
    Prng prng(seed);
    std::string line = prng.one_in(4) ? "" : "BUY;";
    for (std::uint64_t n = prng.below(10); n > 0; --n) line += pieces[prng.below(pieces.size())];
    ASSERT_EQ(told(line), model_told(line))
        << "seed " << seed << " " << testing::PrintToString(line);
  }
}

TEST(OrdersWriter, ErrorLines) {
  // Section 3.4: `ERR ` + text + LF, never the form of a state line.
  EXPECT_EQ(error_line(Errc::unknown_command), "ERR unknown command\n");
  EXPECT_EQ(error_line(Errc::missing_field), "ERR missing field\n");
  EXPECT_EQ(error_line(Errc::bad_amount), "ERR bad amount\n");
  EXPECT_EQ(error_line(Errc::bad_ticker), "ERR bad ticker\n");
  EXPECT_EQ(error_line(Errc::line_too_long), "ERR line too long\n");
  EXPECT_EQ(error_line(Errc::too_many_tickers), "ERR too many tickers\n");
  EXPECT_EQ(ack_line(true), "1\n");
  EXPECT_EQ(ack_line(false), "0\n");
}

}  // namespace
}  // namespace ringpost::orders
