#include "tools/loadgen/relay_talk.h"

#include <gtest/gtest.h>

#include "protocols/websocket/handshake.h"
#include "protocols/websocket/unmask.h"
#include "protocols/websocket/writer.h"
#include "tests/tools/loadgen/conversation.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {
namespace {

using websocket::Opcode;

const Target target = parse_target("ws://relay:8000/base/").value();

RelayScript make_script(const SizeRange& size = {16, 40}) {
  return {{.size = size, .senders = 2, .topics = 1, .seed = 1, .run = "test"}, target};
}
const RelayScript script = make_script();

std::string response(const std::string& status, const std::string& body,
                     const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\n" + fields + "content-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string frame(Opcode opcode, const std::string& payload, bool is_fin = true) {
  const websocket::FrameHeader header{
      .opcode = opcode, .payload_bytes = payload.size(), .is_fin = is_fin};
  std::string bytes(websocket::header_bytes(header), '\0');
  websocket::write_header(bytes.data(), header);
  return bytes + payload;
}

// The `sequence`th message of a sender.
std::string said(const RelayScript& by, std::uint64_t sender, std::uint64_t sequence) {
  const std::uint64_t text = first_message(by.texts, sender) + sequence;
  return sender_prefix(sender) +
         std::string(by.texts.message(static_cast<std::uint32_t>(text % by.texts.message_count())));
}
std::string heard(std::uint64_t sender, std::uint64_t sequence) {
  return frame(Opcode::text, said(script, sender, sequence));
}

// --- Publishing ----------------------------------------------------------------------------------

TEST(RelayPublisher, PublishesItsMessagesOneBehindTheOther) {
  Conversation<RelayPublisher> publisher(script, 1u);
  EXPECT_TRUE(publisher.ear.ready);
  publisher.talk.request(2);
  std::string expected;
  for (std::uint64_t i = 0; i < 2; ++i) {
    const std::string body = R"({"topic":"load-test-0","message":")" + said(script, 1, i) + R"("})";
    expected +=
        "POST /base/publish HTTP/1.1\r\nhost: relay:8000\r\ncontent-type: application/json"
        "\r\ncontent-length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  EXPECT_EQ(publisher.link.take_output(), expected);
}

TEST(RelayPublisher, AnAnswerThatIsNotRightIsTold) {
  const auto told = [](const std::string& answers) {
    Conversation<RelayPublisher> publisher(script, 0u);
    publisher.talk.request(3);
    publisher.arrive(answers);
    publisher.link.take_output();
    return publisher.ear.told();
  };
  const std::string right = response("200 OK", "Published event");
  EXPECT_EQ(told(right + right), "0 right, 0 failed, 2 acknowledged");
  EXPECT_EQ(told(right + response("503 No", "")),
            "0 right, 0 failed, 1 acknowledged, POST /publish was answered by status 503");
  EXPECT_EQ(told(right + response("200 OK", "Published")),
            "0 right, 0 failed, 2 acknowledged, wrong bytes 1");
  EXPECT_EQ(told(response("200 OK", "Published event", "connection: close\r\n")),
            "0 right, 0 failed, 1 acknowledged, the server ended the connection of a publisher");
}

// --- Subscribing ---------------------------------------------------------------------------------

struct Subscriber : Conversation<RelaySubscriber> {
  explicit Subscriber(const RelayScript& by = script) : Conversation(by, 7u) {}
  ~Subscriber() { link.take_output(); }

  // What the server says up to the Pong, and what it is asked for meanwhile.
  void join() {
    EXPECT_EQ(link.take_output(),
              "POST /base/register HTTP/1.1\r\nhost: relay:8000\r\ncontent-type: application/json"
              "\r\ncontent-length: 13\r\n\r\n{\"user_id\":7}");
    arrive(response("200 OK", R"({ "url" : "ws:\/\/other:1\/ws/abc" })"));
    arrive(accepted(link.take_output()));
    expect_frame(Opcode::text, R"({"topics":["load-test-0"]})");
    expect_frame(Opcode::ping, "subscribed");
    EXPECT_FALSE(ear.ready);
    arrive(frame(Opcode::pong, "subscribed"));
    EXPECT_TRUE(ear.ready);
  }

  static std::string accepted(const std::string& request) {
    EXPECT_TRUE(request.starts_with("GET /ws/abc HTTP/1.1\r\n")) << request;
    const std::string field = "sec-websocket-key: ";
    const std::string key = request.substr(request.find(field) + field.size(), 24);
    const auto accept = websocket::accept_key(key);
    return "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
           "sec-websocket-accept: " +
           std::string(accept.data(), accept.size()) + "\r\n\r\n";
  }

  // A masked frame of at most 125 bytes is the next output.
  void expect_frame(Opcode opcode, const std::string& payload) {
    written += link.take_output();
    ASSERT_GE(written.size(), 6 + payload.size());
    EXPECT_EQ(static_cast<unsigned char>(written[0]), 0x80u | static_cast<unsigned>(opcode));
    EXPECT_EQ(static_cast<unsigned char>(written[1]), 0x80u | payload.size());
    std::string plain(payload.size(), '\0');
    websocket::unmask(plain.data(), Bytes(written).substr(6, payload.size()),
                      websocket::Mask::read(written.data() + 2));
    EXPECT_EQ(plain, payload);
    written.erase(0, 6 + payload.size());
  }

  std::string written;
};

// What is told of `bytes` behind the Pong, however they are split.
std::string told_of(const std::string& bytes, const RelayScript& by = script) {
  Subscriber whole(by);
  whole.join();
  whole.arrive(bytes);
  whole.talk.finish();
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    Subscriber parts(by);
    parts.join();
    parts.arrive(bytes.substr(0, split));
    parts.arrive(bytes.substr(split));
    parts.talk.finish();
    EXPECT_EQ(parts.ear.told(), whole.ear.told()) << split;
  }
  return whole.ear.told();
}

TEST(RelaySubscriber, JoinsHoweverTheAnswersAreSplit) {
  for (const std::size_t step : {1u, 2u, 7u}) {
    Subscriber subscriber;
    subscriber.link.take_output();
    const auto arrive_in_steps = [&](const std::string& bytes) {
      for (std::size_t at = 0; at < bytes.size(); at += step) {
        subscriber.arrive(bytes.substr(at, step));
      }
    };
    arrive_in_steps(response("200 OK", R"({"url":"ws://x/ws/abc"})"));
    arrive_in_steps(Subscriber::accepted(subscriber.link.take_output()) +
                    frame(Opcode::pong, "subscribed") + heard(0, 0));
    EXPECT_TRUE(subscriber.ear.ready);
    EXPECT_EQ(subscriber.ear.told(), "1 heard, 0 missed");
  }
}

TEST(RelaySubscriber, SendersAreHeardEachInItsOwnOrder) {
  EXPECT_EQ(told_of(heard(0, 0) + heard(1, 0) + heard(1, 1) + heard(0, 1)), "4 heard, 0 missed");
}

TEST(RelaySubscriber, MessagesMayComeInAnyFrames) {
  const std::string message = said(script, 0, 0);
  EXPECT_EQ(
      told_of(frame(Opcode::text, message.substr(0, 5), false) + frame(Opcode::ping, "between") +
              frame(Opcode::continuation, message.substr(5)) + heard(0, 1)),
      "2 heard, 0 missed");
  const RelayScript longer = make_script({300, 300});
  EXPECT_EQ(
      told_of(frame(Opcode::text, said(longer, 1, 0)) + frame(Opcode::text, said(longer, 1, 1)),
              longer),
      "2 heard, 0 missed");
}

TEST(RelaySubscriber, FaultsAreTold) {
  EXPECT_EQ(told_of(heard(0, 0) + heard(0, 2)), "2 heard, 1 missed, missing 1");
  EXPECT_EQ(told_of(heard(0, 0) + heard(0, 0) + heard(0, 1)), "2 heard, 0 missed, duplicate 0");
  EXPECT_EQ(told_of(heard(0, 1) + heard(0, 0) + heard(0, 2)), "2 heard, 1 missed, out of order 0");
  std::string changed = said(script, 0, 1);
  changed.back() ^= 1;
  EXPECT_EQ(told_of(heard(0, 0) + frame(Opcode::text, changed)),
            "1 heard, 1 missed, wrong bytes 1");
  EXPECT_EQ(told_of(frame(Opcode::text, "hello") + heard(0, 0)), "1 heard, 0 missed, unexpected 0");
  EXPECT_EQ(told_of(heard(0, 0) + "\x8f"), "1 heard, 0 missed, wrong bytes 0, lost track");
}

TEST(RelaySubscriber, PingsAreAnsweredAndClosesTold) {
  Subscriber subscriber;
  subscriber.join();
  subscriber.arrive(frame(Opcode::ping, "there?"));
  subscriber.expect_frame(Opcode::pong, "there?");
  subscriber.arrive(frame(Opcode::close, "\x03\xf5slow"));
  subscriber.expect_frame(Opcode::close, "\x03\xf5");
  EXPECT_EQ(subscriber.ear.goodbye, "the server closed a WebSocket with code 1013: 'slow'");
  EXPECT_EQ(told_of(heard(0, 0) + frame(Opcode::close, "")),
            "1 heard, 0 missed, the server closed a WebSocket");
}

TEST(RelaySubscriber, WhoIsRefusedSaysByWhat) {
  const auto told = [](const std::string& answer, const std::string& second = "") {
    Subscriber subscriber;
    subscriber.arrive(answer);
    subscriber.arrive(second);
    EXPECT_FALSE(subscriber.ear.ready);
    return subscriber.ear.goodbye;
  };
  const std::string registered = response("200 OK", R"({"url":"ws://x/ws/abc"})");
  EXPECT_EQ(told(response("503 No", "full")), "POST /register was answered by status 503: 'full'");
  EXPECT_EQ(told(response("200 OK", "{}")), "POST /register was answered by status 200: '{}'");
  EXPECT_EQ(told("SSH-2.0-x\r\n"), "no HTTP response: 'SSH-2.0-x\\x0d\\x0a'");
  EXPECT_EQ(told(registered, response("404 Not Found", "")),
            "the WebSocket was refused by status 404");
  EXPECT_EQ(told(registered,
                 "HTTP/1.1 101 Now\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                 "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            "the WebSocket was accepted with wrong fields");
}

}  // namespace
}  // namespace ringpost::loadgen
