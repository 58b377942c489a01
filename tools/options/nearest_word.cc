#include "tools/options/nearest_word.h"

#include <algorithm>
#include <vector>

namespace ringpost::tools {

namespace {

// How many single-character insertions, removals, replacements and swaps of neighbours lead from
// one word to the other (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::optional<std::string_view> nearest_word(std::string_view word,
                                             std::span<const std::string_view> words) {
  constexpr std::size_t word_bytes_max = 64;  // longer ones were not meant; bounds the work
  if (words.empty() || word.empty() || word.size() > word_bytes_max) return std::nullopt;
  const auto distance = [&](std::string_view other) { return edit_distance(word, other); };
  const std::string_view nearest = *std::ranges::min_element(words, {}, distance);
  const std::size_t typing_errors_max = std::max<std::size_t>(2, word.size() / 3);
  if (distance(nearest) > typing_errors_max) return std::nullopt;
  return nearest;
}

}  // namespace ringpost::tools
