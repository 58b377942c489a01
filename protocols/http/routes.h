#pragma once

// Routes: which handler has which path. Wired once per shard; looking up costs a comparison per
// path, because a service has a handful of them.

#include <string>
#include <vector>

#include "engine/actor/message.h"
#include "protocols/http/format.h"
#include "protocols/http/request_parser.h"

namespace ringpost::http {

class Session;

// What is done with requests to one or more routes, on one shard. Called on: its shard only.
class Handler {
 public:
  // A head whose content, if any, is still to come. False: it was answered by Session::respond
  // already, and the content is skipped.
  virtual bool on_head(Session&, const Request&, Bytes /*parameter*/) { return true; }
  // A whole request; `parameter` is what stood for the route's `*`. Request and content are valid
  // during the call. Ensures: the session was asked for exactly one of respond and ask.
  virtual void on_request(Session& session, const Request& request, Bytes parameter,
                          Bytes content) = 0;
  // The answer to an ask; the handler owns what it holds. Ensures: the session was told either to
  // resolve it or to upgrade.
  virtual void on_answer(Session&, const engine::Message&) {}

 protected:
  ~Handler() = default;
};

class Routes {
 public:
  // `path` is compared as a whole; if it ends with `/*`, that stands for one segment, not empty.
  // GET has HEAD, too. Requires: no route of that method and path; `handler` outlives the table.
  void add(Method method, std::string path, Handler& handler);
  // Who gets answers of that kind. Requires: nobody yet.
  void answered_by(std::uint16_t kind, Handler& handler);

  struct Match {
    Handler* handler = nullptr;  // null: see `allow`
    Bytes parameter;
    Bytes allow;  // methods of the path, as the field has them; empty: no such path
  };
  Match find(Method method, Bytes path) const;
  // Requires: there is one.
  Handler& answered(std::uint16_t kind) const;

 private:
  struct Entry {
    Method method;
    Handler* handler;
  };
  struct Path {
    std::string text;  // with the slash, without the asterisk
    bool has_parameter;
    std::vector<Entry> entries;
    std::string allow;
  };
  struct Answer {
    std::uint16_t kind;
    Handler* handler;
  };

  std::vector<Path> paths_;
  std::vector<Answer> answers_;
};

}  // namespace ringpost::http
