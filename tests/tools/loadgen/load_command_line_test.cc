#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tools/loadgen/command_line.h"
#include "tools/loadgen/exit_code.h"
#include "tools/loadgen/option_table.h"

namespace ringpost::loadgen {
namespace {

const Host four_cpus = {.cpus = {0, 1, 2, 3}, .open_files_max = 20'000};

CommandLine parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "ringpost-load");
  return parse_command_line(static_cast<int>(words.size()), words.data(), four_cpus);
}

Options accepted(std::vector<const char*> words) {
  CommandLine line = parsed(std::move(words));
  EXPECT_EQ(line.text, "");
  EXPECT_TRUE(line.options.has_value());
  return line.options.value_or(Options{});
}

std::string refused(std::vector<const char*> words) {
  const CommandLine line = parsed(std::move(words));
  EXPECT_FALSE(line.options.has_value());
  EXPECT_EQ(line.exit_code, exit_usage);
  EXPECT_TRUE(line.text.ends_with("Try 'ringpost-load --help'.\n")) << line.text;
  return line.text;
}

TEST(LoadCommandLine, ATargetIsEnough) {
  const Options options = accepted({"tcp://127.0.0.1:1234"});
  EXPECT_EQ(to_text(options.target), "tcp://127.0.0.1:1234");
  EXPECT_EQ(options.connections, 50u);
  EXPECT_EQ(options.duration, 10 * engine::nanos_per_s);
  EXPECT_EQ(options.warmup, engine::nanos_per_s);
  EXPECT_EQ(options.cpus, std::vector<std::uint32_t>{3});
}

TEST(LoadCommandLine, ShortAndLongNamesAndUnits) {
  const Options options = accepted({"-c", "1k", "-t2", "-z", "500ms", "-P64", "-s", "16-1k",
                                    "--warmup=2", "tcp://x:1", "--cpus", "1,2"});
  EXPECT_EQ(options.connections, 1000u);
  EXPECT_EQ(options.threads, 2u);
  EXPECT_EQ(options.duration, 500 * engine::nanos_per_ms);
  EXPECT_EQ(options.pipeline, 64u);
  EXPECT_EQ(options.size, (SizeRange{16, 1000}));
  EXPECT_EQ(options.warmup, 2 * engine::nanos_per_s);
  EXPECT_EQ(options.cpus, (std::vector<std::uint32_t>{1, 2}));
}

// It was strict whatever stood behind the '='.
TEST(LoadCommandLine, AFlagMayBeFalse) {
  EXPECT_TRUE(accepted({"tcp://x:1", "-R", "1", "--strict"}).strict);
  EXPECT_FALSE(accepted({"tcp://x:1", "-R", "1", "--strict=false"}).strict);
  EXPECT_NE(refused({"tcp://x:1", "--strict=very"}).find("--strict: 'very' is neither true"),
            std::string::npos);
}

TEST(LoadCommandLine, ARunOfCountedRequestsHasNoOtherEndAndNoWarmUp) {
  const Options options = accepted({"tcp://x:1", "-n", "1M"});
  EXPECT_EQ(options.requests, 1'000'000u);
  EXPECT_FALSE(options.duration);
  EXPECT_EQ(options.warmup, 0);
}

TEST(LoadCommandLine, ARequestOfHttpIsTakenApart) {
  const Options options = accepted({"http://x:1/a?b", "-X", "PUT", "-H", "a: b", "--header", "c:d",
                                    "-b", "[1, 2]", "--expect-status=201", "-R", "5"});
  EXPECT_EQ(options.target.path, "/a?b");
  EXPECT_EQ(options.http.method, "PUT");
  EXPECT_EQ(options.http.headers, (std::vector<std::string>{"a: b", "c:d"}));
  EXPECT_EQ(options.http.body, "[1, 2]");
  EXPECT_EQ(options.http.expect_status, 201);
  EXPECT_EQ(options.pipeline, 1u);  // in an open loop, too
  EXPECT_NE(refused({"http://x", "-H", "a"}).find("is no header"), std::string::npos);
  EXPECT_NE(refused({"http://x", "-X", "A B"}).find("is no method"), std::string::npos);
  EXPECT_NE(refused({"http://x", "--body-file", "/no/such"}).find("cannot be read"),
            std::string::npos);
  EXPECT_NE(refused({"tcp://x", "-b", "a"}).find("for http:// alone"), std::string::npos);
  EXPECT_NE(refused({"http://x", "-P2", "-H", "connection: close"}).find("--pipeline"),
            std::string::npos);
}

TEST(LoadCommandLine, TheRelayHasSendersListenersAndTopics) {
  const Options options =
      accepted({"ws://x:1", "--senders", "3", "--listeners", "7", "--topics", "2"});
  EXPECT_EQ(options.connections, 10u);
  EXPECT_EQ(options.topics, 2u);
  EXPECT_EQ(accepted({"ws://x:1"}).listeners, 49u);
  EXPECT_NE(refused({"ws://x", "--listeners", "1", "--topics", "2"}).find("too few to hear"),
            std::string::npos);
  EXPECT_NE(refused({"ws://x", "-s", "15"}).find("at least 16 bytes"), std::string::npos);
  EXPECT_NE(refused({"ws://x", "--storm", "1"}).find("nobody may leave"), std::string::npos);
}

TEST(LoadCommandLine, AnUnknownOptionSuggestsTheNearest) {
  EXPECT_EQ(refused({"tcp://x:1", "--conections", "4"}),
            "ringpost-load: unknown option '--conections', did you mean '--connections'?\n"
            "Try 'ringpost-load --help'.\n");
}

TEST(LoadCommandLine, EveryWrongWordIsNamed) {
  const std::string text = refused({"-c", "0", "-d", "soon", "-s", "9-1", "-P"});
  EXPECT_NE(text.find("-P: needs a value"), std::string::npos) << text;
  const std::string more = refused({"-c", "0", "-d", "soon", "-s", "9-1", "gopher://x"});
  for (const char* part :
       {"--connections: '0' is out of bounds, which are 1 to 1000000",
        "--duration: 'soon' is not a time", "--size: '9-1' is a range that ends before it begins",
        "the target 'gopher://x' has a protocol"}) {
    EXPECT_NE(more.find(part), std::string::npos) << more;
  }
  EXPECT_NE(refused({}).find("needs a target"), std::string::npos);
  EXPECT_NE(refused({"tcp://x", "tcp://y"}).find("unexpected argument 'tcp://y'"),
            std::string::npos);
}

TEST(LoadCommandLine, WhatTheMachineDoesNotAllowIsSaidBeforeTheRun) {
  const std::string why = too_few_files(accepted({"tcp://x", "-c", "20k"}), four_cpus);
  EXPECT_NE(why.find("20000 that this process may have"), std::string::npos) << why;
  EXPECT_EQ(too_few_files(accepted({"tcp://x", "-c", "19k"}), four_cpus), "");
  EXPECT_NE(refused({"tcp://x", "--cpus", "9"}).find("may not run on CPU 9"), std::string::npos);
  EXPECT_NE(refused({"tcp://x", "-t", "2", "--cpus", "1"}).find("names 1 CPUs"), std::string::npos);
  EXPECT_NE(refused({"tcp://x", "-t", "4", "-c", "3"}).find("only 3 connections"),
            std::string::npos);
  EXPECT_NE(refused({"tcp://x", "-s", "0"}).find("at least 1 byte"), std::string::npos);
}

TEST(LoadCommandLine, AnOptionThatWouldDoNothingIsRefused) {
  const std::pair<std::vector<const char*>, const char*> wrong[] = {
      {{"tcp://x", "--listeners", "100"}, "--listeners: is for chat://, ws:// alone"},
      {{"chat://x", "--topics", "2"}, "--topics: is for ws:// alone"},
      {{"tcp://x", "--mix", "get:1"}, "--mix: is for orders:// alone"},
      {{"orders://x", "-s", "1k"}, "--size: is for tcp://, frames://, chat://, ws:// alone"},
      {{"http://x", "-s", "1k"}, "--size: is for"},
      {{"ws://x", "-X", "PUT"}, "--method: is for http:// alone"},
      {{"tcp://x", "--any-body"}, "--any-body: is for http:// alone"},
      {{"tcp://x", "--json", "a", "--csv", "a"}, "two of them are 'a'"},
  };
  for (const auto& [words, why] : wrong) {
    EXPECT_NE(refused(words).find(why), std::string::npos) << why;
  }
  accepted({"http://x", "-b", "text", "--reply-max", "1k", "--json", "a", "--csv", "b"});
}

TEST(LoadCommandLine, ABodyMustBeAFile) {
  EXPECT_NE(refused({"http://x", "--body-file", "/"}).find("cannot be read"), std::string::npos);
  EXPECT_EQ(accepted({"http://x", "--body-file", "/dev/null"}).http.body, "");
}

TEST(LoadCommandLine, OnlyEchoesAreCountedUnread) {
  EXPECT_EQ(accepted({"tcp://x"}).check, Check::full);
  EXPECT_EQ(accepted({"frames://x", "--check", "none"}).check, Check::none);
  EXPECT_NE(refused({"tcp://x", "--check", "some"}).find("'some' is neither full nor none"),
            std::string::npos);
  for (const char* target : {"chat://x", "orders://x"}) {
    EXPECT_NE(refused({target, "--check", "none"}).find("--check: "), std::string::npos);
  }
}

// After a change: `ringpost-load --help > tests/tools/loadgen/help.golden`, and read it.
TEST(LoadCommandLine, HelpIsTheGoldenFileFitsATerminalAndNamesEveryOption) {
  const CommandLine line = parsed({"--help"});
  EXPECT_EQ(line.exit_code, exit_ok);
  EXPECT_EQ(parsed({"-h"}).text, line.text);
  std::ifstream file(RINGPOST_GOLDEN_DIR "/help.golden");
  EXPECT_TRUE(file.good());
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(line.text, golden.str());
  for (std::string row; std::getline(golden, row);) EXPECT_LE(row.size(), 80u) << row;
  for (const OptionRow& row : option_table()) {
    EXPECT_NE(line.text.find("--" + std::string(tools::long_name(row.names))), std::string::npos);
  }
}

TEST(LoadCommandLine, VersionNamesTheProgram) {
  EXPECT_EQ(parsed({"--version"}).text, version_text());
  EXPECT_TRUE(version_text().starts_with("ringpost-load "));
}

}  // namespace
}  // namespace ringpost::loadgen
