#pragma once

// The server side of HTTP/1.1 on one connection: requests in, pipelined or not; responses out in
// their order, whether a handler knows them at once or asks an actor first.
//
// A request whose body is whole in what was read is handed on where it lies; else the body is
// gathered (see GatheredContent). Of responses that are known at once and that nothing is waiting
// in front of, each is written straight into the output.
//
// Deadlines: a head and a body must be whole within their times, and a connection on which nothing
// is asked for too long is closed. They are kept by one coarse timer that is set when it would
// otherwise ring too late, not per request.

#include <cstdint>
#include <string>

#include "engine/net/reply_queue.h"
#include "engine/net/session.h"
#include "protocols/http/body_parser.h"
#include "protocols/http/date.h"
#include "protocols/http/gathered_content.h"
#include "protocols/http/request_parser.h"
#include "protocols/http/routes.h"
#include "protocols/http/writer.h"

namespace ringpost::http {

// Tells the time of day, for the Date field.
class WallClock {
 public:
  virtual engine::Nanos unix_nanos() const = 0;  // since 1970, UTC

 protected:
  ~WallClock() = default;
};

struct SessionOptions {
  Limits limits;
  engine::Nanos head_timeout = 10 * engine::nanos_per_s;   // of a head, from its first byte
  engine::Nanos body_timeout = 60 * engine::nanos_per_s;   // of a body, from the end of its head
  engine::Nanos idle_timeout = 75 * engine::nanos_per_s;   // between requests, and before the first
  std::uint32_t replies_max = 256;                         // answers outstanding on one connection
  std::uint64_t held_bytes_max = std::uint64_t{64} << 20;  // of gathered bodies, per shard
  std::string fields;          // of every response, lines with their CR LF
  std::string options_fields;  // of the answer to OPTIONS on any path; empty: routes decide
};

// What the sessions of one shard have in common. The clock and the routes outlive it.
struct SessionShared {
  SessionShared(const SessionOptions& of_all, const Routes& table, const WallClock& time)
      : options(of_all), routes(table), clock(time), budget{.bytes_max = of_all.held_bytes_max} {}

  // The Date field's value in a turn of that time.
  Bytes date_at(engine::Nanos now);

  SessionOptions options;
  const Routes& routes;
  const WallClock& clock;
  ContentBudget budget;
  Request request;  // the one that is dealt with
  Date date;
  std::int64_t unix_s = 0;
  engine::Nanos second_ends = 0;
};

class Session final : public engine::Session {
 public:
  explicit Session(SessionShared& shared);

  // --- For handlers ---

  engine::Link& link() { return *link_; }
  // The response to the request that is being handled, or, from on_head, whose content is skipped.
  // `leave_content_out`, `close` and `common_fields` are filled in.
  void respond(Response response);
  // Asks an actor instead; its answer comes to the Handler that has its kind. The message is valid
  // until the next call.
  engine::Message& ask(engine::ActorRef to, std::uint16_t kind);
  // The same for a request that wants to upgrade: nothing else is awaited, and no other request is
  // parsed before the answer. Requires: request.wants_upgrade.
  engine::Message& ask_to_upgrade(engine::ActorRef to, std::uint16_t kind);
  // The response to the request whose answer has come, with that token.
  void resolve(std::uint64_t token, Response response);
  // Instead, the connection goes on as `next`, which writes the response. Requires: it was asked by
  // ask_to_upgrade.
  void upgrade(engine::Session& next, engine::Service& owner);
  // That response, made while the request is at hand.
  engine::Payload upgrade_response(Bytes fields);

  // --- engine::Session ---

  void on_open(engine::Link& link) override;
  std::size_t on_bytes(Bytes bytes) override;
  void on_end(Bytes rest) override;
  void on_messages(std::span<const engine::Message> run) override;
  void on_timer() override;
  void on_closed(engine::CloseReason reason) override;

 private:
  enum class State : std::uint8_t {
    head,       // between requests, or in a head
    body,       // in a body that is wanted
    skip,       // in a body that was answered already
    upgrading,  // waits for the answer to an upgrade
    closing,    // parses nothing more; closes when all is answered
  };
  // What a deadline is for.
  enum class Phase : std::uint8_t { idle, head, body };

  std::size_t on_head(Bytes bytes);
  std::size_t on_body(Bytes bytes);
  bool accept(const Request& request, const Routes::Match& match, Errc errc);
  void answer_without_route(const Request& request, const Routes::Match& match);
  bool gather(Bytes bytes);
  void dispatch_gathered();
  void request_done();
  void fail(Errc errc);
  void end(std::uint16_t status, Bytes text, engine::CloseReason reason);
  void send(const Response& response);
  engine::Payload as_payload(const Response& response);
  void wait();
  void go_on();
  void close_when_answered();
  Phase phase() const;
  void set_deadline(engine::Nanos deadline);

  SessionShared& shared_;
  engine::Link* link_ = nullptr;
  RequestParser head_;
  BodyParser body_;
  GatheredContent content_;  // the head, so that its request can be had again, and the body
  engine::ReplyQueue replies_;
  engine::Nanos deadline_ = 0;
  engine::Nanos timer_at_ = 0;  // when the timer rings, no later than the deadline; 0: not set
  engine::CloseReason reason_ = engine::CloseReason::peer_closed;
  State state_ = State::head;
  Phase phase_ = Phase::idle;  // of the deadline
  bool waiting_ = false;       // paused until answers have come
  bool last_ = false;          // the request is the connection's last
  bool is_head_ = false;       // its response has no content
  bool progressed_ = false;    // a request was taken in since the deadline was set
};

}  // namespace ringpost::http
