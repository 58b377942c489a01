#include "protocols/relay/json_parser.h"

#define RAPIDJSON_SSE2  // strings are looked through by 16 bytes
#include <rapidjson/reader.h>

#include <array>
#include <charconv>
#include <cstring>
#include <system_error>

#include "protocols/websocket/utf8.h"

namespace ringpost::relay {

namespace {

// The fields that we know.
enum Field : std::size_t { user_id, topic, message, topics, field_count };
constexpr std::array<Bytes, field_count> field_names = {"user_id", "topic", "message", "topics"};

struct Value {
  enum class Type : std::uint8_t { absent, null, string, number, strings, other };
  Type type = Type::absent;
  Bytes text{};  // of a string, decoded; of a number, as it stands
  bool is_twice = false;
};

}  // namespace

// Follows a document's events and keeps the values of the fields that we know. Of what is deeper
// only the strings of an array count.
class JsonParser::Events final
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, JsonParser::Events> {
 public:
  void begin() {
    values = {};
    elements.clear();
    is_object = false;
    depth_ = 0;
    field_ = field_count;
  }

  bool Null() { return on_value({Value::Type::null}); }
  bool Bool(bool) { return on_value({Value::Type::other}); }
  bool RawNumber(const char* text, rapidjson::SizeType bytes, bool) {
    return on_value({Value::Type::number, {text, bytes}});
  }
  bool String(const char* text, rapidjson::SizeType bytes, bool) {
    return on_value({Value::Type::string, {text, bytes}});
  }
  bool Key(const char* text, rapidjson::SizeType bytes, bool) {
    if (depth_ != 1) return true;
    const Bytes name(text, bytes);
    field_ = 0;
    while (field_ != field_count && field_names[field_] != name) ++field_;
    return true;
  }
  bool StartObject() {
    if (depth_ == 0) is_object = true;
    on_value({Value::Type::other});
    ++depth_;
    return true;
  }
  bool StartArray() {
    on_value({depth_ == 1 ? Value::Type::strings : Value::Type::other});
    ++depth_;
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return on_end(); }
  bool EndArray(rapidjson::SizeType) { return on_end(); }

  std::array<Value, field_count> values;
  std::vector<Bytes> elements;  // of the array of strings, if there is one
  bool is_object = false;
  rapidjson::Reader reader;  // keeps the room for its stack

 private:
  bool on_value(const Value& value) {
    if (!is_object || field_ == field_count) return true;
    Value& kept = values[field_];
    if (depth_ == 1) {
      const bool is_twice = kept.type != Value::Type::absent;
      kept = value;
      kept.is_twice = is_twice;
    } else if (depth_ == 2 && kept.type == Value::Type::strings) {
      if (value.type != Value::Type::string) kept.type = Value::Type::other;
      if (field_ == topics) elements.push_back(value.text);
    }
    return true;
  }
  bool on_end() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  std::size_t field_ = field_count;  // that the next value of the outermost object is of
};

JsonParser::JsonParser() : events_(std::make_unique<Events>()) {}
JsonParser::~JsonParser() = default;

Errc JsonParser::read(Bytes text) {
  // RapidJSON ends at a 0, which is no JSON anyway; and looks at UTF-8 a byte at a time.
  if (text.find('\0') != Bytes::npos || !websocket::is_utf8(text)) return Errc::bad_syntax;
  constexpr std::size_t read_at_once = 16;  // from the last byte on, too
  text_.assign(text.begin(), text.end());
  text_.resize(text.size() + read_at_once);
  events_->begin();
  constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag |
                             rapidjson::kParseIterativeFlag;  // deep ones do not use up the stack
  rapidjson::InsituStringStream stream(text_.data());
  if (events_->reader.Parse<flags>(stream, *events_).IsError()) return Errc::bad_syntax;
  return events_->is_object ? Errc::none : Errc::not_an_object;
}

namespace {

std::optional<std::uint64_t> whole_number(const Value& value) {
  std::uint64_t number = 0;
  if (value.type != Value::Type::number || value.is_twice) return std::nullopt;
  const char* const end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

bool is_string(const Value& value) { return value.type == Value::Type::string && !value.is_twice; }

}  // namespace

Errc JsonParser::parse(Bytes text, Registration& registration) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const auto number = whole_number(events_->values[user_id]);
  if (!number) return Errc::bad_user_id;
  registration.user_id = *number;
  return Errc::none;
}

Errc JsonParser::parse(Bytes text, Publication& publication) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const Value& user = events_->values[user_id];
  const bool for_all = user.type == Value::Type::absent || user.type == Value::Type::null;
  publication.user_id = for_all ? std::nullopt : whole_number(user);
  if (user.is_twice || for_all == publication.user_id.has_value()) return Errc::bad_user_id;
  if (!is_string(events_->values[topic])) return Errc::bad_topic;
  if (!is_string(events_->values[message])) return Errc::bad_message;
  publication.topic = events_->values[topic].text;
  publication.message = events_->values[message].text;
  return Errc::none;
}

Errc JsonParser::parse(Bytes text, std::vector<Bytes>& wanted) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const Value& value = events_->values[topics];
  if (value.type != Value::Type::strings || value.is_twice) return Errc::bad_topics;
  wanted = events_->elements;
  return Errc::none;
}

}  // namespace ringpost::relay
