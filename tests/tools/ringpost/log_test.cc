#include "tools/ringpost/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <cmath>
#include <memory>
#include <regex>
#include <sstream>
#include <string>

namespace ringpost::daemon {
namespace {

class LogTest : public testing::Test {
 protected:
  Log open(LogOptions options) {
    return Log(options, std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_));
  }
  std::string written() const { return lines_.str(); }
  // Without the time stamp, which is checked by the two tests of the shapes.
  std::string json(std::initializer_list<LogField> fields) {
    lines_.str("");
    open({.level = LogLevel::info, .format = LogFormat::json}).info("e", fields);
    const std::string line = written();
    return line.substr(line.find("\"level\""));
  }
  std::string text(std::string_view event, std::initializer_list<LogField> fields) {
    lines_.str("");
    open({.level = LogLevel::info, .format = LogFormat::text}).info(event, fields);
    const std::string line = written();
    return line.substr(line.find("info"));
  }

 private:
  std::ostringstream lines_;
};

TEST_F(LogTest, TextLinesHaveTimeLevelEventAndFields) {
  Log log = open({.level = LogLevel::info, .format = LogFormat::text});
  log.warn("listening", {{"service", "orders"}, {"address", "127.0.0.1:8080"}, {"shards", 2}});
  EXPECT_TRUE(std::regex_match(
      written(),
      std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} warn  listening service=orders )"
                 R"(address=127\.0\.0\.1:8080 shards=2\n)")))
      << written();
}

TEST_F(LogTest, JsonLinesAreOneObjectEach) {
  Log log = open({.level = LogLevel::info, .format = LogFormat::json});
  log.info("listening", {{"service", "orders"}, {"port", 8080u}, {"on", true}});
  EXPECT_TRUE(std::regex_match(
      written(),
      std::regex(R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d","level":"info",)"
                 R"("event":"listening","service":"orders","port":8080,"on":true\}\n)")))
      << written();
}

TEST_F(LogTest, JsonEscapesWhatAPeerMaySend) {
  EXPECT_EQ(json({{"nick", "a\"b\\c\n\x01\x7f"}}),
            "\"level\":\"info\",\"event\":\"e\",\"nick\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"}\n");
}

TEST_F(LogTest, JsonNumbersAreNumbers) {
  EXPECT_EQ(json({{"i", -1}, {"u", UINT64_MAX}, {"d", 0.5}, {"inf", INFINITY}}),
            "\"level\":\"info\",\"event\":\"e\",\"i\":-1,\"u\":18446744073709551615,\"d\":0.5,"
            "\"inf\":null}\n");
}

TEST_F(LogTest, TextQuotesValuesThatWouldRunTogether) {
  EXPECT_EQ(text("event of two words", {{"a", ""}, {"b", "x y"}, {"c", "\"\\\n"}, {"d", "k=v"}}),
            "info  event of two words a=\"\" b=\"x y\" c=\"\\\"\\\\\\x0a\" d=\"k=v\"\n");
}

TEST_F(LogTest, PercentSignsAndBracesAreNotInterpreted) {
  EXPECT_EQ(text("100% {} %v", {{"f", "{0} %l"}}), "info  100% {} %v f=\"{0} %l\"\n");
}

TEST_F(LogTest, WhatIsBelowTheLevelIsNotWritten) {
  Log log = open({.level = LogLevel::warn, .format = LogFormat::text});
  log.info("quiet");
  log.debug("quiet");
  EXPECT_EQ(written(), "");
  EXPECT_FALSE(log.writes(LogLevel::info));
  EXPECT_TRUE(log.writes(LogLevel::error));
  log.error("loud");
  EXPECT_NE(written().find("loud"), std::string::npos);
}

TEST_F(LogTest, OffWritesNothing) {
  Log log = open({.level = LogLevel::off, .format = LogFormat::text});
  log.error("quiet");
  EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace ringpost::daemon
