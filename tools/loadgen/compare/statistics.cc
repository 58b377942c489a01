#include "tools/loadgen/compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine/base/assert.h"
#include "engine/base/prng.h"

namespace ringpost::loadgen {

namespace {

std::vector<double> logs_of(std::span<const double> values) {
  std::vector<double> logs;
  for (const double value : values) {
    ASSERT(value > 0);
    logs.push_back(std::log(value));
  }
  return logs;
}

// Reorders `values`.
double median(std::vector<double>& values) {
  ASSERT(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// Of logarithms. `pairs` is scratch space.
double typical_difference(const std::vector<double>& a, const std::vector<double>& b,
                          std::vector<double>& pairs) {
  pairs.clear();
  for (const double x : a) {
    for (const double y : b) pairs.push_back(y - x);
  }
  return median(pairs);
}

void resample(const std::vector<double>& from, std::vector<double>& to, engine::Prng& random) {
  to.clear();
  for (std::size_t i = 0; i < from.size(); ++i) to.push_back(from[random.below(from.size())]);
}

// The ranks of both groups together, doubled so that those of ties are whole numbers.
struct Ranks {
  std::vector<std::uint32_t> a, b;
  double ties = 0;  // sum of t^3 - t over the groups of t equal values
};

Ranks rank(std::span<const double> a, std::span<const double> b) {
  std::vector<std::pair<double, bool>> all;
  for (const double value : a) all.emplace_back(value, false);
  for (const double value : b) all.emplace_back(value, true);
  std::sort(all.begin(), all.end());
  Ranks ranks;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && all[end].first == all[begin].first) ++end;
    const auto doubled = static_cast<std::uint32_t>(begin + 1 + end);
    for (std::size_t i = begin; i < end; ++i)
      (all[i].second ? ranks.b : ranks.a).push_back(doubled);
    const auto tied = static_cast<double>(end - begin);
    ranks.ties += tied * tied * tied - tied;
    begin = end;
  }
  return ranks;
}

double u_of(const Ranks& ranks) {
  const double sum = std::accumulate(ranks.b.begin(), ranks.b.end(), 0.0) / 2;
  const auto n = static_cast<double>(ranks.b.size());
  return sum - n * (n + 1) / 2;
}

// In how many ways the ranks can be dealt so that b's have which sum: [sum], for b's size.
std::vector<double> ways_by_sum(const Ranks& ranks) {
  std::vector<std::uint32_t> all = ranks.a;
  all.insert(all.end(), ranks.b.begin(), ranks.b.end());
  const std::size_t total = std::accumulate(all.begin(), all.end(), std::size_t{0});
  const std::size_t size = ranks.b.size();
  std::vector<std::vector<double>> ways(size + 1, std::vector<double>(total + 1));
  ways[0][0] = 1;
  for (const std::uint32_t rank : all) {
    for (std::size_t taken = size; taken > 0; --taken) {
      for (std::size_t sum = rank; sum <= total; ++sum) {
        ways[taken][sum] += ways[taken - 1][sum - rank];
      }
    }
  }
  return ways[size];
}

double choose(std::size_t n, std::size_t k) {
  double result = 1;
  for (std::size_t i = 1; i <= k; ++i) {
    result *= static_cast<double>(n - k + i) / static_cast<double>(i);
  }
  return result;
}

double p_least(const Ranks& ranks) {
  return 1 / choose(ranks.a.size() + ranks.b.size(), ranks.b.size());
}

MannWhitney exact(const Ranks& ranks) {
  const std::vector<double> ways = ways_by_sum(ranks);
  const std::size_t seen = std::accumulate(ranks.b.begin(), ranks.b.end(), std::size_t{0});
  const auto at = ways.begin() + static_cast<std::ptrdiff_t>(seen);
  const double all = std::accumulate(ways.begin(), ways.end(), 0.0);
  return {u_of(ranks), std::accumulate(at, ways.end(), 0.0) / all,
          std::accumulate(ways.begin(), at + 1, 0.0) / all, p_least(ranks)};
}

double normal_above(double z) { return std::erfc(z / std::sqrt(2.0)) / 2; }

MannWhitney by_normal(const Ranks& ranks) {
  const auto n = static_cast<double>(ranks.a.size()), m = static_cast<double>(ranks.b.size());
  const double u = u_of(ranks), expected = n * m / 2, all = n + m;
  const double variance = n * m / 12 * (all + 1 - ranks.ties / (all * (all - 1)));
  if (!(variance > 0)) return {u, 1, 1, p_least(ranks)};  // all values are equal
  const double deviation = std::sqrt(variance);
  return {u, normal_above((u - expected - 0.5) / deviation),
          normal_above((expected - u - 0.5) / deviation), p_least(ranks)};
}

}  // namespace

double typical_ratio(std::span<const double> a, std::span<const double> b) {
  std::vector<double> pairs;
  return std::exp(typical_difference(logs_of(a), logs_of(b), pairs));
}

Interval bootstrap_ratio(std::span<const double> a, std::span<const double> b, double confidence,
                         std::uint64_t seed, int rounds) {
  ASSERT(rounds > 0 && confidence > 0 && confidence < 1);
  engine::Prng random(seed);
  const std::vector<double> logs_a = logs_of(a), logs_b = logs_of(b);
  std::vector<double> drawn_a, drawn_b, pairs, differences;
  for (int i = 0; i < rounds; ++i) {
    resample(logs_a, drawn_a, random);
    resample(logs_b, drawn_b, random);
    differences.push_back(typical_difference(drawn_a, drawn_b, pairs));
  }
  std::sort(differences.begin(), differences.end());
  const double beyond = (1 - confidence) / 2 * (rounds - 1);
  const auto low = static_cast<std::size_t>(std::floor(beyond));
  return {std::exp(differences[low]), std::exp(differences[differences.size() - 1 - low])};
}

MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b) {
  ASSERT(!a.empty() && !b.empty());
  return a.size() + b.size() <= exact_max ? exact(rank(a, b)) : by_normal(rank(a, b));
}

MannWhitney mann_whitney_normal(std::span<const double> a, std::span<const double> b) {
  ASSERT(!a.empty() && !b.empty());
  return by_normal(rank(a, b));
}

double mean(std::span<const double> values) {
  ASSERT(!values.empty());
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double relative_spread(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1)) / middle;
}

}  // namespace ringpost::loadgen
