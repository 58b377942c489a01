#include "protocols/chat/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/engine/net/test_link.h"

namespace ringpost::chat {
namespace {

using engine::ActorRef;
using engine::Bytes;
using engine::CloseReason;
using engine::LinkWorld;
using engine::Message;
using engine::TestLink;

// A session and its branch on shard 0; the test is the room on shard 1.
class ChatSession : public ::testing::Test {
 protected:
  explicit ChatSession(const SessionOptions& options = {})
      : shared_{.options = options, .branch = branch_} {
    session_.emplace(shared_);
    session_->on_open(link_);
  }
  ~ChatSession() override {
    posted();
    if (session_) closed();
  }

  void arrive(Bytes bytes) {
    input_ += bytes;
    offer();
  }
  void offer() {
    if (!input_.empty() && !link_.paused()) input_.erase(0, session_->on_bytes(input_));
  }
  void closed() {
    link_.unfollow();  // the connection does that
    session_->on_closed(CloseReason::peer_closed);
    session_.reset();
  }
  void answer(std::uint16_t kind) {
    Message message{};
    message.kind = kind;
    session_->on_messages({&message, 1});
  }
  void name(Bytes nick) {
    arrive(std::string(nick) + "\r\n");
    answer(kind_joined);
    posted();
    output();
  }

  // Runs that were posted since the last look, as text; other words to the room go to `asked_`.
  std::vector<std::string> posted() {
    std::vector<std::string> runs;
    for (const Message& message : world_.post.queue(1).items()) {
      if (message.kind == kind_post) {
        EXPECT_EQ(message.to, room_);
        EXPECT_EQ(message.from, link_.self());
        runs.emplace_back(engine::take_payload(message).bytes());
      } else {
        asked_.push_back(message.kind);
      }
    }
    world_.post.queue(1).clear();
    return runs;
  }
  std::string output() { return link_.take_output(); }
  // Whether a line from elsewhere would reach it.
  bool is_member() {
    Message message{};
    message.kind = kind_run;
    message.put_payload(world_.payloads.make("probe"));
    branch_.receive({&message, 1});
    const std::string got = output();
    EXPECT_TRUE(got.empty() || got == "probe");
    return !got.empty();
  }

  using Runs = std::vector<std::string>;

  LinkWorld world_{0, 2};
  ActorRef room_ = ActorRef::actor(1, 2, 1);
  Branch branch_{ActorRef::actor(0, 3, 1), room_, world_.post, world_.turn, UINT64_MAX};
  TestLink link_{world_};
  SessionShared shared_;
  std::optional<Session> session_;
  std::string input_;
  std::vector<std::uint16_t> asked_;
};

TEST_F(ChatSession, TheFirstLineIsTheNickAndLaterOnesArePosted) {
  arrive("alice\r\nhi\r\n");
  EXPECT_EQ(posted(), Runs{"alice: hi\r\n"});
  EXPECT_EQ(asked_, std::vector<std::uint16_t>{kind_join});
  EXPECT_EQ(output(), "");
}

TEST_F(ChatSession, LinesOfOneReadAreOneRun) {
  name("alice");
  arrive("one\r\n\r\nthree\r\npart");
  EXPECT_EQ(posted(), Runs{"alice: one\r\nalice: \r\nalice: three\r\n"});
  arrive("ial\r\n");
  EXPECT_EQ(posted(), Runs{"alice: partial\r\n"});
}

TEST_F(ChatSession, ALongReadIsCutIntoRunsOfBoundedSize) {
  name("alice");
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += std::string(90, 'x') + "\r\n";
  arrive(lines);
  std::string all;
  const Runs runs = posted();
  EXPECT_GT(runs.size(), 3u);
  for (const std::string& run : runs) {
    EXPECT_LE(run.size(), Session::run_bytes_max);
    all += run;
  }
  EXPECT_EQ(all.size(), 3000u * (90 + 9));
}

TEST_F(ChatSession, ALineOfAnyLengthUpToTheLimitIsPostedWhole) {
  name("alice");
  for (const std::size_t bytes : {31u, 32u, 33u, 4096u, 65536u}) {
    arrive(std::string(bytes, 'x') + "\r\n");
    EXPECT_EQ(posted(), Runs{"alice: " + std::string(bytes, 'x') + "\r\n"});
  }
}

TEST_F(ChatSession, UntilItIsNamedItIsNoMember) {
  arrive("ali");
  EXPECT_TRUE(posted().empty());
  EXPECT_FALSE(is_member());
  EXPECT_TRUE(asked_.empty());
}

TEST_F(ChatSession, ItFollowsTheLogOnceTheRoomHasAnswered) {
  arrive("alice\r\n");
  EXPECT_FALSE(is_member());
  answer(kind_joined);
  EXPECT_TRUE(is_member());
}

TEST_F(ChatSession, BadLinesAreAnsweredAndNotSent) {
  arrive("!bad\r\n\r\n" + std::string(65, 'n') + "\r\na\nb\r\nalice\r\n");
  EXPECT_EQ(output(),
            "! error: bad nick\r\n! error: bad nick\r\n! error: bad nick\r\n! error: bad nick\r\n");
  arrive("good\r\nbad\x01\r\nx\nbob: fake\r\ngood too\r\n");
  EXPECT_EQ(output(), "! error: bad character\r\n! error: bad character\r\n");
  EXPECT_EQ(posted(), Runs{"alice: good\r\nalice: good too\r\n"});
  EXPECT_EQ(world_.counters.protocol_errors, 6u);
}

TEST_F(ChatSession, ALineOverTheLimitIsOneErrorAndTheNextIsGood) {
  name("alice");
  arrive(std::string(70'000, 'x'));
  EXPECT_EQ(output(), "! error: line too long\r\n");
  arrive(std::string(70'000, 'x') + "\r\nnext\r\n");
  EXPECT_EQ(output(), "");
  EXPECT_EQ(posted(), Runs{"alice: next\r\n"});
  EXPECT_EQ(world_.counters.limit_line_too_long, 1u);
}

TEST_F(ChatSession, WhoDoesNotNameItselfInTimeIsClosed) {
  EXPECT_EQ(link_.timer, world_.now + 30 * engine::nanos_per_s);
  session_->on_timer();
  EXPECT_EQ(link_.aborted, CloseReason::handshake_timeout);
}

TEST_F(ChatSession, ANameTakesTheTimerAway) {
  arrive("!bad\r\n");
  EXPECT_NE(link_.timer, engine::never);
  arrive("alice\r\n");
  EXPECT_EQ(link_.timer, engine::never);
}

TEST_F(ChatSession, AHoldStopsParsingMidBufferAndGoOnTakesItUp) {
  name("alice");
  Message message{};
  message.kind = kind_hold;
  branch_.receive({&message, 1});
  arrive("held\r\n");
  EXPECT_TRUE(posted().empty());
  message.kind = kind_go_on;
  branch_.receive({&message, 1});
  EXPECT_EQ(link_.resumed, 1);
  offer();
  EXPECT_EQ(posted(), Runs{"alice: held\r\n"});
}

TEST_F(ChatSession, WhoJoinsARoomThatHoldsStopsBehindItsNick) {
  Message message{};
  message.kind = kind_hold;
  branch_.receive({&message, 1});
  arrive("alice\r\n");
  answer(kind_joined);
  arrive("held\r\n");
  EXPECT_TRUE(posted().empty());
  message.kind = kind_go_on;
  branch_.receive({&message, 1});
  offer();
  EXPECT_EQ(posted(), Runs{"alice: held\r\n"});
}

TEST_F(ChatSession, FullLanesStopItAtOnce) {
  name("alice");
  world_.post.set_full(1, true);
  arrive("one\r\ntwo\r\n");
  EXPECT_TRUE(posted().empty());
  EXPECT_EQ(input_, "one\r\ntwo\r\n");
}

// --- The end ---

TEST_F(ChatSession, AnUnnamedClientEndsAtOnceAndItsTailIsDropped) {
  arrive("ali");
  session_->on_end(input_);
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
  EXPECT_TRUE(posted().empty());
}

TEST_F(ChatSession, AMemberThatEndsLeavesAtOnceAndIsToldWhenItsLinesHaveTheirPlace) {
  name("alice");
  arrive("last\r\npart");
  session_->on_end(input_);
  EXPECT_EQ(posted(), Runs{"alice: last\r\n"});
  EXPECT_FALSE(is_member());
  EXPECT_EQ(asked_.back(), engine::kind_sync);
  EXPECT_EQ(link_.goodbye, CloseReason::none);
  answer(engine::kind_synced);
  EXPECT_EQ(link_.goodbye, CloseReason::peer_closed);
}

TEST_F(ChatSession, AnEndWhileJoiningIsNoMembership) {
  arrive("alice\r\nlast\r\n");
  session_->on_end({});
  answer(kind_joined);  // too late
  EXPECT_FALSE(is_member());
  EXPECT_EQ(posted(), Runs{"alice: last\r\n"});
  EXPECT_EQ(std::count(asked_.begin(), asked_.end(), kind_branch_close), 1);
  answer(engine::kind_synced);
  closed();
  posted();
  EXPECT_EQ(std::count(asked_.begin(), asked_.end(), kind_branch_close), 1);
}

TEST_F(ChatSession, AMemberThatVanishesLeaves) {
  name("alice");
  closed();
  posted();
  EXPECT_EQ(asked_.back(), kind_branch_close);
}

}  // namespace
}  // namespace ringpost::chat
