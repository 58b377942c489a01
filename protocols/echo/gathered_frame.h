#pragma once

// GatheredFrame: a frame that is too large to have come in one read, gathered as its bytes arrive
// and sent from where they then lie: in the buffers in which they were received, as long as the
// shard can spare those, else in blocks of its pool, into which each byte is copied once.
//
// Received buffers are the shard's in any case. What it holds in blocks grows with the bytes that
// have come and not with the length that was announced (FE-21): a new block is no larger than what
// has come so far, or than what just came, except that the smallest block has 512 bytes and the
// last one is of the smallest size that holds the rest. So at most five times what has come.
//
// FrameBudget bounds the sum over a shard. What small frames hold is not counted: a connection may
// hold that much whatever the others do, so those who send small frames never feel the limit.
//
// Owned by: one session. Called on: its shard only.

#include <cstdint>

#include "engine/base/buffer_pool.h"
#include "engine/base/bytes.h"
#include "engine/net/session.h"

namespace ringpost::echo {

struct FrameBudget {
  // What each connection may hold uncounted: at any time all of a frame of 8,000 bytes.
  static constexpr std::uint64_t free_bytes = 16 * 1024;

  std::uint64_t bytes_max = 0;
  std::uint64_t bytes = 0;  // counted and held, by all connections of the shard
};

class GatheredFrame {
 public:
  explicit GatheredFrame(FrameBudget& budget) : budget_(budget) {}
  ~GatheredFrame();  // Requires: cleared, or sent and released.
  GatheredFrame(const GatheredFrame&) = delete;
  GatheredFrame& operator=(const GatheredFrame&) = delete;

  // The frame, header included, will have that many bytes. Requires: none is being gathered.
  void begin(std::uint64_t frame_bytes);
  bool is_open() const { return missing_ != 0; }
  std::uint64_t missing_bytes() const { return missing_; }

  // More of it. False: the budget is used up, and the frame is to be given up. Requires:
  // bytes.size() is at most missing_bytes().
  bool add(engine::Bytes bytes, engine::Link& link);

  // Writes the whole frame to the link. If it alone fills the output above its high mark, what it
  // held stays counted until release_sent(): until the link's output is drained. Requires: nothing
  // is missing.
  void send(engine::Link& link);
  void release_sent();

  // Gives up what was gathered.
  void clear(engine::BufferPool& pool);

 private:
  // Where a part of it lies: in a block, or in a received buffer.
  struct Piece {
    engine::Block* block;  // null: `kept`
    std::uint32_t used;    // bytes in the block
    engine::KeptBytes kept;
  };

  Piece& piece(std::uint32_t index) {
    return index == 0 ? first_ : reinterpret_cast<Piece*>(list_->data())[index - 1];
  }
  // The one that more bytes are copied into; null if there is none with room.
  Piece* open_piece();
  Piece& add_piece(engine::BufferPool& pool);
  bool add_kept(const engine::KeptBytes& kept, engine::BufferPool& pool);
  bool add_block(std::size_t arrived, engine::BufferPool& pool);
  bool count_held(std::uint64_t bytes);
  void drop_pieces(engine::BufferPool& pool);
  static std::uint64_t counted(std::uint64_t bytes) {
    return bytes <= FrameBudget::free_bytes ? 0 : bytes - FrameBudget::free_bytes;
  }

  FrameBudget& budget_;
  Piece first_ = {};
  engine::Block* list_ = nullptr;   // the pieces behind the first, in order
  std::uint32_t count_ = 0;         // pieces in all
  std::uint64_t gathered_ = 0;      // bytes in all
  std::uint64_t missing_ = 0;       // still to come
  std::uint64_t held_ = 0;          // size of the blocks, and bytes of the received buffers
  std::uint64_t sent_counted_ = 0;  // of frames that were sent, still in the budget
};

}  // namespace ringpost::echo
