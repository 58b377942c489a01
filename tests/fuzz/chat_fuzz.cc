// Byte 0: the mode. Byte 1: the limit. Byte 2: how the stream is cut. The rest is the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/chat/talk.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const line::LineEnd mode = input.byte() % 2 == 0 ? line::LineEnd::any : line::LineEnd::crlf;
  const std::size_t limit = input.byte();
  const std::uint8_t cut = input.byte();
  const chat::Talk said = chat::talk(mode, fuzz::pieces_of(input.rest(), cut), limit);
  fuzz::must(said == chat::model_talk(mode, input.rest(), limit), "the talk is that of the model");
  return 0;
}
