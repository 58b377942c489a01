// Connections that receive block by block, and what passing bytes on needs beside it: FIN in one
// direction, and ends by reset.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/net/connection.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

constexpr Fd socket_a = 10;
constexpr std::uint32_t block_max = 128 << 10;

// Takes every block, and keeps it until the test writes it back.
class BlockSession final : public Session {
 public:
  void on_open(Link& opened) override {
    link = &opened;
    link->receive_blocks(block_max);
  }
  std::size_t on_bytes(Bytes bytes) override {
    taken.push_back(link->take());
    EXPECT_EQ(Bytes(taken.back().block->data() + taken.back().offset, taken.back().bytes), bytes);
    if (pause_after_each) link->pause();
    return bytes.size();
  }
  void on_end(Bytes rest) override {
    EXPECT_TRUE(rest.empty());
    ended = true;
  }
  void on_messages(std::span<const Message>) override {}
  void on_drained() override { ++drained; }
  void on_drain() override { drain = true; }
  void on_closed(CloseReason closed) override { reason = closed; }

  void write_back(std::size_t index) {
    const Link::TakenBlock& block = taken[index];
    link->write_block(block.block, block.offset, block.bytes);
    taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(index));
  }

  Link* link = nullptr;
  std::vector<Link::TakenBlock> taken;
  bool pause_after_each = false;
  bool ended = false;
  bool drain = false;
  int drained = 0;
  CloseReason reason = CloseReason::none;
};

class ConnectionBlock : public ::testing::Test, public Service {
 protected:
  ConnectionBlock() { world.connections.adopt(socket_a, *this); }
  ~ConnectionBlock() override {
    for (const Link::TakenBlock& block : session.taken) world.buffers.give_back(block.block);
  }
  Session& open() override { return session; }
  void close(Session&) override {}

  void arrive(const std::string& bytes) {
    world.io.arrive_once(socket_a, bytes);
    world.turn();
  }
  void end_receive(std::int32_t result) {
    world.io.receive_once_ends(socket_a, result);
    world.turn();
  }
  bool receiving() const { return world.io.in_flight(OpKind::receive_once, socket_a); }
  std::size_t target_bytes() const {
    return world.io.operation(OpKind::receive_once, socket_a).target.size();
  }
  // Fills what is there for it.
  void fill() { arrive(std::string(target_bytes(), 'f')); }
  void write_back_all() {
    while (!session.taken.empty()) session.write_back(0);
    world.turn();
    world.send_all(socket_a);
  }

  BlockSession session;
  NetWorld world;
};

TEST_F(ConnectionBlock, ABlockIsTakenAndSentFromWhereItLies) {
  EXPECT_FALSE(world.io.receiving(socket_a));
  const char* target = world.io.operation(OpKind::receive_once, socket_a).target.data();
  const std::string bytes(1500, 'b');
  arrive(bytes);
  ASSERT_EQ(session.taken.size(), 1u);
  EXPECT_TRUE(receiving());  // into another block
  session.write_back(0);
  world.turn();
  EXPECT_EQ(world.io.sending_bytes(socket_a), bytes);
  EXPECT_EQ(world.io.operation(OpKind::send, socket_a).request->parts[0].iov_base, target);
  world.send_all(socket_a);
  EXPECT_EQ(world.counters.received_bytes, 1500u);
  EXPECT_EQ(world.counters.sent_bytes, 1500u);
}

TEST_F(ConnectionBlock, WhilePausedOneBlockWaitsAndNoOtherIsReceived) {
  session.pause_after_each = true;
  arrive("one");
  EXPECT_TRUE(receiving());  // the second of two
  arrive("two");
  EXPECT_FALSE(receiving());
  EXPECT_EQ(session.taken.size(), 1u);
  world.settle();
  EXPECT_FALSE(receiving());
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.taken.size(), 2u);
  EXPECT_TRUE(receiving());
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.taken.size(), 2u);
}

TEST_F(ConnectionBlock, TheEndComesBehindTheBlockThatWaits) {
  session.pause_after_each = true;
  arrive("one");
  arrive("two");
  session.link->resume();
  world.settle();
  end_receive(0);
  EXPECT_FALSE(session.ended);  // paused: its place is behind what is on its way
  session.link->resume();
  world.settle();
  EXPECT_TRUE(session.ended);
  EXPECT_EQ(session.reason, CloseReason::none);
}

TEST_F(ConnectionBlock, BlocksGrowWhileTheyAreFilledAndShrink) {
  EXPECT_EQ(target_bytes(), 2048 - sizeof(Block));
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 5; ++i) {
    fill();
    sizes.push_back(target_bytes());
    write_back_all();
  }
  const std::vector<std::size_t> expected = {8192 - sizeof(Block), 32768 - sizeof(Block),
                                             131072 - sizeof(Block), 131072 - sizeof(Block),
                                             131072 - sizeof(Block)};
  EXPECT_EQ(sizes, expected);
  arrive(std::string(64 << 10, 'h'));
  EXPECT_EQ(target_bytes(), 131072 - sizeof(Block));  // half full is well used
  for (int i = 0; i < 5; ++i) arrive("x");
  EXPECT_EQ(target_bytes(), 2048 - sizeof(Block));
}

TEST_F(ConnectionBlock, ItIsToldEachTimeThatAllIsSent) {
  arrive(std::string(1500, '1'));
  arrive(std::string(1500, '2'));
  session.write_back(0);
  world.turn();
  session.write_back(0);  // behind a send in flight
  world.turn();
  world.io.sent(socket_a);
  world.turn();
  EXPECT_EQ(session.drained, 0);
  world.io.sent(socket_a);
  world.turn();
  EXPECT_EQ(session.drained, 1);
}

TEST_F(ConnectionBlock, OutputDoesNotPauseInput) {
  for (int i = 0; i < 8; ++i) {
    fill();
    while (!session.taken.empty()) session.write_back(0);
    world.turn();
  }
  EXPECT_GT(session.link->outbox().bytes(), ConnectionLimits{}.output_high_bytes);
  EXPECT_TRUE(receiving());
  world.send_all(socket_a);
}

TEST_F(ConnectionBlock, ShutdownOfWritingComesBehindTheOutputAndInputGoesOn) {
  session.link->write("last words");
  session.link->shutdown_write();
  world.turn();
  EXPECT_FALSE(world.io.is_shut_down(socket_a, Shutdown::send));
  world.send_all(socket_a);
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
  arrive("more");
  EXPECT_EQ(session.taken.size(), 1u);
  end_receive(0);
  EXPECT_TRUE(session.ended);
  session.link->close_after_flush(CloseReason::peer_closed);
  world.settle();
  EXPECT_EQ(session.reason, CloseReason::peer_closed);
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

TEST_F(ConnectionBlock, ShutdownOfWritingWithNothingToSendGoesOutAtOnce) {
  session.link->shutdown_write();
  world.turn();
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
}

TEST_F(ConnectionBlock, AResetComesBehindTheOutputAndIsNoOrderlyEnd) {
  world.io.options.complete_cancels = true;
  session.link->write("what there was");
  session.link->reset_after_flush(CloseReason::upstream_failed);
  world.turn();
  EXPECT_FALSE(world.io.is_closed(socket_a));
  world.send_all(socket_a);
  world.settle();
  EXPECT_EQ(world.io.output[socket_a], "what there was");
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{socket_a});
  EXPECT_TRUE(world.io.shutdowns.empty());
  EXPECT_EQ(session.reason, CloseReason::upstream_failed);
}

// The relay reset a client that read slowly, and destroyed what lay in the kernel's send buffer.
TEST_F(ConnectionBlock, AResetWaitsUntilThePeerHasGotTheOutput) {
  world.io.options.complete_cancels = true;
  world.io.undelivered = 100;
  session.link->write("what there was");
  session.link->reset_after_flush(CloseReason::upstream_failed);
  world.turn();
  world.send_all(socket_a);
  for (; world.io.undelivered > 0; world.io.undelivered -= 25) {  // slow, and not too slow
    world.pass_time(ConnectionLimits{}.linger_nanos - nanos_per_s);
    EXPECT_FALSE(world.io.is_closed(socket_a));
  }
  world.pass_time(nanos_per_s);
  world.settle();
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{socket_a});
  EXPECT_EQ(session.reason, CloseReason::upstream_failed);
}

TEST_F(ConnectionBlock, AResetDoesNotWaitForAPeerThatTakesNothing) {
  world.io.options.complete_cancels = true;
  world.io.undelivered = 100;
  session.link->write("what there was");
  session.link->reset_after_flush(CloseReason::upstream_failed);
  world.turn();
  world.send_all(socket_a);
  world.pass_time(ConnectionLimits{}.linger_nanos);
  world.settle();
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{socket_a});
  EXPECT_EQ(session.reason, CloseReason::linger_timeout);
}

TEST_F(ConnectionBlock, NothingIsReadOfAPeerThatIsToBeReset) {
  world.io.options.complete_cancels = true;
  world.io.undelivered = 100;
  session.link->reset_after_flush(CloseReason::upstream_failed);
  world.turn();
  for (int i = 0; i < 20 && receiving(); ++i) arrive(std::string(target_bytes(), 'x'));
  EXPECT_FALSE(receiving());
  EXPECT_FALSE(world.io.is_closed(socket_a));
  world.io.undelivered = 0;
  world.pass_time(nanos_per_s);
  world.settle();
  EXPECT_EQ(world.io.closed_by_reset, std::vector<Fd>{socket_a});
}

TEST_F(ConnectionBlock, ADeadPeerIsATimeOut) {
  end_receive(-ETIMEDOUT);
  world.settle();
  EXPECT_EQ(session.reason, CloseReason::timed_out);
  EXPECT_EQ(world.closed(CloseReason::timed_out), 1u);
}

TEST_F(ConnectionBlock, ADeadPeerIsATimeOutForASendToo) {
  world.io.options.complete_cancels = true;
  session.link->write("x");
  world.turn();
  world.io.sent(socket_a, -ETIMEDOUT);
  world.turn();
  end_receive(0);  // as the shutdown behind it
  world.settle();
  EXPECT_EQ(session.reason, CloseReason::timed_out);
}

// A send that waited for room reports the bytes that had left, and so swallows the error. A dead
// peer that had not read was counted as one that reset.
TEST_F(ConnectionBlock, ADeadPeerIsATimeOutForASendThatEndsAmidItsBytes) {
  world.io.options.complete_cancels = true;
  world.io.silent = true;
  session.link->write("half of it");
  world.turn();
  world.io.sent(socket_a, 4);
  world.turn();
  end_receive(0);
  world.settle();
  EXPECT_EQ(session.reason, CloseReason::timed_out);
}

TEST_F(ConnectionBlock, ASendThatEndsAmidItsBytesIsAResetOtherwise) {
  world.io.options.complete_cancels = true;
  session.link->write("half of it");
  world.turn();
  world.io.sent(socket_a, 4);
  world.turn();
  end_receive(0);
  world.settle();
  EXPECT_EQ(session.reason, CloseReason::reset);
}

TEST_F(ConnectionBlock, TheBlockOfAReceiveInFlightStaysTheKernelsUntilItEnds) {
  session.link->abort(CloseReason::slow_consumer);
  world.turn();
  world.turn();
  EXPECT_EQ(session.reason, CloseReason::slow_consumer);
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive_once, socket_a));
  EXPECT_FALSE(world.io.is_closed(socket_a));
  EXPECT_NE(world.buffers.taken_bytes(), 0u);
  end_receive(5);  // the bytes were faster than the cancel
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST_F(ConnectionBlock, ADrainTakesTheReceiveBackAndSaysGoodbye) {
  world.connections.drain();
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive_once, socket_a));
  EXPECT_FALSE(session.drain);
  end_receive(-ECANCELED);
  EXPECT_TRUE(session.drain);
  EXPECT_TRUE(world.connections.drained());
}

TEST_F(ConnectionBlock, ADrainWaitsForTheBlockThatWaits) {
  session.pause_after_each = true;
  arrive("one");
  arrive("two");
  world.connections.drain();
  world.settle();
  EXPECT_FALSE(session.drain);
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.taken.size(), 2u);
  session.link->resume();
  world.settle();
  EXPECT_TRUE(session.drain);
}

}  // namespace
}  // namespace ringpost::engine
