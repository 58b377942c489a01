#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "tests/tools/loadgen/sample_runs.h"
#include "tools/loadgen/report/csv.h"
#include "tools/loadgen/report/hgrm.h"
#include "tools/loadgen/report/html.h"
#include "tools/loadgen/report/human.h"
#include "tools/loadgen/report/json.h"
#include "tools/loadgen/report/machine.h"
#include "tools/loadgen/report/percentile_steps.h"
#include "tools/loadgen/report/text.h"

namespace ringpost::loadgen {
namespace {

using nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

// --- Numbers for people
// ----------------------------------------------------------------------------

TEST(Human, NumbersHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(34'200'123), "34,200,123");
  EXPECT_EQ(human_rate(3'420'000), "3.42 M/s");
  EXPECT_EQ(human_rate(812), "812 /s");
  EXPECT_EQ(human_time(12), "12 ns");
  EXPECT_EQ(human_time(12'345), "12.3 us");
  EXPECT_EQ(human_time(90 * engine::nanos_per_s), "1.50 min");
  EXPECT_EQ(human_bytes(64), "64 B");
  EXPECT_EQ(human_bytes(1'536), "1.50 KiB");
  EXPECT_EQ(human_percent(0.87), "87.0 %");
}

TEST(Human, AThousandOfAUnitIsOneOfTheNext) {
  EXPECT_EQ(human_time(999'400), "999 us");
  EXPECT_EQ(human_time(999'600), "1.00 ms");
}

TEST(Human, PrintableKeepsTextAndShowsTheRest) {
  EXPECT_EQ(printable("plain \u00fcn\u00efcode \U0001f600"), "plain \u00fcn\u00efcode \U0001f600");
  EXPECT_EQ(printable("\x1b[31m\n\x7f"), "\\x1b[31m\\x0a\\x7f");
  EXPECT_EQ(printable("\xc3\x28"), "\\xc3(") << "a sequence cut short";
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "longer than needed";
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "steers a terminal too";
}

// --- JSON
// ------------------------------------------------------------------------------------------

TEST(Json, TheSummaryHasExactlyTheNamesThatOthersRead) {
  const json summary = json::parse(to_json(closed_run()))["summary"];
  std::set<std::string> names;
  for (const auto& [name, value] : summary.items()) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"rate_per_s", "asked_per_s", "late", "dropped", "errors",
                                          "mismatches", "p50_us", "p90_us", "p95_us", "p99_us",
                                          "p999_us", "max_us"}));
}

TEST(Json, TheSummaryIsThatOfTheRun) {
  RunResult run;
  run.elapsed = 2 * engine::nanos_per_s;
  run.replies = 1'000;
  run.late = 3;
  run.dropped = 4;
  run.mismatch_count = 5;
  run.errors = {{"reset", 6, ""}, {"refused", 7, ""}};
  run.setup.asked_per_s = 600;
  for (Nanos i = 1; i <= 1'000; ++i) run.latency.record(i * 1'000);
  const json summary = json::parse(to_json(run))["summary"];
  EXPECT_EQ(summary["rate_per_s"], 500);
  EXPECT_EQ(summary["asked_per_s"], 600);
  EXPECT_EQ(summary["late"], 3);
  EXPECT_EQ(summary["dropped"], 4);
  EXPECT_EQ(summary["mismatches"], 5);
  EXPECT_EQ(summary["errors"], 13);
  EXPECT_NEAR(summary["p50_us"].get<double>(), 500, 0.5);
  EXPECT_NEAR(summary["p999_us"].get<double>(), 999, 1);
  EXPECT_EQ(summary["max_us"], 1'000);
}

TEST(Json, WhatARunDidNotSeeIsNull) {
  const json summary = json::parse(to_json(empty_run()))["summary"];
  EXPECT_TRUE(summary["p99_us"].is_null());
  EXPECT_TRUE(summary["asked_per_s"].is_null());
  EXPECT_EQ(summary["rate_per_s"], 0);
}

TEST(Json, AHistogramComesBackFromItBitForBit) {
  const RunResult run = stalled_run();
  const json stored = json::parse(to_json(run))["latency"];
  const auto restored =
      Histogram::restore({stored["counts"].get<std::vector<std::pair<Nanos, std::uint64_t>>>(),
                          stored["below"], stored["above"], stored["min"], stored["max"]});
  ASSERT_TRUE(restored);
  EXPECT_EQ(*restored, run.latency);
}

TEST(Json, WrongUtf8IsReplaced) {
  const json run = json::parse(to_json(broken_run()));
  EXPECT_EQ(run["arguments"].back(), "--mix=<buy>&\"get\"\ufffd");
}

// --- CSV
// -------------------------------------------------------------------------------------------

TEST(Csv, HasARowASecondAndAsManyCellsAsTheHead) {
  const RunResult run = closed_run();
  const std::vector<std::string> lines = lines_of(to_csv(run));
  ASSERT_EQ(lines.size(), run.seconds.size() + 1);
  const auto commas = std::count(lines[0].begin(), lines[0].end(), ',');
  for (const std::string& line : lines) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), commas) << line;
  }
  EXPECT_EQ(lines[1].substr(0, 14), "0.000,1.000,1,");
  EXPECT_EQ(lines[3].substr(0, 14), "2.000,1.000,0,");
}

TEST(Csv, TheRateOfAShortRowIsPerSecond) {
  RunResult run;
  Second half;
  half.length = engine::nanos_per_s / 2;
  half.replies = 100;
  run.seconds = {half};
  EXPECT_TRUE(contains(to_csv(run), "\n0.000,0.500,0,0,100,200.0,"));
}

// --- .hgrm
// -----------------------------------------------------------------------------------------

// As a plotter of HdrHistogram reads it: numbers apart by spaces; others are comments.
std::vector<std::vector<double>> hgrm_rows(const std::string& text) {
  std::vector<std::vector<double>> rows;
  for (const std::string& line : lines_of(text)) {
    if (line.empty() || line[0] == '#' || contains(line, "Value")) continue;
    std::istringstream numbers(line);
    rows.emplace_back();
    for (double number; numbers >> number;) rows.back().push_back(number);
  }
  return rows;
}

TEST(Hgrm, HasTheFormatOfHdrHistogram) {
  Histogram histogram;
  for (int i = 1; i <= 4; ++i) histogram.record(i * 1'000);
  EXPECT_EQ(to_hgrm(histogram),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       1.000 0.200000000000          1           1.25\n"
            "       2.000 0.300000000000          2           1.43\n"
            "       2.000 0.400000000000          2           1.67\n"
            "       2.000 0.500000000000          2           2.00\n"
            "       3.001 0.550000000000          3           2.22\n"
            "       3.001 0.600000000000          3           2.50\n"
            "       3.001 0.650000000000          3           2.86\n"
            "       3.001 0.700000000000          3           3.33\n"
            "       3.001 0.750000000000          3           4.00\n"
            "       4.000 1.000000000000          4\n"
            "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
            "#[Max     =        4.000, Total count    =            4]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(Hgrm, ItsRowsAreThePercentilesOfTheHistogram) {
  const Histogram histogram = stalled_run().latency;
  const auto rows = hgrm_rows(to_hgrm(histogram));
  ASSERT_GT(rows.size(), 50u);
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    ASSERT_EQ(rows[i].size(), 4u);
    EXPECT_NEAR(rows[i][0] * 1e3, double(histogram.value_at(rows[i][1] * 100)), 1);
    EXPECT_NEAR(rows[i][3] * (1 - rows[i][1]), 1, 0.005);
    EXPECT_LE(rows[i][2], rows[i + 1][2]);
  }
  EXPECT_EQ(rows.back()[2], double(histogram.count()));
}

// --- Text and page
// ---------------------------------------------------------------------------------

TEST(Text, SaysWhatWasDoneAndWhatCameOfIt) {
  EXPECT_EQ(
      to_text(stalled_run()),
      "frames://127.0.0.1:1235\n"
      "  open loop, 50 connections, 64 B, 1 thread, 20.0 s after 2.00 s of warm-up\n"
      "\n"
      "  rate          10.0 k/s   200,000 replies in 20.0 s\n"
      "  asked         10.0 k/s   late 0, dropped 0\n"
      "  traffic       625 KiB/s out, 625 KiB/s in\n"
      "\n"
      "  latency              p50       p90       p95       p99     p99.9    p99.99       max\n"
      "  from due time    47.6 us    465 us   50.2 ms   90.2 ms   99.2 ms    100 ms    100 ms\n"
      "  from send        46.6 us   65.0 us   78.3 us    131 us    327 us   11.0 ms    100 ms\n"
      "  sent late by     4.44 us   6.20 us   7.45 us   12.5 us   29.4 us   93.2 us    284 us\n"
      "\n"
      "  errors        none\n"
      "  mismatches    none\n"
      "  generator     6.00 % busy on 1 thread, at most 112 us late, waited 1.00 ms for a CPU\n");
}

TEST(Text, WithAllDetailsSaysMore) {
  RunResult run = broken_run();
  run.connects = 61;
  run.threads = {{2, 0.5, 0, 0, 7, 0, 0}, {3, 0.25, 0, 0, 9, 4, 2}};
  run.bytes_sent = run.bytes_received = 256;
  run.errors.resize(8, {"reset", 1, "one of many"});
  run.errors.push_back({"timed out", 1, "the last one"});
  EXPECT_FALSE(contains(to_text(run), "the last one"));
  const std::string text = to_text(run, Detail::full);
  for (const char* part :
       {"the last one", "threads       CPU 2: 50.0 % busy, 7 requests", "CPU 3: 25.0 % busy",
        "sends         4, 64 B each", "receives      2, 128 B each", "61 established", "commit "}) {
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
  }
}

TEST(Text, ShowsFailuresWithoutLettingThePeerSteerTheTerminal) {
  RunResult run = broken_run();
  run.mismatches[0].detail = "\x1b]0;title\x07";
  const std::string text = to_text(run);
  EXPECT_TRUE(contains(text, "49 reset: connection 3"));
  EXPECT_TRUE(contains(text, "mismatches    1,204"));
  EXPECT_TRUE(contains(text, "reply 1000003: wrong bytes: \\x1b]0;title\\x07"));
  EXPECT_TRUE(contains(text, "warning: the generator is the bottleneck"));
  EXPECT_TRUE(contains(text, "interrupted"));
}

TEST(Text, CountsDeliveriesOfAFanOut) {
  EXPECT_TRUE(contains(to_text(fan_out_run()), "3,511,800,000 deliveries"));
}

TEST(Html, WhatWasTypedOrReceivedIsText) {
  const std::string page = to_html(broken_run());
  EXPECT_FALSE(contains(page, "<script"));
  EXPECT_TRUE(contains(page, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \\xc3("));
  EXPECT_TRUE(contains(page, "--mix=&lt;buy&gt;&amp;&quot;get&quot;\\xff"));
}

TEST(Text, StatusesAreCountedByClassAndCode) {
  RunResult run = http_run();
  const std::string counted = "2xx: 8,000,000, 5xx: 17 (200: 8,000,000, 503: 17)";
  EXPECT_EQ(statuses_text(run), counted);
  EXPECT_TRUE(contains(to_text(run), counted));
  EXPECT_TRUE(contains(to_text(run), "reconnects    12"));
  EXPECT_TRUE(contains(to_html(run), counted));
  EXPECT_TRUE(contains(to_json(run), "\"5xx\":17"));
  EXPECT_FALSE(contains(to_html(closed_run()), "statuses"));
}

TEST(Html, ALongRunIsDrawnWithFewPoints) { EXPECT_LT(to_html(fan_out_run()).size(), 300'000u); }

TEST(Html, ARunWithoutRepliesHasNoLatencies) {
  const std::string page = to_html(empty_run());
  EXPECT_TRUE(contains(page, "no replies"));
  EXPECT_FALSE(contains(page, "Latency by percentile"));
  EXPECT_FALSE(contains(page, "nan"));
}

// --- The machine
// -----------------------------------------------------------------------------------

TEST(Machine, IsKnown) {
  const Machine machine = read_machine();
  EXPECT_FALSE(machine.version.empty());
  EXPECT_FALSE(machine.commit.empty());
  EXPECT_FALSE(machine.kernel.empty());
  EXPECT_FALSE(machine.cpu.empty());
  EXPECT_GT(machine.cpus, 0u);
}

}  // namespace
}  // namespace ringpost::loadgen
