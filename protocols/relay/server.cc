#include "protocols/relay/server.h"

#include "protocols/relay/messages.h"

namespace ringpost::relay {

using http::Method;

Server::Server(const Parts& parts, const Places& places, const ServerOptions& options)
    : places_(places),
      session_shared_(options.session, parts.branch, places_),
      subscribers_(session_shared_),
      register_(json_, places_, parts.ids, options.public_url),
      unregister_(places_),
      publish_(json_, places_),
      upgrade_(places_, subscribers_, options.session.compression),
      http_shared_(with_cors(options.http), routes_, parts.clock),
      http_(http_shared_) {
  routes_.add(Method::get, "/", page_);
  routes_.add(Method::get, "/health", health_);
  routes_.add(Method::post, "/register", register_);
  routes_.add(Method::delete_, "/register/*", unregister_);
  routes_.add(Method::post, "/publish", publish_);
  routes_.add(Method::get, "/ws/*", upgrade_);
  routes_.answered_by(kind_registered, register_);
  routes_.answered_by(kind_unregistered, unregister_);
  routes_.answered_by(kind_published, publish_);
  routes_.answered_by(kind_claimed, upgrade_);
}

http::SessionOptions Server::with_cors(http::SessionOptions options) {
  options.fields = cors_fields;
  options.options_fields = cors_options_fields;
  return options;
}

}  // namespace ringpost::relay
