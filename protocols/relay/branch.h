#pragma once

// Branch: the subscribers that are connected on one shard, by topic. It tells the exchange of a
// topic when its shard gets the first one and when it loses the last, and hands each event that
// comes back to those it is for. The sessions of its shard call it directly.
//
// Owned by: one shard. Called on: its shard only.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/actor/actor.h"
#include "engine/actor/post.h"
#include "engine/base/payload.h"
#include "protocols/relay/frame_compressor.h"
#include "protocols/relay/places.h"
#include "protocols/relay/topic_map.h"

namespace ringpost::relay {

class Subscriber;

struct Topic {
  std::vector<Subscriber*> subscribers;
  const std::string* name;
};

// A session, as the branch sees it. Owned by: the session, which leaves before its end.
class Subscriber {
 public:
  // Whole frames, one behind the other.
  virtual void deliver(const engine::Payload& frames) = 0;

  std::uint64_t user = 0;
  bool takes_compressed = false;  // it has agreed on permessage-deflate
  std::vector<Topic*> topics;     // the branch's

 protected:
  ~Subscriber() = default;
};

class Branch final : public engine::Actor {
 public:
  Branch(const Places& places, engine::Post& post, engine::PayloadPool& payloads,
         const FrameCompressorOptions& compression = {});

  // The topics that the subscriber has from now on, instead of those that it had. The shards whose
  // exchanges were told, a bit each: once they have answered a sync, the topics are active.
  std::uint64_t set_topics(Subscriber& subscriber, std::span<const engine::Bytes> names);
  void leave(Subscriber& subscriber) { set_topics(subscriber, {}); }
  // The shards whose exchanges order its topics, a bit each.
  std::uint64_t homes_of(const Subscriber& subscriber) const;

  void receive(std::span<const engine::Message> run) override;

 private:
  std::uint64_t home_bit_of(engine::Bytes name) const;
  std::uint64_t add(Subscriber& subscriber, engine::Bytes name);
  std::uint64_t remove(Subscriber& subscriber, Topic& topic);
  void tell_exchange(engine::Bytes name, std::uint16_t kind);
  void deliver(std::span<const engine::Message> events, engine::Bytes topic);
  engine::Payload compressed(std::span<const engine::Message> events);
  engine::Payload together(std::span<const engine::Message> events);

  Places places_;
  engine::Post& post_;
  engine::PayloadPool& payloads_;
  FrameCompressorOptions compression_;
  TopicMap<Topic> topics_;
  std::optional<FrameCompressor> compressor_;  // once somebody takes what it makes
  std::vector<Subscriber*> subscribers_;       // scratch of one delivery
};

}  // namespace ringpost::relay
