// The input is read as the text of an amount, and its first four bytes as the bits of one.

#include <bit>
#include <cmath>

#include "protocols/orders/amount.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocols/orders/model_parser.h"
#include "tests/protocols/orders/model_text.h"

using namespace ringpost;

namespace {

void check_text(const std::string& text) {
  const std::optional<float> amount = orders::parse_amount(text);
  fuzz::must(amount == orders::model_amount(text), "the amount is that of the model");
  const orders::PlainDecimal plain = orders::read_plain_decimal(text);
  if (plain.bytes != 0 && plain.bytes == text.size())
    fuzz::must(plain.value == amount.value_or(0), "both readers agree");
}

void check_bits(float value) {
  char text[orders::amount_bytes_max];
  const std::size_t bytes = orders::format_amount(value, text);
  fuzz::must(bytes <= sizeof text, "the text stays in its room");
  if (!std::isfinite(value) || value <= 0) return;
  fuzz::must(std::string(text, bytes) == orders::model_text(value), "the shortest digits");
  fuzz::must(orders::parse_amount(orders::Bytes(text, bytes)) == value, "it reads back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  check_text(input.rest());
  check_bits(std::bit_cast<float>(input.word()));
  return 0;
}
