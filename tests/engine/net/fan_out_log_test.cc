#include "engine/net/fan_out_log.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "tests/engine/net/test_link.h"

namespace ringpost::engine {
namespace {

constexpr std::uint64_t no_share = UINT64_MAX;
constexpr std::size_t segment_bytes = 32768;  // with its block

// A member: a link and its place in a log.
struct Member {
  Member(LinkWorld& world, std::uint32_t slot) : link(world, slot) {}
  ~Member() { link.unfollow(); }

  TestLink link;
  Follower follower;
};

class FanOutLogTest : public ::testing::Test {
 protected:
  Member& join(FanOutLog& log) {
    Member& member = members_.emplace_back(world_, static_cast<std::uint32_t>(members_.size()));
    member.link.follow(member.follower, log);
    return member;
  }
  void append(FanOutLog& log, Bytes text, ActorRef origin = ActorRef()) {
    log.append(world_.payloads.make(text), origin);
  }

  LinkWorld world_;
  FanOutLog log_{world_.turn, no_share};
  std::deque<Member> members_;  // after the log: they leave first
};

TEST_F(FanOutLogTest, AMemberGetsWhatIsAppendedAfterItJoined) {
  Member& first = join(log_);
  append(log_, "a");
  Member& second = join(log_);
  append(log_, "b");
  EXPECT_EQ(first.link.take_output(), "ab");
  EXPECT_EQ(second.link.take_output(), "b");
}

TEST_F(FanOutLogTest, OnlyItsOriginSkipsARun) {
  Member& a = join(log_);
  Member& b = join(log_);
  append(log_, "1", a.link.self());
  append(log_, "2", b.link.self());
  append(log_, "3", a.link.self());
  append(log_, "4", a.link.self());
  append(log_, "5");
  EXPECT_EQ(a.link.take_output(), "25");
  EXPECT_EQ(b.link.take_output(), "1345");
}

// The run was on its way while its sender left and another connection took the slot.
TEST_F(FanOutLogTest, WhoReusesTheSlotOfAnOriginGetsItsRun) {
  LinkWorld& world = world_;
  TestLink later(world, ActorRef::session(0, 5, 2));
  Follower follower;
  later.follow(follower, log_);
  append(log_, "of the one before", ActorRef::session(0, 5, 1));
  append(log_, " own", later.self());
  EXPECT_EQ(later.take_output(), "of the one before");
  later.unfollow();
}

TEST_F(FanOutLogTest, AnOriginOnAnotherShardIsNobodyHere) {
  Member& member = join(log_);
  append(log_, "text", ActorRef::session(3, member.link.self().slot(), 1));
  EXPECT_EQ(member.link.take_output(), "text");
}

TEST_F(FanOutLogTest, SegmentsEveryoneHasSentAreGivenBack) {
  Member& member = join(log_);
  for (int i = 0; i < 50; ++i) {
    append(log_, std::string(20'000, 'x'));
    EXPECT_EQ(member.link.take_output().size(), 20'000u);
    EXPECT_LE(world_.buffers.taken_bytes(), 2 * segment_bytes);
  }
}

// Requires: the member has nothing else to send.
std::uint32_t parts_of_send(Member& member) {
  SendRequest request;
  const std::size_t bytes = member.link.out().gather(request, 64 * 1024);
  member.link.out().consume(bytes);
  return request.part_count;
}

TEST_F(FanOutLogTest, RunsLieInOnePieceWhileNobodyLagsBehind) {
  Member& a = join(log_);
  Member& b = join(log_);
  for (int i = 0; i < 20; ++i) {
    append(log_, std::string(20'000, 'x'));
    EXPECT_EQ(parts_of_send(a), 1u);
    EXPECT_EQ(parts_of_send(b), 1u);
    EXPECT_EQ(world_.buffers.taken_bytes(), segment_bytes);
  }
}

TEST_F(FanOutLogTest, WhoLagsBehindKeepsWhatItHasNotSent) {
  Member& fast = join(log_);
  Member& slow = join(log_);
  append(log_, std::string(20'000, '1'));
  fast.link.take_output();
  // Of the slow member nothing is taken, then all: its cursor holds the bytes, then its outbox.
  append(log_, std::string(20'000, '2'));
  fast.link.take_output();
  SendRequest request;
  ASSERT_EQ(slow.link.out().gather(request, 64 * 1024), 40'000u);
  append(log_, std::string(30'000, '3'));
  fast.link.take_output();
  append(log_, std::string(30'000, '4'));
  const std::string expected = std::string(20'000, '1') + std::string(20'000, '2') +
                               std::string(30'000, '3') + std::string(30'000, '4');
  EXPECT_TRUE(slow.link.take_output() == expected);
}

TEST_F(FanOutLogTest, WithoutMembersOnlyTheLastSegmentIsKept) {
  for (int i = 0; i < 20; ++i) append(log_, std::string(20'000, 'x'));
  EXPECT_LE(world_.buffers.taken_bytes(), 2 * segment_bytes);
  EXPECT_LE(log_.held_bytes(), segment_bytes);
}

TEST_F(FanOutLogTest, ASlowMemberPinsWhatItHasNotSentAndNothingMore) {
  Member& fast = join(log_);
  for (int i = 0; i < 10; ++i) append(log_, std::string(20'000, 'x'));
  fast.link.take_output();
  Member& slow = join(log_);
  for (int i = 0; i < 10; ++i) append(log_, std::string(20'000, 'y'));
  fast.link.take_output();
  // 200,000 bytes lie in 7 or 8 segments.
  EXPECT_GE(world_.buffers.taken_bytes(), 6 * segment_bytes);
  EXPECT_LE(world_.buffers.taken_bytes(), 8 * segment_bytes);

  // It sends half of it: the segments before are free.
  SendRequest request;
  EXPECT_EQ(slow.link.out().gather(request, 100'000), 100'000u);
  slow.link.out().consume(100'000);
  EXPECT_LE(log_.held_bytes(), 100'000u + segment_bytes);

  EXPECT_EQ(slow.link.take_output().size(), 100'000u);
  EXPECT_LE(world_.buffers.taken_bytes(), 2 * segment_bytes);
}

TEST_F(FanOutLogTest, ASendInFlightHoldsTheSegmentsOfAMemberThatLeft) {
  Member& member = join(log_);
  Prng prng(1);
  const std::string text = random_text(prng, 100'000);
  append(log_, text);
  SendRequest request;
  ASSERT_EQ(member.link.out().gather(request, 100'000), 100'000u);
  member.link.unfollow();
  for (int i = 0; i < 5; ++i) append(log_, std::string(50'000, 'z'));
  std::string still;
  for (std::uint32_t i = 0; i < request.part_count; ++i) {
    still.append(static_cast<const char*>(request.parts[i].iov_base), request.parts[i].iov_len);
  }
  EXPECT_TRUE(still == text);
  member.link.out().consume(100'000);
  EXPECT_LE(world_.buffers.taken_bytes(), 2 * segment_bytes);
}

TEST_F(FanOutLogTest, EndOfTurnTouchesEachMemberOnce) {
  Member& a = join(log_);
  Member& b = join(log_);
  append(log_, "1");
  append(log_, "2");
  ASSERT_EQ(world_.turn.appended.size(), 1u);
  EXPECT_TRUE(log_.end_turn());
  EXPECT_EQ(a.link.touched, 1);
  EXPECT_EQ(b.link.touched, 1);
}

class FanOutLogShareTest : public FanOutLogTest {
 protected:
  // As the shard's loop ends a turn.
  void end_turn() {
    std::erase_if(world_.turn.appended, [](FanOutLog* log) { return log->end_turn(); });
    world_.turn.end_input = !world_.turn.appended.empty();
  }

  FanOutLog shared_{world_.turn, 1000};
};

TEST_F(FanOutLogShareTest, RunsOverTheShareWaitInOrderForTheNextTurns) {
  Member& member = join(shared_);
  for (const char c : {'a', 'b', 'c', 'd', 'e'}) append(shared_, std::string(600, c));
  // The second run reaches the share; the others wait, and nobody reads on.
  EXPECT_TRUE(world_.turn.end_input);
  EXPECT_EQ(member.link.take_output(), std::string(600, 'a') + std::string(600, 'b'));

  end_turn();  // flushes what there is; the share of the next turn begins
  EXPECT_TRUE(world_.turn.end_input);
  append(shared_, std::string(600, 'f'));  // behind those that wait
  EXPECT_EQ(member.link.take_output(), "");
  end_turn();
  EXPECT_EQ(member.link.take_output(), std::string(600, 'c') + std::string(600, 'd'));
  end_turn();
  EXPECT_EQ(member.link.take_output(), std::string(600, 'e') + std::string(600, 'f'));
  end_turn();
  EXPECT_FALSE(world_.turn.end_input);
  EXPECT_TRUE(world_.turn.appended.empty());
  members_.clear();
}

TEST_F(FanOutLogShareTest, ATurnTakesAtMostTheShareAndOneRun) {
  Member& member = join(shared_);
  Prng prng(3);
  std::size_t total = 0;
  for (int turn = 0; turn < 200; ++turn) {
    for (std::uint64_t i = prng.below(4); i > 0; --i) {
      const std::size_t bytes = 1 + prng.below(900);
      append(shared_, std::string(bytes, 'x'));
      total += bytes;
    }
    end_turn();
    const std::size_t got = member.link.take_output().size();
    EXPECT_LE(got, 2u * (1000 + 900));  // what came at once, and the end of the turn's share
    total -= got;
  }
  while (world_.turn.end_input) {
    end_turn();
    total -= member.link.take_output().size();
  }
  EXPECT_EQ(total, 0u);
  members_.clear();
}

// Their place in the order is before it joined, although their bytes are not in the log yet.
TEST_F(FanOutLogShareTest, WhoJoinsWhileRunsWaitGetsOnlyWhatIsAppendedLater) {
  Member& first = join(shared_);
  append(shared_, std::string(1000, '1'));
  append(shared_, std::string(600, '2'));
  append(shared_, std::string(600, '3'));
  Member& late = join(shared_);
  EXPECT_EQ(late.follower.lag(), 0u);
  append(shared_, "4");
  append(shared_, "own", late.link.self());
  Member& gone = join(shared_);
  end_turn();
  gone.link.unfollow();  // before its place has come
  while (world_.turn.end_input) end_turn();
  append(shared_, "5");
  const std::string waited = std::string(600, '2') + std::string(600, '3');
  EXPECT_EQ(first.link.take_output(), std::string(1000, '1') + waited + "4own5");
  EXPECT_EQ(late.link.take_output(), "45");
  EXPECT_EQ(gone.link.take_output(), "");
  members_.clear();
}

TEST_F(FanOutLogShareTest, TheOriginOfARunThatWaitedSkipsIt) {
  Member& a = join(shared_);
  Member& b = join(shared_);
  append(shared_, std::string(1000, '1'));
  append(shared_, "a", a.link.self());
  append(shared_, "b", b.link.self());
  end_turn();
  end_turn();
  EXPECT_EQ(a.link.take_output(), std::string(1000, '1') + "b");
  EXPECT_EQ(b.link.take_output(), std::string(1000, '1') + "a");
  members_.clear();
}

TEST_F(FanOutLogShareTest, TheOriginOfARunThatWaitedMayHaveLeft) {
  Member& a = join(shared_);
  Member& b = join(shared_);
  append(shared_, std::string(1000, '1'));
  append(shared_, "a", a.link.self());
  a.link.unfollow();
  end_turn();
  end_turn();
  EXPECT_EQ(a.link.take_output(), std::string(1000, '1'));
  EXPECT_EQ(b.link.take_output(), std::string(1000, '1') + "a");
  members_.clear();
}

TEST_F(FanOutLogShareTest, ALogThatGoesDropsWhatWaits) {
  {
    FanOutLog log(world_.turn, 10);
    append(log, "more than the share");
    append(log, "waits");
    EXPECT_EQ(world_.turn.appended.size(), 1u);
  }
  EXPECT_TRUE(world_.turn.appended.empty());
}

// Members come, go, send at their own speed and say things themselves; each must get every run of
// others from its joining to its leaving, once and in order.
TEST(FanOutLog, MembersAtDifferentSpeedsGetEveryByteOnce) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    LinkWorld world;
    FanOutLog log(world.turn, no_share);
    struct Modelled {
      Modelled(LinkWorld& shared, ActorRef self) : link(shared, self) {}
      TestLink link;
      Follower follower;
      std::string expected;
      bool following = false;
    };
    std::deque<Modelled> members;
    for (std::uint32_t slot = 0; slot < 6; ++slot) {
      members.emplace_back(world, ActorRef::session(0, slot, 1));
    }
    for (int step = 0; step < 2000; ++step) {
      Modelled& member = members[prng.below(members.size())];
      switch (prng.below(6)) {
        case 0:
          if (member.following) {
            member.link.unfollow();
          } else {
            member.link.follow(member.follower, log);
          }
          member.following = !member.following;
          break;
        case 1: {
          const std::string own = random_text(prng, prng.below(40));
          member.link.write(own);
          member.expected += own;
          break;
        }
        case 2:
        case 3: {
          const bool by_member = prng.one_in(2);
          const std::string text =
              random_text(prng, prng.one_in(20) ? prng.below(50'000) : prng.below(300));
          log.append(world.payloads.make(text), by_member ? member.link.self() : ActorRef());
          for (Modelled& other : members) {
            if (other.following && !(by_member && &other == &member)) other.expected += text;
          }
          break;
        }
        default: {
          SendRequest request;
          const std::size_t bytes = member.link.out().gather(request, 1 + prng.below(30'000));
          std::string sent;
          for (std::uint32_t i = 0; i < request.part_count; ++i) {
            sent.append(static_cast<const char*>(request.parts[i].iov_base),
                        request.parts[i].iov_len);
          }
          ASSERT_TRUE(sent == member.expected.substr(0, bytes));
          member.link.out().consume(bytes);
          member.expected.erase(0, bytes);
        }
      }
      ASSERT_EQ(member.link.out().bytes(), member.expected.size());
    }
    for (Modelled& member : members) {
      member.link.unfollow();
      ASSERT_TRUE(member.link.take_output() == member.expected);
    }
    EXPECT_EQ(world.buffers.taken_bytes(), segment_bytes);
  }
}

}  // namespace
}  // namespace ringpost::engine
