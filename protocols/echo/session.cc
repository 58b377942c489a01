#include "protocols/echo/session.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace ringpost::echo {

using engine::Bytes;
using engine::CloseReason;

std::size_t Session::on_bytes(Bytes bytes) {
  std::size_t used = 0;
  while (used != bytes.size() && !link_->paused()) {
    const Bytes rest = bytes.substr(used);
    const std::size_t done = frame_.is_open() ? gather(rest) : echo_run(rest);
    if (done == 0 && !frame_.is_open()) break;  // a header that is not whole
    used += done;
  }
  return used;
}

// Echoes the whole frames in front, as far as the output has room. If there is none, sees what
// the first one will be.
std::size_t Session::echo_run(Bytes bytes) {
  const std::uint64_t room = link_->output_high_bytes() - link_->outbox().bytes();
  const length_delimited::FrameRun run = shared_.parser.run(bytes, room);
  if (run.bytes != 0) {
    link_->counters().requests += run.count;
    link_->write(bytes.substr(0, run.bytes));
  } else if (run.next.errc != length_delimited::Errc::none) {
    end(CloseReason::protocol_error, link_->counters().limit_frame_too_long);  // FE-6
  } else if (run.next.frame_bytes != 0) {
    frame_.begin(run.next.frame_bytes);
  }
  return run.bytes;
}

std::size_t Session::gather(Bytes bytes) {
  const auto piece =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), frame_.missing_bytes()));
  if (!frame_.add(bytes.substr(0, piece), *link_)) {
    end(CloseReason::over_budget, link_->counters().limit_held_frames);
    return 0;
  }
  if (!frame_.is_open()) {
    ++link_->counters().requests;
    frame_.send(*link_);
  }
  return piece;
}

// What was echoed so far is still sent; nothing more is read (X4).
void Session::end(CloseReason reason, std::uint64_t& limit) {
  ++limit;
  frame_.clear(link_->buffers());
  link_->close_after_flush(reason);
}

// What came of a frame that is not whole goes (FE-7).
void Session::on_end(Bytes) {
  frame_.clear(link_->buffers());
  link_->close_after_flush(CloseReason::peer_closed);
}

}  // namespace ringpost::echo
