#pragma once

// The book's rules by a std::map and the standard library's digits.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "engine/base/assert.h"
#include "protocols/orders/holdings.h"
#include "tests/protocols/orders/model_text.h"

namespace ringpost::orders {

// In a heap block of exactly its size, so that a sanitizer sees a byte too many.
inline std::string rendered(Holdings& holdings) {
  const std::size_t bytes = holdings.rendered_bytes();
  const std::unique_ptr<char[]> out(new char[bytes]);
  const std::size_t written = holdings.render(out.get(), bytes);
  ASSERT(written == bytes);
  holdings.check_invariants();
  return std::string(out.get(), bytes);
}

class ModelHoldings {
 public:
  ModelHoldings(float cap, std::size_t tickers_max) : cap_(cap), tickers_max_(tickers_max) {}

  BuyOutcome buy(const std::string& ticker, float amount) {
    if (amount + total_ >= cap_) return BuyOutcome::rejected_by_cap;
    if (!sums_.contains(ticker) && sums_.size() == tickers_max_)
      return BuyOutcome::too_many_tickers;
    total_ += amount;
    sums_[ticker] += amount;
    return BuyOutcome::accepted;
  }
  std::string rendered() const {
    std::string line;
    for (const auto& [ticker, sum] : sums_) line += ticker + ": " + model_text(sum) + ";";
    return line + "\n";
  }
  float total() const { return total_; }

 private:
  float cap_;
  std::size_t tickers_max_;
  float total_ = 0;
  std::map<std::string, float> sums_;
};

}  // namespace ringpost::orders
