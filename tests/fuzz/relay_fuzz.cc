// Whole connections of the message relay: what they say is made of operations, cut anywhere, and
// mixed with what was broken on purpose. Byte 0: the shards. Byte 1: in which order messages
// between them are delivered. Then operations, each a byte and what it takes.
//
// What must hold: responses are well-formed and in the order of the requests; a connection that
// said that it ends does, and one that was never told anything wrong does not; subscribers get
// whole frames, each message once and all in one order; what waits for a peer and what is held for
// it is bounded; and at the end nothing is left over.

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/relay/relay_world.h"

using namespace ringpost;
using engine::CloseReason;
using fuzz::must;
using websocket::Opcode;

namespace {

constexpr std::size_t clients_max = 6;
constexpr std::size_t operations_max = 300;
constexpr std::uint64_t held_bytes_max = 4096;
constexpr std::uint64_t pending_bytes_max = 1000;
// The page for people is the answer to 18 bytes: GET / HTTP/1.0 and two line ends.
constexpr std::uint64_t amplification_max = 1000;

relay::WorldOptions options_of(std::uint8_t shards) {
  relay::WorldOptions options;
  options.shards = 1 + shards % 3;
  options.http.limits = {.target_bytes_max = 256,
                         .head_bytes_max = 512,
                         .trailer_bytes_max = 64,
                         .body_bytes_max = 512};
  options.http.held_bytes_max = held_bytes_max;
  options.http.replies_max = 4;
  options.registry.registrations_max = 8;
  options.session.limits = {.frame_bytes_max = 256, .message_bytes_max = 512};
  options.session.held_bytes_max = held_bytes_max;
  options.session.pending_bytes_max = pending_bytes_max;
  options.session.topics_max = 4;
  return options;
}

// What a request may be answered with. `mark`: stands in the body, so that no other answer can take
// its place.
struct Expected {
  std::vector<int> statuses;
  std::string mark;
  std::size_t stream_end = 0;  // of the request
};

struct Answer {
  int status;
  std::string body;
  bool closes;
};

// Takes the first response off `output`.
Answer take_answer(std::string& output) {
  const std::size_t end = output.find("\r\n\r\n");
  must(end != std::string::npos && output.starts_with("HTTP/1.1 "), "a response has a head");
  const std::string head = output.substr(0, end + 2);
  Answer answer{std::stoi(head.substr(9, 3)), {}, false};
  must(!http::reason_phrase(static_cast<std::uint16_t>(answer.status)).empty(), "a known status");
  output.erase(0, end + 4);
  std::optional<std::size_t> length;
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t line_end = head.find("\r\n", at);
    const std::string line = head.substr(at, line_end - at);
    at = line_end + 2;
    const std::size_t colon = line.find(": ");
    must(colon != std::string::npos && http::all_in(http::token_bytes, line.substr(0, colon)) &&
             http::all_in(http::value_bytes, line.substr(colon + 2)),
         "a field is well-formed");
    if (line.starts_with("content-length: ")) {
      must(!length.has_value(), "a length stands there once");
      length = std::stoul(line.substr(colon + 2));
    }
    answer.closes |= line == "connection: close";
  }
  must(length.has_value() == (answer.status >= 200), "a response has a length");
  // An answer to HEAD has none of the content that it tells the length of.
  if (!length || output.empty() || output.starts_with("HTTP/1.1 ")) return answer;
  must(output.size() >= *length, "a content is whole");
  answer.body = output.substr(0, *length);
  output.erase(0, *length);
  return answer;
}

class Peer {
 public:
  explicit Peer(relay::RelayWorld::Client& client) : client_(client) {}

  relay::RelayWorld::Client& client() { return client_; }
  bool is_open() const { return client_.is_open(); }
  const std::vector<std::string>& texts() const { return texts_; }
  // Nothing that it said was broken.
  bool is_clean() const { return clean_; }

  // --- What it says

  void request(const std::string& text, Expected expected) {
    unsent_ += text;
    expected.stream_end = sent_bytes_ + unsent_.size();
    expected_.push_back(std::move(expected));
  }
  void say_frame(Opcode opcode, const std::string& payload, bool fin) {
    // A message in pieces may have others between, and what is no WebSocket yet is no HTTP.
    if (!is_websocket_ || !fin || open_message_ || payload.size() > 125) spoil();
    if (!fin) open_message_ = true;
    if (opcode == Opcode::ping) pings_.push_back("pong " + payload);
    if (opcode == Opcode::close) may_end_ = true;
    unsent_ += relay::frame(opcode, payload, fin);
  }
  void say_raw(const std::string& bytes) {
    spoil();
    unsent_ += bytes;
  }
  void overwrite(std::size_t at, char byte) {
    if (unsent_.empty()) return;
    spoil();
    unsent_[at % unsent_.size()] = byte;
  }
  void forget(std::size_t bytes) {
    spoil();
    unsent_.erase(0, bytes);
  }
  void repeat() {
    spoil();
    if (unsent_.size() < 2000) unsent_ += unsent_;
  }
  void spoil() { clean_ = false; }
  void may_end() { may_end_ = true; }

  // --- What happens

  void send(std::size_t bytes) {
    const std::string piece = unsent_.substr(0, bytes);
    unsent_.erase(0, piece.size());
    sent_bytes_ += piece.size();
    if (is_open()) client_.send(piece);
  }

  void read(std::vector<std::string>& ids) {
    std::string output = client_.read();
    while (!output.empty() && !is_websocket_) {
      must(!said_end_, "nothing comes behind the last response");
      const Answer answer = take_answer(output);
      if (answer.status == 100) continue;
      said_end_ = answer.closes;
      if (answer.status == 101) is_websocket_ = true;
      if (answer.body.starts_with("{\"url\"")) ids.push_back(answer.body.substr(31, 32));
      if (clean_) check(answer);
    }
    if (!output.empty()) read_frames(output);
  }

  // Requires: all messages were delivered, and all output was read.
  void check_settled() {
    const bool ends =
        client_.link.goodbye != CloseReason::none || client_.link.aborted != CloseReason::none;
    must(!said_end_ || ends || !is_open(), "who says that it ends does");
    if (is_open() && clean_ && !may_end_) {
      must(!ends, "who says nothing wrong is not sent away");
      must(expected_.empty() || is_websocket_ || expected_.front().stream_end > sent_bytes_,
           "every request is answered");
      must(!is_websocket_ || pings_.empty() || !unsent_.empty(), "every Ping is answered");
    }
    if (ends && is_open()) client_.close(client_.link.goodbye);
  }
  void check_bounds() {
    const std::uint64_t bytes = client_.link.out().bytes();
    const std::uint64_t events = is_websocket_ ? pending_bytes_max + 1024 : 0;
    must(bytes <= events + amplification_max * (sent_bytes_ + 64), "what waits is bounded");
  }

 private:
  void check(const Answer& answer) {
    if (answer.status == 408 && may_end_) return;  // it was too slow
    must(!expected_.empty(), "nobody answers what was not asked");
    const Expected expected = expected_.front();
    expected_.pop_front();
    must(std::count(expected.statuses.begin(), expected.statuses.end(), answer.status) == 1,
         "an answer is one of those that the request may have");
    must(answer.body.find(expected.mark) != std::string::npos, "answers keep their order");
  }

  void read_frames(const std::string& output) {
    frames_.feed(output);
    const websocket::Events& all = frames_.events();
    for (; seen_ != all.size(); ++seen_) {
      const std::string& event = all[seen_];
      must(!said_end_, "nothing comes behind a Close");
      must(!event.starts_with("error"), "frames are well-formed");
      if (event.starts_with("text ")) texts_.push_back(event.substr(5));
      if (event.starts_with("close ")) said_end_ = true;
      if (!clean_ || !event.starts_with("pong ")) continue;
      must(!pings_.empty() && pings_.front() == event, "Pongs have the order of the Pings");
      pings_.pop_front();
    }
  }

  relay::RelayWorld::Client& client_;
  std::string unsent_;
  std::size_t sent_bytes_ = 0;
  std::deque<Expected> expected_;
  std::deque<std::string> pings_;
  websocket::Limits limits_;
  websocket::Feeder frames_{limits_, websocket::Role::client, websocket::Compression::off};
  std::size_t seen_ = 0;
  std::vector<std::string> texts_;
  bool clean_ = true;
  bool may_end_ = false;  // it asked for that, or was too slow
  bool is_websocket_ = false;
  bool open_message_ = false;
  bool said_end_ = false;
};

class Run {
 public:
  explicit Run(fuzz::Input& input)
      : input_(input), shards_(input.byte()), world_(options_of(shards_), input.byte() + 1U) {}

  void all() {
    connect();
    for (std::size_t i = 0; i < operations_max && !input_.rest().empty(); ++i) operation();
    settle();
    check_order();
    for (Peer& peer : peers_) peer.client().close();
    world_.settle();
    world_.pass(400 * engine::nanos_per_s);  // registrations that nobody used
    for (std::uint32_t i = 0; i < world_.shard_count(); ++i) {
      must(world_.shard(i).registry.size() == 0, "no registration is left");
      must(world_.shard(i).net.buffers.taken_bytes() == 0, "no buffer is left");
    }
  }

 private:
  void operation() {
    const std::uint8_t what = input_.byte();
    if (what >= 200) return settle();
    Peer& peer = chosen();
    switch (what % 16) {
      case 0:
        return connect();
      case 1:
      case 2:
      case 3:
      case 4:
        return say_request(peer);
      case 5:
      case 6:
        return say_frame(peer);
      case 7:
        return peer.say_raw(input_.bytes(input_.byte()));
      case 8:
        return peer.overwrite(input_.byte(), static_cast<char>(input_.byte()));
      case 9:
        return what < 100 ? peer.forget(input_.byte()) : peer.repeat();
      case 10:
        return peer.send(input_.byte());
      case 11:
        return peer.send(SIZE_MAX);
      case 12:
        for (unsigned i = input_.byte() % 16U; i > 0; --i) world_.step();
        return;
      case 13:
        peer.read(ids_);
        return;
      case 14:
        peer.may_end();
        return what < 100 ? peer.client().half_close() : peer.client().close();
      default:
        return pass(input_.byte());
    }
  }

  void connect() {
    if (peers_.size() == clients_max) return;
    const auto shard = static_cast<std::uint32_t>(peers_.size()) % world_.shard_count();
    peers_.emplace_back(world_.connect(shard));
    chosen_ = peers_.size() - 1;
  }

  // The one of before, most of the time.
  Peer& chosen() {
    const std::uint8_t byte = input_.byte();
    if (byte >= 128) chosen_ = byte % peers_.size();
    return peers_[chosen_];
  }

  void pass(std::uint8_t seconds) {
    for (Peer& peer : peers_) peer.may_end();  // it may be too slow by now
    world_.pass(seconds * engine::nanos_per_s);
    for (Peer& peer : peers_) peer.client().ring_if_due();
  }

  void settle() {
    world_.settle();
    for (Peer& peer : peers_) {
      peer.check_bounds();
      peer.read(ids_);
      peer.check_settled();
    }
    world_.settle();
    for (std::uint32_t i = 0; i < world_.shard_count(); ++i) {
      // Blocks may be half empty; both kinds of sessions hold something.
      must(world_.shard(i).net.buffers.taken_bytes() <= 5 * held_bytes_max, "memory is bounded");
    }
    for (Peer& peer : peers_) peer.read(ids_);
  }

  // --- The grammar of what is said

  std::string id() {
    const std::uint8_t byte = input_.byte();
    return ids_.empty() || byte == 0 ? "nobody" + std::to_string(byte) : ids_[byte % ids_.size()];
  }

  // A text that no other publication has, and its topic in front.
  std::string next_message(const Peer& peer, const std::string& topic) {
    const std::string text = topic + " " + std::to_string(++message_count_);
    publishers_[text] = &peer;
    return text;
  }

  static std::string chunks_of(const std::string& body) {
    const std::string half = body.substr(0, 8);
    return "8;a=\"b\"\r\n" + half + "\r\n" +
           [&] {
             constexpr char digits[] = "0123456789abcdef";
             const std::size_t rest = body.size() - 8;
             return std::string{digits[rest / 16 % 16], digits[rest % 16]};
           }() +
           "\r\n" + body.substr(8) + "\r\n0\r\nt: u\r\n\r\n";
  }

  void say_request(Peer& peer) {
    const std::string end = " HTTP/1.1\r\nhost: x\r\n";
    const std::string json = end + "content-type: application/json\r\n";
    const auto post = [&](const std::string& line, const std::string& body) {
      return line + json + "content-length: " + std::to_string(body.size()) + "\r\n";
    };
    const auto publication = [&] {
      const std::string topic = input_.byte() % 4 != 0 ? "tech" : "cats";
      return R"({"topic":")" + topic + R"(","message":")" + next_message(peer, topic) + "\"}";
    };
    switch (input_.byte() % 20) {
      case 0:
        return peer.request("GET /health" + end + "\r\n", {{200}, "Working"});
      case 1:
        return peer.request("HEAD /health" + end + "\r\n", {{200}, ""});
      case 2:
        return peer.request("OPTIONS /any" + end + "\r\n", {{200}, ""});
      case 3:
        return peer.request("GET /nope" + end + "\r\n", {{404}, ""});
      case 4:
        return peer.request("PUT /publish" + end + "content-length: 3\r\n\r\nabc", {{405}, ""});
      case 5: {
        const std::string body = R"({"user_id":1})";
        return peer.request(post("POST /register", body) + "\r\n" + body, {{200, 503}, ""});
      }
      case 6:
        return peer.request(post("POST /register", "{") + "\r\n{", {{400}, "parse"});
      case 7:
        return peer.request(post("POST /register", "{}") + "\r\n{}", {{422}, "deserialize"});
      case 8:
        return peer.request("POST /register" + end + "content-length: 2\r\n\r\n{}",
                            {{415}, "Expected"});
      case 9:
      case 10:
      case 11: {
        const std::string body = publication();
        return peer.request(post("POST /publish", body) + "\r\n" + body, {{200}, "Published"});
      }
      case 12: {
        const std::string body = publication();
        return peer.request(
            "POST /publish" + json + "transfer-encoding: chunked\r\n\r\n" + chunks_of(body),
            {{200}, "Published"});
      }
      case 13: {
        const std::string body = publication();
        return peer.request(post("POST /publish", body) + "expect: 100-continue\r\n\r\n" + body,
                            {{200}, "Published"});
      }
      case 14:
        return peer.request("DELETE /register/" + id() + end + "\r\n", {{200, 404}, "Client "});
      case 15: {
        const std::string mark = "mark" + std::to_string(++mark_count_);
        return peer.request("DELETE /register/" + mark + end + "\r\n", {{404}, mark});
      }
      case 16:
        peer.may_end();
        return peer.request("GET /health HTTP/1.0\r\n\r\n", {{200}, "Working"});
      case 17:
        peer.may_end();
        return peer.request("GET /health" + end + "connection: close\r\n\r\n", {{200}, "Working"});
      default:
        return say_upgrade(peer, id());
    }
  }

  void say_upgrade(Peer& peer, const std::string& id) {
    peer.may_end();  // somebody else may take the id, or remove it
    peer.request("GET /ws/" + id +
                     " HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                     "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "\r\n",
                 {{101, 404}, ""});
  }

  void say_frame(Peer& peer) {
    const std::uint8_t what = input_.byte();
    const bool fin = what < 200;
    switch (what % 8) {
      case 0:
        return peer.say_frame(Opcode::text, R"({"topics":["tech","cats"]})", fin);
      case 1:
        return peer.say_frame(Opcode::text, R"({"topics":[]})", fin);
      case 2:
        peer.may_end();  // it may be no UTF-8
        return peer.say_frame(Opcode::text, input_.bytes(input_.byte()), fin);
      case 3:
        peer.spoil();  // of no message
        return peer.say_frame(Opcode::continuation, input_.bytes(input_.byte()), fin);
      case 4:
        return peer.say_frame(Opcode::ping, std::to_string(++mark_count_), true);
      case 5:
        return peer.say_frame(Opcode::pong, "", true);
      case 6:
        return peer.say_frame(Opcode::binary, input_.bytes(input_.byte()), fin);
      default:
        return peer.say_frame(Opcode::close, input_.byte() < 128 ? "\x03\xe8" : input_.bytes(3),
                              true);
    }
  }

  // --- What all subscribers saw

  // The messages of one topic that were said once, in the order in which the peer got them.
  std::vector<std::string> heard(const Peer& peer, const std::string& topic) const {
    std::vector<std::string> found;
    for (const std::string& text : peer.texts()) {
      const auto publisher = publishers_.find(text);
      if (publisher == publishers_.end() || !publisher->second->is_clean()) continue;
      if (text.starts_with(topic)) found.push_back(text);
    }
    return found;
  }

  void check_order() const {
    for (const char* topic : {"tech ", "cats "}) {
      for (const Peer& one : peers_) {
        const std::vector<std::string> mine = heard(one, topic);
        const std::set<std::string> mine_set(mine.begin(), mine.end());
        must(mine_set.size() == mine.size(), "each message comes once");
        for (const Peer& other : peers_) {
          const std::vector<std::string> theirs = heard(other, topic);
          const std::set<std::string> their_set(theirs.begin(), theirs.end());
          std::vector<std::string> a, b;
          const auto in = [](const std::set<std::string>& set) {
            return [&set](const std::string& text) { return set.count(text) != 0; };
          };
          std::copy_if(mine.begin(), mine.end(), std::back_inserter(a), in(their_set));
          std::copy_if(theirs.begin(), theirs.end(), std::back_inserter(b), in(mine_set));
          must(a == b, "all see one order");
        }
      }
    }
  }

  fuzz::Input& input_;
  std::uint8_t shards_;
  relay::RelayWorld world_;
  std::deque<Peer> peers_;
  std::size_t chosen_ = 0;
  std::vector<std::string> ids_;
  std::map<std::string, const Peer*> publishers_;
  int message_count_ = 0;
  int mark_count_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  Run(input).all();
  return 0;
}
