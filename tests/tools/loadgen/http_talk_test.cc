#include "tools/loadgen/http_talk.h"

#include <gtest/gtest.h>

#include "tests/tools/loadgen/conversation.h"

namespace ringpost::loadgen {
namespace {

using Client = Conversation<HttpTalk>;

const std::string request = "GET / HTTP/1.1\r\nhost: x:80\r\n\r\n";

std::string reply(const std::string& body, const std::string& fields = "",
                  const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\n" + fields + "content-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// What is told of `bytes`, however they are split, when `asked` requests were made and the server
// ends its side behind them.
std::string told_of(const std::string& bytes, std::uint64_t asked = 9,
                    const HttpOptions& options = {}, bool ends = false) {
  const auto told = [&](std::initializer_list<std::string> parts) {
    const HttpScript script(options, request);
    Client client(script);
    client.talk.request(asked);
    for (const std::string& part : parts) client.arrive(part);
    if (ends) client.talk.ended(client.held);
    client.talk.finish();
    std::string text = client.ear.told();
    client.ear.statuses.for_each([&](std::uint16_t status, std::uint64_t count) {
      text += ", " + std::to_string(count) + " of " + std::to_string(status);
    });
    return text;
  };
  const std::string whole = told({bytes});
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    EXPECT_EQ(told({bytes.substr(0, split), bytes.substr(split)}), whole) << split;
  }
  return whole;
}

TEST(HttpTalk, RequestsAreTheSameOverAndOver) {
  const HttpScript script({}, request);
  Client client(script);
  EXPECT_TRUE(client.ear.ready);
  client.talk.request(3);
  EXPECT_EQ(client.link.take_output(), request + request + request);
  client.talk.request(2000);  // more than a piece holds
  EXPECT_EQ(client.link.take_output().size(), 2000 * request.size());
}

TEST(HttpTalk, RepliesAreCountedHoweverTheyAreFramed) {
  EXPECT_EQ(told_of(reply("abc") + reply("abc") + reply("abc")), "3 right, 0 failed, 3 of 200");
  EXPECT_EQ(told_of(reply("abc") + reply("abc", "date: later\r\n") + reply("abc")),
            "3 right, 0 failed, 3 of 200");
  const std::string chunked =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
  EXPECT_EQ(told_of(reply("abc") + chunked + chunked), "3 right, 0 failed, 3 of 200");
  EXPECT_EQ(told_of("HTTP/1.1 100 Continue\r\n\r\n" + reply("")), "1 right, 0 failed, 1 of 200");
  EXPECT_EQ(told_of("HTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 Not\r\ncontent-length: 5\r\n\r\n"),
            "2 right, 0 failed, 1 of 204, 1 of 304");
  HttpOptions head;
  head.method = "HEAD";
  EXPECT_EQ(told_of("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + reply(""), 9, head),
            "2 right, 0 failed, 2 of 200");
}

TEST(HttpTalk, AStatusThatIsNotExpectedIsNoAnswer) {
  const std::string gone = reply("gone", "", "404 Not Found");
  EXPECT_EQ(told_of(reply("a") + gone + gone + reply("a", "", "302 There")),
            "2 right, 2 failed, 1 of 200, 1 of 302, 2 of 404");
  HttpOptions expects;
  expects.expect_status = 404;
  EXPECT_EQ(told_of(reply("a") + gone + gone, 9, expects), "2 right, 1 failed, 1 of 200, 2 of 404");
}

TEST(HttpTalk, EveryBodyMustBeTheFirst) {
  EXPECT_EQ(told_of(reply("abc") + reply("abd") + reply("abc")),
            "2 right, 1 failed, wrong bytes 1, 3 of 200");
  EXPECT_EQ(told_of(reply("abc") + reply("ab") + reply("abcd")),
            "1 right, 2 failed, wrong bytes 1, wrong bytes 2, 3 of 200");
  HttpOptions any;
  any.any_body = true;
  EXPECT_EQ(told_of(reply("abc") + reply("ab") + reply("abcd"), 9, any),
            "3 right, 0 failed, 3 of 200");
}

TEST(HttpTalk, TheFirstBodyIsThatOfTheRun) {
  const HttpScript script({}, request);
  Client one(script), other(script);
  one.talk.request(1);
  other.talk.request(1);
  one.arrive(reply("abc"));
  other.arrive(reply("abd"));
  EXPECT_EQ(other.ear.told(), "0 right, 1 failed, wrong bytes 0");
}

TEST(HttpTalk, AConnectionThatTheServerEndsIsRetired) {
  const std::string last = reply("abc", "connection: close\r\n");
  EXPECT_EQ(told_of(reply("abc") + last), "2 right, 0 failed, retired, 2 of 200");
  // Without a length the end of the connection is that of the body.
  const std::string open = "HTTP/1.0 200 OK\r\n\r\nabc";
  EXPECT_EQ(told_of(open, 9, {}, true), "1 right, 0 failed, retired, 1 of 200");
  // Idle, as after a time without requests.
  EXPECT_EQ(told_of(reply("a"), 1, {}, true), "1 right, 0 failed, retired, 1 of 200");
  // Requests have no answer, and nobody said why.
  EXPECT_EQ(told_of(reply("a"), 2, {}, true), "1 right, 0 failed, 1 of 200");
  // Closed at once, every time: no server.
  EXPECT_EQ(told_of("", 0, {}, true), "0 right, 0 failed");
}

TEST(HttpTalk, WhatIsCutOffIsMissing) {
  EXPECT_EQ(told_of(reply("a") + "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc", 9, {}, true),
            "1 right, 0 failed, missing 1, 1 of 200");
  EXPECT_EQ(told_of("HTTP/1.1 200", 9, {}, true), "0 right, 0 failed, missing 0");
}

TEST(HttpTalk, WhatIsNoResponseIsTold) {
  const std::string lost = ", lost track";
  EXPECT_EQ(told_of(reply("a") + "SSH-2.0-x\r\n"),
            "1 right, 1 failed, wrong bytes 1" + lost + ", 1 of 200");
  EXPECT_EQ(told_of("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nz\r\n"),
            "0 right, 1 failed, wrong bytes 0" + lost);
  EXPECT_EQ(told_of("HTTP/1.1 101 Now\r\n\r\n"), "0 right, 1 failed, wrong bytes 0" + lost);
  HttpOptions small;
  small.reply_bytes_max = 2;
  EXPECT_EQ(told_of(reply("ab") + reply("abc"), 9, small),
            "1 right, 1 failed, wrong bytes 1" + lost + ", 1 of 200");
}

TEST(HttpRequest, HasWhatIsNeededAndWhatWasAsked) {
  const Target target = parse_target("http://[::1]:81/a/b?c=d#e").value();
  HttpOptions options;
  EXPECT_EQ(render_request(options, target), "GET /a/b?c=d HTTP/1.1\r\nhost: [::1]:81\r\n\r\n");
  options.headers = {"Host: other", "x: y"};
  options.body = "{}";
  EXPECT_EQ(render_request(options, target),
            "POST /a/b?c=d HTTP/1.1\r\nHost: other\r\nx: y\r\ncontent-length: 2\r\n\r\n{}");
  options = {.method = "PUT", .headers = {"Transfer-Encoding: chunked"}, .body = "0\r\n\r\n"};
  EXPECT_EQ(render_request(options, parse_target("http://x").value()),
            "PUT / HTTP/1.1\r\nhost: x:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  options = {.method = "POST"};
  EXPECT_TRUE(render_request(options, target).ends_with("content-length: 0\r\n\r\n"));
  EXPECT_FALSE(closes_each(options));
  options.headers = {"Connection: x, close"};
  EXPECT_TRUE(closes_each(options));
}

}  // namespace
}  // namespace ringpost::loadgen
