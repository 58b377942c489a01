#include "tools/loadgen/compare/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/tools/loadgen/normal.h"
#include "tests/tools/loadgen/sample_runs.h"
#include "tools/loadgen/report/json.h"

namespace ringpost::loadgen {
namespace {

namespace fs = std::filesystem;

// --- How often it is right
// -------------------------------------------------------------------------

constexpr int pairs = 100;
constexpr int runs_each = 10;

// Runs with this spread, slower by `slower` in rate and in p99, which vary on their own.
std::vector<StoredRun> group(engine::Prng& random, double spread, double slower) {
  const std::vector<double> rates = normal_values(random, runs_each, 1e6 * (1 - slower), spread);
  const std::vector<double> p99s = normal_values(random, runs_each, 900 / (1 - slower), spread);
  std::vector<StoredRun> runs(runs_each);
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].whole = {rates[i], p99s[i]};
  return runs;
}

// What is said of a hundred pairs: the same hundred always, so nothing below is left to chance.
std::map<Verdict, int> verdicts(double spread, double slower) {
  engine::Prng random(20);
  std::map<Verdict, int> counts;
  CompareOptions options;
  options.judge.rounds = 1'000;  // fewer than by default, so that the test is quick
  for (int i = 0; i < pairs; ++i) {
    const auto a = group(random, spread, 0), b = group(random, spread, slower);
    const auto comparison = compare_runs(a, b, options);
    counts[comparison.value().verdict()] += 1;
  }
  return counts;
}

TEST(Compare, AAgainstAIsTheSame) { EXPECT_GE(verdicts(0.02, 0)[Verdict::same], 95); }

TEST(Compare, FindsASlowDownOfFivePercentAmongRunsThatSpreadByTwo) {
  EXPECT_EQ(verdicts(0.02, 0.05)[Verdict::worse], pairs);
}

TEST(Compare, CannotTellWhenRunsSpreadByTen) {
  EXPECT_GE(verdicts(0.1, 0.05)[Verdict::cannot_tell], 95);
  auto unchanged = verdicts(0.1, 0);
  EXPECT_EQ(unchanged[Verdict::worse], 0);
  EXPECT_GE(unchanged[Verdict::cannot_tell], 95);
}

TEST(Compare, FindsWhatIsBeyondDoubtAmongRunsThatSpreadByTen) {
  EXPECT_EQ(verdicts(0.1, 0.5)[Verdict::worse], pairs);
}

TEST(Compare, FindsWhatIsBetter) { EXPECT_EQ(verdicts(0.02, -0.2)[Verdict::better], pairs); }

// --- Which figure decides
// --------------------------------------------------------------------------

TEST(Compare, EachFigureHasItsOwnGoodDirection) {
  engine::Prng random(1);
  const auto a = group(random, 0.01, 0);
  auto more_latency = a, less_rate = a;
  for (StoredRun& run : more_latency) *run.whole.p99_us *= 1.2;
  for (StoredRun& run : less_rate) run.whole.rate_per_s *= 0.8;
  auto latency = compare_runs(a, more_latency, {});
  EXPECT_EQ(latency->p99.verdict, Verdict::worse);
  EXPECT_EQ(latency->rate.verdict, Verdict::same);
  EXPECT_EQ(latency->verdict(), Verdict::worse);
  auto rate = compare_runs(a, less_rate, {});
  EXPECT_EQ(rate->rate.verdict, Verdict::worse);
  EXPECT_NEAR(rate->rate.ratio, 0.8, 1e-9);
  auto back = compare_runs(less_rate, a, {});
  EXPECT_EQ(back->rate.verdict, Verdict::better);
  EXPECT_EQ(back->verdict(), Verdict::same) << "of p99 there is nothing better";
}

TEST(Compare, TheThresholdSaysWhatMatters) {
  engine::Prng random(2);
  const auto a = group(random, 0.01, 0), b = group(random, 0.01, 0.08);
  CompareOptions tolerant;
  tolerant.judge.threshold = 0.15;
  EXPECT_EQ(compare_runs(a, b, {})->verdict(), Verdict::worse);
  EXPECT_EQ(compare_runs(a, b, tolerant)->verdict(), Verdict::same);
  CompareOptions of_p99_alone;
  of_p99_alone.judge.threshold = 0.03;
  of_p99_alone.p99_threshold = 0.15;
  auto comparison = compare_runs(a, b, of_p99_alone);
  EXPECT_EQ(comparison->rate.verdict, Verdict::worse);
  EXPECT_EQ(comparison->p99.verdict, Verdict::same);
}

TEST(Compare, TwoValuesEachProveNothing) {
  const std::vector<double> a = {100, 101}, b = {50, 51};
  EXPECT_EQ(judge(a, b, true, {}).verdict, Verdict::cannot_tell);
  EXPECT_EQ(judge(a, a, true, {}).verdict, Verdict::same);
}

TEST(Compare, ThreeValuesThatDoNotOverlapDo) {
  const std::vector<double> a = {100, 101, 102}, b = {80, 81, 82};
  EXPECT_EQ(judge(a, b, true, {}).verdict, Verdict::worse);
  EXPECT_EQ(judge(b, a, true, {}).verdict, Verdict::better);
}

// --- The command
// -----------------------------------------------------------------------------------

class CompareCommand : public testing::Test {
 protected:
  CompareCommand() {
    char name[] = "/tmp/ringpost-compare-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~CompareCommand() override { fs::remove_all(folder_); }

  std::string store(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / name;
    std::ofstream(path) << text;
    return path;
  }

  // A run of a server that needs `slower` times as long, with a jitter of its own.
  std::string store_run(const std::string& name, double slower, double jitter = 1) const {
    RunResult run = closed_run();
    run.replies = std::uint64_t(double(run.replies) / slower * jitter);
    for (Second& second : run.seconds) {
      second.replies = std::uint64_t(double(second.replies) / slower);
      second.p99 = Nanos(double(second.p99) * slower);
    }
    Histogram slowed;
    run.latency.for_each([&](const Histogram::Bucket& bucket) {
      slowed.record(Nanos(double(bucket.low) * slower / jitter), bucket.count);
    });
    run.latency = slowed;
    return store(name, to_json(run));
  }

  struct Said {
    int exit_code;
    std::string out, error;
  };
  static Said run(std::vector<std::string> words) {
    words.insert(words.begin(), "compare");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int exit_code = run_compare(int(argv.size()), argv.data());
    return {exit_code, testing::internal::GetCapturedStdout(),
            testing::internal::GetCapturedStderr()};
  }

  fs::path folder_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

TEST_F(CompareCommand, AFileAgainstItselfIsTheSame) {
  const std::string a = store_run("a.json", 1);
  const Said said = run({a, a});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_TRUE(contains(said.out, "same: B is not slower than A by 3.00 % or more")) << said.out;
  EXPECT_EQ(said.error, "");
}

TEST_F(CompareCommand, TwoFilesAreComparedByTheirSeconds) {
  const Said said = run({store_run("a.json", 1), store_run("b.json", 1.5)});
  EXPECT_EQ(said.exit_code, 1) << said.out;
  EXPECT_TRUE(contains(said.out, "A (20 values)")) << "without the warm-up: " << said.out;
  EXPECT_TRUE(contains(said.out, "warning: fewer than three runs of each"));
  EXPECT_TRUE(contains(said.out, "worse: B is slower than A"));
}

TEST_F(CompareCommand, GroupsAreApartByTwoDashes) {
  std::vector<std::string> words = {"--threshold", "2%"};
  for (int i = 0; i < 5; ++i) {
    words.push_back(store_run("a" + std::to_string(i), 1, 1 + i * 1e-3));
  }
  words.push_back("--");
  for (int i = 0; i < 5; ++i) {
    words.push_back(store_run("b" + std::to_string(i), 1.05, 1 + i * 1e-3));
  }
  const Said said = run(words);
  EXPECT_EQ(said.exit_code, 1) << said.out;
  EXPECT_TRUE(contains(said.out, "A (5 values)"));
  EXPECT_FALSE(contains(said.out, "warning"));
}

TEST_F(CompareCommand, TooCoarseRunsCannotTell) {
  std::vector<std::string> words;
  for (const double jitter : {0.8, 0.9, 1.0, 1.1, 1.2}) {
    words.push_back(store_run("a" + std::to_string(jitter), 1, jitter));
  }
  words.push_back("--");
  for (const double jitter : {0.75, 0.85, 0.95, 1.05, 1.15}) {
    words.push_back(store_run("b" + std::to_string(jitter), 1, jitter));
  }
  const Said said = run(words);
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_TRUE(contains(said.out, "cannot tell: ")) << said.out;
}

TEST_F(CompareCommand, WarnsOfRunsThatWereNotMadeAlike) {
  RunResult other = closed_run();
  other.setup.connections = 51;
  other.errors = {{"reset", 1, ""}};
  const Said said = run({store_run("a.json", 1), store("b.json", to_json(other))});
  EXPECT_TRUE(contains(said.out, "warning: the runs were not made alike: connections")) << said.out;
  EXPECT_TRUE(contains(said.out, "warning: 1 of 1 runs of B had errors or wrong replies"));
}

TEST_F(CompareCommand, PrintsJsonToo) {
  const std::string a = store_run("a.json", 1);
  const Said said = run({"--json", a, a});
  EXPECT_TRUE(contains(said.out, "\"verdict\": \"same\"")) << said.out;
}

TEST_F(CompareCommand, BadInputIsOneLineAndExitCodeThree) {
  const std::string good = store_run("a.json", 1);
  const std::string schemas = store("old.json", R"({"schema":"ringpost-load/0"})");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "files is required"},
      {{good}, "which are A and which are B?"},
      {{good, good, good}, "which are A and which are B?"},
      {{good, "--"}, "which are A and which are B?"},
      {{good, (folder_ / "no.json").string()}, "No such file or directory"},
      {{good, folder_.string()}, "cannot read"},
      {{good, store("empty.json", "")}, "it is empty"},
      {{good, store("text.json", "hello")}, "is no result of ringpost-load"},
      {{good, store("list.json", "[]")}, "is no result of ringpost-load"},
      {{good, store("other.json", "{\"a\":1}")}, "is no result of ringpost-load"},
      {{good, schemas}, "is of another version"},
      {{good, store("none.json", to_json(empty_run()))}, "has no replies"},
      {{good, good, "--threshold", "x"}, "is no percentage"},
      {{good, good, "--threshold", "0"}, "is no percentage"},
      {{good, good, "--frob"}, "--frob"}};
  for (const auto& [words, why] : cases) {
    const Said said = run(words);
    EXPECT_EQ(said.exit_code, 3) << why;
    EXPECT_EQ(said.out, "") << why;
    EXPECT_TRUE(contains(said.error, why)) << said.error;
    EXPECT_EQ(std::count(said.error.begin(), said.error.end(), '\n'), 1) << said.error;
  }
}

TEST_F(CompareCommand, HelpNamesTheExitCodes) {
  const Said said = run({"--help"});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_TRUE(contains(said.out, "Exit code: 0 same or better, 1 worse"));
}

}  // namespace
}  // namespace ringpost::loadgen
