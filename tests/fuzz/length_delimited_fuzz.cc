// Bytes 0 to 5: the framing. Byte 6: how the stream is cut. The rest is the stream. And each
// payload size that came out is written and read back.

#include "protocols/length_delimited/writer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/protocols/length_delimited/model.h"

using namespace ringpost;
using namespace ringpost::length_delimited;

namespace {

// The first six bytes; all zero is the default framing.
Framing framing_of(fuzz::Input& input) {
  const std::uint8_t width = input.byte();
  const std::uint8_t offset = input.byte();
  const auto adjustment = static_cast<std::int8_t>(input.byte());
  const std::uint8_t skip = input.byte();
  const std::uint8_t limit_high = input.byte();
  const std::uint8_t limit_low = input.byte();
  Framing framing;
  if (width != 0) framing.length_bytes = 1 + width % 8;
  framing.endian = width >= 128 ? Endian::little : Endian::big;
  framing.length_offset = offset;
  framing.length_adjustment = adjustment;
  framing.skip_bytes = static_cast<std::int64_t>(skip) - 1;
  const unsigned limit = limit_high * 256u + limit_low;
  if (limit != 0) framing.payload_bytes_max = limit;
  return framing;
}

void write_and_read_back(const Framing& framing, std::uint64_t payload_bytes) {
  const HeaderWriter writer(framing);
  std::string header(writer.header_bytes(), 'h');
  fuzz::must(writer.write(payload_bytes, header.data()) == Errc::none, "what was read is written");
  const FrameParser parser(framing);
  fuzz::must(parser.header(header).frame_bytes == parser.skip_bytes() + payload_bytes,
             "what was written is read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::Input input(data, bytes);
  const Framing framing = framing_of(input);
  const std::uint8_t cut = input.byte();
  if (!fault_of(framing).empty()) return 0;
  const Events fed = fed_in(framing, fuzz::pieces_of(input.rest(), cut));
  fuzz::must(fed == model(framing, input.rest()), "frames are those of the model");
  for (const Event& event : fed) {
    if (event.errc == Errc::none) write_and_read_back(framing, event.text.size());
  }
  return 0;
}
