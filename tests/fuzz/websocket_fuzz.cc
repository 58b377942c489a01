// Byte 0: the limit of a frame, and half that of a message. Byte 1: who parses. Byte 2: how the
// stream is cut. The rest is the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/websocket/model.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  websocket::Limits limits;
  limits.frame_bytes_max = input.byte();
  limits.message_bytes_max = limits.frame_bytes_max * 2;
  const websocket::Role role =
      input.byte() % 4 == 0 ? websocket::Role::client : websocket::Role::server;
  const std::uint8_t cut = input.byte();
  const websocket::Events fed = websocket::fed_in(limits, role, fuzz::pieces_of(input.rest(), cut));
  fuzz::must(fed == websocket::model(limits, role, input.rest()), "frames are those of the model");
  return 0;
}
