#pragma once

// The framed echo's talk on one connection (spec 5.1): each whole frame goes back as it came, in
// order.
//
// Whole frames in what was read go back as one run of bytes, without being looked at one by one, in
// the one send of the turn (FE-22). A frame of which only a part was read is gathered, and goes
// back when it is whole. While the output is above its high mark nothing is parsed (X6, FE-8).

#include <cstdint>

#include "engine/net/session.h"
#include "protocols/echo/gathered_frame.h"
#include "protocols/length_delimited/parser.h"

namespace ringpost::echo {

struct SessionOptions {
  length_delimited::Framing framing;
  // What the large frames of one shard may hold together. It should have room for one.
  std::uint64_t held_bytes_max = std::uint64_t{256} << 20;
};

// What the sessions of one shard have in common.
struct SessionShared {
  explicit SessionShared(const SessionOptions& options)
      : parser(options.framing), budget{.bytes_max = options.held_bytes_max} {}

  length_delimited::FrameParser parser;
  FrameBudget budget;
};

class Session final : public engine::Session {
 public:
  explicit Session(SessionShared& shared) : shared_(shared), frame_(shared.budget) {}

  void on_open(engine::Link& link) override { link_ = &link; }
  std::size_t on_bytes(engine::Bytes bytes) override;
  void on_end(engine::Bytes rest) override;
  void on_messages(std::span<const engine::Message>) override {}
  void on_drained() override { frame_.release_sent(); }
  void on_closed(engine::CloseReason) override { frame_.clear(link_->buffers()); }

 private:
  std::size_t echo_run(engine::Bytes bytes);
  std::size_t gather(engine::Bytes bytes);
  void end(engine::CloseReason reason, std::uint64_t& limit);

  SessionShared& shared_;
  engine::Link* link_ = nullptr;
  GatheredFrame frame_;
};

}  // namespace ringpost::echo
