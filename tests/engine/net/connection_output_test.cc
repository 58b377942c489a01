// How a connection sends, and how it ends: marks, slow consumers, the goodbye and its bounds, and
// what is left of a connection whose slot another has taken.

#include <gtest/gtest.h>

#include <string>

#include "engine/net/connection.h"
#include "engine/net/fan_out_log.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

using Lines = std::vector<std::string>;
constexpr Fd socket_a = 10;
constexpr Fd socket_b = 11;

// Answers each line with itself.
void echo(LineSession& session, const std::string& line) { session.link->write(line + "\n"); }

TEST(ConnectionOutput, ATurnsAnswersLeaveInOneSend) {
  NetWorld world;
  world.service.when_line = echo;
  world.open(socket_a);
  world.arrive(socket_a, "one\ntwo\n");
  EXPECT_EQ(world.io.sending_bytes(socket_a), "one\ntwo\n");
  EXPECT_EQ(world.counters.sends, 1u);
  world.send_all(socket_a);
  EXPECT_EQ(world.counters.sent_bytes, 8u);
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

// FakeIo fails the test at a second send in flight of one socket.
TEST(ConnectionOutput, WhileASendIsInFlightTheNextWaits) {
  NetWorld world;
  world.service.when_line = echo;
  world.open(socket_a);
  world.arrive(socket_a, "one\n");
  world.arrive(socket_a, "two\n");
  world.arrive(socket_a, "three\n");
  EXPECT_EQ(world.io.sending_bytes(socket_a), "one\n");
  world.io.sent(socket_a);
  world.turn();
  EXPECT_EQ(world.io.sending_bytes(socket_a), "two\nthree\n");
  world.send_all(socket_a);
  EXPECT_EQ(world.io.output[socket_a], "one\ntwo\nthree\n");
}

TEST(ConnectionOutput, OneSendTakesAtMostItsShare) {
  ConnectionLimits limits;
  limits.send_bytes_max = 1000;
  NetWorld world(limits);
  LineSession& session = world.open(socket_a);
  const std::string text(2500, 'x');
  session.link->write(text);
  world.turn();
  EXPECT_EQ(world.io.sending_bytes(socket_a).size(), 1000u);
  world.send_all(socket_a);
  EXPECT_EQ(world.io.output[socket_a], text);
  EXPECT_EQ(world.counters.sends, 3u);
}

ConnectionLimits small_marks() {
  ConnectionLimits limits;
  limits.output_high_bytes = 10'000;
  limits.output_low_bytes = 4'000;
  limits.send_bytes_max = 4'000;
  return limits;
}

TEST(ConnectionOutput, AboveTheHighMarkNothingIsParsedUntilItIsBelowTheLowOne) {
  NetWorld world(small_marks());
  world.service.when_line = [](LineSession& s, const std::string&) {
    s.link->write(std::string(6'000, 'x'));
  };
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, "1\n2\n3\n");
  EXPECT_EQ(session.lines.size(), 2u);  // 12,000 bytes
  EXPECT_EQ(world.counters.output_high, 1u);
  EXPECT_TRUE(session.link->paused());
  world.io.sent(socket_a);
  world.turn();
  EXPECT_TRUE(session.link->paused());  // 8,000 are below the high mark, but not the low one
  EXPECT_EQ(session.lines.size(), 2u);
  EXPECT_FALSE(session.logged("drained"));
  world.io.sent(socket_a);
  world.turn();
  EXPECT_TRUE(session.logged("drained"));  // 4,000
  world.settle();
  EXPECT_EQ(session.lines.size(), 3u);
}

// A client that writes large requests to a server that answers before it reads on: if the client
// stopped reading for its own output, neither would go on.
TEST(ConnectionOutput, ALinkThatLeadsReadsOnAboveTheMarkAndHearsWhenAllWasSent) {
  NetWorld world(small_marks());
  world.service.when_open = [](LineSession& s) { s.link->lead(); };
  LineSession& session = world.open(socket_a);
  session.link->write(std::string(12'000, 'x'));
  world.turn();
  world.arrive(socket_a, "1\n2\n");
  EXPECT_EQ(session.lines, (Lines{"1", "2"}));
  EXPECT_FALSE(session.link->paused());
  for (int sent = 0; sent < 3; ++sent) {
    EXPECT_FALSE(session.logged("drained"));
    world.io.sent(socket_a);
    world.turn();
  }
  EXPECT_TRUE(session.logged("drained"));
  EXPECT_EQ(world.counters.output_high, 0u);
}

TEST(ConnectionOutput, WhoHasTooMuchWaitingAfterAFlushIsASlowConsumer) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  LineSession& other = world.open(socket_b);
  session.link->set_pending_max(1000);
  session.link->write(std::string(600, 'x'));
  world.turn();
  session.link->write(std::string(400, 'x'));
  world.turn();
  EXPECT_FALSE(session.closed());
  session.link->write("x");
  world.turn();
  EXPECT_EQ(session.log.back(), "closed:slow_consumer");
  EXPECT_EQ(world.closed(CloseReason::slow_consumer), 1u);
  EXPECT_FALSE(other.closed());
  // Its memory stays until the send has come back.
  EXPECT_FALSE(world.io.is_closed(socket_a));
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::both));
  world.io.sent(socket_a, -EPIPE);
  world.io.receive_ends(socket_a, 0);
  world.turn();
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

TEST(ConnectionOutput, AMemberThatReadsIsNeverSlowHoweverMuchOneTurnBrings) {
  NetWorld world;
  world.io.options.complete_sends = true;
  FanOutLog log(world.connections.fan_out(), 250);
  LineSession& session = world.open(socket_a);
  session.link->follow(session.follower, log);
  session.link->set_pending_max(1000);
  for (int i = 0; i < 40; ++i) log.append(world.payloads.make(std::string(200, 'x')), ActorRef());
  for (int i = 0; i < 60; ++i) world.turn();
  EXPECT_FALSE(session.closed());
  EXPECT_EQ(world.io.output[socket_a].size(), 8000u);
  session.link->unfollow();
}

TEST(ConnectionOutput, ASendThatBreaksEndsTheConnectionAfterItsInput) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->write("text");
  world.turn();
  world.io.sent(socket_a, -ECONNRESET);
  world.turn();
  EXPECT_FALSE(session.closed());
  world.io.arrive(socket_a, "said before\n");
  world.io.receive_ends(socket_a, ECONNRESET);
  world.settle();
  EXPECT_EQ(session.lines, Lines{"said before"});
  EXPECT_EQ(session.log.back(), "closed:reset");
}

TEST(ConnectionOutput, APartOfASendMeansTheStreamIsBroken) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->write("text");
  world.turn();
  world.io.sent(socket_a, 2);
  world.turn();
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:reset");
}

// Story: the peer reset with input held behind a full outbox. The send in flight still came back
// whole, the rest was dropped at the flush, and the mark that held the input back was looked at
// never again: neither was the input handled nor the connection ended, for ever.
TEST(ConnectionOutput, AResetAboveTheHighMarkEndsTheConnection) {
  NetWorld world(small_marks());
  world.service.when_line = [](LineSession& s, const std::string&) {
    s.link->write(std::string(12'000, 'x'));
  };
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, "1\n2\n");
  ASSERT_EQ(session.lines.size(), 1u);
  ASSERT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));
  world.io.sent(socket_a);
  world.io.receive_ends(socket_a, ECONNRESET);
  for (int i = 0; i < 5; ++i) world.turn();
  EXPECT_EQ(session.lines.size(), 2u);
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.closed(CloseReason::reset), 1u);
}

// Story: the peer of a member reset while the member's input was held back. Nothing is sent to it
// any more, so what it follows grew past the high mark, held its input back for ever, and with it
// the connection and every byte of the log.
TEST(ConnectionOutput, AResetMemberNeitherPinsItsLogNorStays) {
  NetWorld world(small_marks());
  FanOutLog log(world.connections.fan_out(), UINT64_MAX);
  LineSession& session = world.open(socket_a);
  session.link->follow(session.follower, log);
  session.when_line = [](LineSession& s, const std::string& line) {
    if (line == "stop") s.link->pause();
  };
  world.arrive(socket_a, "stop\nheld\n");
  world.io.receive_ends(socket_a, ECONNRESET);
  for (int i = 0; i < 20; ++i) {
    log.append(world.payloads.make(std::string(10'000, 'x')), ActorRef());
    world.turn();
  }
  EXPECT_LE(log.held_bytes(), 2u * 32768);
  session.link->resume();
  for (int i = 0; i < 5; ++i) world.turn();
  EXPECT_EQ(session.lines, (Lines{"stop", "held"}));
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

// --- The goodbye ---

TEST(ConnectionOutput, AGoodbyeSendsThenEndsThenWaitsForThePeer) {
  NetWorld world;
  world.service.when_line = [](LineSession& s, const std::string& line) {
    s.link->write(line + "\n");
    if (line == "bye") s.link->close_after_flush(CloseReason::protocol_error);
  };
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, "one\nbye\nnot any more\n");
  EXPECT_EQ(session.lines, (Lines{"one", "bye"}));
  EXPECT_TRUE(world.io.shutdowns.empty());
  world.io.sent(socket_a);
  world.turn();
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
  EXPECT_FALSE(session.closed());
  world.arrive(socket_a, "ignored\n");
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:protocol_error");
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.io.output[socket_a], "one\nbye\n");
  EXPECT_EQ(session.lines.size(), 2u);
}

TEST(ConnectionOutput, APeerThatHasEndedIsNotWaitedFor) {
  NetWorld world;
  world.service.when_line = echo;
  LineSession& session = world.open(socket_a);
  world.io.arrive(socket_a, "one\n");
  world.io.fin(socket_a);
  world.turn();
  EXPECT_TRUE(session.logged("end:"));
  world.send_all(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:peer_closed");
  EXPECT_EQ(world.io.output[socket_a], "one\n");
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

TEST(ConnectionOutput, LingeringEndsAfterItsBytes) {
  ConnectionLimits limits;
  limits.linger_bytes_max = 1000;
  NetWorld world(limits);
  LineSession& session = world.open(socket_a);
  session.link->close_after_flush(CloseReason::protocol_error);
  world.turn();
  world.arrive(socket_a, std::string(1000, 'x'));
  EXPECT_FALSE(session.closed());
  EXPECT_EQ(world.counters.linger_bytes_over, 0u);
  world.arrive(socket_a, "x");
  EXPECT_EQ(session.log.back(), "closed:protocol_error");
  EXPECT_EQ(world.counters.linger_bytes_over, 1u);
}

TEST(ConnectionOutput, LingeringEndsAfterItsTime) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->close_after_flush(CloseReason::protocol_error);
  world.turn();
  world.pass_time(ConnectionLimits{}.linger_nanos - nanos_per_ms);
  EXPECT_FALSE(session.closed());
  world.pass_time(2 * nanos_per_ms);
  EXPECT_EQ(session.log.back(), "closed:protocol_error");
  EXPECT_EQ(world.counters.linger_time_over, 1u);
}

TEST(ConnectionOutput, WhoDoesNotTakeTheGoodbyeEndsForThatReason) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->write("bye");
  session.link->close_after_flush(CloseReason::protocol_error);
  world.turn();
  world.pass_time(ConnectionLimits{}.linger_nanos + nanos_per_ms);
  EXPECT_EQ(session.log.back(), "closed:linger_timeout");
}

TEST(ConnectionOutput, WhoTakesTheGoodbyeSlowlyGetsMoreTime) {
  ConnectionLimits limits;
  limits.send_bytes_max = 10;
  NetWorld world(limits);
  LineSession& session = world.open(socket_a);
  session.link->write(std::string(50, 'x'));
  session.link->close_after_flush(CloseReason::protocol_error);
  world.turn();
  for (int i = 0; i < 5; ++i) {
    world.now += limits.linger_nanos - nanos_per_ms;
    world.io.sent(socket_a);
    world.turn();
    EXPECT_FALSE(session.closed());
  }
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
  EXPECT_EQ(world.io.output[socket_a].size(), 50u);
}

TEST(ConnectionOutput, AResetDuringTheGoodbyeEndsIt) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->write("bye");
  session.link->close_after_flush(CloseReason::protocol_error);
  world.turn();
  world.io.receive_ends(socket_a, ECONNRESET);
  world.turn();
  EXPECT_TRUE(session.closed());
  world.io.sent(socket_a, -EPIPE);
  world.turn();
  EXPECT_TRUE(world.io.is_closed(socket_a));
}

// A session that says goodbye while its receive is taken back: the goodbye still reads to the end.
TEST(ConnectionOutput, AGoodbyeFromAPauseDiscardsWhatComes) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\nheld\n");
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  session.link->close_after_flush(CloseReason::protocol_error);
  world.settle();
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::send));
  ASSERT_TRUE(world.io.receiving(socket_a));
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:protocol_error");
  EXPECT_EQ(session.lines, Lines{"stop"});
}

TEST(ConnectionOutput, GoodbyeAtTheOpening) {
  NetWorld world;
  world.service.when_open = [](LineSession& s) {
    s.link->write("full");
    s.link->close_after_flush(CloseReason::refused);
  };
  LineSession& session = world.open(socket_a);
  world.turn();
  world.send_all(socket_a);
  EXPECT_EQ(world.io.output[socket_a], "full");
  world.io.fin(socket_a);
  world.settle();
  EXPECT_EQ(session.log.back(), "closed:refused");
}

// --- Aborts, and slots that are used again ---

TEST(ConnectionOutput, AnAbortWhileParsingEndsItAtTheEndOfTheTurn) {
  NetWorld world;
  world.service.when_line = [](LineSession& s, const std::string& line) {
    s.link->write("not sent");
    if (line == "abort") s.link->abort(CloseReason::protocol_error);
  };
  LineSession& session = world.open(socket_a);
  world.arrive(socket_a, "abort\nmore\npart");
  EXPECT_EQ(session.log, (Lines{"open", "closed:protocol_error"}));
  EXPECT_EQ(session.lines, Lines{"abort"});
  EXPECT_FALSE(world.io.sending(socket_a));
  EXPECT_TRUE(world.io.is_shut_down(socket_a, Shutdown::both));
  EXPECT_FALSE(world.io.is_closed(socket_a));
  world.io.fin(socket_a);
  world.settle();
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.buffers.taken_bytes(), 0u);
}

// Story: a connection that stalled and was aborted in one turn, and whose last operation came back
// in the next, was still in the list of the stalled when its slot was already free. It was "taken
// up again": a receive was started on no socket, with the token of the slot's next user.
TEST(ConnectionOutput, ASlotThatBecameFreeWhileStalledStaysIdle) {
  NetWorld world;
  world.service.when_line = [](LineSession& s, const std::string& line) {
    if (line == "abort") s.link->abort(CloseReason::protocol_error);
  };
  world.open(socket_a);
  world.arrive(socket_a, "abort\nmore\n");  // stalled, and its receive taken back
  world.io.receive_ends(socket_a, ECANCELED);
  world.turn();
  ASSERT_TRUE(world.io.is_closed(socket_a));
  world.turn();
  EXPECT_EQ(world.io.operation_count(), 0u);

  LineSession& next = world.open(socket_b);
  EXPECT_EQ(world.io.operation_count(), 1u);
  world.arrive(socket_b, "line\n");
  EXPECT_EQ(next.lines, Lines{"line"});
}

TEST(ConnectionOutput, ASlotMayBeUsedAgainWithinTheTurnThatFreedIt) {
  NetWorld world;
  LineSession& first = world.open(socket_a);
  first.when_line = [](LineSession& s, const std::string&) { s.link->pause(); };
  world.arrive(socket_a, "stop\nheld\n");
  world.io.receive_ends(socket_a, ECANCELED);
  world.settle();
  first.link->abort(CloseReason::protocol_error);
  world.connections.close_aborted();  // nothing in flight: free at once
  ASSERT_TRUE(world.io.is_closed(socket_a));
  LineSession& next = world.open(socket_b);
  world.settle();
  world.arrive(socket_b, "line\n");
  world.settle();
  EXPECT_EQ(next.lines, Lines{"line"});
  EXPECT_EQ(world.io.operation_count(), 1u);
}

TEST(ConnectionOutput, AnAbortCancelsWhatTheShutdownDidNotEnd) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->write("text");
  world.turn();
  session.link->abort(CloseReason::protocol_error);
  world.turn();
  EXPECT_FALSE(world.io.cancel_asked(OpKind::send, socket_a));
  world.turn();
  EXPECT_TRUE(world.io.cancel_asked(OpKind::send, socket_a));
  EXPECT_TRUE(world.io.cancel_asked(OpKind::receive, socket_a));
  world.io.sent(socket_a, -ECANCELED);
  world.turn();
  EXPECT_FALSE(world.io.is_closed(socket_a));
  world.io.receive_ends(socket_a, ECANCELED);
  world.turn();
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_EQ(world.connections.open_count(), 0u);
  EXPECT_EQ(world.connections.take_closed_count(), 1u);
  EXPECT_EQ(world.connections.take_closed_count(), 0u);
}

TEST(ConnectionOutput, StaleCompletionsGiveTheirBuffersBack) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  const OpToken old = world.io.operation(OpKind::receive, socket_a).token;
  session.link->abort(CloseReason::protocol_error);
  world.turn();
  world.io.fin(socket_a);
  world.settle();
  world.io.complete_stale(old, "late\n");  // the slot is free
  world.settle();
  LineSession& next = world.open(socket_b);
  EXPECT_EQ(world.io.operation(OpKind::receive, socket_b).token.slot(), old.slot());
  world.io.complete_stale(old, "later\n");  // the slot is another's
  world.settle();
  EXPECT_TRUE(next.lines.empty());
  EXPECT_EQ(world.io.buffers_out(), 0u);
  EXPECT_TRUE(world.io.receiving(socket_b));
}

TEST(ConnectionOutput, BytesForAClosingConnectionGoBackUnseen) {
  NetWorld world;
  LineSession& session = world.open(socket_a);
  session.link->abort(CloseReason::protocol_error);
  world.turn();
  world.arrive(socket_a, "late\n");
  EXPECT_TRUE(session.lines.empty());
  EXPECT_EQ(world.io.buffers_out(), 0u);
}

// Story: a session that had ended itself was still told that its output had drained, or that its
// time had come.
TEST(ConnectionOutput, AfterAnAbortTheSessionHearsOnlyOfItsEnd) {
  NetWorld world(small_marks());
  LineSession& session = world.open(socket_a);
  session.when_line = [](LineSession& s, const std::string&) {
    s.link->abort(CloseReason::protocol_error);
  };
  session.link->write(std::string(12'000, 'x'));
  world.turn();
  world.send_all(socket_a);  // drained once
  session.link->write(std::string(12'000, 'x'));
  world.turn();
  world.io.sent(socket_a);
  world.turn();
  session.link->set_timer(world.now + nanos_per_ms);
  session.log.clear();
  session.link->resume();
  world.now += 10 * nanos_per_ms;
  session.link->abort(CloseReason::protocol_error);
  world.io.sent(socket_a);
  world.turn();
  EXPECT_EQ(session.log, Lines{"closed:protocol_error"});
}

TEST(ConnectionOutput, TheEndOfOneMayEndAnother) {
  NetWorld world;
  LineSession& first = world.open(socket_a);
  LineSession& second = world.open(socket_b);
  first.when_closed = [&](LineSession&) { second.link->abort(CloseReason::protocol_error); };
  first.link->abort(CloseReason::protocol_error);
  world.turn();
  EXPECT_TRUE(first.closed());
  EXPECT_TRUE(second.closed());
}

TEST(ConnectionOutput, ClosingWhileAMemberLeavesItsSegmentsToTheSendInFlight) {
  NetWorld world;
  FanOutLog log(world.connections.fan_out(), UINT64_MAX);
  LineSession& session = world.open(socket_a);
  session.link->follow(session.follower, log);
  log.append(world.payloads.make(std::string(60'000, 'x')), ActorRef());
  world.turn();
  ASSERT_TRUE(world.io.sending(socket_a));
  session.link->abort(CloseReason::protocol_error);
  world.turn();
  EXPECT_TRUE(log.followers().empty());
  for (int i = 0; i < 10; ++i) {
    log.append(world.payloads.make(std::string(30'000, 'y')), ActorRef());
    world.turn();
  }
  world.io.sent(socket_a);  // FakeIo compares what it reads with what was there at first
  world.io.fin(socket_a);
  world.settle();
  EXPECT_TRUE(world.io.is_closed(socket_a));
  EXPECT_LE(world.buffers.taken_bytes(), 2u * 32768);
}

}  // namespace
}  // namespace ringpost::engine
