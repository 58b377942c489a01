// What a connection does with what arrives: parsing in place and joined, pausing and going on,
// receives that end for all the reasons there are.

#include <gtest/gtest.h>

#include <string>

#include "engine/base/prng.h"
#include "engine/net/connection.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

using Lines = std::vector<std::string>;
constexpr Fd socket_a = 10;
constexpr Fd socket_b = 11;

TEST(ConnectionInput, OneMultishotReceiveFromTheStart) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  EXPECT_EQ(session.log, Lines{"open"});
  EXPECT_TRUE(world.io.receiving(socket_a));
  world.arrive(socket_a, "one\ntwo\n");
  world.arrive(socket_a, "three\n");
  EXPECT_EQ(session.lines, (Lines{"one", "two", "three"}));
  EXPECT_EQ(session.offers, 2);
  EXPECT_EQ(world.io.buffers_out(), 0u);
  EXPECT_EQ(world.counters.receives, 2u);
  EXPECT_EQ(world.counters.received_bytes, 14u);
}

TEST(ConnectionInput, WholeMessagesAreParsedInPlaceAndNothingIsHeld) {
  NetWorld world;
  world.open(socket_a);
  world.arrive(socket_a, std::string(8000, 'x') + "\n");
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(ConnectionInput, OnlyTheTailOfAHalfReceivedMessageIsHeld) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, std::string(8000, 'x') + "\nta");
  EXPECT_EQ(world.buffers.taken_bytes(), BufferPool::class_bytes[0]);
  world.arrive(socket_a, "il\n");
  EXPECT_EQ(session.lines.back(), "tail");
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(ConnectionInput, EverySplitGivesTheSameLines) {
  const std::string stream = "a\n\nbc\ndefgh\n" + std::string(700, 'L') + "\nend\n";
  Lines expected;
  {
    NetWorld world;
    LineSession& session = world.open(socket_a);
    world.arrive(socket_a, stream);
    expected = session.lines;
  }
  ASSERT_EQ(expected.size(), 6u);
  for (std::size_t split = 1; split < stream.size(); ++split) {
    SCOPED_TRACE(split);
    NetWorld world;
    LineSession& session = world.open(socket_a);
    world.arrive(socket_a, Bytes(stream).substr(0, split));
    world.arrive(socket_a, Bytes(stream).substr(split));
    ASSERT_EQ(session.lines, expected);
    ASSERT_EQ(world.buffers.taken_bytes(), 0u);
  }
}

TEST(ConnectionInput, OneByteAtATimeGivesTheSameLines) {
  const std::string stream = "a\n\nbc\n" + std::string(300, 'L') + "\nend\n";
  NetWorld world;
  LineSession& session = world.open(socket_a);
  for (const char& byte : stream) world.arrive(socket_a, Bytes(&byte, 1));
  EXPECT_EQ(session.lines, (Lines{"a", "", "bc", std::string(300, 'L'), "end"}));
}

TEST(ConnectionInput, ManyBuffersOfOneLongLineAreJoined) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  Prng prng(5);
  std::string line;
  for (int i = 0; i < 20; ++i) {
    std::string piece(1 + prng.below(5000), static_cast<char>('a' + i));
    world.arrive(socket_a, piece);
    line += piece;
  }
  world.arrive(socket_a, "\nnext\n");
  EXPECT_EQ(session.lines, (Lines{line, "next"}));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

// --- Pausing ---

TEST(ConnectionInput, APauseKeepsWhatWasDeliveredAndTakesTheReceiveBack) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string& line) {
    if (line == "stop") s.link->pause();
  };
  world.arrive(socket_a, "one\nstop\nheld\nta");
  EXPECT_EQ(session.lines, (Lines{"one", "stop"}));
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));
  EXPECT_EQ(world.counters.input_stalled, 1u);
  EXPECT_EQ(world.counters.input_cancelled, 1u);

  // What the kernel had already taken still comes, and is held as well.
  world.arrive(socket_a, "il\nmore\n");
  EXPECT_EQ(session.lines.size(), 2u);
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  EXPECT_FALSE(world.io.receiving(socket_a));

  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"one", "stop", "held", "tail", "more"}));
  EXPECT_TRUE(world.io.receiving(socket_a));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(ConnectionInput, ResumedBeforeTheCancelCameItReceivesOnOnce) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\nheld\n");
  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));  // still on its way
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  EXPECT_TRUE(world.io.receiving(socket_a));
  EXPECT_FALSE(world.io.cancel_asked(OpKind::receive, socket_a));
}

TEST(ConnectionInput, ACancelledReceiveMayStillBringBytesLast) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\nhe");
  world.io.arrive(socket_a, "ld\n", false);
  world.settle();
  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_TRUE(world.io.receiving(socket_a));
}

TEST(ConnectionInput, PausedAfterAWholeBufferNothingIsTakenBackUntilMoreCame) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\n");
  EXPECT_FALSE(world.io.cancel_asked(OpKind::receive, socket_a));
  session.link->resume();
  session.when_line = nullptr;
  world.arrive(socket_a, "on\n");
  EXPECT_EQ(session.lines, (Lines{"stop", "on"}));
}

TEST(ConnectionInput, FullLanesStopParsingAndItGoesOnByItself) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.post.set_full(1, true);
  world.arrive(socket_a, "one\ntwo\n");
  EXPECT_TRUE(session.lines.empty());
  world.turn();
  EXPECT_TRUE(session.lines.empty());
  world.post.set_full(1, false);
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"one", "two"}));
}

// Story: a connection that was taken up and stalled again within one turn was listed a second time,
// and each copy was kept for as long as it stalled in every turn: a client that pipelines without
// end made the list, and the work of each turn, grow without end.
TEST(ConnectionInput, StallingInEveryTurnCostsTheSameInEveryTurn) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, std::string(4000, '\n'));
  world.io.receive_ends(socket_a, ECANCELED);
  world.turn();
  for (int i = 0; i < 1000; ++i) {
    session.link->resume();
    world.turn();
  }
  EXPECT_EQ(session.lines.size(), 1001u);
  EXPECT_LE(world.connections.held_back_count(), 1u);
}

// Whoever waits for something of its own, or for room in a lane, or both in any order, goes on when
// the last reason has ended, and costs nothing in the turns between.
TEST(ConnectionInput, SeveralReasonsToWaitEndInAnyOrder) {
  for (const bool lane_fills_first : {false, true}) {
    for (const bool lane_ends_first : {false, true}) {
      SCOPED_TRACE(lane_fills_first);
      SCOPED_TRACE(lane_ends_first);
      NetWorld world;
      LineSession& session = world.open(socket_a);
      if (lane_fills_first) world.post.set_full(1, true);
      session.link->pause();
      world.arrive(socket_a, "line\n");
      if (!lane_fills_first) world.post.set_full(1, true);
      world.turn();
      const auto end_one = [&](bool lane) {
        if (lane) {
          world.post.set_full(1, false);
        } else {
          session.link->resume();
        }
        world.settle();
      };
      end_one(lane_ends_first);
      EXPECT_TRUE(session.lines.empty());
      end_one(!lane_ends_first);
      EXPECT_EQ(session.lines, Lines{"line"});
      EXPECT_EQ(world.connections.held_back_count(), 0u);
    }
  }
}

// The same with output that is above its mark.
TEST(ConnectionInput, RoomForOutputEndsAWaitWhateverTheLanesSay) {
  for (const bool lane_ends_first : {false, true}) {
    SCOPED_TRACE(lane_ends_first);
    ConnectionLimits limits;
    limits.output_high_bytes = 100;
    limits.output_low_bytes = 10;
    NetWorld world(limits);
    LineSession& session = world.open(socket_a);
    session.when_line = [](LineSession& s, const std::string& line) {
      if (line == "much") s.link->write(std::string(200, 'x'));
    };
    world.arrive(socket_a, "much\nline\n");
    EXPECT_EQ(session.lines, Lines{"much"});
    world.post.set_full(1, true);
    if (lane_ends_first) {
      world.post.set_full(1, false);
      world.settle();
      EXPECT_EQ(session.lines, Lines{"much"});
    }
    world.send_all(socket_a);
    world.settle();
    EXPECT_EQ(session.lines.size(), lane_ends_first ? 2u : 1u);
    world.post.set_full(1, false);
    world.settle();
    EXPECT_EQ(session.lines, (Lines{"much", "line"}));
  }
}

// A goodbye ends the wait, too: what still comes is discarded, so that the peer's end is seen.
TEST(ConnectionInput, WhoSaysGoodbyeWhileItWaitsReadsOn) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->pause();
  world.arrive(socket_a, "line\n");
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  EXPECT_FALSE(world.io.receiving(socket_a));
  session.link->close_after_flush(CloseReason::protocol_error);
  world.settle();
  EXPECT_TRUE(world.io.receiving(socket_a));
  world.io.fin(socket_a);
  world.settle();
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

TEST(ConnectionInput, ManyReadyConnectionsAreTakenUpInPortions) {
  ConnectionLimits limits;
  limits.feed_ready_max = 2;
  NetWorld world(limits);
  world.post.set_full(1, true);
  for (Fd fd = 100; fd < 107; ++fd) {
    world.open(fd);
    world.arrive(fd, "line\n");
  }
  world.post.set_full(1, false);
  world.connections.settle_stalled();
  EXPECT_TRUE(world.connections.work_left());
  EXPECT_TRUE(world.connections.feed_ready());
  const auto fed = [&] {
    return std::count_if(world.service.sessions.begin(), world.service.sessions.end(),
                         [](const LineSession& s) { return !s.lines.empty(); });
  };
  EXPECT_EQ(fed(), 2);
  world.settle();
  EXPECT_EQ(fed(), 7);
}

// Story: each turn started the receives of all starved connections, each of which failed anew while
// the buffers did not suffice.
TEST(ConnectionInput, ManyStarvedConnectionsAreStartedInPortionsAndInTurn) {
  ConnectionLimits limits;
  limits.feed_ready_max = 2;
  NetWorld world(limits);
  for (Fd fd = 100; fd < 105; ++fd) {
    world.open(fd);
    world.io.receive_ends(fd, ENOBUFS);
  }
  world.turn();
  const auto receiving = [&] {
    std::vector<Fd> sockets;
    for (Fd fd = 100; fd < 105; ++fd) {
      if (world.io.receiving(fd)) sockets.push_back(fd);
    }
    return sockets;
  };
  EXPECT_EQ(receiving(), (std::vector<Fd>{100, 101}));
  EXPECT_TRUE(world.connections.work_left());
  world.turn();
  EXPECT_EQ(receiving(), (std::vector<Fd>{100, 101, 102, 103}));
  world.turn();
  EXPECT_EQ(receiving().size(), 5u);
  EXPECT_FALSE(world.connections.work_left());
}

// --- Receives that end ---

TEST(ConnectionInput, WithoutBuffersItWaitsAndIsStartedAnew) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.io.receive_ends(socket_a, ENOBUFS);
  world.settle();
  EXPECT_EQ(world.counters.receive_starved, 1u);
  ASSERT_TRUE(world.io.receiving(socket_a));
  EXPECT_TRUE(world.io.operation(OpKind::receive, socket_a).when_readable);
  world.arrive(socket_a, "line\n");
  EXPECT_EQ(session.lines, Lines{"line"});
}

TEST(ConnectionInput, AMultishotThatWasLostWithDataIsStartedAnew) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.io.arrive(socket_a, "one\n", false);
  world.settle();
  EXPECT_EQ(session.lines, Lines{"one"});
  ASSERT_TRUE(world.io.receiving(socket_a));
  world.arrive(socket_a, "two\n");
  EXPECT_EQ(session.lines, (Lines{"one", "two"}));
}

// Story: a receive that ran out of buffers was started again even while its connection was stalled,
// so each such round let in another receive's worth behind what was held.
TEST(ConnectionInput, AStalledConnectionThatRanOutOfBuffersIsNotStartedAnew) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.io.arrive(socket_a, "stop\nheld\n");
  world.io.receive_ends(socket_a, ENOBUFS);
  world.settle();
  EXPECT_FALSE(world.io.receiving(socket_a));
  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_TRUE(world.io.receiving(socket_a));
}

TEST(ConnectionInput, TheEndBringsTheUnfinishedTail) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, "one\nta");
  world.arrive(socket_a, "il");
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.lines, Lines{"one"});
  EXPECT_TRUE(session.logged("end:tail"));
  EXPECT_TRUE(session.logged("closed:peer_closed"));
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

TEST(ConnectionInput, TheEndWaitsUntilWhatIsHeldWasParsed) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.io.arrive(socket_a, "stop\nheld\nta");
  world.io.fin(socket_a);
  world.settle();
  EXPECT_FALSE(session.closed());
  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.log, (Lines{"open", "end:ta", "closed:peer_closed"}));
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
}

TEST(ConnectionInput, TheEndWaitsWhileTheSessionIsPaused) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\n");
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log, Lines{"open"});
  session.link->resume();
  world.settle();
  EXPECT_TRUE(session.logged("end:"));
}

TEST(ConnectionInput, AResetBehindHeldInputComesAfterIt) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string& line) {
    if (line == "stop") s.link->pause();
  };
  world.io.arrive(socket_a, "stop\nheld\nta");
  world.io.receive_ends(socket_a, ECONNRESET);
  world.settle();
  EXPECT_FALSE(session.closed());
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_EQ(session.log, (Lines{"open", "closed:reset"}));  // and no end
  EXPECT_EQ(world.closed(CloseReason::reset), 1u);
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

TEST(ConnectionInput, AResetOfAnIdleConnectionEndsIt) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.io.receive_ends(socket_a, ECONNRESET);
  world.settle();
  EXPECT_EQ(session.log, (Lines{"open", "closed:reset"}));
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

// --- Messages, timers ---

TEST(ConnectionInput, MessagesReachTheSessionOfTheirGeneration) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  Message message{};
  message.to = session.link->self();
  EXPECT_TRUE(world.connections.deliver(message.to, {&message, 1}));
  EXPECT_TRUE(session.logged("messages:1"));
  const ActorRef old = message.to;
  session.link->abort(CloseReason::protocol_error);
  EXPECT_FALSE(world.connections.deliver(old, {&message, 1}));
  world.turn();
  world.io.receive_ends(socket_a, 0);
  world.settle();
  LineSession& next = world.open(socket_b);
  EXPECT_EQ(next.link->self().slot(), old.slot());
  EXPECT_NE(next.link->self(), old);
  EXPECT_FALSE(world.connections.deliver(old, {&message, 1}));
  EXPECT_FALSE(world.connections.deliver(ActorRef::session(0, 77, 1), {&message, 1}));
}

TEST(ConnectionInput, TheTimerFiresOnceAndMayBeMoved) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->set_timer(world.now + 10 * nanos_per_ms);
  session.link->set_timer(world.now + 30 * nanos_per_ms);
  world.pass_time(20 * nanos_per_ms);
  EXPECT_FALSE(session.logged("timer"));
  world.pass_time(20 * nanos_per_ms);
  EXPECT_TRUE(session.logged("timer"));
  session.link->set_timer(world.now + 10 * nanos_per_ms);
  session.link->cancel_timer();
  world.pass_time(nanos_per_s);
  EXPECT_EQ(std::count(session.log.begin(), session.log.end(), "timer"), 1);
}

// --- Draining ---

TEST(ConnectionInput, ADrainTakesTheReceiveBackAndSaysSoAfterTheLastInput) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.connections.drain();
  EXPECT_FALSE(world.connections.drained());
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));
  world.arrive(socket_a, "last\npart");
  EXPECT_EQ(session.lines, Lines{"last"});
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  EXPECT_TRUE(session.logged("drain"));
  EXPECT_TRUE(world.connections.drained());
  EXPECT_FALSE(world.io.receiving(socket_a));
  EXPECT_FALSE(session.closed());

  world.connections.close_all(CloseReason::drain);
  world.settle();
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:drain");
}

// Story: the receive that a drain takes back may end with -ENOBUFS instead. It then waited for
// buffers, was started again, and the drain waited for its last input until the drain time was up.
TEST(ConnectionInput, ADrainIsNotHeldUpByAReceiveThatRanOutOfBuffers) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  LineSession& other = world.open(socket_b);
  world.io.receive_ends(socket_b, ENOBUFS);
  world.connections.drain();
  world.io.receive_ends(socket_a, ENOBUFS);
  world.settle();
  EXPECT_TRUE(session.logged("drain"));
  EXPECT_FALSE(world.io.receiving(socket_a));
  if (world.io.cancel_asked(OpKind::receive, socket_b)) {
    world.io.receive_ends(socket_b, ECANCELED);
    world.settle();
  }
  EXPECT_TRUE(other.logged("drain"));
  EXPECT_FALSE(world.io.receiving(socket_b));
  EXPECT_TRUE(world.connections.drained());
}

// Story: the same turn may bring -ENOBUFS and then the drain. The connection had its goodbye, and
// its receive was started all the same.
TEST(ConnectionInput, ADrainInTheTurnOfAStarvedReceiveEndsItsInput) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  world.io.receive_ends(socket_a, ENOBUFS);
  OpenGate gate;
  for (const Completion& completion : world.io.turn({.completions_max = 10}, gate)) {
    world.connections.on_completion(completion);
  }
  world.connections.drain();
  world.settle();
  EXPECT_TRUE(session.logged("drain"));
  EXPECT_FALSE(world.io.receiving(socket_a));
}

// Story: a peer that had already ended its side when the drain came got on_drain instead of on_end,
// and its unfinished last line was lost, which some protocols answer (OB-2).
TEST(ConnectionInput, APeerThatEndedBeforeTheDrainEndsAsItWouldHave) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.io.arrive(socket_a, "stop\nta");
  world.io.fin(socket_a);
  world.settle();
  world.connections.drain();
  session.link->resume();
  world.settle();
  EXPECT_TRUE(session.logged("end:ta"));
  EXPECT_FALSE(session.logged("drain"));
}

TEST(ConnectionInput, ADrainWaitsForHeldInput) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\nheld\n");
  world.connections.drain();
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  EXPECT_FALSE(world.connections.drained());
  session.when_line = nullptr;
  session.link->resume();
  world.settle();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_TRUE(session.logged("drain"));
  EXPECT_TRUE(world.connections.drained());
}

TEST(ConnectionInput, SocketsThatComeDuringADrainAreClosed) {
  NetWorld world;
  world.connections.drain();
  world.connections.adopt(socket_a, world.service);
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_TRUE(world.service.sessions.empty());
  EXPECT_EQ(world.closed(CloseReason::drain), 1u);
  EXPECT_EQ(world.connections.take_closed_count(), 1u);
}

}  // namespace
}  // namespace ringpost::engine
