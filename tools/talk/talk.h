#pragma once

// Talk: two connections of one shard, that to the terminal (see streams.h) and that to the server,
// and what passes between them. Connects, and when the connection is lost connects again. What was
// sent on a lost one is not sent again, because nobody knows how much of it arrived; the talk says
// so instead.
//
// Bounds: a connection is read no further until the other one has sent what came of it. So a
// server that does not read holds back the terminal, and the other way round; and little is under
// way when a connection is lost.
//
// Owned by and called on: its shard.

#include <cstdint>
#include <string>

#include "engine/net/dial.h"
#include "engine/net/session.h"
#include "engine/shard/shard.h"
#include "tools/talk/input.h"
#include "tools/talk/replies.h"
#include "tools/talk/wire.h"

namespace ringpost::talk {

inline constexpr int exit_good = 0;
inline constexpr int exit_failed = 1;

struct TalkOptions {
  engine::DialOptions dial;
  WireOptions wire;
  engine::Nanos timeout = 10 * engine::nanos_per_s;  // with `once`: of everything
};

// The service of the terminal's connection, which is its only one.
class Talk final : public engine::Service {
 public:
  // `options` and `status` outlive it. When the talk is over, `status` is the exit status, and the
  // terminal's connection ends behind the last reply.
  Talk(engine::Shard& shard, const TalkOptions& options, int& status);

  engine::Session& open() override { return terminal_; }
  void close(engine::Session&) override {}

 private:
  class Terminal final : public engine::Session {
   public:
    explicit Terminal(Talk& talk) : talk_(talk) {}
    void on_open(engine::Link& link) override;
    std::size_t on_bytes(engine::Bytes bytes) override;
    void on_end(engine::Bytes rest) override;
    void on_messages(std::span<const engine::Message> run) override;
    void on_timer() override;
    void on_drained() override;
    void on_closed(engine::CloseReason reason) override;

    Talk& talk_;
    engine::Link* link_ = nullptr;  // null: not there
  };

  class Server final : public engine::Session, public engine::DialTarget {
   public:
    explicit Server(Talk& talk) : talk_(talk) {}
    engine::Session& open() override { return *this; }
    void close(engine::Session&) override {}
    void on_dial_failed(const std::string& error, engine::Nanos retry_in) override;
    void on_open(engine::Link& link) override;
    std::size_t on_bytes(engine::Bytes bytes) override;
    void on_end(engine::Bytes rest) override;
    void on_messages(std::span<const engine::Message> run) override;
    void on_drained() override;
    void on_closed(engine::CloseReason reason) override;

    Talk& talk_;
    engine::Link* link_ = nullptr;  // null: not connected
    engine::Nanos opened_at_ = 0;
    bool replied_ = false;              // on this connection
    std::uint64_t lines_answered_ = 0;  // the input's lines when bytes came last
  };

  bool once() const { return options_.wire.once; }
  void send(const std::string& bytes);
  void tell_skipped();
  void on_input_end();
  void on_lost(engine::CloseReason reason);
  std::string describe(engine::CloseReason reason) const;
  void finish(int status, const std::string& why = {});

  const TalkOptions& options_;
  int& status_;
  const std::string endpoint_;
  Input input_;
  Replies replies_;
  Terminal terminal_{*this};
  Server server_{*this};
  engine::Dial dial_;
  std::uint64_t skipped_said_ = 0;
  bool input_ended_ = false;  // and the server was told so
  bool finished_ = false;
};

}  // namespace ringpost::talk
