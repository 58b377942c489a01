#include "tools/ringpost/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tools/ringpost/option_table.h"

namespace ringpost::daemon {
namespace {

const Host two_cpus = {.cpus = {0, 1}, .open_files_max = 20'000};

CommandLine parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "ringpost");
  return parse_options(static_cast<int>(words.size()), words.data(), two_cpus);
}

Options accepted(std::vector<const char*> words) {
  CommandLine line = parsed(std::move(words));
  EXPECT_EQ(line.text, "");
  EXPECT_EQ(line.exit_code, 0);
  EXPECT_TRUE(line.options.has_value());
  return line.options.value_or(Options{});
}

std::string refused(std::vector<const char*> words) {
  const CommandLine line = parsed(std::move(words));
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, exit_usage);
  EXPECT_TRUE(line.text.ends_with("Try 'ringpost --help'.\n")) << line.text;
  return line.text;
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(RINGPOST_GOLDEN_DIR) + "/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// After a change of the table: `ringpost --help > tests/tools/ringpost/help.golden`, and read it.
TEST(CommandLine, HelpIsTheGoldenFile) {
  const CommandLine line = parsed({"--help"});
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, 0);
  EXPECT_EQ(line.text, golden("help.golden"));
  EXPECT_EQ(parsed({"-h"}).text, line.text);
}

TEST(CommandLine, HelpFitsATerminalAndShowsEveryOptionWithItsDefaultAndBounds) {
  const std::string help = help_text();
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
  std::string flat;  // without the wrapping
  for (const char c : help) {
    if (c != '\n' && c != ' ') flat += c;
    if ((c == '\n' || c == ' ') && !flat.ends_with(' ')) flat += ' ';
  }
  for (const OptionRow& row : option_table()) {
    const std::size_t at = flat.find("--" + std::string(row.name) + " ");
    ASSERT_NE(at, std::string::npos) << row.name;
    if (row.value.empty()) continue;
    const std::string value =
        row.automatic.empty() ? show_option(Options{}, row) : std::string(row.automatic);
    const std::size_t shown = flat.find("Default " + value, at);
    ASSERT_NE(shown, std::string::npos) << row.name;
    EXPECT_NE(flat.find(bounds_of(row), shown), std::string::npos) << row.name;
  }
}

TEST(CommandLine, EveryOptionIsReachable) {
  for (const OptionRow& row : option_table()) {
    const std::string name = "--" + std::string(row.name);
    if (std::holds_alternative<Action>(row.kind)) {
      EXPECT_EQ(parsed({name.c_str()}).exit_code, 0) << name;
      continue;
    }
    if (row.value.empty()) {
      EXPECT_EQ(show_option(accepted({name.c_str()}), row), "true") << name;
      EXPECT_EQ(show_option(accepted({(name + "=false").c_str()}), row), "false") << name;
      continue;
    }
    const std::string value = show_option(Options{}, row);
    (void)accepted({name.c_str(), value.c_str()});
    (void)accepted({(name + "=" + value).c_str()});
    EXPECT_NE(refused({(name + "=!").c_str()}).find(name + ": '!'"), std::string::npos);
    EXPECT_NE(refused({name.c_str()}).find(name + ": needs a value"), std::string::npos);
  }
}

TEST(CommandLine, NothingSaidMeansTheDefaults) {
  const Options options = accepted({});
  EXPECT_EQ(options.shards.count, 2u);
  EXPECT_EQ(options.shards.cpus, two_cpus.cpus);
  EXPECT_TRUE(options.orders.enabled);
  EXPECT_TRUE(options.chat.enabled);
  EXPECT_EQ(options.orders.listen.port, 8080);
  EXPECT_EQ(options.chat.listen.port, 6142);
  EXPECT_TRUE(options.echo.enabled);
  EXPECT_TRUE(options.tcp_echo.enabled);
  EXPECT_EQ(options.echo.listen->port, 8081);
  EXPECT_EQ(options.tcp_echo.listen, (ListenAddress{.host = "0.0.0.0", .port = 1234}));
}

TEST(CommandLine, ValuesArriveInBothSpellings) {
  const Options options =
      accepted({"--shards", "4", "--orders-listen=[::1]:0", "--order-book-ack", "--chat-line-end",
                "any", "--chat-pending-bytes-max=2MiB", "--linger-timeout", "1500ms"});
  EXPECT_EQ(options.shards.count, 4u);
  EXPECT_EQ(options.shards.spin, 0);
  EXPECT_EQ(options.orders.listen, (ListenAddress{.host = "::1", .port = 0, .ipv6 = true}));
  EXPECT_TRUE(options.orders.ack);
  EXPECT_EQ(options.chat.line_end, ChatLineEnd::any);
  EXPECT_EQ(options.chat.pending_bytes_max, 2u << 20);
  EXPECT_EQ(options.connections.linger_timeout, 1500 * engine::nanos_per_ms);
}

TEST(CommandLine, TheLastOfTwoCounts) {
  EXPECT_EQ(accepted({"--shards", "1", "--shards=2"}).shards.count, 2u);
}

TEST(CommandLine, VersionIsOneLine) {
  const CommandLine line = parsed({"--version"});
  EXPECT_EQ(line.exit_code, 0);
  EXPECT_EQ(line.text, version_text());
  EXPECT_EQ(line.text.find("ringpost "), 0u);
}

TEST(CommandLine, HelpWinsOverMistakes) { EXPECT_EQ(parsed({"--sahrds=x", "-h"}).exit_code, 0); }

TEST(CommandLine, UnknownOptionsSuggestTheNearest) {
  EXPECT_NE(refused({"--shrads", "4"})
                .find("ringpost: unknown option '--shrads', did you mean '--shards'?\n"),
            std::string::npos);
  EXPECT_NE(refused({"--drain-timout=4"}).find("did you mean '--drain-timeout'?"),
            std::string::npos);
  EXPECT_NE(refused({"--certificate"}).find("unknown option '--certificate'\n"), std::string::npos);
  EXPECT_NE(refused({"-q"}).find("unknown option '-q'\n"), std::string::npos);
}

TEST(CommandLine, ArgumentsThatAreNoOptionsAreNamed) {
  EXPECT_NE(refused({"serve"}).find("unexpected argument 'serve'"), std::string::npos);
}

TEST(CommandLine, ABadValueNamesOptionValueAndBounds) {
  EXPECT_NE(refused({"--shards", "65"})
                .find("ringpost: --shards: '65' is out of bounds, which are"
                      " 1 to 64\n"),
            std::string::npos);
  EXPECT_NE(refused({"--orders-line-bytes-max", "2M"}).find("16B to 1MiB"), std::string::npos);
}

TEST(CommandLine, AllMistakesAreToldAtOnce) {
  const std::string text = refused({"--sahrds=3", "--log-level", "loud", "--spin-us=2h"});
  EXPECT_NE(text.find("--sahrds"), std::string::npos);
  EXPECT_NE(text.find("--log-level: 'loud'"), std::string::npos);
  EXPECT_NE(text.find("--spin-us: '2h'"), std::string::npos);
}

TEST(CommandLine, RulesBetweenOptionsAreChecked) {
  EXPECT_NE(refused({"--cpus", "0,7"}).find("may not run on CPU 7"), std::string::npos);
  EXPECT_NE(refused({"--output-low-bytes", "1MiB"}).find("--output-high-bytes"), std::string::npos);
}

TEST(CommandLine, RelaysAddUp) {
  const Options options =
      *parsed({"--services", "none", "--relay-tcp", "127.0.0.1:9000=db.test:5432",
               "--relay-tcp=[::1]:0=[2001:db8::1]:80"})
           .options;
  ASSERT_EQ(options.relay.routes.size(), 2u);
  EXPECT_EQ(show_listen_address(options.relay.routes[0].listen), "127.0.0.1:9000");
  EXPECT_EQ(options.relay.routes[0].upstream, (engine::Endpoint{"db.test", 5432}));
  EXPECT_EQ(show_listen_address(options.relay.routes[1].listen), "[::1]:0");
  EXPECT_EQ(options.relay.routes[1].upstream, (engine::Endpoint{"2001:db8::1", 80}));
  EXPECT_FALSE(options.orders.enabled);
}

TEST(CommandLine, RelaysAreChecked) {
  EXPECT_NE(refused({"--relay-tcp", "127.0.0.1:9000"}).find("has no '='"), std::string::npos);
  EXPECT_NE(refused({"--relay-tcp", "name:9000=db.test:1"}).find("IPv4 address"),
            std::string::npos);
  EXPECT_NE(refused({"--relay-tcp", "127.0.0.1:9000=db.test"}).find("has no port"),
            std::string::npos);
  EXPECT_NE(refused({"--relay-tcp", "127.0.0.1:8080=db.test:1"})
                .find("--orders-listen and --relay-tcp: both are 127.0.0.1:8080"),
            std::string::npos);
  EXPECT_NE(refused({"--services", "none"}).find("there is no --relay-tcp"), std::string::npos);
}

TEST(CommandLine, ARelayedClientTakesTwoDescriptors) {
  const Options without = *parsed({"--shards", "1"}).options;
  const Options with = *parsed({"--shards", "1", "--relay-tcp", "127.0.0.1:9=db.test:1"}).options;
  EXPECT_EQ(*with.connections.count_max, *without.connections.count_max / 2);
}

TEST(CommandLine, StrangeWordsDoNoHarm) {
  for (const char* word :
       {"", "-", "--", "---", "--=", "=", "-=", "--shards", "\xff\xfe", "--\n"}) {
    const CommandLine line = parsed({word});
    EXPECT_EQ(line.exit_code, exit_usage) << word;
    EXPECT_FALSE(line.options.has_value());
  }
}

}  // namespace
}  // namespace ringpost::daemon
