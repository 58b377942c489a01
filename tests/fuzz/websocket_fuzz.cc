// Byte 0: the limit of a frame, and half that of a message. Byte 1: who parses, and whether
// messages may be compressed. Byte 2: how the
// stream is cut. The rest is the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/websocket/model.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  websocket::Limits limits;
  limits.frame_bytes_max = input.byte();
  limits.message_bytes_max = limits.frame_bytes_max * 2;
  limits.compressed_bytes_max = limits.frame_bytes_max + 10;
  const std::uint8_t ends = input.byte();
  const websocket::Role role = ends % 4 == 0 ? websocket::Role::client : websocket::Role::server;
  const websocket::Compression compression =
      ends >= 128 ? websocket::Compression::deflate : websocket::Compression::off;
  const std::uint8_t cut = input.byte();
  const websocket::Events fed =
      websocket::fed_in(limits, role, fuzz::pieces_of(input.rest(), cut), compression);
  fuzz::must(fed == websocket::model(limits, role, input.rest(), compression),
             "frames are those of the model");
  return 0;
}
