#pragma once

// HeardMessages: what one connection has heard of each sender, and what it must hear next. Senders
// say the messages of a script, each from its own place on, and name themselves in front of every
// one. Runs of right ones are told as deliveries; a message that is not the one that was due is
// looked up: changed, ahead of others that are missing, or of earlier.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tools/loadgen/script.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

// "s000012: ", of sender 12.
inline constexpr std::size_t sender_prefix_bytes = 9;
inline constexpr std::uint64_t nobody = UINT64_MAX;
// `kind`: s for senders.
std::string nick(char kind, std::uint64_t number);
std::string sender_prefix(std::uint64_t number);
// Who said the message that begins so; `nobody` if no sender did. Requires: sender_prefix_bytes are
// there.
std::uint64_t sender_of(Bytes message);

class HeardMessages {
 public:
  // `script` outlives it.
  HeardMessages(const Script& script, std::uint64_t senders);

  // Requires: called before anything is heard. `target` outlives it.
  void set_target(TalkTarget& target) { target_ = &target; }

  // What the sender must say next, without its name.
  Bytes due(std::uint64_t sender) const { return script_.message(heard_[sender].message); }
  // How many messages of it were heard, or are known to be missing.
  std::uint64_t sequence(std::uint64_t sender) const { return heard_[sender].sequence; }

  // The sender said what was due, that many messages of it.
  void hear(std::uint64_t sender, std::uint64_t count = 1) {
    if (run_.sender != sender || run_.count == 0) {
      tell_run();
      run_ = {sender, heard_[sender].sequence, 0};
    }
    run_.count += count;
    move_on(sender, count);
  }
  // Hears the messages at the front of `bytes`, each behind its sender's name, up to the first that
  // is not all of what is due of this sender. Returns how many bytes these are. Requires: `bytes`
  // begin with the sender's name.
  std::size_t hear_run(std::uint64_t sender, Bytes bytes);
  // It said something else, which is here as a whole.
  void hear_other(std::uint64_t sender, Bytes message);
  // Tells what was heard since the last call; before any other word to the target.
  void tell_run() {
    if (run_.count != 0) target_->on_deliveries(run_.sender, run_.first, run_.count);
    run_.count = 0;
  }
  // No more will come.
  void finish() { settle_missing(0); }

 private:
  struct Heard {
    std::uint64_t sequence = 0;  // messages
    std::uint32_t message = 0;   // of the script: the next one
  };
  struct Missing {
    std::uint64_t sender;
    std::uint64_t sequence;
  };
  // Messages of one sender that were heard one behind the other and are not told yet.
  struct Run {
    std::uint64_t sender = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };

  void on_skipped(std::uint64_t sender, std::uint64_t count);
  void on_old(std::uint64_t sender, std::uint64_t sequence);
  void move_on(std::uint64_t sender, std::uint64_t count) {
    Heard& heard = heard_[sender];
    heard.sequence += count;
    const std::uint64_t next = heard.message + count;
    const std::uint32_t cycle = script_.message_count();
    heard.message = static_cast<std::uint32_t>(next < cycle ? next : next % cycle);
  }
  void settle_missing(std::size_t keep);

  const Script& script_;
  TalkTarget* target_ = nullptr;
  Run run_;
  std::vector<Heard> heard_;                      // by sender
  std::unique_ptr<std::deque<Missing>> missing_;  // passed over; the oldest first
};

}  // namespace ringpost::loadgen
