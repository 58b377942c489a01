#include "tools/loadgen/chat_talk.h"

#include <utility>

#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

constexpr Bytes line_end = "\r\n";
// No line of a script has a blank.
constexpr Bytes knock = "is anybody there?\r\n";

}  // namespace

ChatTalk::ChatTalk(const Script& script, std::uint64_t senders, std::uint64_t connection)
    : script_(script),
      senders_(senders),
      connection_(connection),
      next_request_(first_message(script, connection)),
      heard_(script, senders) {}

void ChatTalk::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  heard_.set_target(target);
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
    const Bytes rest = bytes.substr(used);
    std::size_t lines = read_run(rest);
    if (lines == 0) lines = read_other(rest);
    if (lines == 0) break;
    used += lines;
  }
  heard_.tell_run();
  return used;
}

// The lines at the front that their sender was to say; 0 bytes if the first is not one.
std::size_t ChatTalk::read_run(Bytes bytes) {
  if (bytes.size() < sender_prefix_bytes) return 0;
  const std::uint64_t sender = sender_of(bytes);
  if (sender >= senders_ || sender == connection_) return 0;
  return heard_.hear_run(sender, bytes);
}

// A line that is not the one that was due; 0 if it is not whole.
std::size_t ChatTalk::read_other(Bytes bytes) {
  const std::size_t end = bytes.find(line_end);
  if (end == Bytes::npos) return 0;
  const std::size_t used = end + line_end.size();
  heard_.tell_run();  // before what is told of this one
  const std::uint64_t sender = used < sender_prefix_bytes ? nobody : sender_of(bytes);
  if (sender >= senders_ || sender == connection_) {
    if (ready_) {
      target_->on_fault({FaultKind::unexpected, 0,
                         "a line of nobody here: " + excerpt(bytes.substr(0, used), 60)});
    }
    return used;
  }
  const Bytes said = bytes.substr(sender_prefix_bytes, used - sender_prefix_bytes);
  if (said == knock && heard_.sequence(sender) == 0) {
    if (!std::exchange(ready_, true)) target_->on_ready();
  } else {
    heard_.hear_other(sender, said);
  }
  return used;
}

void ChatTalk::finish() { heard_.finish(); }

}  // namespace ringpost::loadgen
