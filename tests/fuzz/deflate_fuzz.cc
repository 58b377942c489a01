// Byte 0: whether the rest is a compressed message, a message, or offers. Byte 1: the limit, in 8
// bytes. Byte 2: how the message is cut. Byte 3: the room for what comes out, from 1.

#include "protocols/websocket/deflate_offer_parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocols/websocket/inflated.h"

using namespace ringpost;

namespace {

std::vector<std::string> cut(const std::string& payload, std::uint8_t seed) {
  std::vector<std::string> pieces = fuzz::pieces_of(payload, seed);
  pieces.emplace_back();  // the end may come alone
  return pieces;
}

void inflate(const std::string& payload, std::uint64_t limit, std::uint8_t seed, std::size_t room) {
  websocket::Inflater inflater(limit);
  const websocket::Inflated whole = websocket::inflated(inflater, {payload}, 4096);
  fuzz::must(whole.message.size() <= limit, "a message keeps to the limit");
  fuzz::must(websocket::inflated(inflater, cut(payload, seed), room) == whole,
             "no cut changes what comes out");
}

void round_trip(const std::string& message, std::uint8_t seed, std::size_t room) {
  websocket::Deflater deflater(1 + seed % 9);
  websocket::Inflater inflater(message.size());
  const std::string payload = websocket::deflated(deflater, message);
  const websocket::Inflated back = websocket::inflated(inflater, cut(payload, seed), room);
  fuzz::must(back == websocket::Inflated{websocket::Errc::none, message},
             "what was compressed comes out again");
}

void negotiate(const std::string& offers) {
  const std::string_view answer = websocket::answer_deflate_offers(offers);
  fuzz::must(websocket::answer_deflate_offers("permessage-deflate; x=\",\", " + offers) == answer,
             "an offer that is declined changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const unsigned kind = input.byte() % 3;
  const std::uint64_t limit = input.byte() * 8u;
  const std::uint8_t seed = input.byte();
  const std::size_t room = 1 + input.byte();
  if (kind == 0) inflate(input.rest(), limit, seed, room);
  if (kind == 1) round_trip(input.rest(), seed, room);
  if (kind == 2) negotiate(input.rest());
  return 0;
}
