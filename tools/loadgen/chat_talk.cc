#include "tools/loadgen/chat_talk.h"

#include <algorithm>
#include <cstdio>

#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

constexpr Bytes line_end = "\r\n";
constexpr Bytes nick_end = ": ";
// "s000012: ", of senders
constexpr std::size_t nick_bytes = 7;
constexpr std::size_t prefix_bytes = nick_bytes + nick_end.size();
// No line of a script has a blank.
constexpr Bytes knock = "is anybody there?\r\n";
constexpr std::size_t missing_max = 256;
constexpr std::uint64_t nobody = UINT64_MAX;

std::string nick(char kind, std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%c%06llu", kind, static_cast<unsigned long long>(number));
  return text;
}

// Who said the line that begins so; `nobody` if no sender did. Requires: prefix_bytes are there.
std::uint64_t sender_of(Bytes line) {
  if (line[0] != 's' || line.substr(nick_bytes, nick_end.size()) != nick_end) return nobody;
  std::uint64_t number = 0;
  for (std::size_t i = 1; i < nick_bytes; ++i) {
    const auto digit = static_cast<unsigned>(line[i] - '0');
    if (digit > 9) return nobody;
    number = number * 10 + digit;
  }
  return number;
}

}  // namespace

ChatTalk::ChatTalk(const Script& script, std::uint64_t senders, std::uint64_t connection)
    : script_(script),
      senders_(senders),
      connection_(connection),
      next_request_(first_message(script, connection)),
      heard_(senders) {
  for (std::uint64_t sender = 0; sender < senders; ++sender) {
    heard_[sender].message = first_message(script, sender);
  }
}

void ChatTalk::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  link.write(nick(connection_ < senders_ ? 's' : 'l', connection_));
  link.write(line_end);
  ready_ = connection_ == 0 && senders_ == 1;  // who hears nobody
  if (ready_) target.on_ready();
}

void ChatTalk::poke() {
  if (connection_ < 2) link_->write(knock);
}

void ChatTalk::request(std::uint64_t count) {
  write_messages(*link_, script_, next_request_, count);
}

std::uint64_t ChatTalk::fitting(std::uint64_t bytes_max) const {
  return bytes_max / script_.message_bytes_max();
}

std::size_t ChatTalk::read(Bytes bytes) {
  std::size_t used = 0;
  while (used != bytes.size()) {
    const std::size_t line = read_line(bytes.substr(used));
    if (line == 0) break;
    used += line;
  }
  tell_run();
  return used;
}

void ChatTalk::hear(std::uint64_t sender) {
  if (run_.sender != sender || run_.count == 0) {
    tell_run();
    run_ = {sender, heard_[sender].sequence, 0};
  }
  ++run_.count;
  move_on(sender, 1);
}

void ChatTalk::tell_run() {
  if (run_.count != 0) target_->on_deliveries(run_.sender, run_.first, run_.count);
  run_.count = 0;
}

// The line at the front, 0 if it is not whole.
std::size_t ChatTalk::read_line(Bytes bytes) {
  if (bytes.size() < prefix_bytes) return 0;
  const std::uint64_t sender = sender_of(bytes);
  if (sender >= senders_ || sender == connection_) return read_other(bytes, nobody);
  Heard& heard = heard_[sender];
  const Bytes wanted = script_.message(heard.message);
  const Bytes said = bytes.substr(prefix_bytes);
  if (!said.starts_with(wanted)) [[unlikely]]
    return read_other(bytes, sender);
  hear(sender);
  return prefix_bytes + wanted.size();
}

void ChatTalk::move_on(std::uint64_t sender, std::uint64_t count) {
  Heard& heard = heard_[sender];
  heard.sequence += count;
  const std::uint64_t next = heard.message + count;
  const std::uint32_t cycle = script_.message_count();
  heard.message = static_cast<std::uint32_t>(next < cycle ? next : next % cycle);
}

// What is not the line that was due: perhaps only not whole.
std::size_t ChatTalk::read_other(Bytes bytes, std::uint64_t sender) {
  const std::size_t end = bytes.find(line_end);
  if (end == Bytes::npos) return 0;
  const std::size_t used = end + line_end.size();
  tell_run();  // before what is told of this one
  if (sender == nobody) {
    if (ready_) {
      target_->on_fault({FaultKind::unexpected, 0,
                         "a line of nobody here: " + excerpt(bytes.substr(0, used), 60)});
    }
    return used;
  }
  const Bytes said = bytes.substr(prefix_bytes, used - prefix_bytes);
  if (said == knock && heard_[sender].sequence == 0) {
    if (!std::exchange(ready_, true)) target_->on_ready();
  } else {
    on_wrong_line(sender, said);
  }
  return used;
}

void ChatTalk::on_wrong_line(std::uint64_t sender, Bytes line) {
  Heard& heard = heard_[sender];
  const std::uint32_t count = script_.message_count();
  const std::uint32_t found = script_.find(line, heard.message);
  if (found == count || script_.message(found).size() != line.size()) {
    target_->on_fault({FaultKind::corrupt, heard.sequence,
                       "of sender " + std::to_string(sender) + ", " +
                           difference(script_.message(heard.message), line)});
    target_->on_missed(sender, heard.sequence, 1);
    return move_on(sender, 1);
  }
  const std::uint32_t ahead = (found + count - heard.message) % count;
  if (ahead > count / 2)
    return on_old(sender, heard.sequence - std::min<std::uint64_t>(count - ahead, heard.sequence));
  on_skipped(sender, ahead);
  hear(sender);
}

void ChatTalk::on_skipped(std::uint64_t sender, std::uint64_t count) {
  const std::uint64_t first = heard_[sender].sequence;
  target_->on_missed(sender, first, count);
  if (missing_ == nullptr) missing_ = std::make_unique<std::deque<Missing>>();
  for (std::uint64_t i = 0; i < count; ++i) missing_->push_back({sender, first + i});
  move_on(sender, count);
  settle_missing(missing_max);
}

// A line of earlier came.
void ChatTalk::on_old(std::uint64_t sender, std::uint64_t sequence) {
  const bool was_missing =
      missing_ != nullptr && std::erase_if(*missing_, [&](const Missing& missing) {
                               return missing.sender == sender && missing.sequence == sequence;
                             }) != 0;
  target_->on_fault({was_missing ? FaultKind::out_of_order : FaultKind::duplicate, sequence,
                     "of sender " + std::to_string(sender) + ", came where " +
                         std::to_string(heard_[sender].sequence) + " was due" +
                         (was_missing ? "" : ", again")});
}

void ChatTalk::settle_missing(std::size_t keep) {
  while (missing_ != nullptr && missing_->size() > keep) {
    const Missing& missing = missing_->front();
    target_->on_fault({FaultKind::lost, missing.sequence,
                       "of sender " + std::to_string(missing.sender) + ", later ones came"});
    missing_->pop_front();
  }
}

void ChatTalk::finish() { settle_missing(0); }

}  // namespace ringpost::loadgen
