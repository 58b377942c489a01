#include "tools/talk/options.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ringpost::talk {
namespace {

CommandLine parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "ringpost-talk");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

Options accepted(std::vector<const char*> words) {
  CommandLine line = parsed(std::move(words));
  EXPECT_EQ(line.text, "");
  EXPECT_EQ(line.exit_code, exit_good);
  EXPECT_TRUE(line.options.has_value());
  return line.options.value_or(Options{});
}

std::string refused(std::vector<const char*> words) {
  const CommandLine line = parsed(std::move(words));
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, exit_usage);
  EXPECT_TRUE(line.text.starts_with("ringpost-talk: ")) << line.text;
  EXPECT_TRUE(line.text.ends_with("\nTry 'ringpost-talk --help'.\n")) << line.text;
  return line.text;
}

void expect_refused(std::vector<const char*> words, const std::string& why) {
  const std::string text = refused(std::move(words));
  EXPECT_NE(text.find(why), std::string::npos) << text;
}

// After a change: `ringpost-talk --help > tests/tools/talk/help.golden`, and read it.
TEST(TalkOptions, HelpIsTheGoldenFileAndFitsATerminal) {
  const CommandLine line = parsed({"--help"});
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, exit_good);
  std::ifstream file(RINGPOST_GOLDEN_DIR "/help.golden");
  EXPECT_TRUE(file.good());
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(line.text, golden.str());
  EXPECT_EQ(parsed({"-h"}).text, line.text);
  for (std::string row; std::getline(golden, row);) EXPECT_LE(row.size(), 80u) << row;
}

TEST(TalkOptions, VersionIsOneLine) {
  const CommandLine line = parsed({"--version"});
  EXPECT_EQ(line.exit_code, exit_good);
  EXPECT_TRUE(line.text.starts_with("ringpost-talk ")) << line.text;
  EXPECT_EQ(line.text.find('\n'), line.text.size() - 1);
}

TEST(TalkOptions, NothingSaidMeansTheDefaults) {
  const Options options = accepted({"db.test:80"});
  EXPECT_EQ(options.talk.dial.endpoint, (engine::Endpoint{"db.test", 80}));
  EXPECT_EQ(options.talk.dial.connect_timeout, 5 * engine::nanos_per_s);
  EXPECT_FALSE(options.talk.wire.frames || options.talk.wire.crlf || options.talk.wire.once);
  EXPECT_EQ(options.talk.wire.message_bytes_max, 8u << 20);
  EXPECT_EQ(options.talk.timeout, 10 * engine::nanos_per_s);
  EXPECT_EQ(options.lookup.servers, "");
  EXPECT_FALSE(options.request.has_value());
}

TEST(TalkOptions, ValuesArrive) {
  const Options options =
      accepted({"--once", "--frames", "[::1]:1", "--message-bytes-max=1k", "--timeout", "200ms",
                "--connect-timeout", "3", "--dns-servers=127.0.0.1:5353,[::1]:53",
                "--dns-timeout=1s", "--dns-tries", "3", "a request"});
  EXPECT_EQ(options.talk.dial.endpoint, (engine::Endpoint{"::1", 1}));
  EXPECT_TRUE(options.talk.wire.once && options.talk.wire.frames);
  EXPECT_EQ(options.talk.wire.message_bytes_max, 1000u);
  EXPECT_EQ(options.talk.timeout, 200 * engine::nanos_per_ms);
  EXPECT_EQ(options.talk.dial.connect_timeout, 3 * engine::nanos_per_s);
  EXPECT_EQ(options.lookup.servers, "127.0.0.1:5353,[::1]:53");
  EXPECT_EQ(options.lookup.timeout, engine::nanos_per_s);
  EXPECT_EQ(options.lookup.tries, 3u);
  EXPECT_EQ(options.request, "a request");
  EXPECT_TRUE(accepted({"--crlf", "a:1"}).talk.wire.crlf);
}

TEST(TalkOptions, AnEmptyRequestIsOne) { EXPECT_EQ(accepted({"--once", "a:1", ""}).request, ""); }

TEST(TalkOptions, ARequestMayBeginWithADashBehindTwo) {
  EXPECT_EQ(accepted({"--once", "a:1", "--", "--crlf"}).request, "--crlf");
  EXPECT_EQ(accepted({"--once", "a:1", "--", "--"}).request, "--");
}

TEST(TalkOptions, AnUnknownOptionSuggestsTheNearest) {
  EXPECT_EQ(refused({"a:1", "--frame"}),
            "ringpost-talk: unknown option '--frame', did you mean '--frames'?\n"
            "Try 'ringpost-talk --help'.\n");
}

TEST(TalkOptions, ABadValueNamesOptionValueAndBounds) {
  expect_refused({"a:1", "--timeout=2h", "--once"}, "--timeout: '2h' is not a time from 1ms to 1h");
  expect_refused({"a:1", "--connect-timeout", "0"}, "--connect-timeout: '0' is not a time from");
  expect_refused({"a:1", "--message-bytes-max=2GiB"},
                 "--message-bytes-max: '2GiB' is not a size from 1B to 1GiB");
  expect_refused({"a:1", "--dns-tries=17"}, "--dns-tries: '17' is not a number from 1 to 16");
  expect_refused({"a:1", "--dns-servers=nobody"}, "--dns-servers: ");
}

TEST(TalkOptions, AValueThatIsMissingOrEmptyIsABadOne) {
  expect_refused({"a:1", "--connect-timeout"}, "--connect-timeout: needs a value\n");
  expect_refused({"a:1", "--connect-timeout="}, "--connect-timeout: needs a value\n");
  expect_refused({"a:1", "--connect-timeout", ""}, "--connect-timeout: '' is not a time");
}

TEST(TalkOptions, WhomToTalkToIsNeededAndChecked) {
  expect_refused({}, "HOST:PORT is missing");
  expect_refused({"localhost"}, "'localhost' has no port");
  expect_refused({"::1:80"}, "'::1:80' ");
  expect_refused({""}, "'' has no port");
  expect_refused({"a:65536"}, "'a:65536' ");
}

TEST(TalkOptions, OptionsThatDoNotGoTogetherAreRefused) {
  expect_refused({"a:1", "GET"}, "'GET' is one argument too many without --once");
  expect_refused({"a:1", "GET", "--once", "more"}, "more");
  expect_refused({"a:1", "--once", "GET\nGET"}, "the request is more than one line");
  expect_refused({"a:1", "--timeout=1s"}, "--timeout is for --once");
  expect_refused({"a:1", "--frames", "--crlf"}, "--crlf is for lines, not for --frames");
}

TEST(TalkOptions, AllMistakesAreToldAtOnce) {
  const std::string text = refused({"a", "--dns-tries=0", "--frames", "--crlf"});
  for (const char* part : {"'a' has no port", "--dns-tries", "--crlf"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(TalkOptions, StrangeWordsDoNoHarm) {
  for (const char* word : {"-", "--", "---", "--=", "=", "-q", "--timeout", "\xff\xfe", "--\n"}) {
    EXPECT_EQ(parsed({word}).exit_code, exit_usage) << word;
  }
}

}  // namespace
}  // namespace ringpost::talk
