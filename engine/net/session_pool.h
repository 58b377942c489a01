#pragma once

// SessionPool: the Service of one protocol on one shard: makes its sessions in memory that it
// keeps, so that after warm-up a connection costs the allocator nothing.
//
// `Shared` is what the sessions of the shard have in common; each gets a reference to it. It may be
// a reference itself, to what outlives the pool.

#include <deque>
#include <new>
#include <utility>
#include <vector>

#include "engine/base/assert.h"
#include "engine/net/session.h"

namespace ringpost::engine {

template <typename SessionType, typename Shared>
class SessionPool final : public Service {
 public:
  explicit SessionPool(Shared shared) : shared_(std::forward<Shared>(shared)) {}
  ~SessionPool() override { ASSERT(free_.size() == places_.size()); }

  Session& open() override {
    if (free_.empty()) free_.push_back(&places_.emplace_back());
    Place* place = free_.back();
    free_.pop_back();
    return *new (place->memory) SessionType(shared_);
  }

  void close(Session& session) override {
    auto& closed = static_cast<SessionType&>(session);
    closed.~SessionType();
    free_.push_back(reinterpret_cast<Place*>(&closed));
  }

 private:
  struct Place {
    alignas(SessionType) char memory[sizeof(SessionType)];
  };

  Shared shared_;
  std::deque<Place> places_;  // never moves them
  std::vector<Place*> free_;
};

}  // namespace ringpost::engine
