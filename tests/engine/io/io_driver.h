#pragma once

// What tests of an Io have in common: the world it lives in, and a driver that runs its turns and
// sorts its completions. Both ends of each connection live on the one Io under test.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/prng.h"
#include "engine/io/io.h"

namespace ringpost::engine {

// What the suite needs beside the Io: sockets, time, and somebody who moves the network on.
class IoWorld {
 public:
  virtual ~IoWorld() = default;
  virtual Io& io() = 0;
  virtual const Clock& clock() = 0;

  virtual Fd listen() = 0;  // at an address of its own
  virtual SocketAddress address_of(Fd listener) = 0;
  // One turn. A simulated world moves its network and its clock on as well.
  virtual std::span<const Completion> step(const TurnLimits& limits, SleepGate& gate) {
    return io().turn(limits, gate);
  }
};

struct IoWorldOptions {
  std::uint32_t buffer_count = 64;
  std::uint32_t buffer_bytes = 4096;
};

// A gate that lets everybody sleep unless told otherwise, and counts.
class CountingGate final : public SleepGate {
 public:
  bool work_pending() const override { return has_work; }
  bool try_enter_sleep() override {
    ++attempts;
    if (has_work) return false;
    ++sleeps;
    EXPECT_FALSE(is_asleep);
    is_asleep = true;
    return true;
  }
  void leave_sleep() override {
    EXPECT_TRUE(is_asleep);
    is_asleep = false;
  }

  bool has_work = false;
  bool is_asleep = false;
  int attempts = 0;
  int sleeps = 0;
};

// Drives one Io: starts operations, runs turns, and notes what comes back for each.
class IoDriver {
 public:
  static constexpr int idle_steps_max = 300;
  static constexpr Nanos step_time = 50 * nanos_per_ms;

  // What has come back for one token.
  struct Outcome {
    std::vector<std::int32_t> results;
    std::string bytes;  // of filled buffers, in order
    bool ended = false;
    Fd socket = no_fd;  // of an accept or a receive
    std::int32_t last() const { return results.empty() ? 1 : results.back(); }
  };

  struct Held {
    BufferId buffer;
    const char* data;
    std::size_t bytes;
  };

  struct Pair {
    Fd near = no_fd;  // the connecting end
    Fd far = no_fd;   // the accepted end
  };

  virtual ~IoDriver() = default;
  virtual IoWorld& world() = 0;
  Io& io() { return world().io(); }

  OpToken token(OpKind kind, std::uint32_t generation = 0) {
    return OpToken::make(kind, next_slot_++, generation);
  }
  Outcome& outcome(OpToken token) { return outcomes_[token.value]; }

  // One turn whose completions are noted under their tokens. Buffers go back at once, unless they
  // are held.
  std::size_t step(Nanos wait = step_time) {
    TurnLimits limits{
        .deadline = wait == 0 ? 0 : world().clock().now() + wait, .spin = 0, .completions_max = 64};
    const auto completions = world().step(limits, gate_);
    for (const Completion& completion : completions) note(completion);
    return completions.size();
  }

  void note(const Completion& completion) {
    Outcome& outcome = outcomes_[completion.token.value];
    EXPECT_FALSE(outcome.ended) << "a completion after the final one";
    outcome.results.push_back(completion.result);
    outcome.ended = !completion.more;
    if (completion.has_buffer) take_buffer(completion, outcome);
    if (outcome.ended) start_again_if_interrupted(completion.token, outcome);
  }

  void take_buffer(const Completion& completion, Outcome& outcome) {
    ASSERT_GT(completion.result, 0);
    const auto bytes = static_cast<std::size_t>(completion.result);
    outcome.bytes.append(completion.data, bytes);
    if (hold_buffers_) {
      held_.push_back({completion.buffer, completion.data, bytes});
    } else {
      io().give_back(completion.buffer);
    }
  }

  // An accept or receive whose final completion is a success goes on if it is started anew.
  void start_again_if_interrupted(OpToken token, Outcome& outcome) {
    if (outcome.last() <= 0 || outcome.socket == no_fd) return;
    outcome.ended = false;
    if (token.kind() == OpKind::accept) io().accept(outcome.socket, token);
    if (token.kind() == OpKind::receive) io().receive(outcome.socket, token, false);
  }

  void give_back_held() {
    for (const Held& held : held_) io().give_back(held.buffer);
    held_.clear();
  }

  void pump_until(const std::function<bool()>& done) {
    int idle_steps = 0;
    while (!done()) {
      idle_steps = step() == 0 ? idle_steps + 1 : 0;
      ASSERT_LT(idle_steps, idle_steps_max) << "nothing happens any more";
    }
  }
  void pump_until_ended(OpToken token) {
    pump_until([&] { return outcome(token).ended; });
  }
  // Lets happen what is going to happen anyway.
  void settle() {
    for (int i = 0; i < 20; ++i) step(0);
  }

  Pair connect_pair() {
    const Fd listener = world().listen();
    const OpToken accepting = start_accept(listener);
    const OpToken connecting = token(OpKind::connect);
    Pair pair;
    const SocketAddress address = world().address_of(listener);
    pair.near = io().open_stream(address, {}).value();
    io().connect(pair.near, address, connecting);
    pump_until([&] { return outcome(connecting).ended && !outcome(accepting).results.empty(); });
    EXPECT_EQ(outcome(connecting).last(), 0);
    pair.far = outcome(accepting).last();
    EXPECT_GE(pair.far, 0);
    io().cancel(accepting);
    pump_until_ended(accepting);
    io().close(listener);
    return pair;
  }

  OpToken start_accept(Fd listener) {
    const OpToken accepting = token(OpKind::accept);
    outcome(accepting).socket = listener;
    io().accept(listener, accepting);
    return accepting;
  }

  OpToken start_receive(Fd socket, bool when_readable = false) {
    const OpToken receiving = token(OpKind::receive);
    outcome(receiving).socket = socket;
    io().receive(socket, receiving, when_readable);
    return receiving;
  }

  // Starts a send of bytes that must stay until it has ended.
  OpToken start_send(Fd socket, SendRequest& request, const std::string& bytes) {
    request.parts[0] = {const_cast<char*>(bytes.data()), bytes.size()};
    request.part_count = 1;
    request.bytes = static_cast<std::uint32_t>(bytes.size());
    const OpToken sending = token(OpKind::send);
    io().send(socket, request, sending);
    return sending;
  }

  void send_all(Fd socket, const std::string& bytes) {
    SendRequest request;
    const OpToken sending = start_send(socket, request, bytes);
    pump_until_ended(sending);
    EXPECT_EQ(outcome(sending).last(), static_cast<std::int32_t>(bytes.size()));
  }

  // Ends the operation the way a connection does.
  void end(Fd socket, OpToken token) {
    io().shutdown(socket, Shutdown::both);
    io().cancel(token);
    pump_until_ended(token);
  }

  static std::string noise(std::size_t bytes, std::uint64_t seed) {
    Prng prng(seed);
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>(prng.below(256));
    return text;
  }

  CountingGate gate_;
  bool hold_buffers_ = false;
  std::vector<Held> held_;

 private:
  std::map<std::uint64_t, Outcome> outcomes_;
  std::uint32_t next_slot_ = 1;
};

}  // namespace ringpost::engine
