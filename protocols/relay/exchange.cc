#include "protocols/relay/exchange.h"

#include <bit>

#include "engine/base/assert.h"
#include "protocols/relay/messages.h"

namespace ringpost::relay {

using engine::Bytes;
using engine::Message;
using engine::Payload;

namespace {
// How often is looked whether full queues have room again.
constexpr engine::Nanos recheck_nanos = engine::nanos_per_ms;

std::uint64_t bit_of(const engine::ActorRef& branch) { return std::uint64_t{1} << branch.shard(); }
}  // namespace

Exchange::Exchange(const Parts& parts, const std::vector<engine::ActorRef>& branches)
    : parts_(parts), branches_(branches) {
  recheck_.target = this;
}

Exchange::~Exchange() { parts_.timers.cancel(recheck_); }

void Exchange::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_publish:
        on_publish(message);
        break;
      case kind_subscribe:
        on_subscribe(message);
        break;
      case kind_unsubscribe:
        on_unsubscribe(message);
        break;
      default:
        ASSERT(!"a message to an exchange");
    }
  }
  // Behind all events of the run, so that a branch of this shard gets these as a run, too.
  while (!placed_.empty()) parts_.post.answer(placed_.pop(), kind_published);
  answer_waiting();
}

void Exchange::on_publish(const Message& message) {
  const EventHead head = event_head_of(message);
  const Payload event = engine::take_payload(message);
  const auto topic = topics_.find(event.bytes().substr(0, head.topic_bytes));
  std::uint64_t shards = topic == topics_.end() ? 0 : topic->second;
  bool must_wait = false;
  while (shards != 0) {
    const auto shard = static_cast<std::uint32_t>(std::countr_zero(shards));
    shards &= shards - 1;
    Message& placed = parts_.post.tell(branches_[shard], message.to, kind_event);
    placed.put_payload(event.share());
    put_event_head(placed, head);
    must_wait |= shard != parts_.post.shard() && parts_.post.full(shard);
  }
  Message question = message;
  question.holds = engine::Holds::nothing;
  if (!must_wait) return placed_.push(question);
  ++parts_.counters.limit_publish_waits;
  waiting_.push(question);
  if (!recheck_.scheduled()) parts_.timers.schedule(recheck_, parts_.now + recheck_nanos);
}

void Exchange::answer_waiting() {
  if (parts_.post.congested()) return;
  while (!waiting_.empty()) parts_.post.answer(waiting_.pop(), kind_published);
}

void Exchange::on_time() {
  answer_waiting();
  if (!waiting_.empty()) parts_.timers.schedule(recheck_, parts_.now + recheck_nanos);
}

void Exchange::on_subscribe(const Message& message) {
  const Payload topic = engine::take_payload(message);
  topics_.try_emplace(std::string(topic.bytes()), 0).first->second |= bit_of(message.from);
}

void Exchange::on_unsubscribe(const Message& message) {
  const Payload topic = engine::take_payload(message);
  const auto at = topics_.find(topic.bytes());
  ASSERT(at != topics_.end());
  at->second &= ~bit_of(message.from);
  if (at->second == 0) topics_.erase(at);
}

}  // namespace ringpost::relay
