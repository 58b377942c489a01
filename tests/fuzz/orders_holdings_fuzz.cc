// Byte 0: which cap. Byte 1: the limit on tickers. Then operations: a byte that says whether to
// render and how long a ticker to take (so many bytes are filled up from a name of one byte), the
// name and four bytes of amount.

#include <bit>
#include <cmath>
#include <limits>

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/orders/model_holdings.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const float caps[] = {20.0f, 1e-40f, 1e30f, std::numeric_limits<float>::infinity()};
  const float cap = caps[input.byte() % 4];
  const std::size_t tickers_max = input.byte();
  orders::Holdings holdings({.cap = cap, .tickers_max = tickers_max, .seed = bytes});
  orders::ModelHoldings model(cap, tickers_max);
  while (!input.rest().empty()) {
    const std::uint8_t form = input.byte();
    const std::string ticker = std::string(form % 64, 'L') + input.bytes(1);
    const float amount = std::bit_cast<float>(input.word());
    if (ticker.empty() || !std::isfinite(amount) || amount <= 0) continue;
    fuzz::must(holdings.buy(ticker, amount) == model.buy(ticker, amount), "the same outcome");
    fuzz::must(holdings.total() == model.total(), "the same total");
    if (form >= 128)
      fuzz::must(orders::rendered(holdings) == model.rendered(), "the same state line");
  }
  fuzz::must(orders::rendered(holdings) == model.rendered(), "the same state line at the end");
  return 0;
}
