// Orders under simulation. A probe in front of the book sees every message in the order in which
// the book does, and applies it to a plain model; each client knows what it said. So every byte
// that a client reads is predicted:
//   - each BUY reaches the book once, unchanged, in the order of its connection;
//   - a GET is answered by a state that the book had when it was asked, after every earlier BUY of
//   the
//     connection and before every later one (read-your-writes, OB-14 to OB-16);
//   - answers come in request order, error lines behind the BUYs before them;
//   - who ends its side gets every answer, then the end (X3).

#include <array>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "engine/net/session_pool.h"
#include "protocols/orders/messages.h"
#include "protocols/orders/order_book.h"
#include "protocols/orders/session.h"
#include "tests/protocols/orders/model_holdings.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {
namespace {

using engine::Actor;
using engine::ActorRef;
using engine::Message;
using engine::Shard;
using orders::BuyOutcome;

// Of one client; their answers are state lines of kilobytes.
constexpr std::size_t requests_max = 1000;

constexpr std::uint32_t slot_book = Shard::slot_actor_first;

class OrdersScenario;

struct Buy {
  std::string ticker;
  float amount = 0;
  bool is_decided = false;
  BuyOutcome outcome = BuyOutcome::accepted;
};

struct Request {
  enum class Kind : std::uint8_t { buy, get, error } kind;
  std::size_t buys_before;  // of this connection
  std::string error;        // the error line
};

class OrdersClient final : public ScenarioClient {
 public:
  OrdersClient(OrdersScenario& scenario, std::uint32_t number);

  void finish() override;
  std::string describe() const override {
    return std::to_string(next_answer_) + " of " + std::to_string(requests_.size()) +
           " requests answered, " + std::to_string(next_decided_) + " of " +
           std::to_string(buys_.size()) + " BUYs in the book";
  }

  // From the probe.
  void on_book_buy(const std::string& ticker, float amount, BuyOutcome outcome);
  void on_book_get(std::size_t version);

  bool is_suspect() const { return is_suspect_; }
  // The end came from the server, but not the answer that the book gave.
  bool was_cheated() const { return has_seen_end() && is_owed_a_state(); }

 private:
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;

  void say() override;
  bool has_more_to_say() const override { return requests_.size() < requests_max; }
  void say_buy();
  void say_garbage();
  void say_line(std::string line);
  void on_line(const std::string& line);
  // Steps over silent requests; false: none is left that could be answered.
  bool find_next_answer();
  bool is_inserted_error(const Buy& buy) const;
  bool is_owed_a_state() const;
  void check_state_line(const Request& request, const std::string& line);

  OrdersScenario& scenario_;
  bool is_suspect_ = false;  // the book heard the start of a line
  std::vector<Request> requests_;
  std::vector<Buy> buys_;
  std::size_t next_decided_ = 0;                     // of buys_
  std::size_t next_answer_ = 0;                      // of requests_
  std::vector<std::vector<std::size_t>> snapshots_;  // versions, by the number of buys before
  std::size_t snapshot_ = 0;                         // of the group of the last state line
  std::size_t snapshot_group_ = SIZE_MAX;
  std::string partial_;
};

// Stands where the book is expected, sees first what the book sees.
class BookProbe final : public Actor {
 public:
  BookProbe(OrdersScenario& scenario, std::unique_ptr<Actor> book)
      : scenario_(scenario), book_(std::move(book)) {}
  void receive(std::span<const Message> run) override;

 private:
  OrdersScenario& scenario_;
  std::unique_ptr<Actor> book_;
};

class OrdersScenario final : public Scenario {
 public:
  explicit OrdersScenario(const ScenarioOptions& options) : Scenario("orders", options) {
    constexpr std::array<float, 4> caps = {20.0F, 100.0F, 1000.0F, 1e6F};
    cap_ = caps[setup().below(caps.size())];
    tickers_max_ = setup().one_in(2) ? 2 + setup().below(30) : 65536;
    acknowledge_ = setup().one_in(4);
    line_bytes_max_ = std::size_t{100} << setup().below(4);
    replies_max_ = static_cast<std::uint32_t>(1) << setup().below(11);
    model_ = std::make_unique<orders::ModelHoldings>(cap_, tickers_max_);
    states_.push_back(model_->rendered());
  }

  void on_book_message(const Message& message);
  const std::string& state(std::size_t version) const { return states_[version]; }
  bool acknowledges() const { return acknowledge_; }
  std::size_t line_bytes_max() const { return line_bytes_max_; }
  OrdersClient& client(std::size_t number) {
    return static_cast<OrdersClient&>(*clients()[number]);
  }

  static std::string ticker_prefix(std::uint32_t client) {
    return "c" + std::to_string(100 + client) + ".";
  }

 private:
  void wire(Shard& shard) override;
  std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) override {
    return std::make_unique<OrdersClient>(*this, number);
  }
  void check_end(const engine::Counters& counters) override;
  OrdersClient* find_client(ActorRef session, const std::string& ticker);

  float cap_;
  std::size_t tickers_max_;
  bool acknowledge_;
  std::size_t line_bytes_max_;
  std::uint32_t replies_max_;
  std::unique_ptr<orders::ModelHoldings> model_;
  std::vector<std::string> states_;  // by version; rendered when asked for
  bool is_state_stale_ = false;
  std::size_t unknown_buys_ = 0;  // first lines of a client, cut inside its name
  std::map<std::uint64_t, OrdersClient*> by_session_;  // by the bits of its ActorRef
};

void BookProbe::receive(std::span<const Message> run) {
  for (const Message& message : run) scenario_.on_book_message(message);
  book_->receive(run);
}

// --- the scenario

void OrdersScenario::wire(Shard& shard) {
  const std::uint32_t book_shard = shard_count() - 1;  // not where the acceptor is
  if (shard.post().shard() == book_shard) {
    orders::HoldingsOptions holdings;
    holdings.cap = cap_;
    holdings.tickers_max = tickers_max_;
    holdings.seed = 1;
    auto book = std::make_unique<orders::OrderBook>(holdings, shard.post(), shard.payloads());
    shard.spawn_at(slot_book, std::make_unique<BookProbe>(*this, std::move(book)));
  }
  orders::SessionShared shared;
  shared.options.book = ActorRef::actor(book_shard, slot_book, 1);
  shared.options.line_bytes_max = line_bytes_max_;
  shared.options.replies_max = replies_max_;
  shared.options.acknowledge = acknowledge_;
  using Pool = engine::SessionPool<orders::Session, orders::SessionShared>;
  const std::uint32_t service = shard.add_service(std::make_unique<Pool>(shared));
  listen(shard, service);
}

// Sessions are known by the first BUY they tell; each client's first request is one.
OrdersClient* OrdersScenario::find_client(ActorRef session, const std::string& ticker) {
  std::uint64_t bits;
  std::memcpy(&bits, &session, sizeof bits);
  if (const auto at = by_session_.find(bits); at != by_session_.end()) return at->second;
  for (const auto& client : clients()) {
    if (!ticker.starts_with(ticker_prefix(client->number()))) continue;
    by_session_[bits] = static_cast<OrdersClient*>(client.get());
    return by_session_[bits];
  }
  return nullptr;
}

void OrdersScenario::on_book_message(const Message& message) {
  if (message.kind == orders::kind_buy) {
    const std::string ticker(orders::buy_ticker(message));
    const float amount = orders::buy_amount(message);
    const BuyOutcome outcome = model_->buy(ticker, amount);
    is_state_stale_ = is_state_stale_ || outcome == BuyOutcome::accepted;
    OrdersClient* client = find_client(message.from, ticker);
    if (client == nullptr) {
      ++unknown_buys_;
    } else {
      client->on_book_buy(ticker, amount, outcome);
    }
    return;
  }
  SIM_CHECK(message.kind == orders::kind_get, "message of kind %u for the book", message.kind);
  if (is_state_stale_) states_.push_back(model_->rendered());
  is_state_stale_ = false;
  OrdersClient* client = find_client(message.from, "");
  SIM_CHECK(client != nullptr, "a GET of an unknown session");
  client->on_book_get(states_.size() - 1);
}

void OrdersScenario::check_end(const engine::Counters& counters) {
  std::size_t cut = 0;
  for (std::size_t number = 0; number < clients().size(); ++number) {
    cut += client(number).was_cut() ? 1u : 0u;
    // A cut line with an end behind it is a line (OB-2).
    SIM_CHECK(!client(number).is_suspect() || client(number).was_cut(),
              "client %zu: half a line reached the book", number);
    SIM_CHECK(!is_orderly() || !client(number).was_cheated(),
              "client %zu: the drain kept an answer of the book", number);
  }
  SIM_CHECK(unknown_buys_ <= cut, "%zu BUYs of nobody", unknown_buys_);
  SIM_CHECK(counters.limit_tickers == 0 || tickers_max_ < 65536, "tickers ran out of nothing");
  if (is_impatient() || is_draining()) return;
  SIM_CHECK(counters.closed[static_cast<std::size_t>(engine::CloseReason::linger_timeout)] == 0,
            "somebody was not waited for");
}

// --- a client

OrdersClient::OrdersClient(OrdersScenario& scenario, std::uint32_t number)
    : ScenarioClient(scenario, number,
                     {Habit::stops_reading, Habit::half_closes, Habit::resets, Habit::closes},
                     {.one_in = 1, .run_max = 5, .long_run_max = 99}),
      scenario_(scenario) {
  say_buy();
}

void OrdersClient::say_line(std::string line) {
  engine::Prng& prng = world().prng();
  if (prng.one_in(8)) line += '\r';
  line += '\n';
  send(line);
}

void OrdersClient::say_buy() {
  constexpr std::array<std::string_view, 8> amounts = {"0.1",  "8.0",   ".5",     "5.",
                                                       "1e-7", "+0.25", "0.0003", "3"};
  engine::Prng& prng = world().prng();
  Buy buy;
  buy.ticker = OrdersScenario::ticker_prefix(number()) + std::to_string(prng.below(3));
  if (prng.one_in(4)) buy.ticker += std::string(1 + prng.below(64 - buy.ticker.size()), 'x');
  const std::string_view amount = amounts[prng.below(amounts.size())];
  buy.amount = std::strtof(std::string(amount).c_str(), nullptr);
  requests_.push_back({Request::Kind::buy, buys_.size(), {}});
  std::string line = "BUY;" + std::string(amount) + ";" + buy.ticker;
  if (prng.one_in(16)) line += ";more";
  buys_.push_back(std::move(buy));
  say_line(std::move(line));
}

void OrdersClient::say_garbage() {
  struct Garbage {
    std::string_view line;
    std::string_view error;
  };
  constexpr std::array<Garbage, 8> all = {{{"SELL;1;A", "ERR unknown command\n"},
                                           {"", "ERR unknown command\n"},
                                           {"get", "ERR unknown command\n"},
                                           {"BUY;1", "ERR missing field\n"},
                                           {"BUY;nan;A", "ERR bad amount\n"},
                                           {"BUY;-1;A", "ERR bad amount\n"},
                                           {"BUY;1;", "ERR bad ticker\n"},
                                           {"BUY;1;\xff", "ERR bad ticker\n"}}};
  engine::Prng& prng = world().prng();
  if (prng.one_in(4)) {
    const std::size_t limit = scenario_.line_bytes_max();
    requests_.push_back({Request::Kind::error, buys_.size(), "ERR line too long\n"});
    return say_line(std::string(limit + 2 + prng.below(3 * limit), 'y'));
  }
  const Garbage& garbage = all[prng.below(all.size())];
  requests_.push_back({Request::Kind::error, buys_.size(), std::string(garbage.error)});
  say_line(std::string(garbage.line));
}

void OrdersClient::say() {
  engine::Prng& prng = world().prng();
  const std::uint64_t draw = prng.below(8);
  if (draw < 4) return say_buy();
  if (draw < 7) {
    requests_.push_back({Request::Kind::get, buys_.size(), {}});
    return say_line("GET");
  }
  say_garbage();
}

// OB-2: the last line needs no line end.
void OrdersClient::finish() {
  if (is_finishing()) return;
  if (world().prng().one_in(2)) {
    requests_.push_back({Request::Kind::get, buys_.size(), {}});
    send("GET");
  }
  ScenarioClient::finish();
}

void OrdersClient::on_book_buy(const std::string& ticker, float amount, BuyOutcome outcome) {
  SIM_CHECK(next_decided_ < buys_.size(), "client %u: a BUY of %s more than it said", number(),
            ticker.c_str());
  Buy& buy = buys_[next_decided_++];
  const bool is_same = buy.ticker == ticker && buy.amount == amount;
  SIM_CHECK(!is_suspect_ && (is_same || (buy.ticker.starts_with(ticker) && buy.amount == amount)),
            "client %u: its BUY %zu of %s reaches the book as %s", number(), next_decided_ - 1,
            buy.ticker.c_str(), ticker.c_str());
  is_suspect_ = !is_same;
  buy.outcome = outcome;
  buy.is_decided = true;
}

void OrdersClient::on_book_get(std::size_t version) {
  if (snapshots_.size() <= next_decided_) snapshots_.resize(next_decided_ + 1);
  snapshots_[next_decided_].push_back(version);
}

void OrdersClient::on_data(std::string_view bytes) {
  partial_.append(bytes);
  std::size_t begin = 0;
  for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    on_line(partial_.substr(begin, end + 1 - begin));
  }
  partial_.erase(0, begin);
}

bool OrdersClient::is_inserted_error(const Buy& buy) const {
  return buy.is_decided && buy.outcome == BuyOutcome::too_many_tickers;
}

bool OrdersClient::find_next_answer() {
  for (; next_answer_ < requests_.size(); ++next_answer_) {
    const Request& request = requests_[next_answer_];
    if (request.kind != Request::Kind::buy || scenario_.acknowledges()) return true;
    const Buy& buy = buys_[request.buys_before];
    if (!buy.is_decided) return false;
    if (is_inserted_error(buy)) return true;
  }
  return false;
}

void OrdersClient::on_line(const std::string& line) {
  SIM_CHECK(find_next_answer(), "client %u: an answer to nothing, or before the BUY in front: %s",
            number(), line.c_str());
  const Request& request = requests_[next_answer_++];
  if (request.kind == Request::Kind::get) return check_state_line(request, line);
  std::string expected = request.error;
  if (request.kind == Request::Kind::buy) {
    const Buy& buy = buys_[request.buys_before];
    SIM_CHECK(buy.is_decided, "client %u: an answer before the book had the BUY", number());
    expected = is_inserted_error(buy)                ? "ERR too many tickers\n"
               : buy.outcome == BuyOutcome::accepted ? "1\n"
                                                     : "0\n";
  }
  SIM_CHECK(line == expected, "client %u, request %zu: got %s instead of %s", number(),
            next_answer_ - 1, line.c_str(), expected.c_str());
}

// One state may answer several GETs in a row; states never go back.
void OrdersClient::check_state_line(const Request& request, const std::string& line) {
  const std::size_t group = request.buys_before;
  if (snapshot_group_ != group) snapshot_ = 0;
  snapshot_group_ = group;
  SIM_CHECK(group < snapshots_.size() && !snapshots_[group].empty(),
            "client %u: a state line before the book was asked, or of before the BUY in front: %s",
            number(), line.c_str());
  while (snapshot_ < snapshots_[group].size() &&
         scenario_.state(snapshots_[group][snapshot_]) != line) {
    ++snapshot_;
  }
  SIM_CHECK(snapshot_ < snapshots_[group].size(),
            "client %u: a state that the book did not have when it was asked: %s", number(),
            line.c_str());
}

// The book was asked for the next answer, and answered.
bool OrdersClient::is_owed_a_state() const {
  if (next_answer_ == requests_.size()) return false;
  const Request& request = requests_[next_answer_];
  const std::size_t group = request.buys_before;
  return request.kind == Request::Kind::get && snapshot_group_ != group &&
         group < snapshots_.size() && !snapshots_[group].empty();
}

void OrdersClient::on_end() {
  if (scenario_.is_orderly()) {
    SIM_CHECK(partial_.empty(), "client %u: the end comes inside a line", number());
    const bool is_refused = scenario_.may_refuse() && next_answer_ == 0 && next_decided_ == 0;
    SIM_CHECK(is_finishing() || scenario_.is_draining() || is_refused, "client %u: is sent away",
              number());
    const bool is_answered = !find_next_answer() && next_answer_ == requests_.size();
    SIM_CHECK(is_answered || is_refused || scenario_.is_draining(),
              "client %u: the end comes before the answer to request %zu of %zu", number(),
              next_answer_, requests_.size());
  }
  if (unsent_bytes() > 0 || scenario_.is_draining()) set_cut();
  close();
}

void OrdersClient::on_broken(int error) {
  set_cut();
  if (reset_cause() != ResetCause::accepting_end) return;
  if (!scenario_.is_orderly()) return;
  // Nobody who is served is reset (X4), not by a drain either.
  const bool was_served = next_decided_ > 0 || next_answer_ > 0;
  SIM_CHECK(!was_served && (scenario_.may_refuse() || scenario_.is_draining()),
            "client %u: is reset by the server, error %d", number(), error);
}

}  // namespace

ScenarioResult run_orders(const ScenarioOptions& options) { return OrdersScenario(options).run(); }

}  // namespace ringpost::sim
