#pragma once

// Fifo: a queue over contiguous memory that it keeps, so that in steady state, fed and emptied at
// the same pace, it allocates nothing. (A std::deque frees and makes a block every few elements.)
//
// Owned by: one thread. Moving elements must not throw.

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/base/assert.h"

namespace ringpost::engine {

template <typename T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }

  void push(T item) {
    // More taken in front than there is: slide rather than grow.
    if (items_.size() == items_.capacity() && head_ > items_.size() / 2) drop_taken();
    items_.push_back(std::move(item));
  }

  // Valid until the next push or pop. Requires: !empty().
  T& front() {
    DASSERT(!empty());
    return items_[head_];
  }

  // Requires: !empty().
  T pop() {
    T item = std::move(front());
    if (++head_ == items_.size()) clear();
    return item;
  }

  void clear() {
    items_.clear();
    head_ = 0;
  }

  // From the oldest to the newest.
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() const { return items_.end(); }

 private:
  void drop_taken() {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  std::vector<T> items_;
  std::size_t head_ = 0;  // the oldest; what is in front of it was taken
};

}  // namespace ringpost::engine
