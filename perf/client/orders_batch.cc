// Batches of 15 BUY and a GET. A message is one request line, so a batch counts 16. Every amount is
// 1, so that the book's binary32 sums are exact integers up to 2^24: each reply must show every
// ticker once, with amounts that never fall, and at the end every purchase must be in the book.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "perf/client/meter.h"
#include "perf/client/pipeline.h"
#include "perf/client/repeated_stream.h"
#include "perf/client/scenarios.h"
#include "perf/client/socket.h"

namespace ringpost::perf {
namespace {

constexpr std::array<const char*, 5> tickers = {"BYND", "PLTR", "RING", "POST", "NODE"};
constexpr std::uint64_t buys_per_ticker = 3;  // In one batch: 5 tickers x 3 = 15.
constexpr std::uint64_t exact_max = 1 << 24;  // Above it binary32 cannot add 1.
constexpr std::uint64_t messages_per_batch = tickers.size() * buys_per_ticker + 1;

using Amounts = std::array<std::uint64_t, tickers.size()>;

std::string make_batch() {
  std::string batch;
  for (std::uint64_t i = 0; i < buys_per_ticker; ++i) {
    for (const char* ticker : tickers) batch += std::string("BUY;1.0;") + ticker + "\n";
  }
  return batch + "GET\n";
}

std::size_t ticker_index(const char* at) {
  for (std::size_t i = 0; i < tickers.size(); ++i) {
    if (std::memcmp(at, tickers[i], 4) == 0) return i;
  }
  return tickers.size();
}

// Reads one line of the book. Requires that it names each ticker exactly once.
Amounts parse_book(std::string_view line) {
  Amounts amounts{};
  std::size_t seen = 0;
  std::size_t at = 0;
  while (at + 6 < line.size()) {
    const std::size_t index = ticker_index(line.data() + at);
    if (index == tickers.size() || line[at + 4] != ':') break;
    if (((seen >> index) & 1) != 0) break;
    seen |= std::size_t{1} << index;
    at += 5;
    std::uint64_t amount = 0;
    while (line[at] >= '0' && line[at] <= '9') {
      amount = amount * 10 + static_cast<std::uint64_t>(line[at++] - '0');
    }
    amounts[index] = amount;
    if (line[at++] != ';') break;
  }
  if (at + 1 != line.size() || line[at] != '\n' || seen != (1U << tickers.size()) - 1) {
    die("a reply is not the book: " + std::string(line));
  }
  return amounts;
}

class BookReplies {
 public:
  BookReplies(std::size_t connections, std::uint64_t batches_before)
      : connections_(connections), batches_before_(batches_before) {}

  std::size_t check(std::size_t connection, std::span<const char> bytes) {
    State& state = connections_[connection];
    std::string_view rest(bytes.data(), bytes.size());
    std::size_t completed = 0;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) {
        state.tail += rest;
        break;
      }
      const std::string_view line = rest.substr(0, end + 1);
      check_line(state, state.tail.empty() ? line : std::string_view(state.tail += line));
      state.tail.clear();
      rest.remove_prefix(end + 1);
      ++completed;
    }
    return completed;
  }

  // Replies that lacked a purchase sent before their GET on the same connection: what OB-15 tells
  // of the tutorial's server. Ours must show none.
  std::uint64_t stale_replies() const { return stale_; }

 private:
  struct State {
    std::string tail;  // A half-received line.
    Amounts last{};
    std::uint64_t batches = 0;
  };

  void check_line(State& state, std::string_view line) {
    const Amounts amounts = parse_book(line);
    ++state.batches;
    const std::uint64_t own =
        std::min(exact_max, (batches_before_ + state.batches) * buys_per_ticker);
    bool stale = false;
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      if (amounts[i] < state.last[i]) die("an amount fell: " + std::string(line));
      stale |= amounts[i] < own;
    }
    stale_ += stale ? 1 : 0;
    state.last = amounts;
  }

  std::vector<State> connections_;
  const std::uint64_t batches_before_;
  std::uint64_t stale_ = 0;
};

// Asks until the book holds that many batches: BUY is silent, and the tutorial's server may answer
// a GET before the BUY in front of it.
void await_book(int socket, std::uint64_t batches) {
  const std::uint64_t expected = std::min(exact_max, batches * buys_per_ticker);
  std::string line;
  for (int tries = 0; tries < 1000; ++tries) {
    send_all(socket, "GET\n");
    line = receive_line(socket);
    if (line == "\n") continue;
    Amounts wanted;
    wanted.fill(expected);
    if (parse_book(line) == wanted) return;
  }
  die("the book lost or invented purchases: expected " + std::to_string(expected) + " each, got " +
      line);
}

}  // namespace

std::string run_orders_batch(const Options& options) {
  const std::string batch = make_batch();
  const int control = connect_loopback(options.port);
  send_all(control, batch);
  receive_line(control);
  await_book(control, 1);
  BookReplies checker(static_cast<std::size_t>(options.connections), 1);
  const RepeatedStream requests({batch, batch.size()},
                                static_cast<std::size_t>(options.depth) * batch.size());
  Pipeline pipeline(options, requests, checker);
  Meter meter(options, messages_per_batch);
  const std::uint64_t batches = pipeline.run(meter);
  await_book(control, batches + 1);
  return meter.json() + field("stale_replies", checker.stale_replies()) +
         field("sums_exact", std::uint64_t{(batches + 1) * buys_per_ticker < exact_max});
}

}  // namespace ringpost::perf
