#include "engine/net/listener.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/engine/net/fake_io.h"

namespace ringpost::engine {
namespace {

constexpr Fd listening = 5;

class ListenerTest : public ::testing::Test, public AcceptTarget {
 protected:
  ListenerTest() { listener_.start(); }
  ~ListenerTest() override {
    listener_.stop();
    if (io_.in_flight(OpKind::accept, listening)) io_.accept_ends(listening, ECANCELED);
    turn();
  }

  void on_accepted(Fd socket, std::uint32_t service) override {
    EXPECT_EQ(service, 3u);
    accepted_.push_back(socket);
  }

  void turn() {
    OpenGate gate;
    for (const Completion& completion : io_.turn({.completions_max = 100}, gate)) {
      EXPECT_EQ(completion.token.slot(), 1u);
      listener_.on_completion(completion);
    }
    timers_.advance(now_, SIZE_MAX, [](TimerNode& node) { node.target->on_time(); });
  }
  bool accepting() const { return io_.in_flight(OpKind::accept, listening); }
  void end_accept(int error) {
    io_.accept_ends(listening, error);
    turn();
  }

  KernelOwned kernel_owned_;
  FakeIo io_{kernel_owned_};
  Nanos now_ = nanos_per_s;
  TimerWheel timers_{now_};
  Counters counters_;
  std::vector<Fd> accepted_;
  Listener listener_{listening, 1, 3, *this, io_, timers_, counters_, now_};
};

TEST_F(ListenerTest, HandsOnWhatItAccepts) {
  io_.accepted(listening, 20);
  io_.accepted(listening, 21);
  turn();
  EXPECT_EQ(accepted_, (std::vector<Fd>{20, 21}));
  EXPECT_EQ(counters_.accepted, 2u);
  EXPECT_TRUE(accepting());
}

TEST_F(ListenerTest, AMultishotThatWasLostIsStartedAnew) {
  io_.accepted(listening, 20, false);
  turn();
  EXPECT_EQ(accepted_, std::vector<Fd>{20});
  EXPECT_TRUE(accepting());
}

TEST_F(ListenerTest, WhatConcernsOneClientDoesNotStopIt) {
  for (const int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, EINTR}) {
    end_accept(error);
    EXPECT_TRUE(accepting());
  }
  EXPECT_EQ(counters_.accept_failed, 0u);
}

// Story: what the listener does not know was taken for one client's trouble, too, and accepting
// started again at once. An error that stays would have kept the shard busy with nothing else.
TEST_F(ListenerTest, WhatItDoesNotKnowMakesItWaitToo) {
  std::uint64_t failed = 0;
  for (const int error : {EINVAL, EPERM, EAGAIN}) {
    end_accept(error);
    EXPECT_FALSE(accepting());
    EXPECT_EQ(counters_.accept_failed, ++failed);
    now_ += 2 * Listener::backoff_nanos;
    turn();
    EXPECT_TRUE(accepting());
  }
}

class ListenerBackoff : public ListenerTest, public ::testing::WithParamInterface<int> {};

TEST_P(ListenerBackoff, WaitsAndGoesOn) {
  end_accept(GetParam());
  EXPECT_FALSE(accepting());
  EXPECT_EQ(counters_.accept_failed, 1u);
  now_ += Listener::backoff_nanos - nanos_per_ms;
  turn();
  EXPECT_FALSE(accepting());
  now_ += 2 * nanos_per_ms;
  turn();
  EXPECT_TRUE(accepting());
  end_accept(GetParam());  // and again, for as long as it takes
  EXPECT_FALSE(accepting());
  EXPECT_EQ(counters_.accept_failed, 2u);
}

TEST_P(ListenerBackoff, GoesOnAtOnceWhenADescriptorBecameFree) {
  end_accept(GetParam());
  listener_.retry();
  EXPECT_TRUE(accepting());
  now_ += nanos_per_s;  // the timer of the backoff is gone
  turn();
  io_.accepted(listening, 20);
  turn();
  EXPECT_EQ(accepted_, std::vector<Fd>{20});
}

TEST_P(ListenerBackoff, MayBeStoppedMeanwhile) {
  end_accept(GetParam());
  listener_.stop();
  EXPECT_TRUE(listener_.closed());
  EXPECT_TRUE(io_.is_closed(listening));
  now_ += nanos_per_s;
  turn();
  EXPECT_FALSE(accepting());
}

INSTANTIATE_TEST_SUITE_P(Errors, ListenerBackoff,
                         ::testing::Values(EMFILE, ENFILE, ENOBUFS, ENOMEM));

TEST_F(ListenerTest, ARetryWhileAcceptingDoesNothing) {
  listener_.retry();  // FakeIo fails the test at a second accept
  EXPECT_TRUE(accepting());
}

TEST_F(ListenerTest, StoppingClosesOnceTheAcceptHasEnded) {
  listener_.stop();
  EXPECT_FALSE(listener_.closed());
  EXPECT_TRUE(io_.cancel_asked(OpKind::accept, listening));
  listener_.stop();             // twice is once
  io_.accepted(listening, 20);  // came before the cancel
  turn();
  EXPECT_EQ(accepted_, std::vector<Fd>{20});
  end_accept(ECANCELED);
  EXPECT_TRUE(listener_.closed());
  EXPECT_TRUE(io_.is_closed(listening));
}

TEST_F(ListenerTest, StoppingIsNotMistakenForAnEndThatIsStartedAnew) {
  listener_.stop();
  end_accept(EMFILE);  // the cancel was too late
  EXPECT_TRUE(listener_.closed());
  EXPECT_EQ(counters_.accept_failed, 0u);
}

}  // namespace
}  // namespace ringpost::engine
