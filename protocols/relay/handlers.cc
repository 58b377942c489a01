#include "protocols/relay/handlers.h"

#include <cstring>

#include "engine/base/assert.h"
#include "protocols/relay/messages.h"
#include "protocols/relay/page.h"
#include "protocols/relay/writer.h"
#include "protocols/websocket/deflate_offer_parser.h"
#include "protocols/websocket/handshake.h"
#include "protocols/websocket/writer.h"

namespace ringpost::relay {

using engine::Message;
using http::Bytes;
using http::Request;

namespace {

constexpr Bytes json_type = "application/json";
constexpr Bytes text_type = "text/plain; charset=utf-8";

// application/json or application/*+json, whatever parameters follow (7.2).
bool is_json(Bytes content_type) {
  const Bytes type = http::trimmed(content_type.substr(0, content_type.find(';')));
  if (http::equals_ignoring_case(type, json_type)) return true;
  constexpr Bytes front = "application/", back = "+json";
  return type.size() > front.size() + back.size() &&
         http::equals_ignoring_case(type.substr(0, front.size()), front) &&
         http::equals_ignoring_case(type.substr(type.size() - back.size()), back);
}

bool list_has(Bytes list, Bytes lower) {
  bool found = false;
  http::for_each_in_list(list, [&](Bytes one) { found |= http::equals_ignoring_case(one, lower); });
  return found;
}

// The line of a response that accepts the first offer that can be; empty: there is none.
std::string accepted_extensions(const Request& request) {
  for (const http::Field& field : request.fields()) {
    if (!http::equals_ignoring_case(field.name, "sec-websocket-extensions")) continue;
    const Bytes answer = websocket::answer_deflate_offers(field.value);
    if (!answer.empty()) return std::string(extensions_field).append(answer) + "\r\n";
  }
  return {};
}

}  // namespace

void Health::on_request(http::Session& session, const Request&, Bytes, Bytes) {
  session.respond({.content_type = json_type, .content = health_text});
}

void Page::on_request(http::Session& session, const Request&, Bytes, Bytes) {
  session.respond({.content_type = "text/html; charset=utf-8", .content = page_html()});
}

// --- JSON ----------------------------------------------------------------------------------------

bool JsonHandler::on_head(http::Session& session, const Request& request, Bytes) {
  if (is_json(request.find("content-type"))) return true;
  session.respond({.status = 415,
                   .content_type = text_type,
                   .content = "Expected request with `Content-Type: application/json`"});
  return false;
}

void JsonHandler::on_request(http::Session& session, const Request&, Bytes, Bytes content) {
  const Errc errc = on_json(session, content);
  json_.drop_scratch();
  if (errc == Errc::none) return;
  const std::string text = refused_text(errc);
  session.respond({.status = status_of(errc), .content_type = text_type, .content = text});
}

Errc Register::on_json(http::Session& session, Bytes content) {
  Registration registration;
  const Errc errc = json_.parse(content, registration);
  if (errc != Errc::none) return errc;
  const ClientId id = ids_.next();
  Message& message = session.ask(places_.registry_of(id), kind_register);
  put_id(message, id);
  put_user(message, registration.user_id);
  return Errc::none;
}

void Register::on_answer(http::Session& session, const Message& message) {
  if (message.value == 0) return session.resolve(message.token, {.status = 503});
  const std::string text = registered_text(public_url_, id_of(message));
  session.resolve(message.token, {.content_type = json_type, .content = text});
}

Errc Publish::on_json(http::Session& session, Bytes content) {
  Publication publication;
  const Errc errc = json_.parse(content, publication);
  if (errc != Errc::none) return errc;
  const Bytes topic = publication.topic;
  const Bytes text = publication.message;
  const websocket::FrameHeader header{.opcode = websocket::Opcode::text,
                                      .payload_bytes = text.size()};
  engine::Payload event =
      session.link().payloads().make(topic.size() + websocket::header_bytes(header) + text.size());
  std::memcpy(event.fill(), topic.data(), topic.size());
  char* const out = websocket::write_header(event.fill() + topic.size(), header);
  std::memcpy(out, text.data(), text.size());

  Message& message = session.ask(places_.exchange_of(topic), kind_publish);
  put_event_head(message, {.user = publication.user_id.value_or(0),
                           .topic_bytes = static_cast<std::uint32_t>(topic.size()),
                           .for_user = publication.user_id.has_value()});
  message.put_payload(std::move(event));
  return Errc::none;
}

void Publish::on_answer(http::Session& session, const Message& message) {
  session.resolve(message.token, {.content = published_text});
}

// --- Ids -----------------------------------------------------------------------------------------

void Unregister::on_request(http::Session& session, const Request&, Bytes text, Bytes) {
  const auto id = ClientId::parse(text);
  if (!id) {
    const std::string unknown = unknown_text(text);
    return session.respond({.status = 404, .content = unknown});
  }
  put_id(session.ask(places_.registry_of(*id), kind_unregister), *id);
}

void Unregister::on_answer(http::Session& session, const Message& message) {
  const ClientId id = id_of(message);
  const auto id_text = id.text();
  const bool known = message.value != 0;
  const std::string text =
      known ? removed_text(id) : unknown_text({id_text.data(), id_text.size()});
  session.resolve(message.token,
                  {.status = static_cast<std::uint16_t>(known ? 200 : 404), .content = text});
}

// The checks stand in the order of the table of 7.2, and behind them the id.
void Upgrade::on_request(http::Session& session, const Request& request, Bytes text, Bytes) {
  const auto refuse = [&](std::uint16_t status, Bytes why) {
    session.respond({.status = status, .content_type = text_type, .content = why});
  };
  if (request.method == http::Method::head) {
    return session.respond({.status = 405, .fields = "allow: GET\r\n"});
  }
  if (!request.wants_upgrade) return refuse(400, "Connection header did not include 'upgrade'");
  if (!list_has(request.find("upgrade"), "websocket")) {
    return refuse(400, "`Upgrade` header did not include 'websocket'");
  }
  if (request.find("sec-websocket-version") != "13") {
    return refuse(400, "`Sec-WebSocket-Version` header did not include '13'");
  }
  const Bytes key = request.find("sec-websocket-key");
  if (key.empty()) return refuse(400, "`Sec-WebSocket-Key` header missing");
  if (request.minor_version == 0) {
    return refuse(426, "WebSocket request couldn't be upgraded since no upgrade state was present");
  }
  const auto id = ClientId::parse(text);
  if (!id) {
    const std::string unknown = unknown_text(text);
    return session.respond({.status = 404, .content = unknown});
  }

  const websocket::AcceptKey accept = websocket::accept_key(key);
  std::string fields = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ";
  fields.append(accept.data(), accept.size());
  fields += "\r\n";
  if (compression_ == websocket::Compression::deflate) fields += accepted_extensions(request);
  engine::Payload response = session.upgrade_response(fields);
  Message& message = session.ask_to_upgrade(places_.registry_of(*id), kind_claim);
  put_id(message, *id);
  message.put_payload(std::move(response));
}

void Upgrade::on_answer(http::Session& session, const Message& message) {
  engine::Payload response = engine::take_payload(message);
  const ClientId id = id_of(message);
  if (message.value == 0) {
    const auto id_text = id.text();
    const std::string text = unknown_text({id_text.data(), id_text.size()});
    return session.resolve(message.token, {.status = 404, .content = text});
  }
  auto& next = static_cast<Session&>(pool_.open());
  next.claim(id, user_of(message), std::move(response));
  session.upgrade(next, pool_);
}

}  // namespace ringpost::relay
