#include "tools/loadgen/echo_talk.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {
// Replies that were passed over are waited for so long: that many of them.
constexpr std::size_t missing_max = 256;
// A message of which no more than this part differs is that message, changed.
constexpr std::size_t changed_part = 4;
}  // namespace

EchoTalk::EchoTalk(const Script& script, std::uint64_t connection, Check check)
    : script_(script),
      check_(check),
      next_request_(first_message(script, connection)),
      expected_(script.begin_of(next_request_)) {}

void EchoTalk::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  target.on_ready();
}

void EchoTalk::request(std::uint64_t count) {
  write_messages(*link_, script_, next_request_, count);
}

std::uint64_t EchoTalk::fitting(std::uint64_t bytes_max) const {
  return bytes_max / script_.message_bytes_max();
}

std::size_t EchoTalk::read(Bytes bytes) {
  if (check_ == Check::none) return count_unread(bytes);
  std::size_t used = 0;
  while (!lost_track_) {
    used += read_right(bytes.substr(used));
    wrong_ = used != bytes.size();
    if (!wrong_) return used;
    const std::size_t wrong = read_wrong(bytes.substr(used));
    if (wrong == 0) return used;  // more must come to say what is wrong
    used += wrong;
  }
  return bytes.size();
}

// As many bytes as a reply has are one.
std::size_t EchoTalk::count_unread(Bytes bytes) {
  const std::uint64_t ended = script_.advance(expected_, bytes.size());
  sequence_ += ended;
  if (ended != 0) target_->on_replies(ended);
  return bytes.size();
}

// What is as expected, up to the first byte that is not.
std::size_t EchoTalk::read_right(Bytes bytes) {
  const std::size_t right = script_.match(expected_, bytes);
  const std::uint64_t ended = script_.advance(expected_, right);
  sequence_ += ended;
  if (ended != 0) target_->on_replies(ended);
  return right;
}

// `bytes` begin with one that differs. Returns how many of them are dealt with.
std::size_t EchoTalk::read_wrong(Bytes bytes) {
  const std::uint32_t due = expected_.message;
  const Bytes wanted = script_.message(due);
  const std::size_t done = expected_.offset - script_.begin_of(due).offset;
  std::string got(wanted.substr(0, done));
  got += bytes.substr(0, script_.message_bytes_max() - done);

  const std::uint32_t found = script_.find(got, due);
  if (found == script_.message_count()) {
    if (got.size() >= wanted.size()) return on_corrupt(got, done);
    return 0;
  }
  const std::size_t found_bytes = script_.message(found).size();
  const std::uint32_t ahead = (found + script_.message_count() - due) % script_.message_count();
  wrong_ = false;
  if (ahead <= script_.message_count() / 2) {
    on_skipped(ahead);
    sequence_ += ahead;
    expected_ = script_.begin_of(found);
    sequence_ += script_.advance(expected_, found_bytes);
    target_->on_replies(1);
  } else {
    const std::uint64_t behind = script_.message_count() - ahead;
    expected_ = script_.begin_of(due);
    on_old(sequence_ - std::min(behind, sequence_));
  }
  return found_bytes - done;
}

// `got` begins with as many bytes as the reply that is due has.
std::size_t EchoTalk::on_corrupt(Bytes got, std::size_t done) {
  const Bytes wanted = script_.message(expected_.message);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) differing += wanted[i] != got[i] ? 1u : 0u;
  const bool is_changed = differing <= std::max<std::size_t>(1, wanted.size() / changed_part);
  if (!is_changed && got.size() < script_.message_bytes_max()) return 0;  // another, not yet whole
  target_->on_fault({FaultKind::corrupt, sequence_, difference(wanted, got)});
  target_->on_failed(1);
  wrong_ = false;
  if (!is_changed) {
    lost_track_ = true;
    target_->on_lost_track();
  }
  expected_.offset -= done;
  sequence_ += script_.advance(expected_, wanted.size());
  return wanted.size() - done;
}

void EchoTalk::on_skipped(std::uint64_t count) {
  target_->on_failed(count);
  if (missing_ == nullptr) missing_ = std::make_unique<std::deque<std::uint64_t>>();
  for (std::uint64_t i = 0; i < count; ++i) missing_->push_back(sequence_ + i);
  settle_missing(missing_max);
}

// A reply of earlier came.
void EchoTalk::on_old(std::uint64_t sequence) {
  const bool was_missing = missing_ != nullptr && std::erase(*missing_, sequence) != 0;
  const std::string instead =
      "came where " + std::to_string(sequence_) + " was due" + (was_missing ? "" : ", again");
  target_->on_fault(
      {was_missing ? FaultKind::out_of_order : FaultKind::duplicate, sequence, instead});
}

// What is missing for so long that it will not come.
void EchoTalk::settle_missing(std::size_t keep) {
  while (missing_ != nullptr && missing_->size() > keep) {
    target_->on_fault({FaultKind::lost, missing_->front(), "later ones came"});
    missing_->pop_front();
  }
}

void EchoTalk::finish() {
  if (target_ == nullptr) return;
  if (std::exchange(wrong_, false)) {
    target_->on_fault({FaultKind::corrupt, sequence_, "it begins as no reply does"});
  }
  settle_missing(0);
}

}  // namespace ringpost::loadgen
