#pragma once

// What every Io has to do, as tests written against the seam alone. An implementation plugs in by a
// World and INSTANTIATE_TEST_SUITE_P(Name, IoSuite, ...); include this header in one source file of
// a test binary.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/io.h"
#include "tests/engine/io/io_driver.h"

namespace ringpost::engine {

struct IoWorldParam {
  const char* name;
  std::function<std::unique_ptr<IoWorld>(const IoWorldOptions&)> make;
};

inline void PrintTo(const IoWorldParam& param, std::ostream* out) { *out << param.name; }

class IoSuite : public ::testing::TestWithParam<IoWorldParam>, public IoDriver {
 protected:
  // Made on first use, unless a test wants one of its own.
  void make_world(const IoWorldOptions& options) { world_ = GetParam().make(options); }
  IoWorld& world() override {
    if (world_ == nullptr) make_world({});
    return *world_;
  }

 private:
  std::unique_ptr<IoWorld> world_;
};

// --- accept and connect

TEST_P(IoSuite, OneAcceptAnswersEachConnection) {
  const Fd listener = world().listen();
  const OpToken accepting = start_accept(listener);
  std::vector<Fd> sockets;
  for (int i = 0; i < 3; ++i) {
    const SocketAddress address = world().address_of(listener);
    const OpToken connecting = token(OpKind::connect);
    sockets.push_back(io().open_stream(address, {}).value());
    io().connect(sockets.back(), address, connecting);
    pump_until_ended(connecting);
    EXPECT_EQ(outcome(connecting).last(), 0);
  }
  pump_until([&] { return outcome(accepting).results.size() == 3; });
  EXPECT_FALSE(outcome(accepting).ended);
  for (const std::int32_t socket : outcome(accepting).results) {
    EXPECT_GE(socket, 0);
    io().close(socket);
  }
  for (const Fd socket : sockets) io().close(socket);
  io().cancel(accepting);
  pump_until_ended(accepting);
  EXPECT_LT(outcome(accepting).last(), 0);
  io().close(listener);
}

TEST_P(IoSuite, ConnectToNobodyIsRefused) {
  const Fd listener = world().listen();
  const SocketAddress address = world().address_of(listener);
  io().close(listener);
  const Fd socket = io().open_stream(address, {}).value();
  const OpToken connecting = token(OpKind::connect);
  io().connect(socket, address, connecting);
  pump_until_ended(connecting);
  EXPECT_EQ(outcome(connecting).last(), -ECONNREFUSED);
  io().close(socket);
}

TEST_P(IoSuite, CancelEndsAnAccept) {
  const Fd listener = world().listen();
  const OpToken accepting = start_accept(listener);
  settle();
  EXPECT_FALSE(outcome(accepting).ended);
  io().cancel(accepting);
  pump_until_ended(accepting);
  EXPECT_LT(outcome(accepting).last(), 0);
  io().close(listener);
}

// --- receive

TEST_P(IoSuite, OneReceiveAnswersEachArrivalInStreamOrder) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  std::string sent;
  for (int i = 0; i < 10; ++i) {
    const std::string bytes = noise(1000, static_cast<std::uint64_t>(i));
    send_all(pair.near, bytes);
    sent += bytes;
    pump_until([&] { return outcome(receiving).bytes.size() == sent.size(); });
  }
  EXPECT_EQ(outcome(receiving).bytes, sent);
  EXPECT_FALSE(outcome(receiving).ended);
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ReceiveSplitsAtTheSizeOfABuffer) {
  make_world({.buffer_count = 16, .buffer_bytes = 256});
  const Pair pair = connect_pair();
  const std::string sent = noise(4000, 1);
  const OpToken receiving = start_receive(pair.far);
  send_all(pair.near, sent);
  pump_until(
      [&] { return outcome(receiving).bytes.size() == sent.size() || outcome(receiving).ended; });
  EXPECT_EQ(outcome(receiving).bytes, sent.substr(0, outcome(receiving).bytes.size()));
  for (const std::int32_t result : outcome(receiving).results) EXPECT_LE(result, 256);
  if (!outcome(receiving).ended) end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ReceiveWhenReadableFindsWhatIsThereAlready) {
  const Pair pair = connect_pair();
  send_all(pair.near, "early");
  settle();
  const OpToken receiving = start_receive(pair.far, true);
  pump_until([&] { return outcome(receiving).bytes == "early"; });
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ReceiveOnceFillsTheCallersMemory) {
  const Pair pair = connect_pair();
  std::string target(100, '-');
  const OpToken receiving = token(OpKind::receive_once);
  io().receive_once(pair.far, target, receiving);
  send_all(pair.near, "once");
  pump_until_ended(receiving);
  const auto bytes = static_cast<std::size_t>(outcome(receiving).last());
  ASSERT_LE(bytes, 4u);
  EXPECT_EQ(target.substr(0, bytes), std::string("once").substr(0, bytes));
  EXPECT_EQ(target.substr(bytes), std::string(100 - bytes, '-'));
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ReceiveOnceTakesNoMoreThanItsTarget) {
  const Pair pair = connect_pair();
  send_all(pair.near, "0123456789");
  std::string got;
  while (got.size() < 10) {
    std::string target(3, '-');
    const OpToken receiving = token(OpKind::receive_once);
    io().receive_once(pair.far, target, receiving);
    pump_until_ended(receiving);
    ASSERT_GT(outcome(receiving).last(), 0);
    got += target.substr(0, static_cast<std::size_t>(outcome(receiving).last()));
  }
  EXPECT_EQ(got, "0123456789");
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, CancelEndsAReceive) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  settle();
  io().cancel(receiving);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).last(), -ECANCELED);
  // The socket lives, and a new receive finds what comes.
  const OpToken again = start_receive(pair.far);
  send_all(pair.near, "more");
  pump_until([&] { return outcome(again).bytes == "more"; });
  end(pair.far, again);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, CancelOfWhatHasEndedIsHarmless) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  io().shutdown(pair.near, Shutdown::send);
  pump_until_ended(receiving);
  io().cancel(receiving);
  settle();
  EXPECT_EQ(outcome(receiving).results.size(), 1u);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, CancelRightBehindTheStartIsAnsweredOnce) {
  const Pair pair = connect_pair();
  for (int i = 0; i < 20; ++i) {
    const OpToken receiving = start_receive(pair.far);
    io().cancel(receiving);
    io().cancel(receiving);
    pump_until_ended(receiving);
  }
  io().close(pair.near);
  io().close(pair.far);
}

// --- buffers

TEST_P(IoSuite, WithoutABufferTheReceiveEndsAndGoesOnLaterWithoutLoss) {
  make_world({.buffer_count = 2, .buffer_bytes = 512});
  const Pair pair = connect_pair();
  const std::string sent = noise(10'000, 2);
  SendRequest request;
  const OpToken sending = start_send(pair.near, request, sent);
  std::string received;
  bool was_starved = false;
  hold_buffers_ = true;
  OpToken receiving = start_receive(pair.far);
  while (received.size() < sent.size()) {
    const std::size_t before = received.size();
    pump_until([&] {
      return outcome(receiving).ended || before + outcome(receiving).bytes.size() == sent.size();
    });
    received += outcome(receiving).bytes;
    if (!outcome(receiving).ended) break;
    ASSERT_EQ(outcome(receiving).last(), -ENOBUFS);
    was_starved = true;
    give_back_held();
    receiving = start_receive(pair.far, true);
  }
  EXPECT_TRUE(was_starved);
  EXPECT_EQ(received, sent);
  pump_until_ended(sending);
  if (!outcome(receiving).ended) end(pair.far, receiving);
  give_back_held();
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, AHeldBufferKeepsItsBytesWhileOthersAreFilled) {
  make_world({.buffer_count = 8, .buffer_bytes = 512});
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  hold_buffers_ = true;
  send_all(pair.near, "keep me");
  pump_until([&] { return outcome(receiving).bytes == "keep me"; });
  hold_buffers_ = false;

  std::string sent = "keep me";
  for (int i = 0; i < 40; ++i) {
    const std::string bytes = noise(512, static_cast<std::uint64_t>(i));
    send_all(pair.near, bytes);
    sent += bytes;
    pump_until([&] { return outcome(receiving).bytes.size() == sent.size(); });
  }
  EXPECT_EQ(outcome(receiving).bytes, sent);
  std::string kept;
  for (const Held& held : held_) kept.append(held.data, held.bytes);
  EXPECT_EQ(kept, "keep me");
  give_back_held();
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ABufferCanBeSparedWhileMoreThanHalfAreNotHandedOut) {
  make_world({.buffer_count = 8, .buffer_bytes = 512});
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  hold_buffers_ = true;
  std::string sent;
  while (held_.size() < 4) {
    EXPECT_TRUE(io().can_spare_buffer());
    send_all(pair.near, "one");
    sent += "one";
    pump_until([&] { return outcome(receiving).bytes == sent; });
  }
  EXPECT_FALSE(io().can_spare_buffer());
  give_back_held();
  EXPECT_TRUE(io().can_spare_buffer());
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

// --- send

TEST_P(IoSuite, SendGathersItsPartsInOrder) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  std::vector<std::string> parts;
  std::string sent;
  SendRequest request;
  request.part_count = SendRequest::parts_max;
  for (std::size_t i = 0; i < SendRequest::parts_max; ++i) {
    parts.push_back(noise(1 + 37 * i % 300, i));
    sent += parts.back();
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    request.parts[i] = {parts[i].data(), parts[i].size()};
  }
  request.bytes = static_cast<std::uint32_t>(sent.size());
  const OpToken sending = token(OpKind::send);
  io().send(pair.near, request, sending);
  pump_until(
      [&] { return outcome(sending).ended && outcome(receiving).bytes.size() == sent.size(); });
  EXPECT_EQ(outcome(sending).last(), static_cast<std::int32_t>(sent.size()));
  EXPECT_EQ(outcome(receiving).bytes, sent);
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, SendsToAPeerThatDoesNotReadWaitAndArriveExactly) {
  const Pair pair = connect_pair();
  const std::string first = noise(6u << 20, 3);
  const std::string second = noise(2u << 20, 4);
  SendRequest request;
  const OpToken sending = start_send(pair.near, request, first);
  settle();
  EXPECT_FALSE(outcome(sending).ended);

  OpToken receiving = start_receive(pair.far);
  OpToken sending_more;
  std::string received;
  pump_until([&] {
    // The second follows the first at once, while the peer has most of that still to read.
    if (outcome(sending).ended && sending_more == OpToken{}) {
      sending_more = start_send(pair.near, request, second);
    }
    if (outcome(receiving).last() == -ENOBUFS) {
      received += outcome(receiving).bytes;
      receiving = start_receive(pair.far, true);
    }
    return received.size() + outcome(receiving).bytes.size() == first.size() + second.size();
  });
  received += outcome(receiving).bytes;
  EXPECT_TRUE(received == first + second);  // not EXPECT_EQ: nobody reads 8 MiB of difference
  pump_until_ended(sending_more);
  EXPECT_EQ(outcome(sending).last(), static_cast<std::int32_t>(first.size()));
  EXPECT_EQ(outcome(sending_more).last(), static_cast<std::int32_t>(second.size()));
  end(pair.far, receiving);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, CancelEndsASendThatIsStuck) {
  const Pair pair = connect_pair();
  const std::string bytes = noise(32u << 20, 5);
  SendRequest request;
  const OpToken sending = start_send(pair.near, request, bytes);
  settle();
  ASSERT_FALSE(outcome(sending).ended);
  io().cancel(sending);
  pump_until_ended(sending);
  EXPECT_LT(outcome(sending).last(), static_cast<std::int32_t>(bytes.size()));
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ShutdownEndsASendThatIsStuck) {
  const Pair pair = connect_pair();
  const std::string bytes = noise(32u << 20, 6);
  SendRequest request;
  const OpToken sending = start_send(pair.near, request, bytes);
  settle();
  ASSERT_FALSE(outcome(sending).ended);
  io().shutdown(pair.near, Shutdown::both);
  pump_until_ended(sending);
  EXPECT_LT(outcome(sending).last(), static_cast<std::int32_t>(bytes.size()));
  io().close(pair.near);
  io().close(pair.far);
}

// --- ends of streams

TEST_P(IoSuite, ShutdownOfSendingIsThePeersEndAfterAllBytes) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  send_all(pair.near, "last words");
  io().shutdown(pair.near, Shutdown::send);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).bytes, "last words");
  EXPECT_EQ(outcome(receiving).last(), 0);
  // The other direction still works.
  const OpToken answer = start_receive(pair.near);
  send_all(pair.far, "answer");
  pump_until([&] { return outcome(answer).bytes == "answer"; });
  end(pair.near, answer);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, ShutdownEndsTheOwnReceive) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  settle();
  io().shutdown(pair.far, Shutdown::both);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).last(), 0);
  io().close(pair.near);
  io().close(pair.far);
}

TEST_P(IoSuite, CloseIsThePeersEnd) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  io().close(pair.near);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).last(), 0);
  io().close(pair.far);
}

TEST_P(IoSuite, ResetEndsTheReceiveWithAnError) {
  const Pair pair = connect_pair();
  const OpToken receiving = start_receive(pair.far);
  settle();
  io().close_by_reset(pair.near);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).last(), -ECONNRESET);
  io().close(pair.far);
}

TEST_P(IoSuite, WhatIsSentIsUndeliveredUntilThePeerHasIt) {
  const Pair pair = connect_pair();
  EXPECT_EQ(io().undelivered_bytes(pair.far), 0u);
  const std::string bytes = noise(32u << 20, 7);
  SendRequest request;
  const OpToken sending = start_send(pair.far, request, bytes);
  settle();
  ASSERT_FALSE(outcome(sending).ended);
  EXPECT_GT(io().undelivered_bytes(pair.far), 0u);
  EXPECT_EQ(io().undelivered_bytes(pair.near), 0u);
  io().close_by_reset(pair.near);
  pump_until_ended(sending);
  EXPECT_EQ(io().undelivered_bytes(pair.far), 0u);  // it never will be
  io().close(pair.far);
}

TEST_P(IoSuite, SendAfterAResetFails) {
  const Pair pair = connect_pair();
  io().close_by_reset(pair.near);
  const std::string bytes = "too late";
  std::int32_t result = 0;
  // A network may swallow a few before it knows.
  for (int i = 0; i < 100 && result >= 0; ++i) {
    SendRequest request;
    const OpToken sending = start_send(pair.far, request, bytes);
    pump_until_ended(sending);
    result = outcome(sending).last();
  }
  EXPECT_TRUE(result == -EPIPE || result == -ECONNRESET) << result;
  io().close(pair.far);
}

TEST_P(IoSuite, ResetEndsASendThatIsStuck) {
  const Pair pair = connect_pair();
  const std::string bytes = noise(32u << 20, 7);
  SendRequest request;
  const OpToken sending = start_send(pair.far, request, bytes);
  settle();
  ASSERT_FALSE(outcome(sending).ended);
  io().close_by_reset(pair.near);
  pump_until_ended(sending);
  EXPECT_LT(outcome(sending).last(), static_cast<std::int32_t>(bytes.size()));
  io().close(pair.far);
}

// --- tokens

TEST_P(IoSuite, ALateCompletionCarriesItsOldGeneration) {
  const Pair pair = connect_pair();
  const std::uint32_t slot = 0xffff'fffe;
  const OpToken old_token = OpToken::make(OpKind::receive, slot, OpToken::generation_max);
  const OpToken new_token = OpToken::make(OpKind::receive, slot, 0);
  outcome(old_token).socket = pair.far;
  outcome(new_token).socket = pair.far;
  io().receive(pair.far, old_token, false);
  settle();
  io().cancel(old_token);
  io().receive(pair.far, new_token, false);
  send_all(pair.near, "for either");
  pump_until([&] {
    return outcome(old_token).ended &&
           outcome(old_token).bytes.size() + outcome(new_token).bytes.size() == 10;
  });
  EXPECT_EQ(outcome(old_token).bytes + outcome(new_token).bytes, "for either");
  end(pair.far, new_token);
  io().close(pair.near);
  io().close(pair.far);
}

// --- turns

TEST_P(IoSuite, ATurnWithNothingToDoDoesNotWaitUnlessAsked) {
  const auto completions = world().step({.deadline = 0, .completions_max = 8}, gate_);
  EXPECT_TRUE(completions.empty());
  EXPECT_EQ(gate_.attempts, 0);
}

TEST_P(IoSuite, ATurnWaitsUntilItsDeadline) {
  const Nanos deadline = world().clock().now() + 2 * nanos_per_ms;
  while (world().clock().now() < deadline) {
    EXPECT_TRUE(world().step({.deadline = deadline, .completions_max = 8}, gate_).empty());
  }
  EXPECT_FALSE(gate_.is_asleep);
}

TEST_P(IoSuite, ATurnThatFindsWorkDoesNotSleep) {
  gate_.has_work = true;
  EXPECT_TRUE(world().step({.deadline = never, .completions_max = 8}, gate_).empty());
  EXPECT_TRUE(
      world().step({.deadline = never, .spin = nanos_per_s, .completions_max = 8}, gate_).empty());
  EXPECT_EQ(gate_.sleeps, 0);
}

TEST_P(IoSuite, AWakeEndsAWaitThatBeginsAfterIt) {
  io().wake_from_any_thread();
  EXPECT_TRUE(world().step({.deadline = never, .completions_max = 8}, gate_).empty());
  io().wake_from_any_thread();
  io().wake_from_any_thread();
  EXPECT_TRUE(world().step({.deadline = never, .completions_max = 8}, gate_).empty());
  EXPECT_FALSE(gate_.is_asleep);
}

TEST_P(IoSuite, ATurnReturnsNoMoreThanItMay) {
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (int i = 0; i < 10; ++i) pairs.push_back(connect_pair());
  for (const Pair& pair : pairs) receives.push_back(start_receive(pair.far));
  for (const Pair& pair : pairs) send_all(pair.near, "x");
  std::size_t arrived = 0;
  int idle_steps = 0;
  for (const OpToken receiving : receives) arrived += outcome(receiving).bytes.size();
  while (arrived < receives.size()) {
    TurnLimits limits{.deadline = world().clock().now() + step_time, .completions_max = 3};
    const auto completions = world().step(limits, gate_);
    ASSERT_LE(completions.size(), 3u);
    for (const Completion& completion : completions) note(completion);
    arrived += completions.size();
    idle_steps = completions.empty() ? idle_steps + 1 : 0;
    ASSERT_LT(idle_steps, idle_steps_max);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    end(pairs[i].far, receives[i]);
    io().close(pairs[i].near);
    io().close(pairs[i].far);
  }
}

TEST_P(IoSuite, ATurnForNoCompletionsStillSubmits) {
  const Pair pair = connect_pair();
  std::string target(10, '-');
  const OpToken receiving = token(OpKind::receive_once);
  const OpToken sending = token(OpKind::send);
  const std::string bytes = "go";
  SendRequest request;
  request.parts[0] = {const_cast<char*>(bytes.data()), bytes.size()};
  request.part_count = 1;
  request.bytes = 2;
  io().send(pair.near, request, sending);
  EXPECT_TRUE(world().step({.deadline = never, .completions_max = 0}, gate_).empty());
  EXPECT_EQ(gate_.attempts, gate_.sleeps);
  io().receive_once(pair.far, target, receiving);
  pump_until([&] { return outcome(receiving).ended && outcome(sending).ended; });
  EXPECT_EQ(target[0], 'g');
  io().close(pair.near);
  io().close(pair.far);
}

}  // namespace ringpost::engine
