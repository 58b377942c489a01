// A connection whose session becomes another: what was read, held and written goes on, what
// belonged to the first session ends.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/net/connection.h"
#include "tests/engine/net/net_world.h"

namespace ringpost::engine {
namespace {

using Lines = std::vector<std::string>;
constexpr Fd socket_a = 10;

class ConnectionBecome : public ::testing::Test {
 protected:
  ConnectionBecome() : first(world.open(socket_a)) {
    first.when_line = [this](LineSession& session, const std::string& line) {
      if (line == "later") session.link->pause();
      if (line == "up") go_up();
    };
  }
  // The sessions of `upper` end before it does.
  ~ConnectionBecome() override { world.end(); }

  void go_up() {
    first.link->become(upper.open(), upper);
    first.link->pause();
  }
  void deliver(ActorRef to) {
    Message message{};
    delivered = world.connections.deliver(to, {&message, 1});
  }
  LineSession& second() { return upper.sessions.back(); }

  LineService upper;
  NetWorld world;
  LineSession& first;
  bool delivered = false;
};

TEST_F(ConnectionBecome, TheRestOfTheInputGoesToTheNext) {
  world.arrive(socket_a, "one\nup\ntwo\nthr");
  EXPECT_EQ(first.lines, (Lines{"one", "up"}));
  EXPECT_EQ(first.log, (Lines{"open", "closed:none"}));
  EXPECT_EQ(second().log, Lines{"open"});
  EXPECT_EQ(second().lines, Lines{"two"});
  EXPECT_TRUE(world.io.receiving(socket_a));  // the same receive goes on
  world.arrive(socket_a, "ee\n");
  EXPECT_EQ(second().lines, (Lines{"two", "three"}));
}

TEST_F(ConnectionBecome, EverySplitGivesTheSameLines) {
  const std::string stream = "one\nup\ntwo\n" + std::string(700, 'x') + "\n";
  for (std::size_t at = 1; at < stream.size(); ++at) {
    const Fd socket = socket_a + static_cast<Fd>(at);
    LineSession& session = world.open(socket);
    session.when_line = [this](LineSession& self, const std::string& line) {
      if (line != "up") return;
      self.link->become(upper.open(), upper);
      self.link->pause();
    };
    world.arrive(socket, stream.substr(0, at));
    world.arrive(socket, stream.substr(at));
    world.settle();
    ASSERT_EQ(second().lines, (Lines{"two", std::string(700, 'x')})) << "split at " << at;
  }
}

// An upgrade that must be asked for first: what arrives meanwhile waits for the next session.
TEST_F(ConnectionBecome, OnAMessageWithInputHeld) {
  first.when_message = [this](LineSession&, const Message&) { go_up(); };
  world.arrive(socket_a, "later\ntwo\n");
  world.arrive(socket_a, "three\n");
  deliver(first.link->self());
  EXPECT_EQ(second().log, Lines{"open"});
  world.settle();
  EXPECT_EQ(first.lines, Lines{"later"});
  EXPECT_EQ(second().lines, (Lines{"two", "three"}));
  world.arrive(socket_a, "four\n");
  EXPECT_EQ(second().lines.back(), "four");
}

TEST_F(ConnectionBecome, TheEndGoesToTheNext) {
  first.when_message = [this](LineSession&, const Message&) { go_up(); };
  world.arrive(socket_a, "later\n");
  world.io.receive_ends(socket_a, 0);
  world.settle();
  EXPECT_EQ(first.log, Lines{"open"});
  deliver(first.link->self());
  world.settle();
  EXPECT_TRUE(second().logged("end:"));
}

TEST_F(ConnectionBecome, MessagesToTheFirstAreStale) {
  const ActorRef before = first.link->self();
  world.arrive(socket_a, "up\n");
  EXPECT_NE(second().link->self(), before);
  deliver(before);
  EXPECT_FALSE(delivered);
  deliver(second().link->self());
  EXPECT_TRUE(delivered);
  EXPECT_TRUE(second().logged("messages:1"));
}

TEST_F(ConnectionBecome, OutputStaysInOrder) {
  first.when_line = [this](LineSession& session, const std::string&) {
    session.link->write("welcome ");
    go_up();
  };
  upper.when_open = [](LineSession& session) { session.link->write("here"); };
  world.arrive(socket_a, "up\n");
  EXPECT_EQ(world.io.sending_bytes(socket_a), "welcome here");
  world.send_all(socket_a);
}

TEST_F(ConnectionBecome, TheTimerOfTheFirstIsGone) {
  first.link->set_timer(world.now + nanos_per_s);
  world.arrive(socket_a, "up\n");
  world.pass_time(2 * nanos_per_s);
  EXPECT_FALSE(first.logged("timer"));
  EXPECT_FALSE(second().logged("timer"));
}

TEST_F(ConnectionBecome, AnAbortedOneBecomesNothing) {
  first.when_line = [this](LineSession& session, const std::string&) {
    session.link->abort(CloseReason::protocol_error);
    go_up();
  };
  world.arrive(socket_a, "up\n");
  EXPECT_TRUE(second().log.empty());
  EXPECT_EQ(upper.closed, 1u);
}

TEST_F(ConnectionBecome, AClosingOneBecomesNothing) {
  first.when_line = [this](LineSession& session, const std::string&) {
    session.link->close_after_flush(CloseReason::protocol_error);
    go_up();
  };
  world.arrive(socket_a, "up\n");
  EXPECT_TRUE(second().log.empty());
  EXPECT_EQ(upper.closed, 1u);
}

}  // namespace
}  // namespace ringpost::engine
