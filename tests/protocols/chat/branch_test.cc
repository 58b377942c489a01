#include "protocols/chat/branch.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "tests/engine/net/test_link.h"

namespace ringpost::chat {
namespace {

using engine::ActorRef;
using engine::Bytes;
using engine::Follower;
using engine::LinkWorld;
using engine::Message;
using engine::TestLink;

// The branch of shard 0; the room is on shard 1.
class BranchTest : public ::testing::Test {
 protected:
  struct Member {
    Member(LinkWorld& world, std::uint32_t slot) : link(world, slot) {}
    ~Member() { link.unfollow(); }
    TestLink link;
    Follower follower;
  };

  Member& join() {
    Member& member = members_.emplace_back(world_, static_cast<std::uint32_t>(members_.size()));
    branch_.joining();
    branch_.join(member.follower, member.link);
    return member;
  }
  void leave(Member& member) {
    member.link.unfollow();
    branch_.left();
  }
  void receive(std::uint16_t kind) {
    Message message{};
    message.kind = kind;
    branch_.receive({&message, 1});
  }
  void run(Bytes lines, ActorRef origin = ActorRef::session(1, 9, 1)) {
    Message message{};
    message.kind = kind_run;
    message.put_payload(world_.payloads.make(lines));
    put_origin(message, origin);
    branch_.receive({&message, 1});
  }
  std::size_t closes_told() {
    std::size_t count = 0;
    for (const Message& message : world_.post.queue(1).items()) {
      EXPECT_EQ(message.to, room_);
      EXPECT_EQ(message.from, self_);
      count += message.kind == kind_branch_close;
    }
    world_.post.queue(1).clear();
    return count;
  }

  LinkWorld world_{0, 2};
  ActorRef self_ = ActorRef::actor(0, 3, 1);
  ActorRef room_ = ActorRef::actor(1, 2, 1);
  Branch branch_{self_, room_, world_.post, world_.turn, UINT64_MAX};
  std::deque<Member> members_;
};

TEST_F(BranchTest, ARunReachesAllMembersButItsOrigin) {
  Member& a = join();
  Member& b = join();
  run("a: hi\r\n", a.link.self());
  run("far: hi\r\n");
  EXPECT_EQ(a.link.take_output(), "far: hi\r\n");
  EXPECT_EQ(b.link.take_output(), "a: hi\r\nfar: hi\r\n");
}

TEST_F(BranchTest, WhoJoinsGetsOnlyLaterLines) {
  join();
  run("before\r\n");
  Member& late = join();
  run("after\r\n");
  EXPECT_EQ(late.link.take_output(), "after\r\n");
}

TEST_F(BranchTest, WithoutMembersARunIsDropped) {
  run("nobody hears\r\n");
  EXPECT_TRUE(world_.turn.appended.empty());
  // The pool asserts at its end that the payload came back.
}

TEST_F(BranchTest, TheRoomIsToldWhenTheLastHasLeftAndNoneIsJoining) {
  Member& a = join();
  Member& b = join();
  leave(a);
  EXPECT_EQ(closes_told(), 0u);
  branch_.joining();
  leave(b);
  EXPECT_EQ(closes_told(), 0u);  // somebody has asked the room already
  branch_.not_joining();
  EXPECT_EQ(closes_told(), 1u);
}

TEST_F(BranchTest, AHoldPausesAllMembersAndThoseWhoJoinMeanwhile) {
  Member& a = join();
  receive(kind_hold);
  Member& b = join();
  EXPECT_TRUE(a.link.session_paused());
  EXPECT_TRUE(b.link.session_paused());
  receive(kind_go_on);
  EXPECT_FALSE(a.link.session_paused());
  EXPECT_FALSE(b.link.session_paused());
  EXPECT_FALSE(join().link.session_paused());
}

}  // namespace
}  // namespace ringpost::chat
