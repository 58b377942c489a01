// What only the kernel can do to a UringIo: full queues, missing buffers and descriptors, many
// sockets at a time, wakes between rings, signals, and the end of a ring.

#include "engine/io/uring_io.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <optional>
#include <set>
#include <thread>

#include "engine/ring/parker.h"
#include "tests/engine/io/io_driver.h"
#include "tests/engine/io/uring_world.h"

namespace ringpost::engine {
namespace {

class UringIoTest : public ::testing::Test, public IoDriver {
 protected:
  void make_world(const UringWorldOptions& options) {
    world_.reset();
    world_ = std::make_unique<UringWorld>(options);
  }
  UringWorld& world() override {
    if (world_ == nullptr) make_world({});
    return *world_;
  }
  UringIo& uring() { return world().uring(); }
  const UringCounters& counters() { return uring().counters(); }

  // Two connected sockets that the ring had no part in.
  Pair socket_pair() {
    std::array<int, 2> ends = {};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return {ends[0], ends[1]};
  }
  void close_pair(const Pair& pair) {
    io().close(pair.near);
    io().close(pair.far);
  }
  static void write_now(Fd socket, const std::string& bytes) {
    ASSERT_EQ(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // The far end of a connection whose peer sent `bytes` and then reset it, all of which has
  // arrived.
  Fd socket_after_reset(const std::string& bytes) {
    const Fd listener = world().listen();
    const SocketAddress address = world().address_of(listener);
    const Fd peer = io().open_stream(address, {}).value();
    EXPECT_EQ(::connect(peer, reinterpret_cast<const sockaddr*>(&address.storage), address.length),
              0);
    const Fd far = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(far, 0);
    write_now(peer, bytes);
    io().close_by_reset(peer);
    io().close(listener);
    pollfd reset = {.fd = far, .events = 0, .revents = 0};
    EXPECT_EQ(::poll(&reset, 1, -1), 1);
    return far;
  }

  std::unique_ptr<UringWorld> world_;
};

using UringIoDeathTest = UringIoTest;

// --- limits

TEST_F(UringIoTest, AnOverflowOfCompletionsLosesNothing) {
  make_world({.sq_entries = 2, .cq_entries = 4, .buffers = {.buffer_count = 64}});
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (int i = 0; i < 20; ++i) {
    pairs.push_back(socket_pair());
    receives.push_back(start_receive(pairs.back().far));
  }
  step(0);
  for (int round = 1; round <= 5; ++round) {
    for (const Pair& pair : pairs) write_now(pair.near, "12345");
    pump_until([&] {
      std::size_t arrived = 0;
      for (const OpToken receiving : receives) arrived += outcome(receiving).bytes.size();
      return arrived == receives.size() * 5 * static_cast<std::size_t>(round);
    });
  }
  EXPECT_GT(counters().overflows, 0u);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(outcome(receives[i]).bytes, "1234512345123451234512345");
    end(pairs[i].far, receives[i]);
    close_pair(pairs[i]);
  }
}

TEST_F(UringIoTest, AThreadsWakeSurvivesAnOverflow) {
  make_world({.sq_entries = 2, .cq_entries = 4, .buffers = {.buffer_count = 64}});
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (int i = 0; i < 20; ++i) {
    pairs.push_back(socket_pair());
    receives.push_back(start_receive(pairs.back().far));
  }
  step(0);
  for (int round = 0; round < 20; ++round) {
    for (const Pair& pair : pairs) write_now(pair.near, "x");
    uring().wake_from_any_thread();
    settle();
  }
  const std::uint64_t wakes = counters().wakes_received;
  EXPECT_GT(wakes, 0u);
  uring().wake_from_any_thread();
  pump_until([&] { return counters().wakes_received > wakes; });
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    end(pairs[i].far, receives[i]);
    EXPECT_EQ(outcome(receives[i]).bytes.size(), 20u);
    close_pair(pairs[i]);
  }
}

TEST_F(UringIoTest, StarvedReceiversTakeTurnsOnTwoBuffers) {
  make_world({.buffers = {.buffer_count = 2, .buffer_bytes = 128}});
  constexpr std::size_t bytes_each = 5000;
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (std::uint64_t i = 0; i < 8; ++i) {
    pairs.push_back(socket_pair());
    write_now(pairs.back().near, noise(bytes_each, i));
    receives.push_back(start_receive(pairs.back().far));
  }
  std::vector<std::string> received(pairs.size());
  pump_until([&] {
    bool is_complete = true;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (outcome(receives[i]).last() == -ENOBUFS) {
        received[i] += outcome(receives[i]).bytes;
        receives[i] = start_receive(pairs[i].far, true);
      }
      if (received[i].size() + outcome(receives[i]).bytes.size() < bytes_each) is_complete = false;
    }
    return is_complete;
  });
  EXPECT_GT(counters().receives_starved, 0u);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(received[i] + outcome(receives[i]).bytes, noise(bytes_each, i));
    end(pairs[i].far, receives[i]);
    close_pair(pairs[i]);
  }
  EXPECT_EQ(uring().buffers_free(), 2u);
}

TEST_F(UringIoTest, ABufferUsedLastIsUsedAgainSoon) {
  make_world({.buffers = {.buffer_count = 512, .buffer_bytes = 64}});
  const Pair pair = socket_pair();
  const OpToken receiving = start_receive(pair.far);
  hold_buffers_ = true;
  std::set<BufferId> seen;
  for (int i = 0; i < 1000; ++i) {
    write_now(pair.near, "x");
    pump_until([&] { return held_.size() == 1; });
    seen.insert(held_.front().buffer);
    give_back_held();
  }
  EXPECT_LE(seen.size(), 64u);  // of 512
  end(pair.far, receiving);
  close_pair(pair);
}

TEST_F(UringIoTest, ReceivesThatStarveOnceBringAllBuffersOut) {
  constexpr std::size_t buffer_bytes = 64;
  constexpr std::size_t buffers_each = 20;  // of eight sockets: more than are ready at first
  make_world({.cq_entries = 1024, .buffers = {.buffer_count = 256, .buffer_bytes = buffer_bytes}});
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (int i = 0; i < 8; ++i) {
    pairs.push_back(socket_pair());
    receives.push_back(start_receive(pairs.back().far));
  }
  step(0);
  std::vector<std::string> received(pairs.size());  // by receives that ended
  std::uint64_t starved_at_first = 0;
  for (std::size_t burst = 1; burst <= 3; ++burst) {
    const std::string much(buffers_each * buffer_bytes, 'x');
    for (const Pair& pair : pairs) write_now(pair.near, much);
    pump_until([&] {
      std::size_t arrived = 0;
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        arrived += received[i].size() + outcome(receives[i]).bytes.size();
        if (!outcome(receives[i]).ended) continue;
        EXPECT_EQ(outcome(receives[i]).last(), -ENOBUFS);
        received[i] += outcome(receives[i]).bytes;
        receives[i] = start_receive(pairs[i].far, true);
      }
      return arrived == burst * pairs.size() * much.size();
    });
    if (burst == 1) starved_at_first = counters().receives_starved;
  }
  EXPECT_GT(starved_at_first, 0u);
  EXPECT_EQ(counters().receives_starved, starved_at_first);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    end(pairs[i].far, receives[i]);
    close_pair(pairs[i]);
  }
}

// Story: a cancel was dropped while an earlier one with the same token was under way, although that
// one was for an operation that had ended before. The receive that had taken its token stayed: a
// paused connection went on to be filled, and a drain waited for it in vain.
TEST_F(UringIoTest, ACancelIsForTheOperationThatIsInFlightNow) {
  make_world({.buffers = {.buffer_count = 2, .buffer_bytes = 128}});
  const Pair pair = socket_pair();
  const OpToken receiving = start_receive(pair.far);
  step(0);
  hold_buffers_ = true;
  write_now(pair.near, std::string(128 * 3, 'x'));
  const auto take = [&](std::size_t completions_max) {
    for (const Completion& completion :
         io().turn({.deadline = 0, .completions_max = completions_max}, gate_)) {
      note(completion);
    }
  };
  while (outcome(receiving).results.size() < 2) take(1);
  io().cancel(receiving);  // has ended for want of a buffer, which nobody knows yet
  while (!outcome(receiving).ended) take(1);
  EXPECT_EQ(outcome(receiving).last(), -ENOBUFS);

  hold_buffers_ = false;
  give_back_held();
  outcome(receiving).ended = false;
  io().receive(pair.far, receiving, false);
  io().cancel(receiving);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).last(), -ECANCELED);
  close_pair(pair);
}

// The limit of open files so that the next descriptor is refused, until it goes out of scope.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int next = dup(STDERR_FILENO);
    ::close(next);
    const rlimit tight = {static_cast<rlim_t>(next), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_ = {};
};

TEST_F(UringIoTest, AcceptEndsWithoutDescriptorsAndGoesOnLater) {
  const Fd listener = world().listen();
  const SocketAddress address = world().address_of(listener);
  // Once with nobody there: UBSan takes a descriptor to look at a type for the first time.
  const OpToken rehearsal = start_accept(listener);
  io().cancel(rehearsal);
  pump_until_ended(rehearsal);
  EXPECT_LT(outcome(rehearsal).last(), 0);
  std::vector<Fd> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(io().open_stream(address, {}).value());
    ASSERT_EQ(::connect(clients.back(), reinterpret_cast<const sockaddr*>(&address.storage),
                        address.length),
              0);
  }
  {
    const NoMoreFiles limit;
    for (int i = 0; i < 3; ++i) {
      const OpToken accepting = start_accept(listener);
      pump_until_ended(accepting);
      EXPECT_EQ(outcome(accepting).last(), -EMFILE);
    }
  }
  const OpToken accepting = start_accept(listener);
  pump_until([&] { return outcome(accepting).results.size() == 3; });
  for (const std::int32_t socket : outcome(accepting).results) io().close(socket);
  for (const Fd client : clients) io().close(client);
  io().cancel(accepting);
  pump_until_ended(accepting);
  io().close(listener);
}

// A drain took its whole time to linger, now and then: a receive that had to be taken up again, for
// want of buffers or for a pause, on a socket that had been reset meanwhile, got the bytes that
// came before the reset and then nothing. The kernel tells of a reset once, and nobody was there
// then.

TEST_F(UringIoTest, AReceiveThatStartsWhenReadableSeesAResetFromBeforeIt) {
  const Fd far = socket_after_reset(std::string(100, 'x'));
  const OpToken receiving = start_receive(far, true);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).bytes.size(), 100u);
  EXPECT_EQ(outcome(receiving).last(), -ECONNRESET);
  io().close(far);
}

// More than the kernel takes in without a pause, some 33 buffers.
TEST_F(UringIoTest, AReceiveOfManyBuffersSeesAResetFromBeforeIt) {
  make_world({.buffers = {.buffer_count = 64, .buffer_bytes = 64}});
  const Fd far = socket_after_reset(noise(64 * 50, 1));
  const OpToken receiving = start_receive(far);
  pump_until_ended(receiving);
  EXPECT_EQ(outcome(receiving).bytes, noise(64 * 50, 1));
  EXPECT_EQ(outcome(receiving).last(), -ECONNRESET);
  io().close(far);
}

// A socket bound to a port of the range from which its own is drawn, and connected to it, is both
// ends of one connection.
TEST_F(UringIoTest, ASocketThatMeetsItselfIsRefused) {
  const SocketAddress any = parse_address("127.0.0.1:0").value();
  const Fd socket = io().open_stream(any, {}).value();
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&any.storage), any.length), 0);
  const SocketAddress self = local_address(socket).value();
  const OpToken connecting = token(OpKind::connect);
  io().connect(socket, self, connecting);
  pump_until_ended(connecting);
  EXPECT_EQ(outcome(connecting).last(), -ECONNREFUSED);
  io().close(socket);
}

// The kernel runs some 20 pieces of deferred work per enter; the rest must not wait for news.
TEST_F(UringIoTest, ThreeHundredReadySocketsWaitForNoFurtherEvent) {
  constexpr std::size_t count = 300;
  make_world({.sq_entries = 256, .cq_entries = 4096, .buffers = {.buffer_count = 512}});
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_cur < 3 * count) {
    files.rlim_cur = std::min<rlim_t>(3 * count, files.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  }
  std::vector<Pair> pairs;
  std::vector<OpToken> receives;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(socket_pair());
    receives.push_back(start_receive(pairs.back().far));
  }
  settle();
  for (const Pair& pair : pairs) write_now(pair.near, "x");
  std::size_t arrived = 0;
  const std::uint64_t enters_before = counters().enters;
  while (arrived < count) {
    const auto completions = io().turn({.deadline = never, .completions_max = 64}, gate_);
    ASSERT_FALSE(completions.empty());
    for (const Completion& completion : completions) note(completion);
    arrived += completions.size();
  }
  EXPECT_EQ(gate_.sleeps, 0);
  EXPECT_LE(counters().enters - enters_before, count / 10);
  for (std::size_t i = 0; i < count; ++i) {
    end(pairs[i].far, receives[i]);
    close_pair(pairs[i]);
  }
}

// --- closing

// A receive that is armed, starved or ended, a send that is stuck or done, cancels at any time: in
// the end each operation has been answered once, and nothing is left.
TEST_F(UringIoTest, EveryOperationIsAnsweredWhateverEndsIt) {
  make_world(
      {.sq_entries = 4, .cq_entries = 8, .buffers = {.buffer_count = 4, .buffer_bytes = 64}});
  const std::string much = noise(4u << 20, 1);
  const std::string little = "little";
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    const Pair pair = connect_pair();
    hold_buffers_ = prng.one_in(2);
    SendRequest request;
    const OpToken sending = start_send(pair.near, request, prng.one_in(2) ? much : little);
    const OpToken receiving = start_receive(pair.far, prng.one_in(2));
    for (int i = 0; i < 4; ++i) {
      switch (prng.below(6)) {
        case 0:
          io().cancel(receiving);
          break;
        case 1:
          io().cancel(sending);
          break;
        case 2:
          io().shutdown(pair.near, Shutdown::both);
          break;
        case 3:
          io().shutdown(pair.far, Shutdown::both);
          break;
        default:
          step(0);
      }
    }
    give_back_held();
    hold_buffers_ = false;
    io().shutdown(pair.near, Shutdown::both);
    io().shutdown(pair.far, Shutdown::both);
    io().cancel(sending);
    io().cancel(receiving);
    pump_until([&] { return outcome(sending).ended && outcome(receiving).ended; });
    close_pair(pair);
  }
  settle();
  EXPECT_EQ(uring().in_flight_count(), 1u);  // the poll for wakes from threads
  EXPECT_EQ(uring().buffers_free(), 4u);
  EXPECT_EQ(counters().buffers_lost, 0u);
}

TEST_F(UringIoTest, TheEndOfTheRingAnswersWhatIsInFlight) {
  const Pair stuck = connect_pair();
  const Pair quiet = connect_pair();
  const Fd listener = world().listen();
  const std::string much = noise(32u << 20, 1);
  SendRequest request;
  std::string target(100, '-');
  start_send(stuck.near, request, much);
  start_receive(quiet.near);
  io().receive_once(quiet.far, target, token(OpKind::receive_once));
  start_accept(listener);
  settle();
  start_receive(stuck.near);  // not even submitted
  io().cancel(token(OpKind::send));
  EXPECT_GT(uring().in_flight_count(), 5u);
  world_.reset();  // asserts that every operation ended, and that the kernel owns nothing
  for (const Fd fd : {stuck.near, stuck.far, quiet.near, quiet.far, listener}) ::close(fd);
}

#ifdef RINGPOST_DEBUG
TEST_F(UringIoDeathTest, ClosingASocketUnderAnOperationStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Pair pair = socket_pair();
  const OpToken receiving = start_receive(pair.far);
  EXPECT_DEATH(io().close(pair.far), "per_socket_");
  end(pair.far, receiving);
  close_pair(pair);
}

TEST_F(UringIoDeathTest, ATokenInFlightTwiceStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Pair pair = socket_pair();
  const OpToken receiving = start_receive(pair.far);
  EXPECT_DEATH(io().receive(pair.far, receiving, false), "is_new");
  end(pair.far, receiving);
  close_pair(pair);
}

TEST_F(UringIoDeathTest, FreeingWhatASendReadsStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Pair pair = socket_pair();
  const std::string bytes = "in use";
  SendRequest request;
  const OpToken sending = start_send(pair.near, request, bytes);
  EXPECT_DEATH(world().kernel_owned().assert_free(bytes.data() + 2, 1), "second");
  EXPECT_DEATH(world().kernel_owned().assert_free(&request, sizeof request), "second");
  pump_until_ended(sending);
  world().kernel_owned().assert_free(bytes.data(), bytes.size());
  close_pair(pair);
}
#endif

// --- waiting

TEST_F(UringIoTest, ATurnWithoutAReasonMakesNoSystemCall) {
  settle();
  const std::uint64_t before = counters().enters;
  for (int i = 0; i < 100; ++i) step(0);
  EXPECT_EQ(counters().enters, before);
}

TEST_F(UringIoTest, SpinningMakesNoSystemCall) {
  settle();
  const std::uint64_t before = counters().enters;
  const Nanos deadline = world().clock().now() + nanos_per_ms;
  // Its end is too near to the deadline for a sleep.
  EXPECT_TRUE(
      io().turn({.deadline = deadline, .spin = nanos_per_ms, .completions_max = 8}, gate_).empty());
  EXPECT_GE(world().clock().now(), deadline);
  EXPECT_EQ(counters().enters, before);
  EXPECT_EQ(gate_.attempts, 0);
}

TEST_F(UringIoTest, ASpinningTurnSeesWhatArrives) {
  const Pair pair = socket_pair();
  const OpToken receiving = start_receive(pair.far);
  settle();
  const std::uint64_t sleeps = counters().sleeps;
  std::thread writer([&] { write_now(pair.near, "news"); });
  const auto completions =
      io().turn({.deadline = never, .spin = 1000 * nanos_per_s, .completions_max = 8}, gate_);
  for (const Completion& completion : completions) note(completion);
  writer.join();
  EXPECT_EQ(outcome(receiving).bytes, "news");
  EXPECT_EQ(counters().sleeps, sleeps);
  end(pair.far, receiving);
  close_pair(pair);
}

void do_nothing(int) {}

TEST_F(UringIoTest, ASignalEndsASleepAndIsNoError) {
  struct sigaction action = {};
  action.sa_handler = do_nothing;
  struct sigaction before = {};
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval often = {.it_interval = {0, 1000}, .it_value = {0, 1000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &often, nullptr), 0);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(io().turn({.deadline = never, .completions_max = 8}, gate_).empty());
    EXPECT_FALSE(gate_.is_asleep);
  }
  const itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &before, nullptr);
}

// --- wakes

TEST_F(UringIoTest, AWakeOfARingThatIsGoneIsGivenUp) {
  const int own = uring().ring_fd();
  const int closed = dup(STDERR_FILENO);
  ::close(closed);
  const int peers[] = {own, closed};
  uring().set_peers(peers);
  io().wake(1);
  settle();
  EXPECT_EQ(counters().wakes_sent, 1u);
  EXPECT_EQ(counters().wakes_failed, 1u);
}

TEST_F(UringIoTest, AWakeToItselfEndsAWait) {
  io().wake(0);
  EXPECT_TRUE(io().turn({.deadline = never, .completions_max = 8}, gate_).empty());
  EXPECT_EQ(counters().wakes_received, 1u);
  EXPECT_EQ(uring().in_flight_count(), 1u);  // a wake is no operation to wait for
}

// One of two shards that do nothing but wake each other.
struct Sleeper {
  Parker parker;
  std::atomic<std::uint64_t> mail = 0;  // written by the others, read by the owner
  std::atomic<int> ring_fd = -1;
  std::atomic<UringIo*> io = nullptr;
};

class MailGate final : public SleepGate {
 public:
  MailGate(Sleeper& self, const std::uint64_t& seen) : self_(self), seen_(seen) {}
  bool work_pending() const override { return self_.mail.load(std::memory_order_acquire) > seen_; }
  bool try_enter_sleep() override {
    self_.parker.announce_sleep();
    if (!work_pending()) return true;
    self_.parker.awake();
    return false;
  }
  void leave_sleep() override { self_.parker.awake(); }

 private:
  Sleeper& self_;
  const std::uint64_t& seen_;
};

class SleeperThread {
 public:
  // Every wait has this end, so that a lost wake is a failure and no hang.
  static constexpr Nanos patience = 20 * nanos_per_s;

  explicit SleeperThread(Sleeper& self) : self_(self), gate_(self, seen_) {
    io_ = std::move(UringIo::open({.clock = clock_,
                                   .kernel_owned = kernel_owned_,
                                   .sq_entries = 8,
                                   .cq_entries = 16,
                                   .buffer_count = 2,
                                   .buffer_bytes = 64})
                        .value());
    self_.io.store(io_.get());
    self_.ring_fd.store(io_->ring_fd());
  }

  void meet(Sleeper& other) {
    while (other.ring_fd.load() < 0) std::this_thread::yield();
    const int peers[] = {other.ring_fd.load()};
    io_->set_peers(peers);
  }
  void tell(Sleeper& other) {
    other.mail.fetch_add(1, std::memory_order_release);
    if (other.parker.claim_wake()) io_->wake(0);
  }
  // False: a wake got lost.
  [[nodiscard]] bool wait_for_mail(Nanos spin) {
    const Nanos end = clock_.now() + patience;
    while (!gate_.work_pending()) {
      if (clock_.now() > end) return false;
      io_->turn({.deadline = end, .spin = spin, .completions_max = 4}, gate_);
    }
    ++seen_;
    return true;
  }
  void submit() { io_->turn({.deadline = 0, .completions_max = 4}, gate_); }
  UringIo& io() { return *io_; }

 private:
  Sleeper& self_;
  MonotonicClock clock_;
  KernelOwned kernel_owned_;
  std::uint64_t seen_ = 0;
  MailGate gate_;
  std::unique_ptr<UringIo> io_;
};

TEST(UringWake, NoWakeBetweenTwoRingsIsLost) {
  constexpr int rounds = 20'000;
  std::array<Sleeper, 2> sleepers;
  std::array<std::uint64_t, 2> sleeps = {};
  std::atomic<int> lost = 0;
  std::atomic<int> done = 0;
  auto run = [&](std::size_t self, std::size_t other, bool begins) {
    SleeperThread thread(sleepers[self]);
    thread.meet(sleepers[other]);
    Prng prng(self);
    for (int i = 0; i < rounds && lost.load() == 0; ++i) {
      if (begins || i > 0) thread.tell(sleepers[other]);
      // Meets the other before, while and after it falls asleep.
      for (std::uint64_t pause = prng.below(200); pause > 0; --pause) {
        [[maybe_unused]] volatile std::uint64_t waste = pause;
      }
      if (!thread.wait_for_mail(static_cast<Nanos>(prng.below(3)) * 2000)) lost.fetch_add(1);
    }
    if (!begins) thread.tell(sleepers[other]);
    thread.submit();
    sleeps[self] = thread.io().counters().sleeps;
    // A ring must outlive those who may wake it.
    done.fetch_add(1);
    while (done.load() < 2) std::this_thread::yield();
  };
  std::thread second([&] { run(1, 0, false); });
  run(0, 1, true);
  second.join();
  EXPECT_EQ(lost.load(), 0);
  EXPECT_GT(sleeps[0] + sleeps[1], 0u);
}

TEST(UringWake, NoWakeFromThreadsIsLost) {
  constexpr std::uint64_t rounds = 10'000;
  Sleeper sleeper;
  std::atomic<std::uint64_t> answered = 0;
  std::thread producer([&] {
    while (sleeper.io.load() == nullptr) std::this_thread::yield();
    for (std::uint64_t i = 0; i < rounds; ++i) {
      sleeper.mail.fetch_add(1, std::memory_order_release);
      if (sleeper.parker.claim_wake()) sleeper.io.load()->wake_from_any_thread();
      while (answered.load() <= i) std::this_thread::yield();
    }
  });
  SleeperThread thread(sleeper);
  for (std::uint64_t i = 0; i < rounds; ++i) {
    EXPECT_TRUE(thread.wait_for_mail(0)) << "lost at " << i;
    answered.store(i + 1);
  }
  producer.join();
  EXPECT_GT(thread.io().counters().wakes_received, 0u);
}

// --- system calls

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// Kills the process at any call but the ring's enter. The clock is read through the vDSO, except
// where the machine's clock source cannot do that.
void forbid_all_but_enter() {
  const std::array<sock_filter, 6> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter = {static_cast<unsigned short>(program.size()),
                             const_cast<sock_filter*>(program.data())};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    _exit(2);
  }
}

// Sends, receives, spins, sleeps and wakes itself, this many times.
void ping(UringIo& io, const Clock& clock, SleepGate& gate, Fd from, int rounds) {
  static char byte = 'x';
  static SendRequest request;
  request.parts[0] = {&byte, 1};
  request.part_count = 1;
  request.bytes = 1;
  for (int i = 0; i < rounds; ++i) {
    io.send(from, request, OpToken::make(OpKind::send, 1, 0));
    if (i % 8 == 0) io.wake(0);
    for (int awaited = 2; awaited > 0;) {
      const Nanos spin = i % 2 == 0 ? 1000 : 0;
      for (const Completion& completion :
           io.turn({.deadline = never, .spin = spin, .completions_max = 8}, gate)) {
        if (completion.has_buffer) io.give_back(completion.buffer);
        --awaited;
      }
    }
    io.turn({.deadline = clock.now() + 1000, .completions_max = 8}, gate);
  }
}

TEST(UringCalls, SteadyStateMakesNoOtherSystemCallThanEnter) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    MonotonicClock clock;
    KernelOwned kernel_owned;
    CountingGate gate;
    auto io = std::move(UringIo::open({.clock = clock, .kernel_owned = kernel_owned}).value());
    const int peers[] = {io->ring_fd()};
    io->set_peers(peers);
    std::array<int, 2> ends = {};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) _exit(2);
    io->receive(ends[1], OpToken::make(OpKind::receive, 1, 0), false);
    ping(*io, clock, gate, ends[0], 100);
    forbid_all_but_enter();
    ping(*io, clock, gate, ends[0], 1000);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

#endif

}  // namespace
}  // namespace ringpost::engine
