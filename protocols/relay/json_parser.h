#pragma once

// JsonParser: the bodies that the relay takes. Unknown fields are ignored, a field that stands
// twice is wrong; ids are whole numbers from 0 to 2^64-1. What is no JSON comes before what has a
// wrong shape.
//
// What it gives points into the text or into the parser, and is valid as long as the text, until
// the next call. Keeps its memory, which grows with the largest body so far, until drop_scratch().
//
// Owned by: one shard. Called on: its shard only.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
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

struct TopicsRequest {
  std::span<const Bytes> topics;
  bool has_more = false;  // than a list may have: these are the first ones
};

class JsonParser {
 public:
  // `topics_max`: of a list. What is behind them is checked, and costs no memory.
  explicit JsonParser(std::size_t topics_max = 0) : topics_max_(topics_max) {}

  // WS-2
  Errc parse(Bytes text, Registration& registration);
  // WS-4
  Errc parse(Bytes text, Publication& publication);
  // WS-21: the topics that a client wants from now on.
  Errc parse(Bytes text, TopicsRequest& request);

  // Gives up what a large body took. What was given is not valid any more.
  void drop_scratch() { scanner_.drop_scratch(); }
  std::size_t scratch_bytes() const {
    return scanner_.scratch_bytes() + elements_.capacity() * sizeof(Bytes);
  }

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
  bool read_element();

  std::size_t topics_max_;
  JsonScanner scanner_;
  std::array<Value, field_count> values_;
  std::vector<Bytes> elements_;  // of the array of strings, if there is one: the first ones
  bool has_more_elements_ = false;
};

}  // namespace ringpost::relay
