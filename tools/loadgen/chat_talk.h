#pragma once

// ChatTalk: a member of the line chat. Members with a number below `senders` say the lines of the
// script; everybody hears everybody else, line by line, and checks each against what its sender
// must say next.
//
// Joining has no answer on the wire: a member knows that it is one by hearing somebody. So until
// the load begins the first sender knocks, and for its own sake the second one.

#include <memory>

#include "tools/loadgen/heard_messages.h"
#include "tools/loadgen/script.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

class ChatTalk final : public Talk {
 public:
  // `script` (lines with CR LF) outlives the talk.
  ChatTalk(const Script& script, std::uint64_t senders, std::uint64_t connection);

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t count) override;
  std::uint64_t fitting(std::uint64_t bytes_max) const override;
  void poke() override;
  std::size_t read(Bytes bytes) override;
  void finish() override;

 private:
  std::size_t read_run(Bytes bytes);
  std::size_t read_other(Bytes bytes);

  const Script& script_;
  std::uint64_t senders_;
  std::uint64_t connection_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  std::uint32_t next_request_;
  bool ready_ = false;
  HeardMessages heard_;
};

class ChatProtocol final : public Protocol {
 public:
  ChatProtocol(Script script, std::uint64_t senders)
      : script_(std::move(script)), senders_(senders) {}
  std::unique_ptr<Talk> talk(std::uint64_t connection) const override {
    return std::make_unique<ChatTalk>(script_, senders_, connection);
  }

 private:
  Script script_;
  std::uint64_t senders_;
};

}  // namespace ringpost::loadgen
