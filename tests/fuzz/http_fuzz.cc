// Bytes 0 to 2: the limits of head, body and trailers. Byte 3: how the stream is cut. The rest is
// the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/http/model.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  http::Limits limits;
  limits.head_bytes_max = 40 + input.byte() * 4U;
  limits.target_bytes_max = limits.head_bytes_max / 4;
  limits.body_bytes_max = input.byte();
  limits.trailer_bytes_max = input.byte();
  const std::uint8_t cut = input.byte();
  const http::Events fed = http::fed_in(limits, fuzz::pieces_of(input.rest(), cut));
  fuzz::must(fed == http::model(limits, input.rest()), "requests are those of the model");
  return 0;
}
