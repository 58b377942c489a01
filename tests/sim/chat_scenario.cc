// Chat under simulation. A probe in front of the room sees every line in the one total order that
// the room gives; each client knows what it said. So every byte that a client reads is predicted:
//   - each line reaches the room once, unchanged, in the order of its sender (CH-8);
//   - a member reads the lines of the others in the room's order, from its joining on, without a
//   gap
//     (CH-4, CH-5, CH-8), and nothing before it has a name (CH-3);
//   - error lines come to their cause alone, in the order of the bad lines (CH-31, CH-32, CH-34);
//   - who ends its side sees the end only when all its lines have their places;
//   - members are dropped as slow only where the limit can be reached (CH-30).

#include <cinttypes>
#include <deque>
#include <unordered_map>
#include <utility>

#include "engine/net/session_pool.h"
#include "protocols/chat/branch.h"
#include "protocols/chat/messages.h"
#include "protocols/chat/room.h"
#include "protocols/chat/session.h"
#include "tests/sim/scenario.h"

namespace ringpost::sim {
namespace {

using engine::Actor;
using engine::ActorRef;
using engine::CloseReason;
using engine::Message;
using engine::Shard;

constexpr std::uint32_t slot_room = Shard::slot_actor_first;
constexpr std::uint32_t slot_branch = slot_room + 1;

class ChatScenario;

class ChatClient final : public ScenarioClient {
 public:
  ChatClient(ChatScenario& scenario, std::uint32_t number);

  void say_last_words() override;
  bool is_content() const override;
  std::string describe() const override;

  // From the probe: its next line has got its place in the order.
  void on_room_line(std::string_view line, std::size_t place);
  const std::string& nick() const { return nick_; }
  // Ended by the server before its time.
  bool was_dropped() const { return was_dropped_; }
  // A member until the server's end, and has not heard all that was said.
  bool was_cheated() const;

 private:
  static constexpr std::size_t nowhere = SIZE_MAX;

  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int error) override;
  bool on_step() override;

  void say() override;
  void say_part() override { send("an unfinished line is dropped"); }  // CH-10
  void introduce();
  void say_good_line();
  void say_bad_line(std::string_view line, std::string_view error);
  void drop();
  void on_line(std::string_view line);
  void on_error_line(std::string_view line);
  void find_start(std::string_view line);
  std::size_t skip_own(std::size_t place) const;

  ChatScenario& scenario_;
  const std::string nick_;
  bool is_introduced_ = false;
  bool was_dropped_ = false;
  bool was_member_to_the_end_ = false;
  std::vector<std::string> said_;      // good lines, encoded
  std::size_t in_room_ = 0;            // of these
  std::size_t first_place_ = nowhere;  // of the first
  std::size_t introduced_at_ = 0;      // lines in the room by then
  std::size_t next_ = nowhere;         // the place of the next line to hear; nowhere: not known yet
  std::deque<std::string> errors_due_;
  std::string partial_;
};

// Stands where the room is expected, sees first what the room sees.
class RoomProbe final : public Actor {
 public:
  RoomProbe(ChatScenario& scenario, std::unique_ptr<Actor> room)
      : scenario_(scenario), room_(std::move(room)) {}
  void receive(std::span<const Message> run) override;

 private:
  ChatScenario& scenario_;
  std::unique_ptr<Actor> room_;
};

class ChatScenario final : public Scenario {
 public:
  struct Line {
    std::uint32_t sender;
    std::string text;  // with nick and line end
  };

  explicit ChatScenario(const ScenarioOptions& options) : Scenario("chat", options) {
    line_bytes_max_ = std::size_t{64} << setup().below(7);
    drops_slow_ = setup().one_in(2);
    const std::uint64_t small = std::uint64_t{8192} << setup().below(4);
    pending_bytes_max_ = drops_slow_ ? small : 16u << 20;
    turn_bytes_max_ = setup().one_in(2) ? pending_bytes_max_ / 4 : 1 + setup().below(2000);
    spill_messages_max_ = std::size_t{1} << setup().below(8);
    is_any_line_end_ = setup().one_in(4);
  }

  void on_post(const Message& message);
  const std::vector<Line>& order() const { return order_; }
  std::size_t place_of(std::string_view line) const {
    const auto at = places_.find(std::string(line));
    return at == places_.end() ? SIZE_MAX : at->second;
  }
  std::size_t line_bytes_max() const { return line_bytes_max_; }
  bool is_any_line_end() const { return is_any_line_end_; }
  bool drops_slow() const { return drops_slow_; }

 private:
  void wire(Shard& shard) override;
  std::unique_ptr<ScenarioClient> make_client(std::uint32_t number) override {
    return std::make_unique<ChatClient>(*this, number);
  }
  void check_end(const engine::Counters& counters) override;

  std::size_t line_bytes_max_;
  bool drops_slow_;
  std::uint64_t pending_bytes_max_;
  std::uint64_t turn_bytes_max_;
  std::size_t spill_messages_max_;
  bool is_any_line_end_;
  std::vector<Line> order_;
  std::unordered_map<std::string, std::size_t> places_;  // looked up, never walked
};

void RoomProbe::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    if (message.kind == chat::kind_post) scenario_.on_post(message);
  }
  room_->receive(run);
}

// --- the scenario

void ChatScenario::wire(Shard& shard) {
  const std::uint32_t self = shard.post().shard();
  const std::uint32_t home = shard_count() - 1;
  const ActorRef room = ActorRef::actor(home, slot_room, 1);
  if (self == home) {
    std::vector<ActorRef> branches;
    for (std::uint32_t i = 0; i < shard_count(); ++i) {
      branches.push_back(ActorRef::actor(i, slot_branch, 1));
    }
    const chat::Room::Parts parts{shard.post(), shard.timers(), shard.counters(), shard.now()};
    auto actor = std::make_unique<chat::Room>(parts, branches, spill_messages_max_);
    shard.spawn_at(slot_room, std::make_unique<RoomProbe>(*this, std::move(actor)));
  }
  auto branch = std::make_unique<chat::Branch>(ActorRef::actor(self, slot_branch, 1), room,
                                               shard.post(), shard.fan_out(), turn_bytes_max_);
  chat::SessionShared shared{.options = {}, .branch = *branch};
  shared.options.line_end = is_any_line_end_ ? line::LineEnd::any : line::LineEnd::crlf;
  shared.options.line_bytes_max = line_bytes_max_;
  shared.options.nick_timeout = (is_impatient() ? 30 : 100'000) * engine::nanos_per_s;
  shared.options.pending_bytes_max = pending_bytes_max_;
  shard.spawn_at(slot_branch, std::move(branch));
  using Pool = engine::SessionPool<chat::Session, chat::SessionShared>;
  const std::uint32_t service = shard.add_service(std::make_unique<Pool>(shared));
  listen(shard, service);
}

void ChatScenario::on_post(const Message& message) {
  std::string_view run = message.payload_bytes();
  while (!run.empty()) {
    const std::size_t end = run.find("\r\n");
    SIM_CHECK(end != std::string_view::npos, "a run ends inside a line");
    const std::string_view line = run.substr(0, end + 2);
    run.remove_prefix(end + 2);
    const std::string_view nick = line.substr(0, line.find(':'));
    std::uint32_t sender = 0;
    while (sender < clients().size() &&
           static_cast<const ChatClient&>(*clients()[sender]).nick() != nick) {
      ++sender;
    }
    SIM_CHECK(sender < clients().size(), "a line of nobody: %s", std::string(line).c_str());
    SIM_CHECK(!places_.contains(std::string(line)), "a line comes twice: %s",
              std::string(line).c_str());
    places_.emplace(line, order_.size());
    order_.push_back({sender, std::string(line)});
    static_cast<ChatClient&>(*clients()[sender]).on_room_line(line, order_.size() - 1);
  }
}

void ChatScenario::check_end(const engine::Counters& counters) {
  const auto count = [&](CloseReason reason) {
    return counters.closed[static_cast<std::size_t>(reason)];
  };
  SIM_CHECK(drops_slow_ || count(CloseReason::slow_consumer) == 0,
            "%" PRIu64 " members were dropped as slow below the limit",
            count(CloseReason::slow_consumer));
  for (const auto& client : clients()) {
    SIM_CHECK(
        !is_orderly() || drops_slow_ || !static_cast<const ChatClient&>(*client).was_cheated(),
        "client %u: was a member, and the drain kept lines from it", client->number());
  }
  if (is_impatient() || is_draining()) return;
  std::uint64_t dropped = 0;
  for (const auto& client : clients()) {
    dropped += static_cast<const ChatClient&>(*client).was_dropped() ? 1u : 0u;
  }
  SIM_CHECK(dropped <= count(CloseReason::slow_consumer) + count(CloseReason::reset),
            "%" PRIu64 " clients were dropped, %" PRIu64 " for being slow", dropped,
            count(CloseReason::slow_consumer));
  SIM_CHECK(count(CloseReason::handshake_timeout) == 0, "a client was sent away for silence");
}

// --- a client

ChatClient::ChatClient(ChatScenario& scenario, std::uint32_t number)
    : ScenarioClient(scenario, number,
                     {Habit::talks, Habit::silent, Habit::stops_reading, Habit::half_closes,
                      Habit::ends_inside_a_message, Habit::resets, Habit::closes}),
      scenario_(scenario),
      nick_("n" + std::to_string(100 + number)) {}

void ChatClient::introduce() {
  engine::Prng& prng = world().prng();
  while (prng.one_in(4)) {
    if (prng.one_in(2)) {
      say_bad_line("!forged", "! error: bad nick\r\n");
    } else {
      say_bad_line("", "! error: bad nick\r\n");
    }
  }
  is_introduced_ = true;
  introduced_at_ = scenario_.order().size();
  send(nick_ + "\r\n");
}

void ChatClient::say_bad_line(std::string_view line, std::string_view error) {
  errors_due_.emplace_back(error);
  send(std::string(line) + "\r\n");
}

void ChatClient::say() {
  engine::Prng& prng = world().prng();
  const std::size_t limit = scenario_.line_bytes_max();
  if (prng.one_in(16)) {
    if (prng.one_in(2)) return say_bad_line("a\x01z", "! error: bad character\r\n");
    return say_bad_line(std::string(limit + 1 + prng.below(2 * limit), 'y'),
                        "! error: line too long\r\n");
  }
  say_good_line();
}

void ChatClient::say_good_line() {
  engine::Prng& prng = world().prng();
  const std::size_t limit = scenario_.line_bytes_max();
  std::string line = std::to_string(said_.size()) + ' ';
  const std::size_t filler = prng.one_in(8) ? limit - line.size() : prng.below(30);
  for (std::size_t i = 0; i < filler; ++i) {
    line.push_back(static_cast<char>('a' + (i + said_.size()) % 26));
  }
  said_.push_back(nick_ + ": " + line + "\r\n");
  send(line + (scenario_.is_any_line_end() && prng.one_in(2) ? "\n" : "\r\n"));
}

bool ChatClient::on_step() {
  if (is_introduced_ || !may_talk()) return ScenarioClient::on_step();
  if (habit() != Habit::silent && world().prng().one_in(2)) introduce();
  return true;
}

void ChatClient::say_last_words() {
  if (is_finishing() || scenario_.is_draining()) return;
  if (!is_introduced_) introduce();
  say_good_line();
  if (errors_due_.empty()) say_bad_line("\x7f", "! error: bad character\r\n");
}

bool ChatClient::is_content() const {
  if (is_finishing()) return true;
  if (in_room_ < said_.size() || !errors_due_.empty()) return false;
  const std::size_t size = scenario_.order().size();
  // All that came behind its own first line, and nobody knows what before.
  const std::size_t next = next_ == nowhere ? skip_own(first_place_) : next_;
  return skip_own(next) == size;
}

std::string ChatClient::describe() const {
  const auto place = [](std::size_t at) {
    return at == nowhere ? std::string("nowhere") : std::to_string(at);
  };
  return std::to_string(in_room_) + " of " + std::to_string(said_.size()) +
         " lines in the room, the first at " + place(first_place_) + ", next to hear " +
         place(next_) + " of " + std::to_string(scenario_.order().size()) + ", " +
         std::to_string(errors_due_.size()) + " errors due";
}

void ChatClient::on_room_line(std::string_view line, std::size_t place) {
  SIM_CHECK(in_room_ < said_.size() && said_[in_room_] == line,
            "client %u: its line %zu reaches the room as %s", number(), in_room_,
            std::string(line).c_str());
  if (in_room_++ == 0) first_place_ = place;
}

std::size_t ChatClient::skip_own(std::size_t place) const {
  const auto& order = scenario_.order();
  while (place < order.size() && order[place].sender == number()) ++place;
  return place;
}

void ChatClient::on_data(std::string_view bytes) {
  partial_.append(bytes);
  std::size_t begin = 0;
  for (std::size_t end; (end = partial_.find("\r\n", begin)) != std::string::npos;
       begin = end + 2) {
    on_line(std::string_view(partial_).substr(begin, end + 2 - begin));
  }
  partial_.erase(0, begin);
}

void ChatClient::on_error_line(std::string_view line) {
  SIM_CHECK(!errors_due_.empty() && errors_due_.front() == line, "client %u: is told %s", number(),
            std::string(line).c_str());
  errors_due_.pop_front();
}

void ChatClient::on_line(std::string_view line) {
  if (line.starts_with('!')) return on_error_line(line);
  SIM_CHECK(is_introduced_, "client %u has no name yet, and hears %s", number(),
            std::string(line).c_str());
  if (next_ == nowhere) find_start(line);
  const auto& order = scenario_.order();
  next_ = skip_own(next_);
  SIM_CHECK(next_ < order.size() && order[next_].text == line,
            "client %u: hears %s where the order has %s", number(), std::string(line).c_str(),
            next_ < order.size() ? order[next_].text.c_str() : "nothing");
  ++next_;
}

void ChatClient::find_start(std::string_view line) {
  next_ = scenario_.place_of(line);
  SIM_CHECK(next_ != nowhere, "client %u: hears what nobody said: %s", number(),
            std::string(line).c_str());
  SIM_CHECK(next_ >= introduced_at_, "client %u: hears what was said before it came: %s", number(),
            std::string(line).c_str());
  SIM_CHECK(first_place_ == nowhere || next_ <= skip_own(first_place_),
            "client %u: was a member, and missed what came before %s", number(),
            std::string(line).c_str());
}

void ChatClient::drop() {
  if (scenario_.may_refuse() && in_room_ == 0 && next_ == nowhere) return;  // no place for it
  was_dropped_ = true;
  SIM_CHECK(scenario_.drops_slow() || scenario_.is_impatient() || scenario_.is_draining(),
            "client %u: is sent away", number());
}

bool ChatClient::was_cheated() const {
  if (!was_member_to_the_end_ || (next_ == nowhere && first_place_ == nowhere)) return false;
  return skip_own(next_ == nowhere ? first_place_ : next_) != scenario_.order().size();
}

void ChatClient::on_end() {
  const bool is_refused = scenario_.may_refuse() && in_room_ == 0;
  if (!is_finishing()) {
    was_member_to_the_end_ = true;
    drop();
  } else if (!was_cut() && !is_refused && !scenario_.is_impatient() && !scenario_.is_draining()) {
    SIM_CHECK(in_room_ == said_.size() || scenario_.drops_slow(),
              "client %u: the end comes before its line %zu of %zu is said", number(), in_room_,
              said_.size());
    SIM_CHECK(errors_due_.empty() || scenario_.drops_slow(),
              "client %u: the end comes before its errors", number());
  }
  close();
}

void ChatClient::on_broken(int) {
  set_cut();
  if (reset_cause() != ResetCause::accepting_end) return;
  drop();
  // Nobody who is served is reset (X4), not by a drain either, unless it is too slow.
  const bool was_served = in_room_ > 0 || next_ != nowhere;
  SIM_CHECK(!was_served || scenario_.drops_slow() || !scenario_.is_orderly(),
            "client %u: is reset by the server", number());
}

}  // namespace

ScenarioResult run_chat(const ScenarioOptions& options) { return ChatScenario(options).run(); }

}  // namespace ringpost::sim
