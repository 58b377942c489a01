#pragma once

// TestLink: a Link with nothing below it, for tests of what stands on one: outboxes, logs, reply
// queues and sessions. It records what is asked of the connection.

#include <string>
#include <utility>
#include <vector>

#include "engine/base/kernel_owned.h"
#include "engine/base/prng.h"
#include "engine/net/session.h"

namespace ringpost::engine {

// What links share: one shard's pools and post.
struct LinkWorld {
  explicit LinkWorld(std::uint32_t shard = 0, std::uint32_t shard_count = 1)
      : post(shard, shard_count) {}

  KernelOwned kernel_owned;
  BufferPool buffers{kernel_owned};
  PayloadPool payloads;
  Post post;
  Counters counters;
  Nanos now = nanos_per_s;
  FanOutTurn turn{buffers, {}, 0, false};
};

class TestLink final : public Link {
 public:
  TestLink(LinkWorld& world, ActorRef self)
      : Link(world.post, world.payloads, world.counters, world.now, world.buffers) {
    self_ = self;
    output_high_ = 256 * 1024;
  }
  explicit TestLink(LinkWorld& world, std::uint32_t slot = 0)
      : TestLink(world, ActorRef::session(world.post.shard(), slot, 1)) {}
  // Its outbox must be empty at the end; what a test left is dropped.
  ~TestLink() {
    outbox_.unfollow();
    outbox_.clear();
  }

  void set_self(ActorRef self) { self_ = self; }
  Outbox& out() { return outbox_; }
  void set_output_high(std::uint64_t bytes) { output_high_ = bytes; }
  bool session_paused() const { return (pauses_ & pause_session) != 0; }
  // Lets touch say so again, as after a flush.
  void untouch() { touched_ = false; }

  // All that is to be sent, as one string; it counts as sent.
  std::string take_output() {
    std::string taken;
    SendRequest request;
    while (const std::size_t bytes = outbox_.gather(request, 64 * 1024)) {
      for (std::uint32_t i = 0; i < request.part_count; ++i) {
        taken.append(static_cast<const char*>(request.parts[i].iov_base), request.parts[i].iov_len);
      }
      outbox_.consume(bytes);
    }
    return taken;
  }

  void resume() override {
    pauses_ &= static_cast<std::uint8_t>(~pause_session);
    ++resumed;
  }
  void become(Session& next, Service& owner) override {
    became = &next;
    became_owner = &owner;
  }
  void set_timer(Nanos deadline) override { timer = deadline; }
  void cancel_timer() override { timer = never; }
  void close_after_flush(CloseReason reason) override {
    if (goodbye == CloseReason::none) goodbye = reason;
    pauses_ |= pause_ending;
  }
  void shutdown_write() override { write_shut_down = true; }
  void reset_after_flush(CloseReason reason) override {
    reset = true;
    close_after_flush(reason);
  }
  // What a test puts here is what the session takes.
  TakenBlock take() override { return std::exchange(block, {}); }
  std::uint32_t block_bytes_max() const { return block_bytes_max_; }
  void abort(CloseReason reason) override {
    aborted = reason;
    pauses_ |= pause_ending;
  }

  int resumed = 0;
  int touched = 0;
  Nanos timer = never;
  CloseReason goodbye = CloseReason::none;  // close_after_flush, the first
  CloseReason aborted = CloseReason::none;
  bool write_shut_down = false;
  bool reset = false;  // the goodbye is one
  TakenBlock block = {};
  Session* became = nullptr;
  Service* became_owner = nullptr;

 private:
  void list_touched() override { ++touched; }
  std::optional<KeptBytes> try_keep_many(Bytes) override { return {}; }
};

// Bytes that tell a mix-up: each position differs from its neighbours.
inline std::string random_text(Prng& prng, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>('!' + prng.below(90));
  return text;
}

}  // namespace ringpost::engine
