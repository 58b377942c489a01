#pragma once

// JsonParser: the bodies that the relay takes. Unknown fields are ignored, a field that stands
// twice is wrong; ids are whole numbers from 0 to 2^64-1. What is no JSON comes before what has a
// wrong shape.
//
// What it gives points into the text or into the parser, and is valid as long as the text, until
// the next call. Keeps its memory, which grows with the largest body so far.
//
// Owned by: one shard. Called on: its shard only.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/bytes.h"
#include "protocols/relay/errc.h"
#include "protocols/relay/json_scanner.h"

namespace ringpost::relay {

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
  // WS-2
  Errc parse(Bytes text, Registration& registration);
  // WS-4
  Errc parse(Bytes text, Publication& publication);
  // WS-21: the topics that a client wants from now on.
  Errc parse(Bytes text, std::vector<Bytes>& topics);

 private:
  // The fields that we know.
  enum Field : std::size_t { user_id, topic, message, topics, field_count };
  static constexpr std::array<Bytes, field_count> field_names = {"user_id", "topic", "message",
                                                                 "topics"};
  struct Value {
    enum class Type : std::uint8_t { absent, null, string, number, strings, other };
    Type type = Type::absent;
    bool is_twice = false;
    Bytes text{};  // of a string, decoded; of a number, as it stands

    bool is_string() const { return type == Type::string && !is_twice; }
    std::optional<std::uint64_t> whole_number() const;
  };

  Errc read(Bytes text);
  bool read_members();
  bool read_value(Value& value);
  bool read_strings(Value& value);

  JsonScanner scanner_;
  std::array<Value, field_count> values_;
  std::vector<Bytes> elements_;  // of the array of strings, if there is one
};

}  // namespace ringpost::relay
