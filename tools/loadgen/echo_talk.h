#pragma once

// EchoTalk: what is sent comes back. Serves the raw echo and the framed one alike, for a frame's
// header is checked as the bytes that it is.
//
// While all is right, a receive is one comparison with the script. Once a byte differs, the message
// it stands in is looked up: changed in place, another one of the script (then something was lost,
// repeated or put out of its order), or nothing known, behind which the stream makes no sense.

#include <deque>

#include "tools/loadgen/script.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

enum class Check : std::uint8_t {
  full,  // every byte
  none,  // bytes are counted, whatever they are
};

class EchoTalk final : public Talk {
 public:
  // `script` outlives the talk.
  EchoTalk(const Script& script, std::uint64_t connection, Check check = Check::full);

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t count) override;
  std::uint64_t fitting(std::uint64_t bytes_max) const override;
  std::size_t read(Bytes bytes) override;
  void finish() override;

 private:
  std::size_t count_unread(Bytes bytes);
  std::size_t read_right(Bytes bytes);
  std::size_t read_wrong(Bytes bytes);
  std::size_t on_corrupt(Bytes got, std::size_t done);
  void on_skipped(std::uint64_t count);
  void on_old(std::uint64_t sequence);
  void settle_missing(std::size_t keep);

  const Script& script_;
  const Check check_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  std::uint32_t next_request_;  // of the script
  Script::Place expected_;      // of the next byte to come
  std::uint64_t sequence_ = 0;  // of the reply that it belongs to
  bool wrong_ = false;          // the last bytes differ, and not enough are here to say how
  bool lost_track_ = false;
  // Passed over, and perhaps still to come: the oldest first.
  std::unique_ptr<std::deque<std::uint64_t>> missing_;
};

class EchoProtocol final : public Protocol {
 public:
  explicit EchoProtocol(Script script, Check check = Check::full)
      : script_(std::move(script)), check_(check) {}
  std::unique_ptr<Talk> talk(std::uint64_t connection) const override {
    return std::make_unique<EchoTalk>(script_, connection, check_);
  }

 private:
  Script script_;
  Check check_;
};

}  // namespace ringpost::loadgen
