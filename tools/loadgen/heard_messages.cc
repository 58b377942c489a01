#include "tools/loadgen/heard_messages.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

constexpr Bytes nick_end = ": ";
constexpr std::size_t nick_bytes = sender_prefix_bytes - nick_end.size();
// Messages that were passed over are waited for so long: that many of them.
constexpr std::size_t missing_max = 256;

}  // namespace

std::string nick(char kind, std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%c%06llu", kind, static_cast<unsigned long long>(number));
  return text;
}

std::string sender_prefix(std::uint64_t number) {
  return nick('s', number) + std::string(nick_end);
}

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

HeardMessages::HeardMessages(const Script& script, std::uint64_t senders)
    : script_(script), heard_(senders) {
  for (std::uint64_t sender = 0; sender < senders; ++sender) {
    heard_[sender].message = first_message(script, sender);
  }
}

std::size_t HeardMessages::hear_run(std::uint64_t sender, Bytes bytes) {
  const char* const name = bytes.data();
  std::uint32_t message = heard_[sender].message;
  std::uint64_t count = 0;
  std::size_t used = 0;
  for (;;) {
    const Bytes wanted = script_.message(message);
    const char* const next = name + used;
    if (bytes.size() - used < sender_prefix_bytes + wanted.size()) break;
    if (std::memcmp(next, name, sender_prefix_bytes) != 0) break;
    if (std::memcmp(next + sender_prefix_bytes, wanted.data(), wanted.size()) != 0) break;
    used += sender_prefix_bytes + wanted.size();
    ++count;
    if (++message == script_.message_count()) message = 0;
  }
  if (count != 0) hear(sender, count);
  return used;
}

void HeardMessages::hear_other(std::uint64_t sender, Bytes message) {
  tell_run();
  Heard& heard = heard_[sender];
  const std::uint32_t count = script_.message_count();
  const std::uint32_t found = script_.find(message, heard.message);
  if (found == count || script_.message(found).size() != message.size()) {
    target_->on_fault({FaultKind::corrupt, heard.sequence,
                       "of sender " + std::to_string(sender) + ", " +
                           difference(script_.message(heard.message), message)});
    target_->on_missed(sender, heard.sequence, 1);
    return move_on(sender, 1);
  }
  const std::uint32_t ahead = (found + count - heard.message) % count;
  if (ahead > count / 2)
    return on_old(sender, heard.sequence - std::min<std::uint64_t>(count - ahead, heard.sequence));
  on_skipped(sender, ahead);
  hear(sender);
}

void HeardMessages::on_skipped(std::uint64_t sender, std::uint64_t count) {
  const std::uint64_t first = heard_[sender].sequence;
  target_->on_missed(sender, first, count);
  if (missing_ == nullptr) missing_ = std::make_unique<std::deque<Missing>>();
  for (std::uint64_t i = 0; i < count; ++i) missing_->push_back({sender, first + i});
  move_on(sender, count);
  settle_missing(missing_max);
}

// A message of earlier came.
void HeardMessages::on_old(std::uint64_t sender, std::uint64_t sequence) {
  const bool was_missing =
      missing_ != nullptr && std::erase_if(*missing_, [&](const Missing& missing) {
                               return missing.sender == sender && missing.sequence == sequence;
                             }) != 0;
  target_->on_fault({was_missing ? FaultKind::out_of_order : FaultKind::duplicate, sequence,
                     "of sender " + std::to_string(sender) + ", came where " +
                         std::to_string(heard_[sender].sequence) + " was due" +
                         (was_missing ? "" : ", again")});
}

void HeardMessages::settle_missing(std::size_t keep) {
  while (missing_ != nullptr && missing_->size() > keep) {
    const Missing& missing = missing_->front();
    target_->on_fault({FaultKind::lost, missing.sequence,
                       "of sender " + std::to_string(missing.sender) + ", later ones came"});
    missing_->pop_front();
  }
}

}  // namespace ringpost::loadgen
