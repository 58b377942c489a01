#pragma once

// FrameCompressor: the frames of events for subscribers who have agreed on permessage-deflate. What
// it makes serves all of them, because none of them keeps anything from one message to the next.
//
// Owned by: one shard. Called on: its shard only.

#include <cstddef>
#include <string>

#include "engine/base/bytes.h"
#include "protocols/websocket/deflate.h"

namespace ringpost::relay {

struct FrameCompressorOptions {
  int level = 6;               // zlib's, 1 to 9: from fast to small. This is its own choice
  std::size_t bytes_min = 32;  // of a message; less than this hardly ever becomes shorter
};

class FrameCompressor {
 public:
  explicit FrameCompressor(const FrameCompressorOptions& options);

  // Puts a server's frame, which is a whole message, behind `out`: compressed, or as it is where
  // that is not longer.
  void append(engine::Bytes frame, std::string& out);

  // What it keeps beside zlib's state.
  std::size_t scratch_bytes() const { return payload_.capacity(); }

 private:
  FrameCompressorOptions options_;
  websocket::Deflater deflater_;
  std::string payload_;  // scratch
};

}  // namespace ringpost::relay
