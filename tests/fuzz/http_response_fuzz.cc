// Bytes 0 to 2: the limits of head, body and trailers. Byte 3: whether HEAD is answered. Byte 4:
// how the stream is cut. The rest is the stream.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/http/response_model.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  http::Limits limits;
  limits.head_bytes_max = 40 + input.byte() * 4U;
  limits.body_bytes_max = input.byte();
  limits.trailer_bytes_max = input.byte();
  const bool answers_head = (input.byte() & 1) != 0;
  const std::uint8_t cut = input.byte();
  const http::Events fed =
      http::responses_fed_in(limits, answers_head, fuzz::pieces_of(input.rest(), cut));
  fuzz::must(fed == http::response_model(limits, answers_head, input.rest()),
             "responses are those of the model");
  return 0;
}
