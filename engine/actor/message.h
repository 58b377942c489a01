#pragma once

// Message: what crosses shards, and nothing else does. One cache line, trivially copyable, moved by
// memcpy through queues and lanes. The body holds either plain values, or one counted or owned
// thing named by `holds`; whoever takes the message out of a queue owns that thing and either takes
// it or calls `dispose`.

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>

#include "engine/actor/actor_ref.h"
#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/constants.h"
#include "engine/base/payload.h"

namespace ringpost::engine {

// The engine's own kinds. A protocol numbers its kinds from `kind_protocol_first`; they are told
// apart by who receives them.
enum EngineKind : std::uint16_t {
  kind_gone = 1,  // answers an ask whose actor is gone
  kind_sync,    // ask: answered once everything told before it, by the same shard, has been handled
  kind_synced,  // the answer
  kind_socket,  // an accepted socket on its way to the shard that will serve it
  kind_closed_count,  // a shard tells the acceptor how many connections ended
  kind_drain,         // stop accepting, say goodbye, finish
  kind_drain_round,   // ask: has anything moved since the last round?
  kind_drain_report,  // the answer
  kind_drain_finish,  // all quiet: flush and close
  kind_drain_skip,    // the second signal: end at once
  kind_counters,      // a foreign thread asks for the shard's counters
  kind_resolved,      // answers Resolver::resolve: holds an Addresses
  kind_protocol_first = 64,
};

// What a message owns beyond its own bytes.
enum class Holds : std::uint8_t {
  nothing,
  payload,     // body starts with a counted PayloadBlock*
  descriptor,  // body starts with an open file descriptor (int)
  object,      // body starts with an owned MessageObject*
};

// What does not fit into a body and is no run of bytes: a list of addresses. Rare by nature: each
// is an allocation. Made on one thread and destroyed on another, so it holds nothing of either.
struct MessageObject {
  MessageObject() = default;
  MessageObject(const MessageObject&) = delete;
  MessageObject& operator=(const MessageObject&) = delete;
  virtual ~MessageObject() = default;
};

struct alignas(cache_line_size) Message {
  static constexpr std::size_t body_bytes = 32;

  ActorRef to;
  ActorRef from;
  std::uint64_t token;  // the asker's own, echoed in the answer
  std::uint16_t kind;
  std::uint8_t length;  // bytes of the body in use, where the kind needs it
  Holds holds : 4;
  bool is_ask : 1;      // the sender waits for an answer with its token
  std::uint32_t value;  // a number that the kind defines
  char body[body_bytes];

  // Trivially copyable values in the body, at an offset.
  template <typename T>
  T get(std::size_t offset = 0) const {
    static_assert(std::is_trivially_copyable_v<T>);
    DASSERT(offset + sizeof(T) <= body_bytes);
    T result;
    std::memcpy(&result, body + offset, sizeof(T));
    return result;
  }
  template <typename T>
  void put(const T& content, std::size_t offset = 0) {
    static_assert(std::is_trivially_copyable_v<T>);
    DASSERT(offset + sizeof(T) <= body_bytes);
    std::memcpy(body + offset, &content, sizeof(T));
  }

  // Inline bytes from offset 0.
  void put_bytes(Bytes content) {
    DASSERT(content.size() <= body_bytes);
    std::memcpy(body, content.data(), content.size());
    length = static_cast<std::uint8_t>(content.size());
  }
  Bytes inline_bytes() const { return Bytes(body, length); }

  // The payload's reference moves into the message, at offset 0; 24 bytes remain behind it.
  void put_payload(Payload payload) {
    put(payload.release());
    holds = Holds::payload;
  }
  // Reads it without taking it.
  Bytes payload_bytes() const {
    DASSERT(holds == Holds::payload);
    const auto* block = get<const PayloadBlock*>();
    return Bytes(block->data(), block->size);
  }

  // The object moves into the message, at offset 0; 24 bytes remain behind it.
  void put_object(std::unique_ptr<MessageObject> object) {
    put(object.release());
    holds = Holds::object;
  }
  // Reads it without taking it. Requires: the kind says that it is a T.
  template <typename T>
  const T& object() const {
    const MessageObject* content = held_object();
    DASSERT(dynamic_cast<const T*>(content) != nullptr);
    return *static_cast<const T*>(content);
  }
  MessageObject* held_object() const {
    DASSERT(holds == Holds::object);
    return get<MessageObject*>();
  }
};
static_assert(sizeof(Message) == cache_line_size);
static_assert(std::is_trivially_copyable_v<Message>);

// Takes the payload out of a received message; the message holds nothing afterwards (to whoever
// took it, by value or in place).
inline Payload take_payload(const Message& message) {
  DASSERT(message.holds == Holds::payload);
  return Payload::adopt(message.get<PayloadBlock*>());
}

// Takes the object out of a received message, as `take_payload` does. Requires: the kind says that
// it is a T.
template <typename T>
std::unique_ptr<T> take_object(const Message& message) {
  MessageObject* content = message.held_object();
  DASSERT(dynamic_cast<T*>(content) != nullptr);
  return std::unique_ptr<T>(static_cast<T*>(content));
}

// Drops what a message holds, by kind of holding: a count, an object, or a descriptor through
// `close_descriptor`. Every message that nobody will handle ends here: a stale generation, a lane
// torn down, a drain.
template <typename CloseDescriptor>
void dispose(const Message& message, CloseDescriptor&& close_descriptor) {
  switch (message.holds) {
    case Holds::nothing:
      return;
    case Holds::payload:
      take_payload(message).reset();
      return;
    case Holds::descriptor:
      close_descriptor(message.get<int>());
      return;
    case Holds::object:
      delete message.held_object();
      return;
  }
}

}  // namespace ringpost::engine
