// What an order costs between the bytes of its line and the state line that shows it: parsing, the
// holdings, numbers in both directions, and the whole of a batch. `each` is the time of one message
// or number. std::to_chars stands beside our digits.

#include <benchmark/benchmark.h>

#include <charconv>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "protocols/line/parser.h"
#include "protocols/orders/amount.h"
#include "protocols/orders/format.h"
#include "protocols/orders/holdings.h"
#include "protocols/orders/parser.h"
#include "protocols/orders/shortest_decimal.h"

namespace {

using namespace ringpost::orders;
using ringpost::engine::Bytes;
using ringpost::engine::Prng;

void count_each(benchmark::State& state, std::size_t each) {
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(each),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Lines that differ, so that the branch predictor learns the form and not the text.
std::vector<std::string> buys(const char* form, std::size_t count) {
  Prng prng(1);
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    char line[128];
    const auto ticker = static_cast<unsigned>(prng.below(16));
    const auto number = static_cast<unsigned>(prng.below(1'000'000));
    std::snprintf(line, sizeof line, form, number, ticker);
    lines.emplace_back(line);
  }
  return lines;
}

void parse_all(benchmark::State& state, const std::vector<std::string>& lines) {
  for (auto _ : state) {
    for (const std::string& line : lines) {
      Command command = parse(line);
      benchmark::DoNotOptimize(command);
    }
  }
  count_each(state, lines.size());
}

void ParseGet(benchmark::State& state) { parse_all(state, std::vector<std::string>(1000, "GET")); }
void ParseBuySmall(benchmark::State& state) {
  parse_all(state, std::vector<std::string>(1000, "BUY;8.0;BYND"));
}
void ParseBuyVaried(benchmark::State& state) { parse_all(state, buys("BUY;0.%06u;T%u", 1000)); }
void ParseBuyNineDigits(benchmark::State& state) {
  parse_all(state, buys("BUY;19.1%06u;TICK%u", 1000));
}
void ParseBuyExponent(benchmark::State& state) {
  parse_all(state, buys("BUY;%ue-7;TICKER%u", 1000));
}
void ParseBuyLongTicker(benchmark::State& state) {
  parse_all(
      state,
      buys("BUY;0.%06u;ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ%02u", 1000));
}
void ParseBuyUtf8Ticker(benchmark::State& state) {
  parse_all(state, buys("BUY;0.%06u;B\xc3\xb6rse%u", 1000));
}

std::vector<float> amounts(std::size_t count) {
  Prng prng(2);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(prng.below(20'000'000)) * 1.1e-6f);
  return values;
}

void FormatAmount(benchmark::State& state) {
  const std::vector<float> values = amounts(1000);
  char text[amount_bytes_max];
  for (auto _ : state) {
    for (const float value : values) {
      benchmark::DoNotOptimize(format_amount(value, text));
      benchmark::ClobberMemory();
    }
  }
  count_each(state, values.size());
}

void to_chars_each(benchmark::State& state, std::chars_format form) {
  const std::vector<float> values = amounts(1000);
  char text[amount_bytes_max];
  for (auto _ : state) {
    for (const float value : values) {
      benchmark::DoNotOptimize(std::to_chars(text, text + sizeof text, value, form).ptr);
      benchmark::ClobberMemory();
    }
  }
  count_each(state, values.size());
}

void ToCharsFixed(benchmark::State& state) { to_chars_each(state, std::chars_format::fixed); }
void ToCharsScientific(benchmark::State& state) {
  to_chars_each(state, std::chars_format::scientific);
}

void ShortestDigits(benchmark::State& state) {
  const std::vector<float> values = amounts(1000);
  for (auto _ : state)
    for (const float value : values) benchmark::DoNotOptimize(shortest_decimal(value));
  count_each(state, values.size());
}

std::vector<std::string> amount_texts() {
  std::vector<std::string> texts;
  for (const float value : amounts(1000)) {
    char text[amount_bytes_max];
    texts.emplace_back(text, format_amount(value, text));
  }
  return texts;
}

void ParseAmountFromChars(benchmark::State& state) {
  const std::vector<std::string> texts = amount_texts();
  for (auto _ : state)
    for (const std::string& text : texts) benchmark::DoNotOptimize(parse_amount(text));
  count_each(state, texts.size());
}

std::vector<std::string> tickers(std::size_t count, std::size_t bytes) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = "T" + std::to_string(i);
    if (name.size() < bytes) name.insert(0, bytes - name.size(), 'L');
    names.push_back(name);
  }
  return names;
}

HoldingsOptions roomy() { return {.cap = 1e38f, .seed = 7}; }

// Buys of known tickers in random order. Arguments: tickers, bytes of each at least.
void HoldingsBuy(benchmark::State& state) {
  const auto names =
      tickers(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  Holdings holdings(roomy());
  Prng prng(3);
  std::vector<Bytes> order;
  for (int i = 0; i < 1000; ++i) order.emplace_back(names[prng.below(names.size())]);
  for (const std::string& name : names) holdings.buy(name, 1);
  for (auto _ : state)
    for (const Bytes name : order) benchmark::DoNotOptimize(holdings.buy(name, 0.25f));
  count_each(state, order.size());
}

void HoldingsBuyRejected(benchmark::State& state) {
  Holdings holdings({});
  for (auto _ : state)
    for (int i = 0; i < 1000; ++i) benchmark::DoNotOptimize(holdings.buy("BYND", 20));
  count_each(state, 1000);
}

// A state line after `changed` of `tickers` buys: one rendering with its buys. Arguments: tickers,
// changed.
void BuysAndRender(benchmark::State& state) {
  const auto names = tickers(static_cast<std::size_t>(state.range(0)), 4);
  const auto changed = static_cast<std::size_t>(state.range(1));
  Holdings holdings(roomy());
  for (const std::string& name : names) holdings.buy(name, 1.5f);
  std::vector<char> out(holdings.rendered_bytes() * 4);
  for (auto _ : state) {
    for (std::size_t i = 0; i < changed; ++i) holdings.buy(names[i], 0.37f);
    benchmark::DoNotOptimize(holdings.render(out.data(), out.size()));
    benchmark::ClobberMemory();
  }
}

// New tickers one by one, from none to `range` and again: growth and sorting in, as a sum.
void NewTickers(benchmark::State& state) {
  const auto names = tickers(static_cast<std::size_t>(state.range(0)), 4);
  for (auto _ : state) {
    Holdings holdings(roomy());
    for (const std::string& name : names) holdings.buy(name, 1.5f);
    benchmark::DoNotOptimize(holdings.rendered_bytes());
  }
  count_each(state, names.size());
}

// Everything an orders connection does with 64 batches of 15 BUY and one GET but its I/O: cut,
// parse, buy, render.
void WholeBatches(benchmark::State& state) {
  const auto names = tickers(16, 4);
  constexpr std::size_t batches = 64;
  Prng prng(4);
  std::string stream;
  for (std::size_t batch = 0; batch < batches; ++batch) {
    for (int i = 0; i < 15; ++i) {
      stream += "BUY;0.0" + std::to_string(10 + prng.below(90)) + ";";
      stream += names[prng.below(names.size())] + "\n";
    }
    stream += "GET\n";
  }
  Holdings holdings(roomy());
  ringpost::line::LineParser lines(ringpost::line::LineEnd::any, line_bytes_max_default);
  char out[4096];
  for (auto _ : state) {
    Bytes input = stream;
    for (;;) {
      const ringpost::line::LineResult r = lines.next(input);
      if (r.status != ringpost::line::LineStatus::line) break;
      input.remove_prefix(r.consumed);
      const Command command = parse(r.line);
      if (command.kind == CommandKind::buy) holdings.buy(command.ticker, command.amount);
      if (command.kind == CommandKind::get) holdings.render(out, sizeof out);
    }
    benchmark::ClobberMemory();
  }
  count_each(state, batches * 16);
}

BENCHMARK(ParseGet);
BENCHMARK(ParseBuySmall);
BENCHMARK(ParseBuyVaried);
BENCHMARK(ParseBuyNineDigits);
BENCHMARK(ParseBuyExponent);
BENCHMARK(ParseBuyLongTicker);
BENCHMARK(ParseBuyUtf8Ticker);
BENCHMARK(FormatAmount);
BENCHMARK(ToCharsFixed);
BENCHMARK(ToCharsScientific);
BENCHMARK(ShortestDigits);
BENCHMARK(ParseAmountFromChars);
BENCHMARK(HoldingsBuy)->Args({16, 4})->Args({16, 64})->Args({1000, 4})->Args({65'536, 6});
BENCHMARK(HoldingsBuyRejected);
BENCHMARK(BuysAndRender)->Args({16, 0})->Args({16, 15})->Args({16, 16})->Args({65'536, 15});
BENCHMARK(NewTickers)->Arg(16)->Arg(65'536);
BENCHMARK(WholeBatches);

}  // namespace

BENCHMARK_MAIN();
