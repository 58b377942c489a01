#pragma once

// GatheredContent: a body that did not come in one read, put together in one piece. What it holds
// grows with the bytes that have come, at most twice as much, never with the length that was
// announced.
//
// ContentBudget bounds the sum over a shard.
//
// Owned by: one session. Called on: its shard only.

#include <cstdint>

#include "engine/base/assert.h"
#include "engine/base/buffer_pool.h"
#include "engine/base/bytes.h"

namespace ringpost::http {

struct ContentBudget {
  ~ContentBudget() { ASSERT(bytes == 0); }  // who held something has given it back

  std::uint64_t bytes_max = 0;
  std::uint64_t bytes = 0;  // held by all connections of the shard
};

class GatheredContent {
 public:
  explicit GatheredContent(ContentBudget& budget) : budget_(budget) {}
  ~GatheredContent();  // Requires: cleared.
  GatheredContent(const GatheredContent&) = delete;
  GatheredContent& operator=(const GatheredContent&) = delete;

  // False: the budget is used up, and the body is to be given up.
  bool add(engine::Bytes bytes, engine::BufferPool& pool);
  engine::Bytes bytes() const;
  void clear(engine::BufferPool& pool);

 private:
  bool grow(std::size_t wanted, engine::BufferPool& pool);
  static std::uint64_t size_of(const engine::Block* block);

  ContentBudget& budget_;
  engine::Block* block_ = nullptr;
  std::uint32_t used_ = 0;
};

}  // namespace ringpost::http
