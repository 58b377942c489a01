#include "protocols/chat/session.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"
#include "engine/net/reply_queue.h"
#include "protocols/chat/messages.h"
#include "protocols/chat/parser.h"
#include "protocols/chat/writer.h"

namespace ringpost::chat {

using engine::Bytes;

Session::Session(SessionShared& shared)
    : shared_(shared), parser_(shared.options.line_end, shared.options.line_bytes_max) {}

void Session::on_open(engine::Link& link) {
  link_ = &link;
  link.set_timer(link.now() + shared_.options.nick_timeout);
}

std::size_t Session::on_bytes(Bytes bytes) {
  std::size_t used = 0;
  while (!link_->paused()) {
    const line::LineResult result = parser_.next(bytes.substr(used));
    used += result.consumed;
    if (result.status == line::LineStatus::need_more) break;
    ++link_->counters().requests;
    if (result.status == line::LineStatus::line) {
      on_line(result.line, bytes.size() - used);
    } else {
      ++link_->counters().limit_line_too_long;
      on_error(Errc::line_too_long);
    }
  }
  post_run();
  return used;
}

void Session::on_line(Bytes line, std::size_t input_left) {
  if (nick_bytes_ == 0) return on_nick(line);
  if (const auto errc = check_message(line)) return on_error(*errc);
  add_to_run(line, input_left);
}

void Session::on_nick(Bytes line) {
  if (line.size() > shared_.options.nick_bytes_limit) return on_error(Errc::bad_nick);
  if (const auto errc = check_nick(line)) return on_error(*errc);
  ASSERT(!line.empty() && line.size() <= nick_.size());
  std::memcpy(nick_.data(), line.data(), line.size());
  nick_bytes_ = static_cast<std::uint8_t>(line.size());
  link_->cancel_timer();
  link_->set_pending_max(shared_.options.pending_bytes_max);
  membership_ = Membership::joining;
  shared_.branch.joining();
  link_->post().ask(shared_.branch.room(), link_->self(), kind_join, 0);
}

// Unless the input has ended meanwhile.
void Session::on_joined() {
  if (membership_ != Membership::joining) return;
  membership_ = Membership::member;
  shared_.branch.join(follower_, *link_);
}

void Session::add_to_run(Bytes line, std::size_t input_left) {
  const Bytes nick(nick_.data(), nick_bytes_);
  const std::size_t needed = encoded_bytes(nick, line);
  const std::size_t room = run_ ? std::min(run_.capacity(), run_bytes_max) : 0;
  if (run_bytes_ + needed > room) post_run();
  if (!run_) {
    // The rest of this read, a little larger for the nicks.
    const std::size_t rest = std::min(needed + input_left + input_left / 2, run_bytes_max);
    run_ = link_->payloads().make(std::max(needed, rest));
  }
  encode(nick, line, run_.fill() + run_bytes_);
  run_bytes_ += needed;
}

void Session::post_run() {
  if (!run_) return;
  run_.set_size(run_bytes_);
  run_bytes_ = 0;
  link_->post().tell(shared_.branch.room(), link_->self(), kind_post).put_payload(std::move(run_));
}

void Session::on_error(Errc errc) {
  ++link_->counters().protocol_errors;
  link_->write(error_line(errc));
}

// An unfinished last line is dropped (CH-10, CH-11). The member leaves at once, so that what others
// say does not keep its goodbye waiting. Our end of the stream tells the peer that its lines have
// their places in the order: it waits until the room has seen them all.
void Session::on_end(Bytes) {
  if (nick_bytes_ == 0) return link_->close_after_flush(engine::CloseReason::peer_closed);
  leave();
  const engine::ActorRef room_shard =
      engine::ReplyQueue::shard_actor(shared_.branch.room().shard());
  link_->post().ask(room_shard, link_->self(), engine::kind_sync, 0);
}

void Session::on_messages(std::span<const engine::Message> run) {
  for (const engine::Message& message : run) {
    switch (message.kind) {
      case kind_joined:
        on_joined();
        break;
      case engine::kind_synced:
        link_->close_after_flush(engine::CloseReason::peer_closed);
        break;
      default:
        ASSERT(!"a message to a chat session");
    }
  }
}

void Session::leave() {
  switch (std::exchange(membership_, Membership::none)) {
    case Membership::none:
      return;
    case Membership::joining:
      return shared_.branch.not_joining();
    case Membership::member:
      link_->unfollow();
      return shared_.branch.left();
  }
}

void Session::on_timer() { link_->abort(engine::CloseReason::handshake_timeout); }

void Session::on_closed(engine::CloseReason) { leave(); }

}  // namespace ringpost::chat
