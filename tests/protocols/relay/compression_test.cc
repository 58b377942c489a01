// Events and messages of those who agree on permessage-deflate, and of those who do not.

#include <gtest/gtest.h>

#include <string>

#include "protocols/relay/frame_compressor.h"
#include "protocols/relay/scratch.h"
#include "tests/protocols/relay/relay_suite.h"
#include "tests/protocols/websocket/inflated.h"

namespace ringpost::relay {
namespace {

const std::string offer = "sec-websocket-extensions: permessage-deflate\r\n";

class RelayCompression : public RelaySuite {
 protected:
  static WorldOptions compressing() {
    WorldOptions options;
    options.session.compression = websocket::Compression::deflate;
    options.session.limits.message_bytes_max = 1000;
    options.session.limits.compressed_bytes_max = 100;
    return options;
  }
  explicit RelayCompression(WorldOptions options = compressing()) : RelaySuite(options) {}

  std::string deflated(const std::string& text) { return websocket::deflated(deflater_, text); }
  // A client's frame that begins a compressed message.
  std::string compressed_frame(const std::string& text, Opcode opcode = Opcode::text) {
    std::string bytes = frame(opcode, deflated(text));
    bytes[0] = static_cast<char>(bytes[0] | websocket::compressed_bit);
    return bytes;
  }
  // What a subscriber that has agreed on compression sees.
  Events inflated_frames_of(const std::string& output) {
    Events events;
    for (const std::string& event : websocket::fed_in({}, websocket::Role::client, {output},
                                                      websocket::Compression::deflate)) {
      const std::string front = "compressed text ";
      if (!event.starts_with(front)) {
        events.push_back(event);
        continue;
      }
      const auto message = websocket::inflated(inflater_, {event.substr(front.size())}, 4096);
      EXPECT_EQ(message.errc, websocket::Errc::none);
      events.push_back("inflated " + message.message);
    }
    return events;
  }

  websocket::Deflater deflater_{6};
  websocket::Inflater inflater_{1 << 20};
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayCompression, ::testing::Values(1u, 2u));

class RelayWithoutCompression : public RelaySuite {};

INSTANTIATE_TEST_SUITE_P(Shards, RelayWithoutCompression, ::testing::Values(1u, 2u, 4u));

TEST_P(RelayWithoutCompression, CompressionIsNotOffered) {
  Client& client = connect();
  client.send(upgrade_request(register_user(), offer));
  world_->settle();
  std::string output = client.read();
  EXPECT_EQ(take_response(output).head.find("extensions"), std::string::npos);
  client.send("\xc1\x80\0\0\0\0"s);
  world_->settle();
  EXPECT_EQ(client.read(), "\x88\x02\x03\xea");
}

TEST_P(RelayCompression, AnOfferIsAnswered) {
  const struct {
    std::string fields;
    std::string answer;
  } rows[] = {
      {offer, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
      {"sec-websocket-extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate; "
       "server_max_window_bits=14\r\n",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
       "server_max_window_bits=12"},
      {"sec-websocket-extensions: permessage-deflate; server_max_window_bits=9\r\n", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    Client& client = connect();
    client.send(upgrade_request(register_user(), row.fields));
    world_->settle();
    std::string output = client.read();
    const Response response = take_response(output);
    EXPECT_EQ(response.status, 101);
    const std::string line = "sec-websocket-extensions: " + row.answer + "\r\n";
    const bool has_line = response.head.find(line) != std::string::npos;
    EXPECT_EQ(has_line, !row.answer.empty()) << response.head;
  }
}

TEST_P(RelayCompression, AnEventIsCompressedForThoseWhoAgreed) {
  Client& first = subscribe(register_user(), offer);
  Client& second = subscribe(register_user(), offer);
  Client& plain = subscribe(register_user());
  const std::string text(500, 'e');
  publish("tech", text);
  publish("tech", "short");
  const std::string output = first.read();
  EXPECT_LT(output.size(), 40u);
  EXPECT_EQ(inflated_frames_of(output), (Events{"inflated " + text, "text short"}));
  EXPECT_EQ(second.read(), output);
  EXPECT_EQ(frames_of(plain.read()), (Events{"text " + text, "text short"}));
}

TEST_P(RelayCompression, ShortEventsAreNotWorthIt) {
  const auto compressed = [&](std::size_t bytes_min) {
    options_.compressor.bytes_min = bytes_min;
    start(1);
    Client& client = subscribe(register_user(), offer);
    publish("tech", std::string(100, 'e'));
    return inflated_frames_of(client.read()).at(0).starts_with("inflated ");
  };
  EXPECT_FALSE(compressed(101));
  EXPECT_TRUE(compressed(100));
}

TEST_P(RelayCompression, MoreWorkMakesEventsSmaller) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "event " + std::to_string(i * i % 97) + ", ";
  const auto bytes = [&](int level) {
    options_.compressor.level = level;
    start(1);
    Client& client = subscribe(register_user(), offer);
    publish("tech", text);
    return client.read().size();
  };
  EXPECT_LT(bytes(9), bytes(1));
}

TEST_P(RelayCompression, ARequestForTopicsMayBeCompressed) {
  const std::string topics = R"({"topics":["cats"]})";
  const std::string payload = deflated(topics);
  std::string begun = frame(Opcode::text, payload.substr(0, 5), false);
  begun[0] = static_cast<char>(begun[0] | websocket::compressed_bit);
  for (const std::string& bytes :
       {compressed_frame(topics), text_frame(topics), compressed_frame(topics, Opcode::binary),
        begun + frame(Opcode::ping, "p") + frame(Opcode::continuation, payload.substr(5)),
        compressed_frame("") + compressed_frame("no topics") + compressed_frame(topics)}) {
    Client& client = subscribe(register_user(), offer);
    for (const char c : bytes) client.send(std::string(1, c));
    client.send(frame(Opcode::ping, "q"));
    world_->settle();
    EXPECT_EQ(frames_of(client.read()).back(), "pong q");
    publish("cats", "yes");
    EXPECT_EQ(inflated_frames_of(client.read()), Events{"text yes"});
    client.close();
  }
}

TEST_P(RelayCompression, WrongMessagesAreToldWhy) {
  const auto begin = [](std::string bytes) {
    bytes[0] = static_cast<char>(bytes[0] | websocket::compressed_bit);
    return bytes;
  };
  const struct {
    std::string bytes;
    std::string code;
  } rows[] = {
      {begin(frame(Opcode::text, "\x07")), "\x03\xef"},                 // no DEFLATE: 1007
      {compressed_frame("\xff"), "\x03\xef"},                           // no UTF-8
      {compressed_frame(std::string(1001, 'b')), "\x03\xf1"},           // a bomb: 1009
      {begin(frame(Opcode::text, std::string(101, 'x'))), "\x03\xf1"},  // too much as it comes
      {begin(frame(Opcode::ping, "p")), "\x03\xea"},
      {frame(Opcode::text, "a", false) + begin(frame(Opcode::continuation, "")), "\x03\xea"},
  };
  for (const auto& row : rows) {
    Client& client = subscribe(register_user(), offer);
    const std::uint64_t large = total(&engine::Counters::limit_frame_too_long);
    client.send(row.bytes);
    world_->settle();
    EXPECT_EQ(client.read(), "\x88\x02" + row.code) << testing::PrintToString(row.bytes);
    EXPECT_EQ(total(&engine::Counters::limit_frame_too_long),
              large + (row.code == "\x03\xf1" ? 1 : 0));
    client.close();
  }
  Client& client = subscribe(register_user(), offer);
  client.send(compressed_frame(std::string(1000, 'b')) + frame(Opcode::ping, "p"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), Events{"pong p"});
}

class RelayCompressionOfLarge : public RelayCompression {
 protected:
  static WorldOptions large() {
    WorldOptions options;
    options.session.compression = websocket::Compression::deflate;
    return options;
  }
  RelayCompressionOfLarge() : RelayCompression(large()) {}
};

INSTANTIATE_TEST_SUITE_P(Shards, RelayCompressionOfLarge, ::testing::Values(1u, 2u));

// One of them pinned what it took, and what its JSON took, for as long as the shard lived.
TEST_P(RelayCompressionOfLarge, WhatALargeMessageTookIsGivenUp) {
  constexpr std::size_t bytes = 1 << 20;
  const std::string deep = std::string(bytes / 4, '[') + std::string(bytes / 4, ']');
  std::string escapes = "\\n";
  while (escapes.size() < bytes / 2) escapes += escapes;
  const std::string topics = R"({"x":)" + deep + R"(,"topics":[")" + escapes + "\"]}";
  Client& client = subscribe(register_user(), offer);
  client.send(text_frame(topics) + compressed_frame(topics) + frame(Opcode::ping, "p"));
  world_->settle();
  EXPECT_EQ(frames_of(client.read()), Events{"pong p"});
  EXPECT_EQ(total(&engine::Counters::limit_topics), 2u);
  EXPECT_EQ(ask(request("POST /publish",
                        R"({"topic":"tech","x":)" + deep + R"(,"message":")" + escapes + "\"}"))
                .status,
            200);
  EXPECT_EQ(ask(request("POST /register", R"({"x":)" + deep + "}")).status, 422);
  for (std::uint32_t i = 0; i < GetParam(); ++i) {
    EXPECT_LE(world_->shard(i).server.scratch_bytes(), scratch_bytes_max);
  }
}

TEST(FrameCompressor, WhatALargeFrameTookIsGivenUp) {
  const std::string payload(1 << 20, 'm');
  const websocket::FrameHeader header{.opcode = Opcode::text, .payload_bytes = payload.size()};
  std::string frame(websocket::header_bytes(header), '\0');
  websocket::write_header(frame.data(), header);
  FrameCompressor compressor({});
  std::string out;
  compressor.append(frame + payload, out);
  EXPECT_LT(out.size(), payload.size());
  EXPECT_LE(compressor.scratch_bytes(), scratch_bytes_max);
}

}  // namespace
}  // namespace ringpost::relay
