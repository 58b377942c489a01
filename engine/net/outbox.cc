#include "engine/net/outbox.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::engine {

namespace {

constexpr std::size_t first_block_bytes = 512 - sizeof(Block);
constexpr std::size_t later_block_bytes = 32768 - sizeof(Block);

}  // namespace

Outbox::~Outbox() { ASSERT(head_ == tail_ && spill_ == nullptr && follower_ == nullptr); }

void Outbox::write(const Payload& payload, std::uint32_t times) {
  const Bytes content = payload.bytes();
  if (follower_ != nullptr) take_followed();
  if (content.size() <= payload_copy_bytes_max) {
    for (std::uint32_t i = 0; i < times; ++i) append(content);
    return;
  }
  for (std::uint32_t i = 0; i < times; ++i) {
    Entry& entry = push_entry();
    entry.kind = Kind::payload;
    entry.offset = 0;
    entry.bytes = content.size();
    entry.payload = payload.share().release();
  }
  bytes_ += content.size() * times;
}

void Outbox::write(Block* block, std::uint32_t offset, std::size_t bytes) {
  ASSERT(offset + bytes <= block->capacity);
  if (follower_ != nullptr) take_followed();
  if (bytes <= payload_copy_bytes_max) {
    append(Bytes(block->data() + offset, bytes));
    pool_.give_back(block);
    return;
  }
  Entry& entry = push_entry();
  entry.kind = Kind::bytes;
  entry.offset = offset;
  entry.bytes = bytes;
  entry.block = block;
  bytes_ += bytes;
}

void Outbox::write(const KeptBytes& kept) {
  if (follower_ != nullptr) take_followed();
  ASSERT(kept_home_ == nullptr || kept_home_ == kept.home);
  kept_home_ = kept.home;
  Entry& entry = push_entry();
  entry.kind = Kind::kept;
  entry.buffer = kept.buffer;
  entry.offset = 0;
  entry.bytes = kept.bytes;
  entry.kept = kept.data;
  bytes_ += kept.bytes;
}

void Outbox::append(Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), reserve_bytes_max);
    std::memcpy(room_for(piece), bytes.data(), piece);
    commit(piece);
    bytes.remove_prefix(piece);
  }
}

char* Outbox::reserve(std::size_t bytes) {
  ASSERT(bytes <= reserve_bytes_max);
  if (follower_ != nullptr) take_followed();
  return room_for(bytes);
}

void Outbox::commit(std::size_t bytes) {
  Entry& entry = entries()[tail_ - 1];
  DASSERT(entry.kind == Kind::bytes);
  DASSERT(entry.offset + entry.bytes + bytes <= entry.block->capacity);
  entry.bytes += bytes;
  bytes_ += bytes;
}

char* Outbox::room_for(std::size_t bytes) {
  if (tail_ != head_) {
    Entry& last = entries()[tail_ - 1];
    if (last.kind == Kind::bytes && last.block->capacity - last.offset - last.bytes >= bytes) {
      return last.block->data() + last.offset + last.bytes;
    }
  }
  // A connection that answers one request at a time never needs more than the smallest block, and
  // one that answers many in a turn does well to begin with room for as many: one piece to send,
  // not two.
  const std::size_t usual =
      tail_ == head_
          ? std::clamp<std::size_t>(gathered_bytes_, first_block_bytes, later_block_bytes)
          : later_block_bytes;
  Block* block = pool_.take(std::max(bytes, usual));
  Entry& entry = push_entry();
  entry.kind = Kind::bytes;
  entry.offset = 0;
  entry.bytes = 0;
  entry.block = block;
  return block->data();
}

void Outbox::follow(Follower& follower, FanOutLog& log, Link& link) {
  ASSERT(follower_ == nullptr);
  log.attach(follower, link);
  follower_ = &follower;
}

void Outbox::unfollow() {
  if (follower_ == nullptr) return;
  take_followed();
  follower_->log->detach(*follower_);
  follower_ = nullptr;
}

void Outbox::skip(FanOutLog::Range range) {
  ASSERT(follower_ != nullptr && range.end == follower_->log->end());
  ASSERT(follower_->cursor <= range.begin);
  if (follower_->cursor < range.begin) {
    add_log_range(follower_->segment, follower_->cursor, range.begin);
  }
  follower_->segment = follower_->log->move_hold(follower_->segment, range.end);
  follower_->cursor = range.end;
}

void Outbox::take_followed() {
  Follower& follower = *follower_;
  const std::uint64_t end = follower.log->end();
  if (follower.cursor >= end) return;
  add_log_range(follower.segment, follower.cursor, end);
  follower.segment = follower.log->move_hold(follower.segment, end);
  follower.cursor = end;
}

void Outbox::add_log_range(LogSegment* segment, std::uint64_t begin, std::uint64_t end) {
  bytes_ += end - begin;
  if (tail_ != head_) {
    Entry& last = entries()[tail_ - 1];
    if (last.kind == Kind::log && last.segment->start + last.offset + last.bytes == begin &&
        last.segment->log == segment->log) {
      last.bytes += end - begin;
      return;
    }
  }
  // The cursor may rest at the very end of a full segment.
  while (begin >= segment->end()) segment = segment->next;
  Entry& entry = push_entry();
  entry.kind = Kind::log;
  entry.offset = static_cast<std::uint32_t>(begin - segment->start);
  entry.bytes = end - begin;
  entry.segment = segment;
  FanOutLog::hold(segment);
}

std::size_t Outbox::gather(SendRequest& request, std::size_t bytes_max) {
  if (follower_ != nullptr) take_followed();
  request.part_count = 0;
  request.bytes = 0;
  for (std::uint32_t i = head_; i != tail_; ++i) {
    if (request.bytes == bytes_max || request.part_count == SendRequest::parts_max) break;
    const Entry& entry = entries()[i];
    const std::size_t bytes = std::min<std::uint64_t>(entry.bytes, bytes_max - request.bytes);
    if (entry.kind == Kind::log) {
      gather_log(entry, bytes, request);
      continue;
    }
    request.parts[request.part_count++] = {start_of(entry) + entry.offset, bytes};
    request.bytes += static_cast<std::uint32_t>(bytes);
  }
  gathered_bytes_ = request.bytes;
  return request.bytes;
}

// A send only reads, whatever its parts are called.
char* Outbox::start_of(const Entry& entry) {
  if (entry.kind == Kind::kept) return const_cast<char*>(entry.kept);
  return entry.kind == Kind::bytes ? entry.block->data() : entry.payload->data();
}

void Outbox::gather_log(const Entry& entry, std::size_t bytes, SendRequest& request) const {
  LogSegment* segment = entry.segment;
  std::size_t offset = entry.offset;
  while (bytes != 0 && request.part_count != SendRequest::parts_max) {
    const std::size_t piece = std::min(bytes, segment->size - offset);
    request.parts[request.part_count++] = {segment->data() + offset, piece};
    request.bytes += static_cast<std::uint32_t>(piece);
    bytes -= piece;
    offset = 0;
    segment = segment->next;
  }
}

void Outbox::consume(std::size_t bytes) {
  ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes != 0) {
    Entry& entry = entries()[head_];
    const std::size_t piece = std::min<std::uint64_t>(bytes, entry.bytes);
    entry.bytes -= piece;
    bytes -= piece;
    if (entry.bytes == 0) {
      release(entry);
      pop_entry();
    } else if (entry.kind == Kind::log) {
      const std::uint64_t position = entry.segment->start + entry.offset + piece;
      entry.segment = entry.segment->log->move_hold(entry.segment, position);
      entry.offset = static_cast<std::uint32_t>(position - entry.segment->start);
    } else {
      entry.offset += static_cast<std::uint32_t>(piece);
    }
  }
}

void Outbox::clear() {
  while (head_ != tail_) {
    release(entries()[head_]);
    pop_entry();
  }
  bytes_ = 0;
  if (spill_ != nullptr) pool_.give_back(std::exchange(spill_, nullptr));
  if (follower_ != nullptr) drop_followed();
}

void Outbox::drop_followed() {
  Follower& follower = *follower_;
  const std::uint64_t end = follower.log->end();
  if (follower.cursor >= end) return;
  follower.segment = follower.log->move_hold(follower.segment, end);
  follower.cursor = end;
}

void Outbox::release(Entry& entry) {
  switch (entry.kind) {
    case Kind::bytes:
      pool_.give_back(entry.block);
      return;
    case Kind::payload:
      Payload::adopt(entry.payload).reset();
      return;
    case Kind::log:
      entry.segment->log->unhold(entry.segment);
      return;
    case Kind::kept:
      kept_home_->give_back(entry.buffer);
      return;
  }
}

Outbox::Entry& Outbox::push_entry() {
  if (tail_ == entry_capacity()) {
    const std::uint32_t count = tail_ - head_;
    if (head_ >= count && head_ != 0) {  // at least half is free in front: slide
      std::copy(entries() + head_, entries() + tail_, entries());
    } else {
      Block* larger = pool_.take(entry_capacity() * 2 * sizeof(Entry));
      std::copy(entries() + head_, entries() + tail_, reinterpret_cast<Entry*>(larger->data()));
      if (spill_ != nullptr) pool_.give_back(spill_);
      spill_ = larger;
    }
    head_ = 0;
    tail_ = count;
  }
  return entries()[tail_++];
}

void Outbox::pop_entry() {
  if (++head_ != tail_) return;
  head_ = tail_ = 0;
  if (spill_ != nullptr) pool_.give_back(std::exchange(spill_, nullptr));
}

}  // namespace ringpost::engine
