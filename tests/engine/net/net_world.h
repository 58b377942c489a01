#pragma once

// NetWorld: the connections and the dialer of one shard over a FakeIo, turned by hand as
// Shard::turn does it, a resolver that answers when it is told to, and a session that takes lines
// and tells what happened to it.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "engine/io/socket.h"
#include "engine/net/connections.h"
#include "engine/net/dialer.h"
#include "tests/engine/net/fake_io.h"

namespace ringpost::engine {

// Takes lines that end at LF. What it is told to do when is set by the test.
class LineSession final : public Session {
 public:
  void on_open(Link& opened) override {
    link = &opened;
    log.push_back("open");
    if (when_open) when_open(*this);
  }

  std::size_t on_bytes(Bytes bytes) override {
    EXPECT_FALSE(inside_);
    inside_ = true;
    ++offers;
    // Never less than was left, and the same bytes.
    EXPECT_EQ(bytes.substr(0, left_.size()), left_);
    std::size_t used = 0;
    while (!link->paused()) {
      const std::size_t end = bytes.find('\n', used);
      if (end == Bytes::npos) break;
      const std::string line(bytes.substr(used, end - used));
      used = end + 1;
      lines.push_back(line);
      if (when_line) when_line(*this, line);
    }
    left_ = std::string(bytes.substr(used));
    inside_ = false;
    return used;
  }

  void on_end(Bytes rest) override {
    log.push_back("end:" + std::string(rest));
    if (when_end) {
      when_end(*this);
    } else {
      link->close_after_flush(CloseReason::peer_closed);
    }
  }
  void on_messages(std::span<const Message> run) override {
    log.push_back("messages:" + std::to_string(run.size()));
    for (const Message& message : run) {
      dispose(message, [](int) { FAIL(); });
      if (when_message) when_message(*this, message);
    }
  }
  void on_timer() override {
    log.push_back("timer");
    if (when_timer) when_timer(*this);
  }
  void on_drained() override { log.push_back("drained"); }
  void on_drain() override {
    log.push_back("drain");
    if (when_drain) when_drain(*this);
  }
  void on_closed(CloseReason reason) override {
    log.push_back("closed:" + std::string(to_text(reason)));
    if (when_closed) when_closed(*this);
  }

  bool logged(const std::string& entry) const {
    return std::count(log.begin(), log.end(), entry) != 0;
  }
  bool closed() const { return !log.empty() && log.back().starts_with("closed:"); }

  using Reaction = std::function<void(LineSession&)>;

  Link* link = nullptr;
  Follower follower;
  std::vector<std::string> lines;
  std::vector<std::string> log;
  int offers = 0;
  Reaction when_open;
  std::function<void(LineSession&, const std::string&)> when_line;
  std::function<void(LineSession&, const Message&)> when_message;
  Reaction when_end;
  Reaction when_timer;
  Reaction when_drain;
  Reaction when_closed;

 private:
  std::string left_;
  bool inside_ = false;
};

// Keeps its sessions to the end, so that a test can look at those that are closed.
class LineService final : public Service {
 public:
  Session& open() override {
    LineSession& session = sessions.emplace_back();
    session.when_open = when_open;
    session.when_line = when_line;
    return session;
  }
  void close(Session& session) override {
    const auto& line_session = static_cast<LineSession&>(session);
    EXPECT_TRUE(line_session.closed() || line_session.log.empty());  // or never opened
    ++closed;
  }

  std::deque<LineSession> sessions;
  std::size_t closed = 0;
  LineSession::Reaction when_open;
  std::function<void(LineSession&, const std::string&)> when_line;
};

class TableResolver final : public Resolver {
 public:
  struct Question {
    std::string host;
    std::uint16_t port;
    ActorRef asker;
    std::uint64_t token;
  };
  void resolve(std::string_view host, std::uint16_t port, ActorRef asker,
               std::uint64_t token) override {
    questions.push_back({std::string(host), port, asker, token});
  }
  std::vector<Question> questions;
};

class NetWorld {
 public:
  static constexpr ActorRef dialer_ref = ActorRef::actor(0, 0, 1);

  explicit NetWorld(const ConnectionLimits& limits = {}, const FakeIo::Options& io_options = {})
      : io(kernel_owned, io_options),
        connections({io, post, timers, buffers, payloads, counters, now}, limits) {}
  // Ends whatever a test left open, and looks that nothing stays held.
  ~NetWorld() { end(); }
  // The same, earlier: while what the test's sessions need is still there.
  void end() {
    if (std::exchange(ended_, true)) return;
    io.options.complete_sends = io.options.complete_cancels = true;
    dialer.drain();
    connections.abort_all(CloseReason::drain);
    for (int i = 0; i < 10 && (connections.open_count() != 0 || !dialer.idle()); ++i) turn();
    EXPECT_TRUE(dialer.idle());
    EXPECT_EQ(connections.open_count(), 0u);
    EXPECT_EQ(service.closed, service.sessions.size());
    EXPECT_EQ(io.buffers_out(), 0u);
    EXPECT_EQ(kernel_owned.count(), 0u);
  }

  // Adopts a socket and returns its session.
  LineSession& open(Fd socket) {
    connections.adopt(socket, service);
    return service.sessions.back();
  }

  // As Shard::turn, without messages.
  void turn() {
    OpenGate gate;
    const TurnLimits limits{.deadline = 0, .spin = 0, .completions_max = 1000};
    for (const Completion& completion : io.turn(limits, gate)) {
      if (completion.token.kind() == OpKind::connect) {
        dialer.on_completion(completion);
      } else {
        connections.on_completion(completion);
      }
    }
    timers.advance(now, SIZE_MAX, [](TimerNode& node) { node.target->on_time(); });
    for (int i = 0; i < 32 && connections.feed_ready(); ++i) {
    }
    connections.flush();
    connections.settle_stalled();
    connections.close_aborted();
  }
  // Until nothing is left to be done without the kernel.
  void settle() {
    turn();
    for (int i = 0; i < 100 && connections.work_left(); ++i) turn();
    EXPECT_FALSE(connections.work_left());
  }
  void arrive(Fd socket, Bytes bytes) {
    io.arrive(socket, bytes);
    turn();
  }
  // All output leaves.
  void send_all(Fd socket) {
    for (int i = 0; i < 1000 && io.sending(socket); ++i) {
      io.sent(socket);
      turn();
    }
    EXPECT_FALSE(io.sending(socket));
  }
  void pass_time(Nanos nanos) {
    now += nanos;
    turn();
  }

  // The resolver answers one of its questions.
  void resolved(std::size_t question, const std::vector<std::string>& addresses,
                const std::string& error = {}) {
    auto content = std::make_unique<Addresses>();
    for (const std::string& text : addresses) {
      content->list.push_back(parse_address(text).value());
    }
    content->error = error;
    EXPECT_EQ(resolver.questions[question].asker, dialer_ref);
    Message message{};
    message.kind = kind_resolved;
    message.token = resolver.questions[question].token;
    message.put_object(std::move(content));
    dialer.on_resolved(message);
  }
  // The outcome of the connect that was started last.
  void connect_ends(std::int32_t result) {
    io.connect_ends(io.opened.back(), result);
    turn();
  }

  std::uint64_t closed(CloseReason reason) const {
    return counters.closed[static_cast<std::size_t>(reason)];
  }

  KernelOwned kernel_owned;
  FakeIo io;
  Nanos now = nanos_per_s;
  Counters counters;
  BufferPool buffers{kernel_owned};
  PayloadPool payloads;
  TimerWheel timers{now};
  Post post{0, 2};
  LineService service;
  Connections connections;
  TableResolver resolver;
  Dialer dialer{{io, connections, timers, counters, now, dialer_ref, &resolver, 1}};

 private:
  bool ended_ = false;
};

}  // namespace ringpost::engine
