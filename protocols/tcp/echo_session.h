#pragma once

// The raw echo's talk on one connection (spec 6.1, 6.2): what comes goes back, every byte, in order
// (RL-20, RL-22).
//
// While the output is above its high mark the connection offers no input, so a peer that does not
// read is held back by TCP (RL-23); and it sleeps until there is something to do (RL-21).

#include "engine/net/session.h"

namespace ringpost::tcp {

// Nothing is shared; a SessionPool wants to be told so.
struct EchoShared {};

class EchoSession final : public engine::Session {
 public:
  explicit EchoSession(EchoShared&) {}

  void on_open(engine::Link& link) override { link_ = &link; }
  std::size_t on_bytes(engine::Bytes bytes) override {
    if (const auto kept = link_->try_keep(bytes)) {
      link_->write_kept(*kept);
    } else {
      link_->write(bytes);
    }
    return bytes.size();
  }
  // All that came was written; the answer's end stands behind it (X3).
  void on_end(engine::Bytes) override {
    link_->close_after_flush(engine::CloseReason::peer_closed);
  }
  void on_messages(std::span<const engine::Message>) override {}
  void on_closed(engine::CloseReason) override {}

 private:
  engine::Link* link_ = nullptr;
};

}  // namespace ringpost::tcp
