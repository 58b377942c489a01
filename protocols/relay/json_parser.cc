#include "protocols/relay/json_parser.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "protocols/websocket/utf8.h"

namespace ringpost::relay {

std::optional<std::uint64_t> JsonParser::Value::whole_number() const {
  std::uint64_t number = 0;
  if (type != Type::number || is_twice) return std::nullopt;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

Errc JsonParser::read(Bytes text) {
  values_ = {};
  elements_.clear();
  has_more_elements_ = false;
  if (!websocket::is_utf8(text)) return Errc::bad_syntax;
  scanner_.begin(text);
  const bool is_object = scanner_.next() == '{';
  const bool is_json = (is_object ? read_members() : scanner_.skip()) && scanner_.at_end();
  if (!is_json) return Errc::bad_syntax;
  return is_object ? Errc::none : Errc::not_an_object;
}

bool JsonParser::read_members() {
  if (!scanner_.take('{')) return false;
  if (scanner_.take('}')) return true;
  do {
    Bytes name;
    if (!scanner_.name(name)) return false;
    const auto* const known = std::ranges::find(field_names, name);
    const auto field = static_cast<std::size_t>(known - field_names.begin());
    if (!(field == field_count ? scanner_.skip() : read_value(values_[field]))) return false;
  } while (scanner_.take(','));
  return scanner_.take('}');
}

bool JsonParser::read_value(Value& value) {
  using Type = Value::Type;
  value.is_twice = value.type != Type::absent;
  const char first = scanner_.next();
  if (first == '"') {
    value.type = Type::string;
    return scanner_.string(value.text);
  }
  if (first == '-' || (first >= '0' && first <= '9')) {
    value.type = Type::number;
    return scanner_.number(value.text);
  }
  if (first == '[' && &value == &values_[topics]) return read_strings(value);
  value.type = first == 'n' ? Type::null : Type::other;
  return scanner_.skip();
}

bool JsonParser::read_strings(Value& value) {
  value.type = Value::Type::strings;
  if (!scanner_.take('[')) return false;
  if (scanner_.take(']')) return true;
  do {
    if (scanner_.next() == '"') {
      if (!read_element()) return false;
    } else {
      value.type = Value::Type::other;
      if (!scanner_.skip()) return false;
    }
  } while (scanner_.take(','));
  return scanner_.take(']');
}

bool JsonParser::read_element() {
  Bytes element;
  if (!scanner_.string(element)) return false;
  if (elements_.size() == topics_max_) {
    has_more_elements_ = true;
  } else {
    elements_.push_back(element);
  }
  return true;
}

Errc JsonParser::parse(Bytes text, Registration& registration) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const auto number = values_[user_id].whole_number();
  if (!number) return Errc::bad_user_id;
  registration.user_id = *number;
  return Errc::none;
}

Errc JsonParser::parse(Bytes text, Publication& publication) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const Value& user = values_[user_id];
  const bool for_all = user.type == Value::Type::absent || user.type == Value::Type::null;
  publication.user_id = for_all ? std::nullopt : user.whole_number();
  if (user.is_twice || for_all == publication.user_id.has_value()) return Errc::bad_user_id;
  if (!values_[topic].is_string()) return Errc::bad_topic;
  if (!values_[message].is_string()) return Errc::bad_message;
  publication.topic = values_[topic].text;
  publication.message = values_[message].text;
  return Errc::none;
}

Errc JsonParser::parse(Bytes text, TopicsRequest& request) {
  const Errc errc = read(text);
  if (errc != Errc::none) return errc;
  const Value& value = values_[topics];
  if (value.type != Value::Type::strings || value.is_twice) return Errc::bad_topics;
  request = {.topics = elements_, .has_more = has_more_elements_};
  return Errc::none;
}

}  // namespace ringpost::relay
