#pragma once

// What the relay answers over HTTP (spec 7.1 to 7.3). One set per shard.

#include <string>
#include <vector>

#include "engine/net/session_pool.h"
#include "protocols/http/routes.h"
#include "protocols/http/session.h"
#include "protocols/relay/client_id.h"
#include "protocols/relay/json_parser.h"
#include "protocols/relay/places.h"
#include "protocols/relay/session.h"

namespace ringpost::relay {

// WS-6, WS-7, C10: the fields of every response, and of the answer to OPTIONS.
inline constexpr engine::Bytes cors_fields =
    "vary: origin, access-control-request-method, access-control-request-headers\r\n"
    "access-control-allow-origin: *\r\n";
inline constexpr engine::Bytes cors_options_fields =
    "access-control-allow-methods: GET,POST,DELETE\r\n"
    "access-control-allow-headers: content-type\r\n";

// GET /health (WS-1)
class Health final : public http::Handler {
 public:
  void on_request(http::Session& session, const http::Request&, http::Bytes, http::Bytes) override;
};

// GET /
class Page final : public http::Handler {
 public:
  void on_request(http::Session& session, const http::Request&, http::Bytes, http::Bytes) override;
};

// What the two that take JSON have in common.
class JsonHandler : public http::Handler {
 public:
  explicit JsonHandler(JsonParser& json) : json_(json) {}
  bool on_head(http::Session& session, const http::Request& request, http::Bytes) override;
  void on_request(http::Session& session, const http::Request&, http::Bytes,
                  http::Bytes content) override;

 protected:
  ~JsonHandler() = default;
  // Deals with the body, or says what is wrong with it.
  virtual Errc on_json(http::Session& session, http::Bytes content) = 0;

  JsonParser& json_;
};

// POST /register (WS-2)
class Register final : public JsonHandler {
 public:
  // `public_url`: see registered_text.
  Register(JsonParser& json, const Places& places, ClientIdSource& ids, std::string public_url)
      : JsonHandler(json), places_(places), ids_(ids), public_url_(std::move(public_url)) {}
  void on_answer(http::Session& session, const engine::Message& message) override;

 private:
  Errc on_json(http::Session& session, http::Bytes content) override;

  const Places& places_;
  ClientIdSource& ids_;
  std::string public_url_;
};

// DELETE /register/ID (WS-3)
class Unregister final : public http::Handler {
 public:
  explicit Unregister(const Places& places) : places_(places) {}
  void on_request(http::Session& session, const http::Request&, http::Bytes id,
                  http::Bytes) override;
  void on_answer(http::Session& session, const engine::Message& message) override;

 private:
  const Places& places_;
};

// POST /publish (WS-4)
class Publish final : public JsonHandler {
 public:
  Publish(JsonParser& json, const Places& places) : JsonHandler(json), places_(places) {}
  void on_answer(http::Session& session, const engine::Message& message) override;

 private:
  Errc on_json(http::Session& session, http::Bytes content) override;

  const Places& places_;
};

// GET /ws/ID (WS-5, WS-11, WS-12)
class Upgrade final : public http::Handler {
 public:
  using Pool = engine::SessionPool<Session, SessionShared&>;

  // `compression`: whether offers of it are accepted.
  Upgrade(const Places& places, Pool& pool, websocket::Compression compression)
      : places_(places), pool_(pool), compression_(compression) {}
  void on_request(http::Session& session, const http::Request& request, http::Bytes id,
                  http::Bytes) override;
  void on_answer(http::Session& session, const engine::Message& message) override;

 private:
  const Places& places_;
  Pool& pool_;
  websocket::Compression compression_;
};

}  // namespace ringpost::relay
