#include "protocols/relay/registry.h"

#include <utility>

#include "engine/base/assert.h"
#include "protocols/relay/messages.h"

namespace ringpost::relay {

using engine::ActorRef;
using engine::Message;

namespace {

// So many times of expiry are not worth looking for those that nobody needs.
constexpr std::size_t unused_slack = 64;

}  // namespace

Registry::Registry(const Parts& parts, const RegistryOptions& options)
    : parts_(parts), options_(options) {
  expiry_.target = this;
}

Registry::~Registry() { parts_.timers.cancel(expiry_); }

void Registry::receive(std::span<const Message> run) {
  for (const Message& message : run) {
    switch (message.kind) {
      case kind_register:
        on_register(message);
        break;
      case kind_unregister:
        on_unregister(message);
        break;
      case kind_claim:
        on_claim(message);
        break;
      case kind_connected:
        on_connected(message);
        break;
      case kind_disconnected:
        on_disconnected(message);
        break;
      default:
        ASSERT(!"a message to a registry");
    }
  }
}

void Registry::on_register(const Message& message) {
  const ClientId id = id_of(message);
  const bool has_room = entries_.size() < options_.registrations_max;
  const bool added = has_room && entries_.try_emplace(id, Entry{user_of(message), {}}).second;
  if (!has_room) ++parts_.counters.limit_registrations;
  if (added) {
    unused_.push({id, parts_.now + options_.unused_timeout});
    if (unused_.size() > 2 * entries_.size() + unused_slack) forget_used();
    if (!expiry_.scheduled()) parts_.timers.schedule(expiry_, unused_.front().expires);
  }
  Message& answer = parts_.post.answer(message, kind_registered);
  answer.value = added ? 1 : 0;
  put_id(answer, id);
}

void Registry::on_unregister(const Message& message) {
  const ClientId id = id_of(message);
  const auto at = entries_.find(id);
  const bool known = at != entries_.end();
  if (known) {
    dismiss(at->second.session, message.to);
    entries_.erase(at);
  }
  Message& answer = parts_.post.answer(message, kind_unregistered);
  answer.value = known ? 1 : 0;
  put_id(answer, id);
}

void Registry::on_claim(const Message& message) {
  engine::Payload response = engine::take_payload(message);
  const ClientId id = id_of(message);
  const auto at = entries_.find(id);
  Message& answer = parts_.post.answer(message, kind_claimed);
  answer.value = at == entries_.end() ? 0 : 1;
  answer.put_payload(std::move(response));
  put_id(answer, id);
  put_user(answer, at == entries_.end() ? 0 : at->second.user);
}

void Registry::on_connected(const Message& message) {
  const auto at = entries_.find(id_of(message));
  if (at == entries_.end()) return dismiss(message.from, message.to);
  dismiss(at->second.session, message.to);
  at->second.session = message.from;
}

void Registry::on_disconnected(const Message& message) {
  const auto at = entries_.find(id_of(message));
  if (at != entries_.end() && at->second.session == message.from) entries_.erase(at);
}

void Registry::dismiss(ActorRef session, ActorRef from) {
  if (session) parts_.post.tell(session, from, kind_removed);
}

Registry::Entries::iterator Registry::find_unused(const ClientId& id) {
  const auto at = entries_.find(id);
  return at == entries_.end() || at->second.session ? entries_.end() : at;
}

// They are more than half, so that each registration pays for little more than its own.
void Registry::forget_used() {
  engine::Fifo<Unused> kept;
  for (const Unused& unused : unused_) {
    if (find_unused(unused.id) != entries_.end()) kept.push(unused);
  }
  unused_ = std::move(kept);
}

void Registry::on_time() {
  while (!unused_.empty() && unused_.front().expires <= parts_.now) {
    const auto at = find_unused(unused_.pop().id);
    if (at == entries_.end()) continue;
    entries_.erase(at);
    ++parts_.counters.registrations_expired;
  }
  if (!unused_.empty()) parts_.timers.schedule(expiry_, unused_.front().expires);
}

}  // namespace ringpost::relay
