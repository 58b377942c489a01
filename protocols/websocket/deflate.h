#pragma once

// Messages compressed and inflated, each for itself (RFC 7692 section 7.2). What zlib needs is
// allocated once; a message allocates nothing.
//
// Owned by: one shard. Called on: its shard only.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "protocols/websocket/errc.h"
#include "protocols/websocket/format.h"

struct z_stream_s;

namespace ringpost::websocket {

// How far back a compressed message of ours refers: 4 KiB. That is what clients that save memory
// ask for, and a message that is shorter loses nothing by it.
inline constexpr int deflate_window_bits = 12;

class Deflater {
 public:
  // `level` is zlib's, 1 to 9: from fast to small.
  explicit Deflater(int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // How much a message of so many bytes takes at most.
  std::size_t bytes_max(std::size_t message_bytes) const;
  // Writes the payload of the message's frame, and returns its end. Requires: `out` has room for
  // bytes_max; the message is below 4 GiB.
  char* deflate(char* out, Bytes message);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

enum class InflateStatus : std::uint8_t {
  need_more,  // the input is used up
  full,       // there may be more to come out before more goes in
  done,       // the message has ended
  error,      // see `errc`; nothing more can be had of this message
};

struct InflateResult {
  InflateStatus status;
  Errc errc = Errc::none;
  std::size_t consumed = 0;
  std::size_t produced = 0;
};

// One message at a time, in whatever pieces: what comes out follows from the bytes alone.
class Inflater {
 public:
  // A message that is longer than that when it is inflated is an error as soon as it is.
  explicit Inflater(std::uint64_t message_bytes_max);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // A new message; the one before need not have ended.
  void begin();
  // `input` starts with what was not consumed; `is_last`: the message has no more behind it.
  // Requires: room is not 0; after an error or the end, begin.
  InflateResult next(Bytes input, bool is_last, char* out, std::size_t room);

 private:
  bool run();
  bool ends();

  std::unique_ptr<z_stream_s> stream_;
  std::uint64_t message_bytes_max_;
  std::uint64_t produced_ = 0;  // of the message
  bool is_empty_ = true;        // nothing has gone in
  bool at_final_ = false;       // what went in ends with a block that says that it is the last
};

}  // namespace ringpost::websocket
