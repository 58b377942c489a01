#include "engine/net/reply_queue.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/base/assert.h"

namespace ringpost::engine {

void ReplyQueue::say(Bytes text) {
  if (count_ == 0 && told_ == 0) {
    link_->write(text);
    return;
  }
  Place& place = push(1);
  place.text = text.data();
  place.text_bytes = static_cast<std::uint32_t>(text.size());
  sync_told(place);
}

void ReplyQueue::say(Payload text) {
  if (count_ == 0 && told_ == 0) return link_->write(text);
  Place& place = push(1);
  place.payload = text.release();
  sync_told(place);
}

void ReplyQueue::barrier() {
  if (count_ == 0 && told_ == 0) return;
  sync_told(push(1));
}

void ReplyQueue::sync_told(Place& place) {
  std::uint64_t told = std::exchange(told_, 0);
  place.waits += static_cast<std::uint32_t>(std::popcount(told));
  while (told != 0) {
    const auto shard = static_cast<std::uint32_t>(std::countr_zero(told));
    told &= told - 1;
    link_->post().ask(shard_actor(shard), link_->self(), kind_sync, last_token());
  }
}

void ReplyQueue::resolve(std::uint64_t token, Payload text) {
  Place& place = at(token);
  place.payload = text.release();
  --place.waits;
  answered(token, place);
}

void ReplyQueue::resolve(std::uint64_t token, Bytes text_for_ever) {
  Place& place = at(token);
  place.text = text_for_ever.data();
  place.text_bytes = static_cast<std::uint32_t>(text_for_ever.size());
  --place.waits;
  answered(token, place);
}

void ReplyQueue::synced(std::uint64_t token) {
  Place& place = at(token);
  --place.waits;
  answered(token, place);
}

void ReplyQueue::answered(std::uint64_t token, Place& place) {
  if (token == head_token_ && place.waits == 0) settle();
}

void ReplyQueue::insert(std::uint64_t token, Bytes text_for_ever) {
  if (token <= head_token_) {  // everything before it has been written
    link_->write(text_for_ever);
    return;
  }
  const auto behind = std::upper_bound(
      inserted_.begin(), inserted_.end(), token,
      [](std::uint64_t value, const Inserted& other) { return value < other.before; });
  inserted_.insert(behind, {token, text_for_ever});
}

void ReplyQueue::settle() {
  std::size_t inserted_written = 0;
  while (count_ != 0 && place(0).waits == 0) {
    write_inserted(inserted_written);
    write_out(place(0));
    head_ = (head_ + 1) & (capacity_ - 1);
    ++head_token_;
    --count_;
  }
  write_inserted(inserted_written);
  inserted_.erase(inserted_.begin(),
                  inserted_.begin() + static_cast<std::ptrdiff_t>(inserted_written));
  if (count_ == 0) {
    link_->buffers().give_back(std::exchange(block_, nullptr));
    capacity_ = 0;
    head_ = 0;
  }
}

void ReplyQueue::write_out(Place& place) {
  answers_ -= place.times;
  if (place.payload != nullptr) {
    const Payload payload = Payload::adopt(std::exchange(place.payload, nullptr));
    link_->write(payload, place.times);
  } else if (place.text_bytes != 0) {
    link_->write(Bytes(place.text, place.text_bytes));
  }
}

// Those that stand in front of the first place; the first `written` of all were written before.
void ReplyQueue::write_inserted(std::size_t& written) {
  while (written < inserted_.size() && inserted_[written].before <= head_token_) {
    link_->write(inserted_[written++].text);
  }
}

void ReplyQueue::clear() {
  for (std::uint32_t i = 0; i < count_; ++i) Payload::adopt(place(i).payload).reset();
  if (block_ != nullptr) link_->buffers().give_back(std::exchange(block_, nullptr));
  inserted_.clear();
  capacity_ = 0;
  head_ = 0;
  count_ = 0;
  answers_ = 0;
}

ReplyQueue::Place& ReplyQueue::push(std::uint32_t times) {
  if (count_ == capacity_) grow();
  ++count_;
  answers_ += times;
  Place& added = place(count_ - 1);
  added = {};
  added.times = times;
  return added;
}

void ReplyQueue::grow() {
  const std::size_t wanted = capacity_ == 0 ? 16 : capacity_ * 2;
  Block* larger = link_->buffers().take(wanted * sizeof(Place));
  const auto room = static_cast<std::uint32_t>(std::bit_floor(larger->capacity / sizeof(Place)));
  auto* moved = reinterpret_cast<Place*>(larger->data());
  for (std::uint32_t i = 0; i < count_; ++i) moved[i] = place(i);
  if (block_ != nullptr) link_->buffers().give_back(block_);
  block_ = larger;
  capacity_ = room;
  head_ = 0;
}

ReplyQueue::Place& ReplyQueue::at(std::uint64_t token) {
  const std::uint64_t index = token - head_token_;
  ASSERT(index < count_);
  Place& found = place(static_cast<std::uint32_t>(index));
  ASSERT(found.waits > 0);
  return found;
}

}  // namespace ringpost::engine
