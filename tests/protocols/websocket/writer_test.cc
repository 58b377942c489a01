#include "protocols/websocket/writer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/protocols/websocket/model.h"

namespace ringpost::websocket {
namespace {

using namespace std::string_literals;

std::string written(const FrameHeader& header) {
  std::string out(header_bytes(header), '?');
  EXPECT_LE(out.size(), header_bytes_max);
  EXPECT_EQ(write_header(out.data(), header), out.data() + out.size());
  return out;
}

// WS-15
TEST(WriteHeader, TheVectorsOfTheService) {
  EXPECT_EQ(written({.payload_bytes = 11}), "\x81\x0b");
  EXPECT_EQ(written({.payload_bytes = 0}), "\x81\0"s);
  EXPECT_EQ(written({.opcode = Opcode::pong, .payload_bytes = 2}), "\x8a\x02");
  char code[close_code_bytes];
  write_close_code(code, close_code::normal);
  EXPECT_EQ(std::string(code, 2), "\x03\xe8");
}

TEST(WriteHeader, IsWhatTheParserReads) {
  for (const std::size_t bytes : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
    for (const bool masked : {false, true}) {
      FrameHeader header{.opcode = Opcode::binary, .payload_bytes = bytes};
      if (masked) header.mask = Mask(0x04030201);
      std::string payload(bytes, 'p');
      const std::string plain = payload;
      if (masked) unmask(payload.data(), payload, *header.mask);
      const Role role = masked ? Role::server : Role::client;
      EXPECT_EQ(fed_in({}, role, {written(header) + payload}), Events{"binary " + plain});
    }
  }
}

}  // namespace
}  // namespace ringpost::websocket
