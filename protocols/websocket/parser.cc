#include "protocols/websocket/parser.h"

#include <algorithm>
#include <utility>

namespace ringpost::websocket {

// As far as it is there: what is not yet known is 0, or not `whole`.
struct FrameParser::Header {
  std::uint8_t first = 0;
  std::uint8_t second = 0;
  std::size_t bytes = 2;  // of the whole header
  std::uint64_t payload_bytes = 0;
  bool has_second = false;
  bool has_length = false;
  bool whole = false;

  Opcode opcode() const { return static_cast<Opcode>(first & opcode_mask); }
  bool is_fin() const { return (first & fin_bit) != 0; }
  bool is_compressed() const { return (first & compressed_bit) != 0; }
  bool is_masked() const { return (second & mask_bit) != 0; }
  unsigned short_length() const { return second & 0x7fu; }
};

namespace {

std::uint64_t read_big(Bytes bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

// Requires: input is not empty.
FrameParser::Header FrameParser::read_header(Bytes input) {
  Header header;
  header.first = static_cast<std::uint8_t>(input[0]);
  if (input.size() < 2) return header;
  header.has_second = true;
  header.second = static_cast<std::uint8_t>(input[1]);
  const std::size_t extended = header.short_length() == 126   ? 2
                               : header.short_length() == 127 ? 8
                                                              : 0;
  header.bytes = 2 + extended + (header.is_masked() ? mask_bytes : 0);
  header.payload_bytes = header.short_length();
  if (input.size() < 2 + extended) return header;
  header.has_length = true;
  if (extended != 0) header.payload_bytes = read_big(input.substr(2, extended));
  header.whole = input.size() >= header.bytes;
  return header;
}

// The reserved bits that may not be set: a message says in its first frame that it is compressed.
std::uint8_t FrameParser::reserved_of(Opcode opcode) const {
  const bool begins = opcode == Opcode::text || opcode == Opcode::binary;
  const bool may_be_compressed = compression_ == Compression::deflate && begins;
  return may_be_compressed ? reserved_mask & ~compressed_bit : reserved_mask;
}

// In the order in which the bytes come, so that no split changes which error it is.
Errc FrameParser::check(const Header& header) const {
  const Opcode opcode = header.opcode();
  if ((header.first & reserved_of(opcode)) != 0) return Errc::reserved_bits;
  switch (opcode) {
    case Opcode::continuation:
      if (!in_message_) return Errc::bad_continuation;
      break;
    case Opcode::text:
    case Opcode::binary:
      if (in_message_) return Errc::bad_continuation;
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!header.is_fin()) return Errc::bad_control;
      break;
    default:
      return Errc::bad_opcode;
  }
  if (!header.has_second) return Errc::none;
  if (header.is_masked() != (role_ == Role::server)) return Errc::bad_mask;
  if (is_control(opcode) && header.short_length() > control_bytes_max) return Errc::bad_control;
  return header.has_length ? check_length(header) : Errc::none;
}

Errc FrameParser::check_length(const Header& header) const {
  const std::uint64_t bytes = header.payload_bytes;
  const unsigned form = header.short_length();
  if ((form == 126 && bytes < 126) || (form == 127 && bytes <= 0xffff)) return Errc::bad_length;
  if (bytes >> 63 != 0) return Errc::bad_length;
  if (is_control(header.opcode())) return Errc::none;
  if (bytes > limits_.frame_bytes_max) return Errc::frame_too_large;
  const std::uint64_t before = in_message_ ? message_bytes_ : 0;
  const bool is_compressed = in_message_ ? is_compressed_ : header.is_compressed();
  const std::uint64_t most = is_compressed
                                 ? std::min(limits_.message_bytes_max, limits_.compressed_bytes_max)
                                 : limits_.message_bytes_max;
  if (bytes > most - before) return Errc::message_too_large;
  return Errc::none;
}

FrameResult FrameParser::next(Bytes input) {
  if (input.empty()) return {.status = FrameStatus::need_more};
  if (in_frame_) return data(input, 0);
  const Header header = read_header(input);
  const Errc errc = check(header);
  if (errc != Errc::none) return {.status = FrameStatus::error, .errc = errc};
  if (!header.whole) return {.status = FrameStatus::need_more};
  if (is_control(header.opcode())) return control(input, header);
  if (!in_message_) {
    opcode_ = header.opcode();
    is_compressed_ = header.is_compressed();
    message_bytes_ = 0;
    next_is_first_ = true;
  }
  message_bytes_ += header.payload_bytes;
  mask_ = header.is_masked() ? Mask::read(input.data() + header.bytes - mask_bytes) : Mask();
  left_ = header.payload_bytes;
  frame_is_last_ = header.is_fin();
  in_message_ = true;
  in_frame_ = true;
  // The payload of a frame that has one is waited for: there are no empty pieces of it.
  if (left_ != 0 && input.size() == header.bytes) {
    return {.status = FrameStatus::need_more, .consumed = header.bytes};
  }
  return data(input, header.bytes);
}

FrameResult FrameParser::control(Bytes input, const Header& header) {
  const std::size_t bytes = header.bytes + static_cast<std::size_t>(header.payload_bytes);
  if (input.size() < bytes) return {.status = FrameStatus::need_more};
  FrameResult result{.status = FrameStatus::control};
  result.consumed = bytes;
  result.opcode = header.opcode();
  result.payload = input.substr(header.bytes, bytes - header.bytes);
  if (header.is_masked()) result.mask = Mask::read(input.data() + header.bytes - mask_bytes);
  return result;
}

FrameResult FrameParser::data(Bytes input, std::size_t header_bytes) {
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - header_bytes));
  left_ -= bytes;
  FrameResult result{.status = FrameStatus::data};
  result.consumed = header_bytes + bytes;
  result.opcode = opcode_;
  result.is_first = std::exchange(next_is_first_, false);
  result.is_last = left_ == 0 && frame_is_last_;
  result.is_compressed = is_compressed_;
  result.payload = input.substr(header_bytes, bytes);
  result.mask = std::exchange(mask_, mask_.turned(bytes));
  in_frame_ = left_ != 0;
  if (result.is_last) in_message_ = false;
  return result;
}

}  // namespace ringpost::websocket
