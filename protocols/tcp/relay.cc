#include "protocols/tcp/relay.h"

#include "engine/base/assert.h"

namespace ringpost::tcp {

using engine::Bytes;
using engine::CloseReason;
using engine::Link;
using engine::Message;
using engine::Nanos;
using engine::Session;

// --- One end ---------------------------------------------------------------------------------

void Relay::End::on_open(Link& link) {
  link_ = &link;
  ended_ = false;
  link.receive_blocks(relay_.shared_.options.block_bytes_max);
  if (this == &relay_.client_) {
    relay_.on_client_open();
  } else {
    relay_.on_upstream_open();
  }
}

std::size_t Relay::End::on_bytes(Bytes bytes) {
  // Before the other one is there this one is paused; once it is gone this one is ending.
  ASSERT(other_.link_ != nullptr);
  const Link::TakenBlock block = link_->take();
  link_->pause();  // until it was sent
  other_.link_->write_block(block.block, block.offset, block.bytes);
  return bytes.size();
}

void Relay::End::on_drained() {
  if (other_.link_ != nullptr) other_.link_->resume();
}

void Relay::End::on_end(Bytes) {
  ended_ = true;
  if (other_.link_ == nullptr) return;
  if (other_.ended_) return relay_.on_both_ended();
  other_.link_->shutdown_write();
}

// Relays neither tell nor ask.
void Relay::End::on_messages(std::span<const Message>) { ASSERT(false); }

void Relay::End::on_timer() { relay_.on_wait_over(); }

void Relay::End::on_closed(CloseReason reason) {
  link_ = nullptr;
  if (this == &relay_.client_) relay_.dial_.reset();
  if (other_.link_ == nullptr) return;
  // Both say goodbye at a time after the ends of both streams, and in a drain.
  if (reason == CloseReason::peer_closed || reason == CloseReason::drain) {
    other_.link_->close_after_flush(reason);
  } else {
    other_.link_->reset_after_flush(CloseReason::other_side);
  }
}

// --- The pair --------------------------------------------------------------------------------

Relay::Relay(RelayPool& pool, const RelayShared& shared) : pool_(pool), shared_(shared) {}

void Relay::on_client_open() {
  client_.link_->pause();
  client_.link_->set_timer(client_.link_->now() + shared_.options.connect_wait);
  dial_.emplace(shared_.dialer, shared_.options.dial, *this);
  dial_->start();
}

Relay& Relay::of(Session& session) { return static_cast<End&>(session).relay_; }

Session& Relay::open() { return upstream_; }

void Relay::on_upstream_open() {
  client_.link_->cancel_timer();
  client_.link_->resume();
}

void Relay::on_dial_failed(const std::string& error, Nanos retry_in) {
  if (retry_in == engine::never) return client_.link_->close_after_flush(CloseReason::drain);
  if (shared_.observer != nullptr) shared_.observer->on_dial_failed(error, retry_in);
}

void Relay::on_wait_over() {
  dial_.reset();
  client_.link_->reset_after_flush(CloseReason::upstream_failed);
}

void Relay::on_both_ended() {
  client_.link_->close_after_flush(CloseReason::peer_closed);
  upstream_.link_->close_after_flush(CloseReason::peer_closed);
}

void Relay::close(Session&) {
  if (client_.link_ == nullptr && upstream_.link_ == nullptr) pool_.give_back(*this);
}

// --- The pool --------------------------------------------------------------------------------

RelayPool::~RelayPool() { ASSERT(free_.size() == relays_.size()); }

Session& RelayPool::open() {
  if (free_.empty()) free_.push_back(&relays_.emplace_back(*this, shared_));
  Relay& relay = *free_.back();
  free_.pop_back();
  return relay.client();
}

void RelayPool::close(Session& session) { Relay::of(session).close(session); }

}  // namespace ringpost::tcp
