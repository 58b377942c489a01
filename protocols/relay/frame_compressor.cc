#include "protocols/relay/frame_compressor.h"

#include <limits>

#include "engine/base/assert.h"
#include "protocols/relay/scratch.h"
#include "protocols/websocket/parser.h"
#include "protocols/websocket/writer.h"

namespace ringpost::relay {

namespace {

constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
constexpr websocket::Limits no_limits{
    .frame_bytes_max = any, .message_bytes_max = any, .compressed_bytes_max = any};

}  // namespace

FrameCompressor::FrameCompressor(const FrameCompressorOptions& options)
    : options_(options), deflater_(options.level) {}

void FrameCompressor::append(engine::Bytes frame, std::string& out) {
  const websocket::FrameResult plain =
      websocket::FrameParser(no_limits, websocket::Role::client).next(frame);
  ASSERT(plain.status == websocket::FrameStatus::data);
  ASSERT(plain.is_first && plain.is_last && plain.consumed == frame.size());
  if (plain.payload.size() < options_.bytes_min) {
    out += frame;
    return;
  }
  payload_.resize(deflater_.bytes_max(plain.payload.size()));
  const char* const end = deflater_.deflate(payload_.data(), plain.payload);
  const auto bytes = static_cast<std::size_t>(end - payload_.data());
  const websocket::FrameHeader header{
      .opcode = plain.opcode, .payload_bytes = bytes, .is_compressed = true};
  if (websocket::header_bytes(header) + bytes < frame.size()) {
    char written[websocket::header_bytes_max];
    char* const header_end = websocket::write_header(written, header);
    out.append(written, static_cast<std::size_t>(header_end - written)).append(payload_, 0, bytes);
  } else {
    out += frame;
  }
  drop_if_large(payload_);
}

}  // namespace ringpost::relay
