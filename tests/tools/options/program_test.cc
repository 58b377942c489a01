#include "tools/options/program.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/options/nearest_word.h"
#include "tools/options/setter.h"

namespace ringpost::tools {
namespace {

struct Options {
  bool quiet = false;
  std::string place = "here";
};

constexpr Setter<Options> table[] = {
    {"Places", "-p,--place", "WHERE",
     [](Options& o, std::string_view text) -> std::string {
       if (text == "nowhere") return "is no place";
       o.place = text;
       return "";
     },
     "Where it is done, which is said at some length so that the line must be wrapped.",
     "Default here."},
    {"Places", "--a-name-that-leaves-no-room", "N", nullptr, "Not beside its name."},
    {"", "--quiet", "", [](Options& o, std::string_view text) { return set_flag(o.quiet, text); },
     "Say nothing."},
    {"", "-h,--help", "", nullptr, "Print this help."},
    {"", "--version", "", nullptr, "Print the version."},
};

Program program(std::size_t long_name_column = 2) {
  return Program({.name = "prog",
                  .help_head = "Usage: prog\n",
                  .help_tail = "\nThe end.\n",
                  .help_shape = {.text_column = 25, .long_name_column = long_name_column}},
                 rows_of<Options>(table));
}

engine::Result<Given, Ending> read(const Program& program, std::vector<const char*> words) {
  words.insert(words.begin(), "prog");
  return program.read(static_cast<int>(words.size()), words.data());
}

std::vector<std::string> complaints_about(std::vector<std::string> words) {
  std::vector<std::string> complaints;
  program().complain_about(words, complaints);
  return complaints;
}

TEST(Program, HelpIsMadeOfTheRows) {
  EXPECT_EQ(program().help_text(), R"(Usage: prog

Places:
  -p, --place WHERE      Where it is done, which is said at some length so that
                         the line must be wrapped.
                         Default here.
  --a-name-that-leaves-no-room N
                         Not beside its name.

  --quiet                Say nothing.
  -h, --help             Print this help.
  --version              Print the version.

The end.
)");
}

TEST(Program, LongNamesMayStandBelowOneAnother) {
  const std::string help = program(6).help_text();
  EXPECT_NE(help.find("\n      --quiet            Say nothing.\n"
                      "  -h, --help             Print this help.\n"),
            std::string::npos)
      << help;
}

TEST(Program, FindsTheLastValueAndWhatIsNoOption) {
  const auto given =
      read(program(), {"a", "-p", "x", "--quiet", "--place=y", "--plaec", "-p=", "--", "-p", "b"});
  ASSERT_TRUE(given);
  EXPECT_EQ(given.value().values.size(), 2u);
  EXPECT_EQ(given.value().values.at("quiet"), std::vector<std::string>{"true"});
  EXPECT_EQ(given.value().values.at("place"), std::vector<std::string>{"="});
  EXPECT_EQ(given.value().rest, (std::vector<std::string>{"a", "--plaec", "--", "-p", "b"}));
}

TEST(Program, ARowMayAddUp) {
  std::vector<Row> rows = rows_of<Options>(table);
  rows[0].adds_up = true;
  const auto given = read(Program({}, rows), {"-p", "x", "y", "--place=z"});
  ASSERT_TRUE(given);
  EXPECT_EQ(given.value().values.at("place"), (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(given.value().rest, std::vector<std::string>{"y"});
}

TEST(Program, HelpAndVersionEndWhateverElseIsSaid) {
  EXPECT_EQ(read(program(), {"--plaec", "-h"}).error().text, program().help_text());
  EXPECT_EQ(read(program(), {"--version"}).error().exit_code, 0);
  EXPECT_TRUE(read(program(), {"--version"}).error().text.starts_with("prog "));
}

TEST(Program, AValueThatIsMissingIsToldWithItsBounds) {
  const auto missing = read(program(), {"--quiet", "-p"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit_code, exit_usage);
  EXPECT_EQ(missing.error().text, "prog: -p: needs a value\nTry 'prog --help'.\n");
  std::vector<Row> rows = rows_of<Options>(table);
  rows[0].bounds = "any but nowhere";
  const auto bounded = read(Program({}, rows), {"--place="});
  EXPECT_EQ(bounded.error().text.find(": --place: needs a value, any but nowhere\n"), 0u);
}

TEST(Program, WordsThatNobodyTakesAreToldWithWhatWasMeant) {
  EXPECT_EQ(complaints_about({"--plaec=x", "y", "--certificate", "-"}),
            (std::vector<std::string>{"unknown option '--plaec', did you mean '--place'?",
                                      "unknown option '--certificate'", "unknown option '-'"}));
  EXPECT_EQ(complaints_about({"x", "y"}), std::vector<std::string>{"unexpected argument 'x'"});
  EXPECT_EQ(complaints_about({}), std::vector<std::string>{});
}

TEST(Setter, PutsInWhatWasGivenAndTellsAllThatIsWrong) {
  Options options;
  std::vector<std::string> complaints;
  Given given{.values = {{"place", {"there"}}, {"quiet", {"true"}}}, .rest = {}};
  set_given<Options>(table, given, options, complaints);
  EXPECT_TRUE(complaints.empty());
  EXPECT_EQ(options.place, "there");
  EXPECT_TRUE(options.quiet);
  given.values = {{"place", {"nowhere"}}, {"quiet", {"very"}}};
  set_given<Options>(table, given, options, complaints);
  EXPECT_EQ(complaints, (std::vector<std::string>{"--place: 'nowhere' is no place",
                                                  "--quiet: 'very' is neither true nor false"}));
  EXPECT_EQ(options.place, "there");
}

TEST(NearestWord, FindsTypingErrorsAndNothingElse) {
  const std::vector<std::string_view> words = {"shards", "chat-listen", "orders-line-bytes-max",
                                               "log-level"};
  EXPECT_EQ(nearest_word("shrads", words), "shards");
  EXPECT_EQ(nearest_word("chat-listne", words), "chat-listen");
  EXPECT_EQ(nearest_word("orders-line-byts", words), "orders-line-bytes-max");
  EXPECT_EQ(nearest_word("loglevel", words), "log-level");
  EXPECT_FALSE(nearest_word("", words));
  EXPECT_FALSE(nearest_word("q", words));
  EXPECT_FALSE(nearest_word("certificate", words));
  EXPECT_FALSE(nearest_word(std::string(100'000, 'a'), words));
}

}  // namespace
}  // namespace ringpost::tools
