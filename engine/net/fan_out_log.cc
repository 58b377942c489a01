#include "engine/net/fan_out_log.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "engine/base/assert.h"
#include "engine/net/session.h"

namespace ringpost::engine {

namespace {
constexpr std::size_t segment_bytes = 32768 - sizeof(Block);  // one block of that class
}

FanOutLog::FanOutLog(FanOutTurn& turn, std::uint64_t turn_bytes_max)
    : turn_(turn), turn_bytes_max_(turn_bytes_max) {
  add_segment();
}

FanOutLog::~FanOutLog() {
  ASSERT(followers_.empty());
  waiting_.clear();
  if (listed_) std::erase(turn_.appended, this);
  free_unheld();
  ASSERT(first_ == last_ && first_->holders == 0);
  turn_.pool.give_back(first_->block);
}

void FanOutLog::append(Payload run, ActorRef origin) {
  if (!listed_) {
    listed_ = true;
    turn_.appended.push_back(this);
  }
  if (turn_bytes_ >= turn_bytes_max_ || !waiting_.empty()) {
    turn_.end_input = true;
    waiting_bytes_ += run.bytes().size();
    waiting_.push({std::move(run), origin});
    return;
  }
  append_now({std::move(run), origin});
}

void FanOutLog::append_now(const Run& run) {
  const Range range = copy_in(run.bytes.bytes());
  turn_bytes_ += range.end - range.begin;
  if (turn_bytes_ >= turn_bytes_max_) turn_.end_input = true;
  if (!run.origin || run.origin.slot() >= by_slot_.size()) return;
  Follower* follower = by_slot_[run.origin.slot()];
  if (follower != nullptr && follower->link->self() == run.origin) follower->link->skip(range);
}

FanOutLog::Range FanOutLog::copy_in(Bytes bytes) {
  const Range range{end_, end_ + bytes.size()};
  if (bytes.size() > last_->capacity - last_->size) begin_anew();
  while (!bytes.empty()) {
    if (last_->size == last_->capacity) add_segment();
    const std::size_t room = last_->capacity - last_->size;
    const std::size_t piece = std::min(room, bytes.size());
    std::memcpy(last_->data() + last_->size, bytes.data(), piece);
    last_->size += static_cast<std::uint32_t>(piece);
    bytes.remove_prefix(piece);
  }
  end_ = range.end;
  turn_.appended_bytes += range.end - range.begin;
  return range;
}

// Once nobody needs a byte of it, the only segment begins at the log's end: what comes next lies in
// one piece, and where the cache has it.
void FanOutLog::begin_anew() {
  const bool outboxes_hold_it = first_ != last_ || last_->holders != followers_.size();
  if (outboxes_hold_it) return;
  const auto has_all = [this](const Follower* follower) { return follower->cursor >= end_; };
  if (!std::ranges::all_of(followers_, has_all)) return;
  last_->start = end_;
  last_->size = 0;
}

bool FanOutLog::end_turn() {
  while (!waiting_.empty() && turn_bytes_ < turn_bytes_max_) {
    const Run run = waiting_.pop();
    waiting_bytes_ -= run.bytes.bytes().size();
    append_now(run);
  }
  for (Follower* follower : followers_) follower->link->touch();
  turn_bytes_ = 0;
  listed_ = !waiting_.empty();
  return !listed_;
}

void FanOutLog::attach(Follower& follower, Link& link) {
  ASSERT(follower.log == nullptr);
  follower.log = this;
  follower.link = &link;
  follower.cursor = end_ + waiting_bytes_;  // what waits was appended before
  follower.segment = last_;
  hold(last_);
  follower.index = static_cast<std::uint32_t>(followers_.size());
  followers_.push_back(&follower);
  const std::uint32_t slot = link.self().slot();
  if (slot >= by_slot_.size()) by_slot_.resize(slot + 1);
  by_slot_[slot] = &follower;
}

void FanOutLog::detach(Follower& follower) {
  ASSERT(follower.log == this && followers_[follower.index] == &follower);
  followers_[follower.index] = followers_.back();
  followers_[follower.index]->index = follower.index;
  followers_.pop_back();
  by_slot_[follower.link->self().slot()] = nullptr;
  unhold(follower.segment);
  follower.log = nullptr;
  follower.segment = nullptr;
}

LogSegment* FanOutLog::move_hold(LogSegment* from, std::uint64_t position) {
  ASSERT(from->holders > 0 && position >= from->start && position <= end_);
  LogSegment* to = from;
  while (position >= to->end() && to->next != nullptr) to = to->next;
  if (to == from) return to;
  hold(to);
  unhold(from);
  return to;
}

void FanOutLog::unhold(LogSegment* segment) {
  ASSERT(segment->holders > 0);
  if (--segment->holders == 0 && segment == first_) free_unheld();
}

void FanOutLog::add_segment() {
  Block* block = turn_.pool.take(segment_bytes);
  auto* segment = new (block->data()) LogSegment{};
  segment->log = this;
  segment->block = block;
  segment->start = end_;
  if (last_ != nullptr) segment->start = last_->end();
  segment->capacity = static_cast<std::uint32_t>(block->capacity - sizeof(LogSegment));
  (last_ == nullptr ? first_ : last_->next) = segment;
  last_ = segment;
  free_unheld();
}

void FanOutLog::free_unheld() {
  while (first_ != last_ && first_->holders == 0) {
    LogSegment* segment = first_;
    first_ = segment->next;
    turn_.pool.give_back(segment->block);
  }
}

}  // namespace ringpost::engine
