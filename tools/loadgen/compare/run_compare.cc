#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/loadgen/compare/compare.h"
#include "tools/loadgen/report/human.h"

namespace ringpost::loadgen {

namespace {

constexpr const char* about =
    "Is B slower than A? Compares two groups of results that ringpost-load wrote with --json.\n"
    "\n"
    "  ringpost-load compare A.json B.json\n"
    "  ringpost-load compare A1.json A2.json A3.json -- B1.json B2.json B3.json\n"
    "\n"
    "Five runs of each or more, taken in turns (A B A B), can tell a few percent; fewer than "
    "three\n"
    "are compared by their seconds. Both the rate and p99 are judged.\n"
    "\n"
    "Exit code: 0 same or better, 1 worse than the threshold, 2 cannot tell, 3 bad input.";

struct Request {
  CompareOptions options;
  bool json = false;
  std::vector<std::string> a, b;
};

// A result that is no request: what to print, and the exit code.
struct Refusal {
  int exit_code;
  std::string text;
};

// "3" and "3%" -> 0.03.
CLI::Validator percent() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        if (text.ends_with('%')) text.pop_back();
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool whole = !text.empty() && end == text.c_str() + text.size();
        if (whole && value > 0 && value < 100) return "";
        return "is no percentage between 0 and 100";
      },
      "PERCENT");
}

std::vector<std::string> words_of(int argc, const char* const* argv) {
  return {argv + std::min(argc, 1), argv + argc};
}

engine::Result<Request, Refusal> parse(std::vector<std::string> words) {
  Request request;
  const auto line = std::find(words.begin(), words.end(), "--");
  const bool separated = line != words.end();
  if (separated) request.b.assign(line + 1, words.end());
  words.erase(line, words.end());

  double threshold = 3, p99_threshold = 0;
  CLI::App app(about, "ringpost-load compare");
  app.add_option("files", request.a, "the results of A and, behind --, of B")->required();
  app.add_option("--threshold", threshold, "the smallest slow-down that matters, in percent")
      ->transform(percent())
      ->capture_default_str();
  app.add_option("--p99-threshold", p99_threshold, "another one for p99")->transform(percent());
  app.add_option("--seed", request.options.judge.seed, "of the resampling")->capture_default_str();
  app.add_flag("--json", request.json, "print JSON");
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return engine::Unexpected{Refusal{compare_same, app.help()}};
  } catch (const CLI::ParseError& error) {
    return engine::Unexpected{Refusal{compare_failed, std::string(error.what())}};
  }
  request.options.judge.threshold = threshold / 100;
  request.options.p99_threshold = p99_threshold / 100;

  if (!separated && request.a.size() == 2) {
    request.b = {request.a.back()};
    request.a.pop_back();
  }
  if (request.a.empty() || request.b.empty()) {
    return engine::Unexpected{Refusal{
        compare_failed, "which are A and which are B? Put -- between them: A1 A2 -- B1 B2"}};
  }
  return request;
}

engine::Result<std::vector<StoredRun>, std::string> read_runs(
    const std::vector<std::string>& paths) {
  std::vector<StoredRun> runs;
  for (const std::string& path : paths) {
    auto run = read_run(path);
    if (!run) return engine::Unexpected{run.error()};
    runs.push_back(std::move(*run));
  }
  return runs;
}

// --- Text
// ------------------------------------------------------------------------------------------

std::string with_spread(const std::string& value, std::span<const double> values) {
  return fmt::format("{} +- {}", value, human_percent(relative_spread(values)));
}

std::string micros(double us) { return human_time(std::llround(us * 1e3)); }

std::string chance(double p) { return p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", p); }

std::string row(const char* name, const std::string& a, const std::string& b,
                const Finding& finding) {
  return fmt::format("{:<6}{:<22}{:<22}{:<8.3f}{:.3f} to {:.3f}   {:<9}{}\n", name, a, b,
                     finding.ratio, finding.interval.low, finding.interval.high, chance(finding.p),
                     to_text(finding.verdict));
}

std::string sentence(const Comparison& comparison, const CompareOptions& options) {
  const std::string threshold = human_percent(options.judge.threshold);
  switch (comparison.verdict()) {
    case Verdict::same:
      return "same: B is not slower than A by " + threshold + " or more";
    case Verdict::better:
      return "better: B is faster than A";
    case Verdict::worse:
      return "worse: B is slower than A by more than the threshold";
    case Verdict::cannot_tell:
      return "cannot tell: the values differ too much among themselves for a threshold of " +
             threshold + "; take more or longer runs";
  }
  return "";
}

std::string to_text(const Comparison& comparison, const Request& request) {
  const Sample &a = comparison.a, &b = comparison.b;
  std::string text = fmt::format("{:<6}{:<22}{:<22}{:<8}{:<17}{:<9}{}\n", "",
                                 fmt::format("A ({} values)", a.rate_per_s.size()),
                                 fmt::format("B ({} values)", b.rate_per_s.size()), "B / A",
                                 "95 % interval", "chance", "");
  text += row("rate", with_spread(human_rate(mean(a.rate_per_s)), a.rate_per_s),
              with_spread(human_rate(mean(b.rate_per_s)), b.rate_per_s), comparison.rate);
  if (comparison.has_p99) {
    text += row("p99", with_spread(micros(mean(a.p99_us)), a.p99_us),
                with_spread(micros(mean(b.p99_us)), b.p99_us), comparison.p99);
  }
  for (const std::string& warning : comparison.warnings) text += "warning: " + warning + "\n";
  return text + sentence(comparison, request.options) + "\n";
}

// --- JSON
// ------------------------------------------------------------------------------------------

using Json = nlohmann::ordered_json;

Json finding_of(const Finding& finding, double threshold, const std::vector<double>& a,
                const std::vector<double>& b) {
  return {{"a", a},
          {"b", b},
          {"ratio", finding.ratio},
          {"interval", {finding.interval.low, finding.interval.high}},
          {"p", finding.p},
          {"threshold", threshold},
          {"verdict", to_text(finding.verdict)}};
}

std::string to_json(const Comparison& comparison, const Request& request) {
  const double threshold = request.options.judge.threshold;
  const double of_p99 = request.options.p99_threshold;
  Json json = {{"verdict", to_text(comparison.verdict())},
               {"values", comparison.by_seconds ? "seconds" : "runs"},
               {"seed", request.options.judge.seed},
               {"rate_per_s", finding_of(comparison.rate, threshold, comparison.a.rate_per_s,
                                         comparison.b.rate_per_s)},
               {"p99_us", nullptr},
               {"warnings", comparison.warnings}};
  if (comparison.has_p99) {
    json["p99_us"] = finding_of(comparison.p99, of_p99 > 0 ? of_p99 : threshold,
                                comparison.a.p99_us, comparison.b.p99_us);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int fail(const std::string& why) {
  std::fprintf(stderr, "ringpost-load compare: %s\n", why.c_str());
  return compare_failed;
}

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::same:
    case Verdict::better:
      return compare_same;
    case Verdict::worse:
      return compare_worse;
    case Verdict::cannot_tell:
      return compare_cannot_tell;
  }
  return compare_failed;
}

}  // namespace

int run_compare(int argc, const char* const* argv) {
  const auto parsed = parse(words_of(argc, argv));
  if (!parsed) {
    if (parsed.error().exit_code != 0) return fail(parsed.error().text);
    std::fputs(parsed.error().text.c_str(), stdout);
    return parsed.error().exit_code;
  }
  const Request& request = *parsed;
  const auto a = read_runs(request.a), b = read_runs(request.b);
  if (!a) return fail(a.error());
  if (!b) return fail(b.error());
  const auto compared = compare_runs(*a, *b, request.options);
  if (!compared) return fail(compared.error());
  const Comparison& comparison = *compared;
  const std::string text =
      request.json ? to_json(comparison, request) : to_text(comparison, request);
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) return fail("cannot write to standard output");
  return exit_code_of(comparison.verdict());
}

}  // namespace ringpost::loadgen
