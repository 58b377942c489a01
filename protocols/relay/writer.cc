#include "protocols/relay/writer.h"

namespace ringpost::relay {

using engine::Bytes;

namespace {

Bytes reason(Errc errc) {
  switch (errc) {
    case Errc::none:
      return "";
    case Errc::bad_syntax:
      return "not JSON, or more than one value";
    case Errc::bad_user_id:
      return "user_id: expected a whole number from 0 to 18446744073709551615";
    case Errc::bad_topic:
      return "topic: expected a string";
    case Errc::bad_message:
      return "message: expected a string";
    case Errc::bad_topics:
      return "topics: expected a list of strings";
    case Errc::not_an_object:
      return "expected an object";
  }
  return "";
}

std::string joined(Bytes first, Bytes second, Bytes third = {}) {
  std::string text(first);
  text += second;
  text += third;
  return text;
}

Bytes view(const std::array<char, id_text_bytes>& text) { return {text.data(), text.size()}; }

}  // namespace

std::string registered_text(Bytes public_url, const ClientId& id) {
  return joined(joined(R"({"url":")", public_url, "/ws/"), view(id.text()), R"("})");
}

std::string removed_text(const ClientId& id) {
  return joined("Client removed with id ", view(id.text()));
}

std::string unknown_text(Bytes id) { return joined("Client not found with id ", id); }

std::string refused_text(Errc errc) {
  const Bytes fixed = errc == Errc::bad_syntax
                          ? "Failed to parse the request body as JSON: "
                          : "Failed to deserialize the JSON body into the target type: ";
  return joined(fixed, reason(errc));
}

}  // namespace ringpost::relay
