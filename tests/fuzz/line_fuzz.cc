// Byte 0: the mode. Byte 1: the limit. Byte 2: how the stream is cut. The rest is the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/line/model.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const line::LineEnd mode = input.byte() % 2 == 0 ? line::LineEnd::any : line::LineEnd::crlf;
  const std::size_t limit = input.byte();
  const std::uint8_t cut = input.byte();
  const line::Events fed = line::fed_in(mode, limit, fuzz::pieces_of(input.rest(), cut));
  fuzz::must(fed == line::model(mode, limit, input.rest()), "lines are those of the model");
  return 0;
}
