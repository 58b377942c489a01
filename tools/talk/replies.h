#pragma once

// Replies: what came over the wire, as what a person sees. Of lines, exactly the bytes that came,
// and no others (RL-24); of frames, the payloads, each with a line end behind it. Nothing is kept
// but an unfinished header, so that a reply is shown as it comes, however long it is.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "protocols/length_delimited/parser.h"
#include "tools/talk/wire.h"

namespace ringpost::talk {

class Replies {
 public:
  enum class Status : std::uint8_t {
    more,      // all bytes were dealt with
    reply,     // with `once`: the reply has ended, and what is behind it was left alone
    too_long,  // a frame over the limit: nothing behind it can be read
  };

  explicit Replies(const WireOptions& options);

  // Appends to `out`.
  Status feed(engine::Bytes bytes, std::string& out);
  // A new connection.
  void reset();

  // A frame has begun, and has not ended.
  bool inside_frame() const { return !header_.empty(); }

 private:
  Status feed_lines(engine::Bytes bytes, std::string& out);
  Status feed_frames(engine::Bytes bytes, std::string& out);

  WireOptions options_;
  length_delimited::FrameParser frames_;
  std::string header_;      // of the current frame, as far as it has come
  std::uint64_t left_ = 0;  // of its payload, once the header is whole
};

}  // namespace ringpost::talk
