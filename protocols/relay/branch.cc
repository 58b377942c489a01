#include "protocols/relay/branch.h"

#include <algorithm>
#include <utility>

#include "engine/base/assert.h"
#include "protocols/relay/messages.h"

namespace ringpost::relay {

using engine::Bytes;
using engine::Message;

namespace {

Bytes topic_of(const Message& event) {
  return event.payload_bytes().substr(0, event_head_of(event).topic_bytes);
}

Bytes frame_of(const Message& event) {
  return event.payload_bytes().substr(event_head_of(event).topic_bytes);
}

template <typename T>
void erase_one(std::vector<T*>& list, T* element) {
  const auto at = std::find(list.begin(), list.end(), element);
  ASSERT(at != list.end());
  *at = list.back();
  list.pop_back();
}

}  // namespace

Branch::Branch(const Places& places, engine::Post& post, engine::PayloadPool& payloads,
               const FrameCompressorOptions& compression)
    : places_(places), post_(post), payloads_(payloads), compression_(compression) {}

// New ones first, so that a topic that stays is not given up in between.
std::uint64_t Branch::set_topics(Subscriber& subscriber, std::span<const Bytes> names) {
  std::vector<Topic*> before = std::exchange(subscriber.topics, {});
  std::uint64_t told = 0;
  for (const Bytes name : names) {
    const auto at = topics_.find(name);
    Topic* const known = at == topics_.end() ? nullptr : &at->second;
    const auto kept = std::find(before.begin(), before.end(), known);
    if (known != nullptr && kept != before.end()) {
      before.erase(kept);
      subscriber.topics.push_back(known);
    } else {
      told |= add(subscriber, name);
    }
  }
  for (Topic* topic : before) told |= remove(subscriber, *topic);
  return told;
}

// Named twice is subscribed once.
std::uint64_t Branch::add(Subscriber& subscriber, Bytes name) {
  const auto [at, is_new] = topics_.try_emplace(std::string(name));
  Topic& topic = at->second;
  topic.name = &at->first;
  if (std::find(subscriber.topics.begin(), subscriber.topics.end(), &topic) !=
      subscriber.topics.end()) {
    return 0;
  }
  topic.subscribers.push_back(&subscriber);
  subscriber.topics.push_back(&topic);
  if (is_new) tell_exchange(name, kind_subscribe);
  // Told now, or by somebody else just before: either way it may not have been heard yet.
  return home_bit_of(name);
}

std::uint64_t Branch::remove(Subscriber& subscriber, Topic& topic) {
  erase_one(topic.subscribers, &subscriber);
  if (!topic.subscribers.empty()) return 0;
  const std::string name = *topic.name;
  topics_.erase(name);
  tell_exchange(name, kind_unsubscribe);
  return home_bit_of(name);
}

std::uint64_t Branch::homes_of(const Subscriber& subscriber) const {
  std::uint64_t homes = 0;
  for (const Topic* topic : subscriber.topics) homes |= home_bit_of(*topic->name);
  return homes;
}

std::uint64_t Branch::home_bit_of(Bytes name) const {
  return std::uint64_t{1} << places_.exchange_of(name).shard();
}

void Branch::tell_exchange(Bytes name, std::uint16_t kind) {
  const engine::ActorRef self = places_.branches[post_.shard()];
  post_.tell(places_.exchange_of(name), self, kind).put_payload(payloads_.make(name));
}

// Events of one topic that came one behind the other and are for everybody go to each subscriber
// together, and all of them get the same bytes.
void Branch::receive(std::span<const Message> run) {
  while (!run.empty()) {
    ASSERT(run.front().kind == kind_event);
    const Bytes topic = topic_of(run.front());
    std::size_t count = 1;
    const auto is_for_all = [](const Message& event) { return !event_head_of(event).for_user; };
    if (is_for_all(run.front())) {
      while (count != run.size() && is_for_all(run[count]) && topic_of(run[count]) == topic)
        ++count;
    }
    deliver(run.first(count), topic);
    for (const Message& event : run.first(count)) engine::take_payload(event).reset();
    run = run.subspan(count);
  }
}

engine::Payload Branch::together(std::span<const Message> events) {
  std::size_t bytes = 0;
  for (const Message& event : events) bytes += frame_of(event).size();
  engine::Payload frames = payloads_.make(bytes);
  char* out = frames.fill();
  for (const Message& event : events) out = std::ranges::copy(frame_of(event), out).out;
  return frames;
}

// Once on each shard that has somebody who takes it.
engine::Payload Branch::compressed(std::span<const Message> events) {
  if (!compressor_) compressor_.emplace(compression_);
  std::string frames;
  for (const Message& event : events) compressor_->append(frame_of(event), frames);
  return payloads_.make(frames);
}

void Branch::deliver(std::span<const Message> events, Bytes topic) {
  const auto at = topics_.find(topic);
  if (at == topics_.end()) return;  // the last one has just left
  const engine::Payload frames = together(events);
  const EventHead head = event_head_of(events.front());
  engine::Payload compressed_frames;
  // A subscriber that is given up leaves while we are at it.
  subscribers_ = at->second.subscribers;
  for (Subscriber* subscriber : subscribers_) {
    if (head.for_user && subscriber->user != head.user) continue;
    const bool compress = subscriber->takes_compressed;
    if (compress && !compressed_frames) compressed_frames = compressed(events);
    subscriber->deliver(compress ? compressed_frames : frames);
  }
}

}  // namespace ringpost::relay
