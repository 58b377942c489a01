// The input is one line, without its line end.

#include "tests/fuzz/fuzz.h"
#include "tests/protocols/orders/model_parser.h"

using namespace ringpost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const fuzz::Input input(data, bytes);
  fuzz::must(orders::told(input.rest()) == orders::model_told(input.rest()),
             "the command is that of the model");
  return 0;
}
