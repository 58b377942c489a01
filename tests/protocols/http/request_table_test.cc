// The tables of corpus/ through the session of a connection: what is refused and what is taken, the
// same however the bytes were split.

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "protocols/http/session.h"
#include "tests/engine/net/test_link.h"
#include "tests/protocols/http/request_table.h"

namespace ringpost::http {
namespace {

using engine::CloseReason;
using engine::LinkWorld;
using engine::TestLink;

class FixedClock final : public WallClock {
 public:
  engine::Nanos unix_nanos() const override { return 784111777 * engine::nanos_per_s; }
};

class Fine final : public Handler {
 public:
  void on_request(Session& session, const Request&, Bytes, Bytes) override { session.respond({}); }
};

struct Response {
  int status;
  bool closes;
};

// What a connection does with one stream.
struct Outcome {
  std::vector<Response> responses;  // without those that only say Continue
  CloseReason goodbye = CloseReason::none;
  std::size_t bytes_left = 0;
};

class RequestTables : public ::testing::Test {
 protected:
  RequestTables() : shared_(options(), routes_, clock_) {
    routes_.add(Method::get, "/health", fine_);
    routes_.add(Method::post, "/register", fine_);
  }

  static SessionOptions options() {
    SessionOptions options;
    options.options_fields = "allowed: all\r\n";
    return options;
  }
  static std::vector<TableRow> rows(const char* name) {
    return RequestTable(RINGPOST_HTTP_CORPUS "/" + std::string(name)).rows();
  }

  Outcome outcome_of(const std::vector<std::string>& pieces) {
    LinkWorld world;
    TestLink link(world);
    Session session(shared_);
    session.on_open(link);
    std::string held;
    for (const std::string& piece : pieces) {
      held += piece;
      if (!held.empty() && !link.paused()) held.erase(0, session.on_bytes(held));
    }
    Outcome outcome{responses_of(link.take_output()), link.goodbye, held.size()};
    session.on_closed(outcome.goodbye);
    EXPECT_EQ(shared_.budget.bytes, 0u);
    EXPECT_EQ(world.buffers.taken_bytes(), 0u);
    return outcome;
  }

  static std::vector<Response> responses_of(const std::string& output) {
    std::vector<Response> found;
    for (std::size_t at = 0; at < output.size();) {
      const std::size_t end = output.find("\r\n\r\n", at);
      EXPECT_NE(end, std::string::npos);
      const std::string head = output.substr(at, end + 2 - at);
      const int status = std::stoi(head.substr(9, 3));
      if (status != 100) {
        found.push_back({status, head.find("connection: close\r\n") != std::string::npos});
      }
      const std::size_t length = head.find("content-length: ");
      at = end + 4;
      if (length != std::string::npos) at += std::stoul(head.substr(length + 16));
    }
    return found;
  }

  // Whole, in single bytes, and cut in two at every place; of a long run not at all places of it.
  template <typename Check>
  void for_each_split(const std::string& stream, Check check) {
    check(outcome_of({stream}));
    std::vector<std::string> single;
    for (const char c : stream) single.emplace_back(1, c);
    check(outcome_of(single));
    constexpr std::size_t edge = 300;
    for (std::size_t at = 1; at < stream.size(); ++at) {
      SCOPED_TRACE("split at " + std::to_string(at));
      check(outcome_of({stream.substr(0, at), stream.substr(at)}));
      if (at >= edge && at + edge < stream.size()) at += 96;
    }
  }

  FixedClock clock_;
  Routes routes_;
  Fine fine_;
  SessionShared shared_;
};

const std::string good = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

TEST_F(RequestTables, WhatIsMalformedIsRefusedAndEndsTheConnection) {
  const std::vector<TableRow> malformed = rows("malformed.txt");
  EXPECT_GE(malformed.size(), 200u);
  for (const TableRow& row : malformed) {
    SCOPED_TRACE(row.name);
    const auto is_refused = [&](const Outcome& outcome, std::size_t before) {
      ASSERT_EQ(outcome.responses.size(), before + 1);
      EXPECT_EQ(outcome.responses.back().status, row.status);
      EXPECT_TRUE(outcome.responses.back().closes);
      EXPECT_EQ(outcome.goodbye, CloseReason::protocol_error);
    };
    for_each_split(row.bytes, [&](const Outcome& outcome) { is_refused(outcome, 0); });
    // Behind requests that are right, and in front of one that would be.
    is_refused(outcome_of({good + good + row.bytes + good}), 2);
  }
}

TEST_F(RequestTables, WhatOnlyLooksOddIsTaken) {
  for (const TableRow& row : rows("taken.txt")) {
    SCOPED_TRACE(row.name);
    for_each_split(row.bytes, [&](const Outcome& outcome) {
      ASSERT_EQ(outcome.responses.size(), 1u);
      EXPECT_EQ(outcome.responses[0].status, row.status);
      EXPECT_NE(outcome.goodbye, CloseReason::protocol_error);
      EXPECT_EQ(outcome.bytes_left, 0u);
    });
    const Outcome among = outcome_of({row.bytes + good});
    EXPECT_EQ(among.responses.size(), among.goodbye == CloseReason::none ? 2u : 1u);
  }
}

TEST_F(RequestTables, HaveEachRowOnce) {
  std::set<std::string> names;
  std::set<std::string> streams;
  for (const char* file : {"malformed.txt", "taken.txt"}) {
    for (const TableRow& row : rows(file)) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_TRUE(streams.insert(row.bytes).second) << row.name;
    }
  }
}

}  // namespace
}  // namespace ringpost::http
