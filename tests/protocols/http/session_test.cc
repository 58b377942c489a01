// The server side of one connection: what is answered, in which order, when it ends, and what it
// holds meanwhile.

#include "protocols/http/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tests/engine/net/test_link.h"

namespace ringpost::http {
namespace {

using engine::ActorRef;
using engine::CloseReason;
using engine::LinkWorld;
using engine::Message;
using engine::TestLink;
using namespace std::string_literals;

constexpr ActorRef oracle = ActorRef::actor(0, 5, 1);
enum Kind : std::uint16_t {
  kind_question = engine::kind_protocol_first,
  kind_answer,
  kind_upgrade
};

class FixedClock final : public WallClock {
 public:
  engine::Nanos unix_nanos() const override { return nanos; }
  engine::Nanos nanos = 784111777 * engine::nanos_per_s;
};

// Says what it was asked, at once or after the oracle.
class Repeats final : public Handler {
 public:
  bool on_head(Session& session, const Request& request, Bytes) override {
    if (request.find("refuse").data() == nullptr) return true;
    session.respond({.status = 415});
    return false;
  }
  void on_request(Session& session, const Request& request, Bytes parameter,
                  Bytes content) override {
    last = std::string(request.method_name) + " " + std::string(request.path) + " " +
           std::string(parameter) + " " + std::string(content);
    if (request.wants_upgrade) {
      session.ask_to_upgrade(oracle, kind_question);
    } else if (request.query == "ask") {
      session.ask(oracle, kind_question);
    } else {
      session.respond({.content_type = "text/plain", .content = last});
    }
  }
  void on_answer(Session& session, const Message& message) override {
    if (message.kind == kind_upgrade) {
      session.link().write(session.upgrade_response("upgrade: x\r\n"));
      session.upgrade(*next, *owner);
    } else {
      session.resolve(message.token, {.content = "asked"});
    }
  }

  std::string last;
  engine::Session* next = nullptr;
  engine::Service* owner = nullptr;
};

// Of sessions that are the test's own.
class NoService final : public engine::Service {
 public:
  engine::Session& open() override { std::abort(); }
  void close(engine::Session&) override {}
};

class HttpSession : public ::testing::Test {
 protected:
  explicit HttpSession(SessionOptions options = {}) : shared(options, routes, clock) {
    for (const Method method : {Method::get, Method::post}) routes.add(method, "/r", repeats);
    routes.add(Method::get, "/ws/*", repeats);
    routes.answered_by(kind_answer, repeats);
    routes.answered_by(kind_upgrade, repeats);
    session.emplace(shared);
    session->on_open(link);
  }
  ~HttpSession() override {
    session->on_closed(CloseReason::reset);
    EXPECT_EQ(shared.budget.bytes, 0u);
    session.reset();
    world.post.queue(0).clear();
  }

  // What is not consumed is offered again, with more behind it.
  void arrive(Bytes bytes) {
    input += bytes;
    offer();
  }
  void offer() {
    if (!input.empty() && !link.paused()) input.erase(0, session->on_bytes(input));
  }
  // The oracle answers what it was asked first, of what is still open.
  void answer(std::uint16_t kind = kind_answer) {
    Message message = world.post.queue(0).items().front();
    world.post.queue(0).pop(1);
    ASSERT_EQ(message.kind, kind_question);
    message.kind = kind;
    session->on_messages({&message, 1});
    offer();
  }
  std::size_t questions() const { return world.post.queue(0).size(); }
  void pass(engine::Nanos nanos) {
    world.now += nanos;
    if (world.now < link.timer) return;
    link.timer = engine::never;
    session->on_timer();
  }
  // Status and content of each response in the output.
  std::vector<std::string> answers() {
    const std::string output = link.take_output();
    std::vector<std::string> found;
    std::size_t at = 0;
    while (at < output.size()) {
      const std::size_t end = output.find("\r\n\r\n", at);
      EXPECT_NE(end, std::string::npos);
      const std::string head = output.substr(at, end + 2 - at);
      at = end + 4;
      std::string text = head.substr(9, 3);
      if (head.find("connection: close\r\n") != std::string::npos) text += " close";
      const std::size_t length = head.find("content-length: ");
      if (length != std::string::npos && text.substr(0, 3) != "100" && !without_content) {
        const std::size_t bytes = std::stoul(head.substr(length + 16));
        if (bytes != 0) text += " " + output.substr(at, bytes);
        at += bytes;
      }
      found.push_back(text);
    }
    return found;
  }
  using Answers = std::vector<std::string>;

  LinkWorld world;
  TestLink link{world};
  FixedClock clock;
  Routes routes;
  Repeats repeats;
  SessionShared shared;
  std::optional<Session> session;
  std::string input;
  bool without_content = false;
};

const std::string get = "GET /r HTTP/1.1\r\nhost: x\r\n\r\n";
const std::string ask = "GET /r?ask HTTP/1.1\r\nhost: x\r\n\r\n";
const std::string up = "GET /ws/7 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\r\n";

std::string post(const std::string& content, const std::string& fields = {}) {
  return "POST /r HTTP/1.1\r\nhost: x\r\n" + fields +
         "content-length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

TEST_F(HttpSession, AnswersAtOnceAndInOneGo) {
  arrive(get + post("abc") + get);
  EXPECT_EQ(answers(), (Answers{"200 GET /r  ", "200 POST /r  abc", "200 GET /r  "}));
  EXPECT_EQ(world.counters.requests, 3u);
  EXPECT_EQ(link.goodbye, CloseReason::none);
}

TEST_F(HttpSession, EverySplitGivesTheSameAnswers) {
  const std::string stream = get + post("abc") +
                             "POST /r HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" +
                             "2\r\nde\r\n1\r\nf\r\n0\r\n\r\n" +
                             "PUT /r HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nxx" +
                             "GET /no HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + get;
  const Answers expected{"200 GET /r  ", "200 POST /r  abc", "200 POST /r  def", "405",
                         "404 close"};
  for (std::size_t at = 0; at < stream.size(); ++at) {
    SCOPED_TRACE("split at " + std::to_string(at));
    LinkWorld world_of_it;
    TestLink link_of_it(world_of_it);
    Session session_of_it(shared);
    session_of_it.on_open(link_of_it);
    std::string held;
    for (const std::string& piece : {stream.substr(0, at), stream.substr(at)}) {
      held += piece;
      if (!held.empty() && !link_of_it.paused()) held.erase(0, session_of_it.on_bytes(held));
    }
    link.out().write(link_of_it.take_output());
    EXPECT_EQ(answers(), expected);
    EXPECT_EQ(link_of_it.goodbye, CloseReason::peer_closed);
    session_of_it.on_closed(CloseReason::peer_closed);
    EXPECT_EQ(world_of_it.buffers.taken_bytes(), 0u);
  }
}

TEST_F(HttpSession, ByteByByteTheSame) {
  for (const char c : get + post("abc") + get) arrive(Bytes(&c, 1));
  EXPECT_EQ(answers(), (Answers{"200 GET /r  ", "200 POST /r  abc", "200 GET /r  "}));
}

TEST_F(HttpSession, ResponsesKeepTheirOrderWhenSomeMustBeAskedFor) {
  arrive(ask + get + ask + get);
  EXPECT_EQ(answers(), Answers{});
  EXPECT_EQ(questions(), 2u);
  answer();
  EXPECT_EQ(answers(), (Answers{"200 asked", "200 GET /r  "}));
  answer();
  EXPECT_EQ(answers(), (Answers{"200 asked", "200 GET /r  "}));
}

TEST_F(HttpSession, HeadHasTheLengthAndNoContent) {
  without_content = true;
  arrive("HEAD /r HTTP/1.1\r\nhost: x\r\n\r\n");
  const std::string output = link.take_output();
  EXPECT_NE(output.find("content-length: 9\r\n"), std::string::npos) << output;
  EXPECT_TRUE(output.ends_with("\r\n\r\n")) << output;
}

TEST_F(HttpSession, UnknownPathsAndMethods) {
  arrive(
      "GET /no HTTP/1.1\r\nhost: x\r\n\r\nPUT /r HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n"
      "abc" +
      get);
  const std::string output = link.take_output();
  EXPECT_NE(output.find("allow: GET,HEAD,POST\r\n"), std::string::npos);
  link.out().write(output);
  EXPECT_EQ(answers(), (Answers{"404", "405", "200 GET /r  "}));
}

TEST_F(HttpSession, TheDateIsThatOfTheSecond) {
  arrive(get);
  EXPECT_NE(link.take_output().find("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), std::string::npos);
  clock.nanos += engine::nanos_per_s;
  arrive(get);  // the same turn
  EXPECT_NE(link.take_output().find("08:49:37"), std::string::npos);
  world.now += engine::nanos_per_s;
  arrive(get);
  EXPECT_NE(link.take_output().find("08:49:38"), std::string::npos);
}

// --- Ends ----------------------------------------------------------------------------------------

TEST_F(HttpSession, TheLastRequestEndsTheConnection) {
  arrive("GET /r HTTP/1.0\r\n\r\n" + get);
  EXPECT_EQ(answers(), Answers{"200 close GET /r  "});
  EXPECT_EQ(link.goodbye, CloseReason::peer_closed);
}

TEST_F(HttpSession, TheLastOneMayHaveToBeAskedFor) {
  arrive(ask + "GET /r?ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" + get);
  answer();
  EXPECT_EQ(answers(), Answers{"200 asked"});
  EXPECT_EQ(link.goodbye, CloseReason::none);
  answer();
  EXPECT_EQ(answers(), Answers{"200 close asked"});
  EXPECT_EQ(link.goodbye, CloseReason::peer_closed);
}

TEST_F(HttpSession, WhatCannotBeReadIsAnsweredBehindWhatCameBefore) {
  arrive(ask + "BAD\r\n\r\n" + get);
  EXPECT_EQ(link.goodbye, CloseReason::none);
  answer();
  EXPECT_EQ(answers(), (Answers{"200 asked", "400 close"}));
  EXPECT_EQ(link.goodbye, CloseReason::protocol_error);
  EXPECT_EQ(world.counters.protocol_errors, 1u);
}

TEST_F(HttpSession, HalfCloseAnswersWhatCameBefore) {
  arrive(ask + "GET /r HT");
  session->on_end(input);
  EXPECT_EQ(link.goodbye, CloseReason::none);
  answer();
  EXPECT_EQ(answers(), Answers{"200 close asked"});
  EXPECT_EQ(link.goodbye, CloseReason::peer_closed);
}

TEST_F(HttpSession, AnActorThatIsGoneMeansUnavailable) {
  arrive(ask);
  answer(engine::kind_gone);
  EXPECT_EQ(answers(), Answers{"503"});
}

// --- Bodies --------------------------------------------------------------------------------------

TEST_F(HttpSession, AContentThatIsTooLongIsNotWaitedFor) {
  arrive("POST /r HTTP/1.1\r\nhost: x\r\ncontent-length: 2097153\r\n\r\nabc");
  EXPECT_EQ(answers(),
            Answers{"413 close Failed to buffer the request body: length limit exceeded"});
  EXPECT_EQ(link.goodbye, CloseReason::protocol_error);
  EXPECT_EQ(world.counters.limit_body_too_large, 1u);
}

TEST_F(HttpSession, ARefusedHeadIsAnsweredBeforeItsContent) {
  arrive("POST /r HTTP/1.1\r\nhost: x\r\nrefuse: 1\r\ncontent-length: 3\r\n\r\n");
  EXPECT_EQ(answers(), Answers{"415"});
  arrive("abc" + get);
  EXPECT_EQ(answers(), Answers{"200 GET /r  "});
}

// A request has one response (RFC 9110 section 15).
TEST_F(HttpSession, ABodyThatWasAnsweredAlreadyIsNotAnsweredAgain) {
  arrive("POST /none HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_EQ(answers(), Answers{"404"});
  EXPECT_EQ(link.goodbye, CloseReason::protocol_error);
  EXPECT_EQ(world.counters.protocol_errors, 1u);
}

TEST_F(HttpSession, ABodyThatWasAnsweredAlreadyMustBeWholeInTime) {
  arrive("POST /r HTTP/1.1\r\nhost: x\r\nrefuse: 1\r\ncontent-length: 3\r\n\r\na");
  EXPECT_EQ(answers(), Answers{"415"});
  pass(60 * engine::nanos_per_s);
  EXPECT_EQ(answers(), Answers{});
  EXPECT_EQ(link.goodbye, CloseReason::request_timeout);
}

// Whether its content comes at all is not known.
TEST_F(HttpSession, ARefusedHeadThatExpectsContinueEndsTheConnection) {
  arrive(
      "POST /r HTTP/1.1\r\nhost: x\r\nrefuse: 1\r\nexpect: 100-continue\r\ncontent-length: "
      "3\r\n\r\n");
  EXPECT_EQ(answers(), Answers{"415 close"});
  EXPECT_EQ(link.goodbye, CloseReason::peer_closed);
}

TEST_F(HttpSession, SaysContinueOnlyToThoseWhoWait) {
  const std::string head =
      "POST /r HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
  arrive(head);
  EXPECT_EQ(answers(), Answers{"100"});
  arrive("abc");
  EXPECT_EQ(answers(), Answers{"200 POST /r  abc"});
  arrive(head + "a");
  EXPECT_EQ(answers(), Answers{});
  arrive("bc");
  EXPECT_EQ(answers(), Answers{"200 POST /r  abc"});
}

class HttpSessionOfLittle : public HttpSession {
 protected:
  static SessionOptions little() {
    SessionOptions options;
    options.replies_max = 2;
    options.held_bytes_max = 4096;
    options.fields = "every: one\r\n";
    options.options_fields = "allowed: all\r\n";
    return options;
  }
  HttpSessionOfLittle() : HttpSession(little()) {}
};

TEST_F(HttpSessionOfLittle, MemoryGrowsWithWhatCameAndIsBounded) {
  arrive("POST /r HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n");
  EXPECT_LE(shared.budget.bytes, 512u);
  arrive(std::string(9000, 'a'));
  EXPECT_EQ(answers(), Answers{"503 close"});
  EXPECT_EQ(link.goodbye, CloseReason::over_budget);
  EXPECT_EQ(world.counters.limit_held_bodies, 1u);
  EXPECT_EQ(shared.budget.bytes, 0u);
}

TEST_F(HttpSessionOfLittle, NoMoreAnswersAreAwaitedThanMayBe) {
  arrive(ask + ask + ask);
  EXPECT_EQ(questions(), 2u);
  EXPECT_TRUE(link.paused());
  EXPECT_EQ(world.counters.limit_replies, 1u);
  answer();
  EXPECT_EQ(questions(), 2u);
  answer();
  answer();
  EXPECT_EQ(answers(), (Answers{"200 asked", "200 asked", "200 asked"}));
}

TEST_F(HttpSessionOfLittle, EveryResponseHasTheFieldsOfAll) {
  arrive(get + "GET /no HTTP/1.1\r\nhost: x\r\n\r\nOPTIONS /no HTTP/1.1\r\nhost: x\r\n\r\n" + ask +
         "BAD\r\n\r\n");
  answer();
  const std::string output = link.take_output();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = output.find("every: one\r\n", at)) != std::string::npos; ++at) {
    ++count;
  }
  EXPECT_EQ(count, 5u) << output;
  EXPECT_NE(output.find("allowed: all\r\n"), std::string::npos);
}

// --- Upgrades ------------------------------------------------------------------------------------

TEST_F(HttpSession, AnUpgradeWaitsForWhatCameBefore) {
  arrive(ask + up + get);
  EXPECT_EQ(questions(), 1u);
  answer();
  EXPECT_EQ(questions(), 1u);
  EXPECT_EQ(repeats.last, "GET /ws/7 7 ");
  EXPECT_EQ(world.counters.requests, 2u);
  EXPECT_EQ(input, get);  // for the next session
  Session next(shared);
  NoService owner;
  repeats.next = &next;
  repeats.owner = &owner;
  answer(kind_upgrade);
  EXPECT_EQ(link.became, &next);
  EXPECT_EQ(link.became_owner, &owner);
  EXPECT_EQ(answers(), (Answers{"200 asked", "101"}));
}

TEST_F(HttpSession, AnUpgradeThatFailsGoesOn) {
  arrive(up + get);
  EXPECT_TRUE(link.paused());
  answer();
  EXPECT_EQ(answers(), (Answers{"200 asked", "200 GET /r  "}));
  EXPECT_EQ(link.became, nullptr);
}

// --- Time ----------------------------------------------------------------------------------------

TEST_F(HttpSession, AnIdleConnectionIsClosed) {
  pass(70 * engine::nanos_per_s);
  arrive(get);
  answers();
  pass(70 * engine::nanos_per_s);
  EXPECT_EQ(link.goodbye, CloseReason::none);
  pass(6 * engine::nanos_per_s);
  EXPECT_EQ(answers(), Answers{});
  EXPECT_EQ(link.goodbye, CloseReason::idle_timeout);
}

// A byte now and then does not help.
TEST_F(HttpSession, AHeadMustBeWholeInTime) {
  arrive(get);
  for (int i = 0; i < 9; ++i) {
    arrive(get.substr(static_cast<std::size_t>(i), 1));
    pass(engine::nanos_per_s);
  }
  EXPECT_EQ(link.goodbye, CloseReason::none);
  arrive(get.substr(9, 1));
  answers();
  pass(engine::nanos_per_s);
  EXPECT_EQ(answers(), Answers{"408 close"});
  EXPECT_EQ(link.goodbye, CloseReason::request_timeout);
}

TEST_F(HttpSession, ABodyMustBeWholeInTime) {
  arrive("POST /r HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n");
  for (int i = 0; i < 59; ++i) {
    arrive("a");
    pass(engine::nanos_per_s);
  }
  EXPECT_EQ(link.goodbye, CloseReason::none);
  pass(engine::nanos_per_s);
  EXPECT_EQ(answers(), Answers{"408 close"});
  EXPECT_EQ(link.goodbye, CloseReason::request_timeout);
}

TEST_F(HttpSession, OurOwnAnswerIsNotThePeersDelay) {
  arrive(ask);
  pass(80 * engine::nanos_per_s);
  EXPECT_EQ(link.goodbye, CloseReason::none);
  answer();
  answers();
  pass(80 * engine::nanos_per_s);
  EXPECT_EQ(link.goodbye, CloseReason::idle_timeout);
}

}  // namespace
}  // namespace ringpost::http
