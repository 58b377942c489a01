#pragma once

// FrameParser: finds frames in a byte stream (RFC 6455 section 5), piece by piece and without
// keeping any of a message: pieces of data frames are handed out, still masked, as they come, and
// control frames whole, wherever they stand between them.
//
// The caller feeds a run of bytes, takes what was found, drops what was consumed and feeds the
// rest, until `need_more`. What is then left is less than a header, or less than a control frame. A
// frame that is wrong is told as soon as the bytes are there that make it so, before its payload.
// What comes out follows from the bytes alone, but for where data is cut into pieces (X2).
//
// Owned by: one session.

#include <cstddef>
#include <cstdint>

#include "protocols/websocket/errc.h"
#include "protocols/websocket/format.h"
#include "protocols/websocket/unmask.h"

namespace ringpost::websocket {

enum class FrameStatus : std::uint8_t {
  data,       // a piece of a message
  control,    // a whole control frame
  need_more,  // the header, or the control frame, is not whole
  error,      // see `errc`
};

struct FrameResult {
  FrameStatus status;
  Errc errc = Errc::none;
  std::size_t consumed = 0;
  Opcode opcode = Opcode::text;  // of the message: text or binary; or of the control frame
  bool is_first = false;         // data: of its message
  bool is_last = false;          // data: of its message
  bool is_compressed = false;    // data: its message
  Bytes payload{};               // points into the input; masked. Empty in an empty frame only
  Mask mask{};                   // of that payload
};

class FrameParser {
 public:
  // `limits` outlives the parser. A server takes masked frames only, a client unmasked ones.
  FrameParser(const Limits& limits, Role role) : limits_(limits), role_(role) {}

  // What the handshake has come to. Before the first byte.
  void agree_on(Compression compression) { compression_ = compression; }

  // Requires: `input` starts with the bytes of the previous input that were not consumed.
  FrameResult next(Bytes input);

 private:
  struct Header;
  static Header read_header(Bytes input);
  std::uint8_t reserved_of(Opcode opcode) const;
  Errc check(const Header& header) const;
  Errc check_length(const Header& header) const;
  FrameResult control(Bytes input, const Header& header);
  FrameResult data(Bytes input, std::size_t header_bytes);

  const Limits& limits_;
  Role role_;
  Compression compression_ = Compression::off;
  bool in_message_ = false;  // a data frame without FIN has come
  bool in_frame_ = false;    // pieces of a data frame are still to come
  bool frame_is_last_ = false;
  bool next_is_first_ = true;        // the next piece begins a message
  Opcode opcode_ = Opcode::text;     // of the message
  bool is_compressed_ = false;       // the message
  Mask mask_;                        // of the next byte of the frame
  std::uint64_t left_ = 0;           // of the frame
  std::uint64_t message_bytes_ = 0;  // of all frames of the message so far
};

}  // namespace ringpost::websocket
