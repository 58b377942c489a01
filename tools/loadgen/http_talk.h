#pragma once

// HttpTalk: one request, over and over, to any HTTP/1.1 server; and each response is looked at: its
// framing byte by byte, its status, and whether its body is that of the first one of its status.
//
// Most servers answer the same request by the same bytes, but for a date that changes once a
// second. So a response is first compared with the last one, as a whole; only one that differs is
// parsed.
//
// A connection that the server ends behind a response, as it may, is retired: the Client opens
// another one, on which the requests without an answer are written again.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocols/http/body_parser.h"
#include "protocols/http/response_parser.h"
#include "tools/loadgen/http_request.h"
#include "tools/loadgen/status_counts.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

// The first body of each status in a run: what the others must be. Called on: any shard.
class FirstBodies {
 public:
  // Null: none yet.
  const std::string* find(std::uint16_t status) const {
    // Pairs with the release in `offer`: the body is whole.
    return place(status).load(std::memory_order_acquire);
  }
  // Keeps `body` if it is the first; returns the one that is.
  const std::string& offer(std::uint16_t status, std::string body);

 private:
  using Place = std::atomic<const std::string*>;
  const Place& place(std::uint16_t status) const {
    return places_[status - std::size_t{StatusCounts::status_min}];
  }

  std::mutex mutex_;  // of those who offer
  std::vector<std::unique_ptr<const std::string>> bodies_;
  std::array<Place, StatusCounts::status_max - StatusCounts::status_min + 1> places_{};
};

// What the talks of one run have in common.
struct HttpScript {
  // `request`: as bytes, see render_request.
  HttpScript(const HttpOptions& http_options, const std::string& request);

  HttpOptions options;
  http::Limits limits;
  bool asks_head;
  std::size_t request_bytes;
  std::string requests;  // some of them, one behind the other
  std::unique_ptr<FirstBodies> first_bodies = std::make_unique<FirstBodies>();
};

class HttpTalk final : public Talk {
 public:
  // `script` outlives the talk.
  explicit HttpTalk(const HttpScript& script);

  void open(engine::Link& link, TalkTarget& target) override;
  void request(std::uint64_t count) override;
  std::uint64_t fitting(std::uint64_t bytes_max) const override;
  std::size_t read(Bytes bytes) override;
  void ended(Bytes rest) override;
  void finish() override {}

 private:
  // Replies one behind the other that are all alike.
  struct Run {
    std::uint16_t status = 0;
    bool is_right = true;
    std::uint64_t count = 0;
  };

  // How many bytes were dealt with; nothing: more must come.
  std::optional<std::size_t> read_head(Bytes rest);
  std::optional<std::size_t> read_body(Bytes rest);
  std::size_t read_repeated(Bytes rest);
  std::size_t on_malformed(http::Errc errc, std::size_t at, Bytes rest);
  void check_content(Bytes piece);
  std::string what_is_wrong_with_body();
  void finish_reply();
  void add_to_run(std::uint16_t status, bool is_right, std::uint64_t count);
  void tell_run();

  const HttpScript& script_;
  engine::Link* link_ = nullptr;
  TalkTarget* target_ = nullptr;
  http::ResponseParser head_parser_;
  http::BodyParser body_parser_;
  std::uint64_t unanswered_ = 0;
  std::uint64_t sequence_ = 0;      // of the reply that comes next
  std::uint64_t bytes_before_ = 0;  // of all earlier reads
  Bytes read_bytes_;                // within `read`: all of it
  std::size_t used_ = 0;            // ... and how much of it was dealt with
  bool over_ = false;               // nothing more is to be read here
  Run run_;                         // empty between reads
  // The reply that is being read.
  bool in_body_ = false;
  http::BodyKind body_kind_ = http::BodyKind::none;
  std::uint16_t status_ = 0;
  bool keep_alive_ = true;
  std::size_t began_at_ = 0;      // in read_bytes_; npos: in an earlier read
  std::uint64_t body_bytes_ = 0;  // so far
  const std::string* first_ =
      nullptr;              // what the body must be; null: not known yet, or not compared
  std::string own_body_;    // while that is not known
  std::string difference_;  // how it is not what it must be; empty: it is
  // The last reply that lay in one read.
  std::string last_;
  Run last_run_;
};

class HttpProtocol final : public Protocol {
 public:
  HttpProtocol(const HttpOptions& options, const Target& target)
      : script_(options, render_request(options, target)) {}
  std::unique_ptr<Talk> talk(std::uint64_t) const override {
    return std::make_unique<HttpTalk>(script_);
  }

 private:
  HttpScript script_;
};

}  // namespace ringpost::loadgen
