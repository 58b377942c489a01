#pragma once

// The chat's talk on one connection: the first good line is the nick, every later one goes to all
// other members.

#include <array>
#include <cstdint>

#include "engine/net/fan_out_log.h"
#include "engine/net/session.h"
#include "protocols/chat/branch.h"
#include "protocols/chat/errc.h"
#include "protocols/chat/format.h"
#include "protocols/line/parser.h"

namespace ringpost::chat {

struct SessionOptions {
  line::LineEnd line_end = line::LineEnd::crlf;           // C4
  std::size_t line_bytes_max = line_bytes_max_default;    // CH-31
  std::size_t nick_bytes_limit = nick_bytes_max;          // CH-32
  engine::Nanos nick_timeout = 30 * engine::nanos_per_s;  // CH-33
  std::uint64_t pending_bytes_max = 1 << 20;              // CH-30
};

// What the sessions of one shard have in common.
struct SessionShared {
  SessionOptions options;
  Branch& branch;
};

class Session final : public engine::Session {
 public:
  // A run is posted at the latest when it is this long, so that no single one is more than a log's
  // share of a turn.
  static constexpr std::size_t run_bytes_max = 64 * 1024;

  explicit Session(SessionShared& shared);

  void on_open(engine::Link& link) override;
  std::size_t on_bytes(engine::Bytes bytes) override;
  void on_end(engine::Bytes rest) override;
  void on_messages(std::span<const engine::Message> run) override;
  void on_timer() override;
  void on_closed(engine::CloseReason reason) override;

 private:
  enum class Membership : std::uint8_t {
    none,     // not yet named, or the input has ended
    joining,  // asked the room
    member,   // follows the branch's log
  };

  void on_line(engine::Bytes line, std::size_t input_left);
  void on_nick(engine::Bytes line);
  void add_to_run(engine::Bytes line, std::size_t input_left);
  void post_run();
  void on_error(Errc errc);
  void on_joined();
  void leave();

  SessionShared& shared_;
  engine::Link* link_ = nullptr;
  line::LineParser parser_;
  engine::Follower follower_;
  engine::Payload run_;  // lines of this read, encoded, not yet posted
  std::size_t run_bytes_ = 0;
  std::array<char, nick_bytes_max> nick_;
  std::uint8_t nick_bytes_ = 0;  // 0: not yet named
  Membership membership_ = Membership::none;
};

}  // namespace ringpost::chat
