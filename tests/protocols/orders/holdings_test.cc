// The business rule of section 3.2, the state line, and a model of std::map and the standard
// library's digits beside it.

#include "protocols/orders/holdings.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/protocols/orders/count_allocations.h"
#include "tests/protocols/orders/model_holdings.h"

namespace ringpost::orders {
namespace {

using engine::Prng;
constexpr float no_cap = std::numeric_limits<float>::infinity();

constexpr BuyOutcome accepted = BuyOutcome::accepted;
constexpr BuyOutcome rejected = BuyOutcome::rejected_by_cap;
constexpr BuyOutcome too_many = BuyOutcome::too_many_tickers;

// OB-7
TEST(Holdings, AnEmptyBookIsOneLf) {
  Holdings holdings({});
  EXPECT_EQ(rendered(holdings), "\n");
  EXPECT_EQ(holdings.version(), 0u);
}

// OB-5 to OB-10, row 1 and 2 of the checklist
TEST(Holdings, TheTutorialsSampleThreeTimes) {
  Holdings holdings({});
  for (int round = 0; round < 3; ++round) {
    const BuyOutcome first = round == 0 ? accepted : rejected;
    EXPECT_EQ(holdings.buy("BYND", 8), first);
    EXPECT_EQ(holdings.buy("PLTR", 9), first);
    EXPECT_EQ(holdings.buy("PLTR", 9), rejected);
    EXPECT_EQ(rendered(holdings), "BYND: 8;PLTR: 9;\n");
    EXPECT_EQ(holdings.version(), 2u);
  }
}

// C1
TEST(Holdings, TheCompactStyleHasNoSpace) {
  Holdings holdings({.style = ReplyStyle::compact});
  holdings.buy("BYND", 8);
  holdings.buy("PLTR", 9);
  EXPECT_EQ(rendered(holdings), "BYND:8;PLTR:9;\n");
}

// OB-9, row 5 of the checklist
TEST(Holdings, TheCapIsNeverReached) {
  Holdings holdings({});
  EXPECT_EQ(holdings.buy("A", 20), rejected);
  EXPECT_EQ(rendered(holdings), "\n");
  EXPECT_EQ(holdings.buy("A", 19.999999f), accepted);
  EXPECT_EQ(rendered(holdings), "A: 19.999998;\n");
  EXPECT_EQ(holdings.total(), 19.999999f);
}

// OB-11, row 6 of the checklist
TEST(Holdings, SumsAreBinary32) {
  Holdings holdings({});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(holdings.buy("A", 0.1f), accepted);
  EXPECT_EQ(rendered(holdings), "A: 1.0000001;\n");
  for (int i = 10; i < 199; ++i) EXPECT_EQ(holdings.buy("A", 0.1f), accepted);
  EXPECT_EQ(holdings.buy("A", 0.1f), rejected);
  EXPECT_EQ(rendered(holdings), "A: 19.90004;\n");
}

// OB-11
TEST(Holdings, SmallAmountsShowInFull) {
  Holdings holdings({});
  holdings.buy("A", 0.1f);
  holdings.buy("A", 0.2f);
  holdings.buy("B", 1e-7f);
  holdings.buy("D", 1e-45f);
  EXPECT_EQ(rendered(holdings), "A: 0.3;B: 0.0000001;D: 0." + std::string(44, '0') + "1;\n");
}

// OB-12, for any cap
TEST(Holdings, LargeAmountsShowWithoutExponent) {
  Holdings holdings({.cap = no_cap});
  holdings.buy("A", 1e20f);
  holdings.buy("B", 1e30f);
  EXPECT_EQ(rendered(holdings), "A: 100000000000000000000;B: 1000000000000000000000000000000;\n");
  EXPECT_EQ(holdings.buy("C", std::numeric_limits<float>::max()), accepted);
  EXPECT_EQ(holdings.buy("C", std::numeric_limits<float>::max()), rejected);
}

// C2: bytes compare unsigned, and a prefix comes first.
TEST(Holdings, TickersAscendByTheirBytes) {
  Holdings holdings({});
  for (const char* ticker : {"b", "a", "ab", "aa", "\xc3\xa9", "Z", "~", " ", "a:"}) {
    holdings.buy(ticker, 1);
    rendered(holdings);
  }
  EXPECT_EQ(rendered(holdings), " : 1;Z: 1;a: 1;a:: 1;aa: 1;ab: 1;b: 1;~: 1;\xc3\xa9: 1;\n");
}

// OB-31
TEST(Holdings, ANewTickerOverTheLimitIsRefused) {
  Holdings holdings({.tickers_max = 2});
  EXPECT_EQ(holdings.buy("A", 1e-45f), accepted);
  EXPECT_EQ(holdings.buy("B", 1e-45f), accepted);
  EXPECT_EQ(holdings.buy("C", 1e-45f), too_many);
  EXPECT_EQ(holdings.version(), 2u);
  EXPECT_EQ(holdings.buy("A", 1), accepted);
  // What the cap rejects stays silent, whatever its ticker.
  EXPECT_EQ(holdings.buy("C", 19), rejected);
  EXPECT_EQ(rendered(holdings), "A: 1;B: 0." + std::string(44, '0') + "1;\n");
}

// OB-31: the default limit, with a full table at its end.
TEST(Holdings, HoldsAsManyTickersAsItMay) {
  Holdings holdings({});
  for (std::size_t i = 0; i < tickers_max_default; ++i)
    ASSERT_EQ(holdings.buy("T" + std::to_string(i), 1e-45f), accepted);
  EXPECT_EQ(holdings.buy("T", 1e-45f), too_many);
  EXPECT_EQ(holdings.ticker_count(), tickers_max_default);
  rendered(holdings);
}

TEST(Holdings, TickersOfEveryLengthAreTold) {
  Holdings holdings({});
  std::string expected;
  for (std::size_t bytes = 1; bytes <= ticker_bytes_max; ++bytes) {
    const std::string ticker(bytes, 'x');
    EXPECT_EQ(holdings.buy(ticker, 0.125f), accepted);
    EXPECT_EQ(holdings.amount_of(ticker), 0.125f);
    expected += ticker + ": 0.125;";
  }
  EXPECT_EQ(rendered(holdings), expected + "\n");
  EXPECT_EQ(holdings.amount_of("y"), std::nullopt);
}

TEST(Holdings, AgreesWithTheModelOnRandomBuys) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const float cap = prng.one_in(3) ? 20.0f : prng.one_in(2) ? 1e10f : no_cap;
    const std::size_t tickers_max = 1 + prng.below(200);
    Holdings holdings({.cap = cap, .tickers_max = tickers_max, .seed = prng.next()});
    ModelHoldings model(cap, tickers_max);
    const std::uint64_t names = 1 + prng.below(300);
    const std::uint64_t render_every = 1 + prng.below(50);
    for (int i = 0; i < 600; ++i) {
      const std::uint64_t name = prng.below(names);
      std::string ticker = std::to_string(name * 7919);
      if (name % 3 == 0)
        ticker.insert(0, name % ticker_bytes_max - name % ticker_bytes_max / 6, 'L');
      if (ticker.size() > ticker_bytes_max) ticker.resize(ticker_bytes_max);
      const float amount = static_cast<float>(1 + prng.below(1000)) * (prng.one_in(2)   ? 1e-5f
                                                                       : prng.one_in(9) ? 1e9f
                                                                                        : 0.01f);
      ASSERT_EQ(holdings.buy(ticker, amount), model.buy(ticker, amount));
      ASSERT_EQ(holdings.total(), model.total());
      if (prng.one_in(render_every)) {
        ASSERT_EQ(rendered(holdings), model.rendered());
      }
    }
    ASSERT_EQ(rendered(holdings), model.rendered());
  }
}

TEST(Holdings, KnownTickersAllocateNothing) {
  Holdings holdings({.cap = no_cap});
  const std::string longest(ticker_bytes_max, 'L');
  std::vector<std::string> tickers;
  for (int i = 0; i < 1000; ++i) tickers.push_back(longest.substr(4) + std::to_string(1000 + i));
  for (const std::string& ticker : tickers) {
    holdings.buy(ticker, 1);
    holdings.rendered_bytes();  // So that never more than one was marked as changed before.
  }
  std::vector<char> out(holdings.rendered_bytes() * 2);
  const std::size_t before = allocation_count();
  for (int round = 0; round < 10; ++round) {
    for (const std::string& ticker : tickers) holdings.buy(ticker, 1.5f);
    holdings.render(out.data(), out.size());
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(holdings.amount_of(tickers[7]), 16.0f);
}

TEST(Holdings, VersionCountsAcceptedBuys) {
  Holdings holdings({});
  for (int i = 0; i < 30; ++i) holdings.buy("A", 1);
  EXPECT_EQ(holdings.version(), 19u);
  rendered(holdings);
  EXPECT_EQ(holdings.version(), 19u);
}

// With the right key, names that count up or differ in one bit spread as chance would.
TEST(TickerHash, SpreadsWhatClientsMayChoose) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const TickerHash hash(seed);
    for (int form = 0; form < 4; ++form) {
      std::vector<int> buckets(4096);
      for (int i = 0; i < 65536; ++i) {
        std::string name = std::to_string(i);
        if (form == 1) name = std::string(60 - name.size(), '0') + name;
        if (form == 2) name = name + std::string(16 - name.size(), 'x');
        if (form == 3) {
          name = std::string(17, ' ');
          for (std::size_t bit = 0; bit < 17; ++bit) name[bit] = i >> bit & 1 ? '!' : ' ';
        }
        ++buckets[hash(name) % buckets.size()];
      }
      // 16 on average with a deviation of 4; 12 deviations do not happen by chance.
      for (const int count : buckets) ASSERT_LT(count, 64) << form;
    }
  }
}

TEST(TickerHash, TellsLengthsApart) {
  const TickerHash hash(1);
  std::map<std::uint32_t, std::size_t> seen;
  for (std::size_t bytes = 1; bytes <= 64; ++bytes) seen[hash(std::string(bytes, 'A'))] = bytes;
  EXPECT_EQ(seen.size(), 64u);
}

TEST(SameBytes, SeesEveryByte) {
  for (std::size_t bytes = 1; bytes <= 64; ++bytes) {
    const std::vector<char> a(bytes, 'a');
    std::vector<char> b = a;
    EXPECT_TRUE(same_bytes(a.data(), b.data(), bytes));
    for (std::size_t at = 0; at < bytes; ++at) {
      b[at] = 'b';
      EXPECT_FALSE(same_bytes(a.data(), b.data(), bytes)) << bytes << " " << at;
      b[at] = 'a';
    }
  }
}

}  // namespace
}  // namespace ringpost::orders
