#pragma once

// JsonParser: the bodies that the relay takes, by RapidJSON's events, which tell a number that is
// no JSON from one that is too large. Unknown fields are ignored, a field that stands twice is
// wrong; ids are whole numbers from 0 to 2^64-1. What is no JSON comes before what has a wrong
// shape.
//
// What it gives points into the parser, and is valid until the next call. Keeps its memory, which
// grows with the largest body so far.
//
// Owned by: one shard. Called on: its shard only.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/bytes.h"
#include "protocols/relay/errc.h"

namespace ringpost::relay {

using engine::Bytes;

struct Registration {
  std::uint64_t user_id = 0;
};

struct Publication {
  Bytes topic;
  Bytes message;
  std::optional<std::uint64_t> user_id;  // nothing: for everybody
};

class JsonParser {
 public:
  JsonParser();
  ~JsonParser();
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

  // WS-2
  Errc parse(Bytes text, Registration& registration);
  // WS-4
  Errc parse(Bytes text, Publication& publication);
  // WS-21: the topics that a client wants from now on.
  Errc parse(Bytes text, std::vector<Bytes>& topics);

 private:
  class Events;
  Errc read(Bytes text);

  std::unique_ptr<Events> events_;
  std::vector<char> text_;  // strings are decoded where they stand
};

}  // namespace ringpost::relay
