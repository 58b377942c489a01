// Received bytes that are kept and sent from where they were received.

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/net/connection.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

constexpr Fd socket_a = 10;

// Deals with all that comes, and keeps what it may but the first `spared` bytes.
class KeepingSession final : public Session {
 public:
  void on_open(Link& opened) override { link = &opened; }
  std::size_t on_bytes(Bytes bytes) override {
    const auto one = link->try_keep(bytes.substr(std::min(spared, bytes.size())));
    if (one) kept.push_back(*one);
    // Once: the buffer is the session's.
    EXPECT_FALSE(one && link->try_keep(bytes));
    if (shortened_by != 0 && link->try_keep(bytes.substr(0, bytes.size() - shortened_by))) {
      ADD_FAILURE() << "bytes in front of others were kept";
    }
    return bytes.size();
  }
  void on_end(Bytes) override {}
  void on_messages(std::span<const Message>) override {}
  void on_closed(CloseReason) override {
    for (const KeptBytes& one : kept) one.give_back();
    kept.clear();
  }

  void write_all() {
    for (const KeptBytes& one : kept) link->write_kept(one);
    kept.clear();
  }

  Link* link = nullptr;
  std::vector<KeptBytes> kept;
  std::size_t spared = 0;
  std::size_t shortened_by = 0;
};

ConnectionLimits keep_from_100() {
  ConnectionLimits limits;
  limits.kept_bytes_min = 100;
  return limits;
}

class ConnectionKeep : public ::testing::Test, public Service {
 protected:
  ConnectionKeep() { world.connections.adopt(socket_a, *this); }
  ~ConnectionKeep() override { world.end(); }
  Session& open() override { return session; }
  void close(Session&) override {}

  KeepingSession session;
  NetWorld world{keep_from_100()};
};

TEST_F(ConnectionKeep, KeptBytesAreSentFromWhereTheyWereReceived) {
  const std::string first(1000, 'a');
  const std::string second(2000, 'b');
  world.arrive(socket_a, first);
  world.arrive(socket_a, second);
  ASSERT_EQ(session.kept.size(), 2u);
  EXPECT_EQ(world.io.buffers_out(), 2u);
  const char* const at = session.kept[0].data;
  session.write_all();
  world.turn();
  EXPECT_EQ(world.io.sending_bytes(socket_a), first + second);
  EXPECT_EQ(world.io.operation(OpKind::send, socket_a).request->parts[0].iov_base, at);
  EXPECT_EQ(world.io.buffers_out(), 2u);  // while the kernel reads them
  world.send_all(socket_a);
  EXPECT_EQ(world.io.buffers_out(), 0u);
}

TEST_F(ConnectionKeep, ASendOfAPartLeavesTheRest) {
  world.arrive(socket_a, std::string(600, 'a') + std::string(400, 'b'));
  session.link->write("head ");
  session.write_all();
  Outbox& out = const_cast<Outbox&>(session.link->outbox());
  SendRequest request;
  EXPECT_EQ(out.gather(request, 605), 605u);
  out.consume(605);
  EXPECT_EQ(world.io.buffers_out(), 1u);
  world.turn();
  EXPECT_EQ(world.io.sending_bytes(socket_a), std::string(400, 'b'));
  world.send_all(socket_a);
  EXPECT_EQ(world.io.buffers_out(), 0u);
}

TEST_F(ConnectionKeep, OnlyTheEndOfABufferIsKept) {
  session.spared = 300;
  session.shortened_by = 1;
  world.arrive(socket_a, std::string(300, 'a') + std::string(500, 'b'));
  ASSERT_EQ(session.kept.size(), 1u);
  EXPECT_EQ(Bytes(session.kept[0].data, session.kept[0].bytes), std::string(500, 'b'));
}

TEST_F(ConnectionKeep, FewBytesAreNotKept) {
  world.arrive(socket_a, std::string(99, 'a'));
  EXPECT_TRUE(session.kept.empty());
  EXPECT_EQ(world.io.buffers_out(), 0u);
  EXPECT_EQ(world.counters.receives_not_kept, 0u);
}

TEST_F(ConnectionKeep, HeldInputIsNotKept) {
  session.link->pause();
  world.arrive(socket_a, std::string(1000, 'a'));
  session.link->resume();
  world.settle();
  EXPECT_TRUE(session.kept.empty());
  EXPECT_EQ(world.io.buffers_out(), 0u);
}

TEST_F(ConnectionKeep, HalfOfTheBuffersStayForTheReceives) {
  for (std::size_t i = 0; i < FakeIo::buffer_count; ++i) {
    world.arrive(socket_a, std::string(1000, 'a'));
  }
  constexpr std::size_t kept_max = FakeIo::buffer_count / 2 - 1;
  EXPECT_EQ(session.kept.size(), kept_max);
  EXPECT_EQ(world.io.buffers_out(), kept_max);
  EXPECT_EQ(world.counters.receives_not_kept, FakeIo::buffer_count - kept_max);
}

TEST_F(ConnectionKeep, AnEndAmidTheSendGivesThemBackWhenTheKernelIsThrough) {
  world.arrive(socket_a, std::string(1000, 'a'));
  session.write_all();
  world.turn();
  session.link->abort(CloseReason::protocol_error);
  world.turn();
  EXPECT_EQ(world.io.buffers_out(), 1u);
  world.io.sent(socket_a, -ECANCELED);
  world.io.fin(socket_a);
  world.settle();
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.io.buffers_out(), 0u);
}

}  // namespace
}  // namespace ringpost::engine
