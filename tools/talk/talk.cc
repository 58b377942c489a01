#include "tools/talk/talk.h"

#include <utility>

#include "engine/base/assert.h"
#include "tools/options/units.h"
#include "tools/talk/streams.h"

namespace ringpost::talk {

using engine::Bytes;
using engine::CloseReason;
using engine::Link;
using engine::Message;
using engine::Nanos;

namespace {

constexpr std::uint32_t block_bytes_max = 128 << 10;

std::string seconds(Nanos span) {
  const Nanos tenths = (span + 50 * engine::nanos_per_ms) / (100 * engine::nanos_per_ms);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string count(std::uint64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

}  // namespace

Talk::Talk(engine::Shard& shard, const TalkOptions& options, int& status)
    : options_(options),
      status_(status),
      endpoint_(to_text(options.dial.endpoint)),
      input_(options.wire),
      replies_(options.wire),
      dial_(shard.dialer(), options.dial, server_) {}

// --- The terminal ----------------------------------------------------------------------------

void Talk::Terminal::on_open(Link& link) {
  link_ = &link;
  link.receive_blocks(block_bytes_max);
  link.pause();  // until connected
  if (talk_.once()) link.set_timer(link.now() + talk_.options_.timeout);
  talk_.dial_.start();
}

std::size_t Talk::Terminal::on_bytes(Bytes bytes) {
  if (talk_.finished_) return bytes.size();
  std::string out;
  talk_.input_.feed(bytes, out);
  talk_.send(out);
  return bytes.size();
}

void Talk::Terminal::on_end(Bytes) {
  if (talk_.finished_) return;
  std::string out;
  talk_.input_.finish(out);
  talk_.send(out);
  if (!talk_.finished_) talk_.on_input_end();
}

// Neither connection tells or asks an actor.
void Talk::Terminal::on_messages(std::span<const Message>) { ASSERT(false); }

void Talk::Terminal::on_timer() {
  const std::string bound = tools::show_duration(talk_.options_.timeout) + " (--timeout)";
  const bool connected = talk_.server_.link_ != nullptr;
  talk_.finish(exit_failed, connected ? talk_.endpoint_ + " sent no whole reply within " + bound
                                      : "not connected to " + talk_.endpoint_ + " within " + bound);
}

void Talk::Terminal::on_drained() {
  if (talk_.server_.link_ != nullptr) talk_.server_.link_->resume();
}

void Talk::Terminal::on_closed(CloseReason) {
  link_ = nullptr;
  talk_.finish(exit_failed);
}

// --- The server ------------------------------------------------------------------------------

void Talk::Server::on_dial_failed(const std::string& error, Nanos retry_in) {
  if (retry_in == engine::never) return;  // we are stopping
  if (talk_.once()) return talk_.finish(exit_failed, error);
  say(error + "; next try in " + seconds(retry_in));
}

void Talk::Server::on_open(Link& link) {
  link_ = &link;
  opened_at_ = link.now();
  replied_ = false;
  lines_answered_ = talk_.input_.line_count();
  talk_.replies_.reset();
  link.receive_blocks(block_bytes_max);
  if (!talk_.terminal_.link_->outbox().empty()) link.pause();
  if (!talk_.once()) say("connected to " + talk_.endpoint_);
  talk_.terminal_.link_->resume();
}

std::size_t Talk::Server::on_bytes(Bytes bytes) {
  if (talk_.finished_) return bytes.size();
  replied_ = true;
  lines_answered_ = talk_.input_.line_count();
  std::string out;
  const Replies::Status status = talk_.replies_.feed(bytes, out);
  if (!out.empty()) {
    talk_.terminal_.link_->write(out);
    link_->pause();  // until it was sent
  }
  if (status == Replies::Status::reply) talk_.finish(exit_good);
  if (status == Replies::Status::too_long) {
    talk_.finish(exit_failed,
                 talk_.endpoint_ + " sent a frame over the limit (--message-bytes-max)");
  }
  return bytes.size();
}

void Talk::Server::on_end(Bytes) {
  if (talk_.terminal_.link_ != nullptr) talk_.terminal_.link_->pause();
  link_->close_after_flush(CloseReason::peer_closed);
}

void Talk::Server::on_messages(std::span<const Message>) { ASSERT(false); }

void Talk::Server::on_drained() {
  if (talk_.terminal_.link_ != nullptr) talk_.terminal_.link_->resume();
}

void Talk::Server::on_closed(CloseReason reason) {
  talk_.dial_.on_ended(link_->now() - opened_at_);
  link_ = nullptr;
  if (!talk_.finished_) talk_.on_lost(reason);
}

// --- Both ------------------------------------------------------------------------------------

// What is not sent before the connection is lost is lost with it.
void Talk::send(const std::string& bytes) {
  tell_skipped();
  if (bytes.empty() || finished_) return;
  server_.link_->write(bytes);
  terminal_.link_->pause();  // until it was sent
}

void Talk::tell_skipped() {
  const std::uint64_t skipped =
      input_.skipped_count() - std::exchange(skipped_said_, input_.skipped_count());
  if (skipped == 0) return;
  const std::string what =
      count(skipped, "line") + " over the limit not sent (--message-bytes-max)";
  if (once()) return finish(exit_failed, what);
  say(what);
}

void Talk::on_input_end() {
  if (once()) {
    if (input_.line_count() == 0) finish(exit_failed, "there is no request on standard input");
    return;
  }
  input_ended_ = true;
  server_.link_->shutdown_write();
}

void Talk::on_lost(CloseReason reason) {
  // The server has said all that it had to say.
  const bool complete = reason == CloseReason::peer_closed && !replies_.inside_frame();
  const std::string what = describe(reason);
  if (once()) {
    if (complete && server_.replied_) return finish(exit_good);
    return finish(exit_failed, what);
  }
  if (input_ended_ && complete) return finish(exit_good);
  if (input_ended_) return finish(exit_failed, what);
  say(what);
  terminal_.link_->pause();  // until connected
  dial_.start();
}

std::string Talk::describe(CloseReason reason) const {
  std::string text = endpoint_;
  if (reason == CloseReason::peer_closed) {
    text += " closed the connection";
  } else if (reason == CloseReason::reset) {
    text += " reset the connection";
  } else if (reason == CloseReason::timed_out) {
    text += " does not answer any more";
  } else {
    text += ": connection ended: " + std::string(to_text(reason));
  }
  if (replies_.inside_frame()) text += " in the middle of a frame";
  const std::uint64_t unanswered = input_.line_count() - server_.lines_answered_;
  if (unanswered != 0) {
    text += "; nothing came since " + count(unanswered, "line") + " sent last, perhaps in vain";
  }
  return text;
}

void Talk::finish(int status, const std::string& why) {
  if (std::exchange(finished_, true)) return;
  status_ = status;
  if (!why.empty()) say(why);
  dial_.cancel();
  if (server_.link_ != nullptr) server_.link_->close_after_flush(CloseReason::peer_closed);
  if (terminal_.link_ == nullptr) return;
  terminal_.link_->resume();  // what else comes is dropped
  terminal_.link_->shutdown_write();
}

}  // namespace ringpost::talk
