// RequestParser and BodyParser against a plain second implementation, whole, byte by byte and at
// every split; and what is refused, row by row, with its status.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "tests/protocols/http/model.h"
#include "tests/protocols/splits.h"

namespace ringpost::http {
namespace {

using engine::Prng;
using namespace std::string_literals;

void expect_same_at_every_split(const Limits& limits, const std::string& stream) {
  expect_at_every_split(model(limits, stream), stream,
                        [&](const Pieces& pieces) { return fed_in(limits, pieces); });
}

const std::string get = "GET / HTTP/1.1\r\nhost: x\r\n";
const std::string post = "POST / HTTP/1.1\r\nhost: x\r\n";

// What must come out of each, the same at every split.
TEST(RequestParser, TakesWhatTheRfcAllows) {
  const struct {
    std::string stream;
    Events events;
  } rows[] = {
      {get + "\r\n", {"GET / ?  1.1 keep [host: x]"}},
      {"\r\n" + get + "\r\n", {"GET / ?  1.1 keep [host: x]"}},
      {"GET /a/b?c=d?e HTTP/1.1\r\nHOST:\t x \t\r\n\r\n", {"GET /a/b ? c=d?e 1.1 keep [HOST: x]"}},
      {"GET / HTTP/1.0\r\n\r\n", {"GET / ?  1.0 close"}},
      {"GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n",
       {"GET / ?  1.0 keep [connection: Keep-Alive]"}},
      {"GET / HTTP/1.9\r\nhost: x\r\n\r\n", {"GET / ?  1.1 keep [host: x]"}},
      {get + "connection: a, ,cLose\r\n\r\n",
       {"GET / ?  1.1 close [host: x] [connection: a, ,cLose]"}},
      {get + "connection: keep-alive, Upgrade\r\n\r\n",
       {"GET / ?  1.1 keep upgrade [host: x] [connection: keep-alive, Upgrade]"}},
      {"GET http://h:1/p?q HTTP/1.1\r\nhost: h:1\r\n\r\n", {"GET /p ? q 1.1 keep [host: h:1]"}},
      {"GET http://h HTTP/1.1\r\nhost: h\r\n\r\n", {"GET / ?  1.1 keep [host: h]"}},
      {"GET http://h?q HTTP/1.1\r\nhost: h\r\n\r\n", {"GET / ? q 1.1 keep [host: h]"}},
      {"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", {"OPTIONS * ?  1.1 keep [host: x]"}},
      {"BREW /pot HTTP/1.1\r\nhost:\r\n\r\n", {"BREW /pot ?  1.1 keep [host: ]"}},
      {get + "a: \x80\xff\t b\r\n\r\n", {"GET / ?  1.1 keep [host: x] [a: \x80\xff\t b]"}},
      {get + "a:\r\n\r\n", {"GET / ?  1.1 keep [host: x] [a: ]"}},
      {post + "content-length: 0\r\n\r\n", {"POST / ?  1.1 keep [host: x] [content-length: 0]"}},
      {post + "content-length: 003\r\n\r\nabc" + get + "\r\n",
       {"POST / ?  1.1 keep length 3 [host: x] [content-length: 003]", "body: abc",
        "GET / ?  1.1 keep [host: x]"}},
      {post + "transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n1;x=\"y\"\r\nd\r\n0\r\na: b\r\n\r\n" +
           get + "\r\n",
       {"POST / ?  1.1 keep chunked [host: x] [transfer-encoding: Chunked]", "body: abcd",
        "GET / ?  1.1 keep [host: x]"}},
      {post + "expect: 100-Continue\r\ncontent-length: 1\r\n\r\na",
       {"POST / ?  1.1 keep continue length 1 [host: x] [expect: 100-Continue] [content-length: 1]",
        "body: a"}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(model({}, row.stream), row.events);
    expect_same_at_every_split({}, row.stream);
  }
}

// What is refused, and with which status. Each in one way only: without the fault it is taken.
TEST(RequestParser, RefusesWhatCouldBeReadInTwoWays) {
  const struct {
    std::string stream;
    Errc errc;
  } rows[] = {
      // Line ends (RFC 9112 section 2.2)
      {"GET / HTTP/1.1\nhost: x\n\n", Errc::bare_line_end},
      {"GET / HTTP/1.1\r\nhost: x\n\r\n", Errc::bare_line_end},
      {"GET / HTTP/1.1\r\nhost: x\r\r\n\r\n", Errc::bare_line_end},
      {"GET / HTTP/1.1\r\nhost: x\ra: b\r\n\r\n", Errc::bare_line_end},
      {"GET / HTTP/1.1\r\r\nhost: x\r\n\r\n", Errc::bare_line_end},
      {"\n" + get + "\r\n", Errc::bare_line_end},
      {"\r\n\r\n" + get + "\r\n", Errc::bad_request_line},
      // The first line (section 3)
      {"GET /\r\n\r\n", Errc::bad_request_line},
      {"GET  HTTP/1.1\r\n\r\n", Errc::bad_request_line},
      {" GET / HTTP/1.1\r\n\r\n", Errc::bad_request_line},
      {"GET / HTTP/1.1 \r\n\r\n", Errc::bad_request_line},
      {"GET\t/ HTTP/1.1\r\n\r\n", Errc::bad_request_line},
      {"G(T / HTTP/1.1\r\n\r\n", Errc::bad_request_line},
      {"G\0T / HTTP/1.1\r\n\r\n"s, Errc::bad_request_line},
      {"GET / http/1.1\r\n\r\n", Errc::bad_request_line},
      {"GET / HTTP/1.10\r\n\r\n", Errc::bad_request_line},
      {"GET / HTTP/11\r\n\r\n", Errc::bad_request_line},
      {"GET / HTTP/2.0\r\n\r\n", Errc::bad_version},
      {"GET / HTTP/0.9\r\n\r\n", Errc::bad_version},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Errc::bad_version},
      {"\x16\x03\x01\x02\r\n", Errc::bad_request_line},
      // Targets (section 3.2)
      {"GET a HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET * HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET  / HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n"s, Errc::bad_target},
      {"GET /\x7f HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET /\xc3\xa4 HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET ftp://h/ HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET http:///p HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"GET http:/p HTTP/1.1\r\nhost: x\r\n\r\n", Errc::bad_target},
      {"CONNECT h:1 HTTP/1.1\r\nhost: h:1\r\n\r\n", Errc::bad_target},
      // Fields (section 5)
      {get + "a\r\n\r\n", Errc::bad_field},
      {get + "a : b\r\n\r\n", Errc::bad_field},
      {get + "a\t: b\r\n\r\n", Errc::bad_field},
      {get + " a: b\r\n\r\n", Errc::bad_field},
      {get + "a: b\r\n c\r\n\r\n", Errc::bad_field},
      {get + "a: b\r\n\tc: d\r\n\r\n", Errc::bad_field},
      {get + ": b\r\n\r\n", Errc::bad_field},
      {get + "a@: b\r\n\r\n", Errc::bad_field},
      {get + "\xc3\xa4: b\r\n\r\n", Errc::bad_field},
      {get + "a: b\0c\r\n\r\n"s, Errc::bad_field},
      {get + "a: b\x01\r\n\r\n", Errc::bad_field},
      {get + "a: \x7f\r\n\r\n", Errc::bad_field},
      // Host (section 3.2)
      {"GET / HTTP/1.1\r\n\r\n", Errc::bad_host},
      {get + "host: x\r\n\r\n", Errc::bad_host},
      {get + "Host: y\r\n\r\n", Errc::bad_host},
      {"GET / HTTP/1.0\r\nhost: x\r\nhost: x\r\n\r\n", Errc::bad_host},
      {"GET / HTTP/1.1\r\nhost: x y\r\n\r\n", Errc::bad_host},
      {"GET / HTTP/1.1\r\nhost: x/y\r\n\r\n", Errc::bad_host},
      {"GET / HTTP/1.1\r\nhost: u@x\r\n\r\n", Errc::bad_host},
      {"GET / HTTP/1.1\r\nhost: x, y\r\n\r\n", Errc::bad_host},
      // Content-Length (section 6.3)
      {post + "content-length:\r\n\r\n", Errc::bad_content_length},
      {post + "content-length: +1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: -1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 0x1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1 1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1,1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1.0\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1_0\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 18446744073709551616\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1\r\ncontent-length: 1\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 1\r\nContent-Length: 2\r\n\r\na", Errc::bad_content_length},
      {post + "content-length: 0\r\ncontent-length: 0\r\n\r\n", Errc::bad_content_length},
      // Transfer-Encoding (section 6.1)
      {post + "transfer-encoding: gzip\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: gzip, chunked\r\n\r\n", Errc::unknown_coding},
      {post + "transfer-encoding: chunked, gzip\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: chunked, chunked\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: chunked,\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: \"chunked\"\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: xchunked\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: identity\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding:\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
       Errc::bad_transfer_encoding},
      {"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", Errc::bad_transfer_encoding},
      {post + "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", Errc::two_lengths},
      {post + "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", Errc::two_lengths},
      // Expect (RFC 9110 section 10.1.1)
      {post + "expect: 200-ok\r\n\r\n", Errc::bad_expectation},
  };
  for (const auto& row : rows) {
    expect_same_at_every_split({}, row.stream);
    EXPECT_EQ(fed_in({}, {row.stream}), Events{error_event(row.errc)})
        << testing::PrintToString(row.stream);
  }
}

// RFC 9112 section 7.1
TEST(BodyParser, RefusesChunksThatCouldBeReadInTwoWays) {
  const std::string head = post + "transfer-encoding: chunked\r\n\r\n";
  const std::string rows[] = {
      "\r\n",           "g\r\n",           "-1\r\na\r\n",  " 1\r\na\r\n",
      "1 \r\na\r\n",    "0x1\r\na\r\n",    "1\na\r\n",     "1\r\nab\r\n",
      "1\r\na\n",       "1\r\na\r\r\n",    "1\r\na0\r\n",  "1;\n\r\na",
      "1;a\rb\r\n",     "1;a\0b\r\n"s,     "1;a\x7f\r\n",  "00000000000000001\r\n",
      "0\r\na\r\n\r\n", "0\r\na b: c\r\n", "0\r\n: c\r\n", "0\r\na: \x01\r\n",
      "0\r\n\n",        "0\r\na: b\n",     "0\r\n\rx",     "0\r\n a: b\r\n",
      "1,\r\na\r\n",
  };
  for (const std::string& row : rows) {
    expect_same_at_every_split({}, head + row);
    const Events events = fed_in({}, {head + row});
    ASSERT_FALSE(events.empty()) << testing::PrintToString(row);
    EXPECT_EQ(events.back(), error_event(Errc::bad_chunk)) << testing::PrintToString(row);
  }
}

TEST(RequestParser, LimitsAreInclusive) {
  Limits limits;
  limits.target_bytes_max = 4;
  limits.head_bytes_max = 40;
  limits.body_bytes_max = 3;
  limits.trailer_bytes_max = 4;
  const auto last = [&](const std::string& stream) {
    expect_same_at_every_split(limits, stream);
    const Events events = fed_in(limits, {stream});
    return events.empty() ? std::string("nothing") : events.back();
  };
  const std::string line = "GET / HTTP/1.1\r\nhost: x\r\n";  // 25 bytes; 13 left for a field
  EXPECT_EQ(last("GET /abc HTTP/1.1\r\nhost: x\r\n\r\n"), "GET /abc ?  1.1 keep [host: x]");
  EXPECT_EQ(last("GET /abcd HTTP/1.1\r\n"), error_event(Errc::target_too_long));
  EXPECT_EQ(last(line + "a: 34567890\r\n\r\n"), "GET / ?  1.1 keep [host: x] [a: 34567890]");
  EXPECT_EQ(last(line + "a: 345678901\r\n\r\n"), error_event(Errc::head_too_large));
  EXPECT_EQ(last(std::string(39, 'a')), "nothing");
  EXPECT_EQ(last(std::string(40, 'a')), error_event(Errc::target_too_long));

  limits.head_bytes_max = 100;
  EXPECT_EQ(last(post + "content-length: 3\r\n\r\nabc"), "body: abc");
  EXPECT_EQ(last(post + "content-length: 4\r\n\r\n"), error_event(Errc::body_too_large));
  const std::string chunked = post + "transfer-encoding: chunked\r\n\r\n";
  EXPECT_EQ(last(chunked + "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), "body: abc");
  EXPECT_EQ(last(chunked + "1\r\na\r\n3\r\n"), error_event(Errc::body_too_large));
  EXPECT_EQ(last(chunked + "ffffffffffffffff\r\n"), error_event(Errc::body_too_large));
  EXPECT_EQ(last(chunked + "1;a\r\nb\r\n0\r\na:\r\n\r\n"), "body: b");
  EXPECT_EQ(last(chunked + "1;a\r\nb\r\n0;c\r\na:\r\n\r\n"), error_event(Errc::head_too_large));
}

TEST(RequestParser, TakesAHundredFieldsAndNoMore) {
  std::string head = get;
  for (std::size_t i = 1; i < fields_max; ++i) head += "a: b\r\n";
  EXPECT_EQ(fed_in({}, {head + "\r\n"}).size(), 1U);
  EXPECT_EQ(fed_in({}, {head + "a: b\r\n\r\n"}), Events{error_event(Errc::head_too_large)});
}

TEST(RequestParser, FindsFieldsByTheirNameInAnyCase) {
  const Limits limits;
  RequestParser parser(limits);
  Request request;
  const std::string head = get + "X-One: 1\r\nx-one: 2\r\nempty:\r\n\r\n";
  ASSERT_EQ(parser.next(head, request).status, HeadStatus::head);
  EXPECT_EQ(request.find("x-one"), "1");
  EXPECT_NE(request.find("empty").data(), nullptr);
  EXPECT_EQ(request.find("none").data(), nullptr);
}

TEST(RequestParser, AHeadThatIsRepeatedSaysTheSame) {
  const std::string one = "POST /a?b HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n";
  const std::string longest(Request::kept_bytes_max - one.size() - 7, 'v');
  const std::string heads[] = {
      one + "\r\n",
      one + "c: d\r\n\r\n",
      "GET /a?b HTTP/1.0\r\n\r\n",
      one + "l: " + longest + "\r\n\r\n",
      one + "l: " + longest + "v\r\n\r\n",
  };
  const auto parsed = [](RequestParser& parser, Request& request, const std::string& head) {
    const std::string input = head + "x";
    const HeadResult result = parser.next(input, request);
    EXPECT_EQ(result.status, HeadStatus::head);
    EXPECT_EQ(result.consumed, head.size());
    return text_of(request);
  };
  const Limits limits;
  Request request;
  RequestParser parser(limits), other(limits);
  for (const std::string& before : heads) {
    for (const std::string& head : heads) {
      parsed(parser, request, before);
      Request fresh;
      RequestParser fresh_parser(limits);
      const std::string expected = parsed(fresh_parser, fresh, head);
      EXPECT_EQ(parsed(parser, request, head), expected);
      EXPECT_EQ(parsed(other, request, head), expected);
      EXPECT_EQ(parser.next(head.substr(0, head.size() - 1), request).status,
                HeadStatus::need_more);
      EXPECT_EQ(parsed(parser, request, head), expected);
    }
  }
}

TEST(RequestParser, AHeadIsRepeatedWithinItsLimitsOnly) {
  const std::string head = get + "\r\n";
  const Limits limits, shorter = {.head_bytes_max = 20};
  Request request;
  RequestParser parser(limits), strict(shorter);
  ASSERT_EQ(parser.next(head, request).status, HeadStatus::head);
  EXPECT_EQ(strict.next(head, request).errc, Errc::head_too_large);
  RequestParser after(limits);
  ASSERT_EQ(after.next(head, request).status, HeadStatus::head);
  EXPECT_EQ(after.next("GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", request).errc, Errc::bad_target);
  ASSERT_EQ(RequestParser(limits).next(head, request).status, HeadStatus::head);
  EXPECT_EQ(request.path, "/");
}

// Requires: `make` makes a stream of a string of some of the parts. Counts those that are taken.
template <typename Make>
std::size_t agrees_on_strings_of(const std::vector<std::string>& parts, Make make) {
  std::size_t taken = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Prng prng(seed);
    std::string text;
    for (std::uint64_t i = prng.below(10); i > 0; --i) text += parts[prng.below(parts.size())];
    const std::string stream = make(text);
    const Events expected = model({}, stream);
    EXPECT_EQ(fed_in({}, {stream}), expected) << "seed " << seed << "\n" << stream;
    if (testing::Test::HasFailure()) break;
    if (!expected.back().starts_with("error")) ++taken;
  }
  return taken;
}

TEST(RequestParser, AgreesWithTheModelOnHosts) {
  const std::vector<std::string> parts = {"a",  "1",  "255", "[",  "]",  ":", "::", ".",
                                          "v1", "%4", "%4a", "f0", "[:", "@", "-",  "::]"};
  const auto as_field = [](const std::string& text) {
    return "GET / HTTP/1.1\r\nhost: " + text + "\r\n\r\n";
  };
  const auto as_target = [](const std::string& text) {
    return "GET http://" + text + "/ HTTP/1.1\r\nhost: x\r\n\r\n";
  };
  EXPECT_GT(agrees_on_strings_of(parts, as_field), 1000U);
  EXPECT_GT(agrees_on_strings_of(parts, as_target), 1000U);
}

TEST(BodyParser, AgreesWithTheModelOnExtensions) {
  const std::vector<std::string> parts = {";", "a",  "=",  "b",   "\"", "\\",
                                          " ", "\t", ";a", ";a=", "@"};
  const auto as_extension = [](const std::string& text) {
    return post + "transfer-encoding: chunked\r\n\r\n1" + text + "\r\na\r\n0\r\n\r\n";
  };
  EXPECT_GT(agrees_on_strings_of(parts, as_extension), 1000U);
}

// Streams put together of right and wrong parts, cut anywhere.
TEST(RequestParser, AgreesWithTheModelOnRandomStreams) {
  const std::string parts[] = {
      get,
      post,
      "\r\n",
      "\r\n",
      "\r\n",
      "\n",
      "\r",
      " ",
      ":",
      ",",
      "a: b\r\n",
      "GET ",
      "/",
      "?",
      " HTTP/1.1\r\n",
      " HTTP/1.0\r\n",
      "host: x\r\n",
      "content-length: 3\r\n",
      "abc",
      "0\r\n\r\n",
      "transfer-encoding: chunked\r\n",
      "3\r\nabc\r\n",
      "3;e=f\r\nabc\r\n",
      "0\r\nt: u\r\n\r\n",
      "connection: close\r\n",
      "connection: upgrade, keep-alive\r\n",
      "expect: 100-continue\r\n",
      "http://h",
      "\xff",
      "\0"s,
      "7fffffffffffffff",
      "OPTIONS * HTTP/1.1\r\n",
  };
  Limits limits;
  limits.head_bytes_max = 120;
  limits.body_bytes_max = 8;
  limits.trailer_bytes_max = 12;
  std::size_t whole = 0;
  for (std::uint64_t seed = 1; seed <= 20000; ++seed) {
    Prng prng(seed);
    std::string stream = prng.one_in(2) ? get : post;
    for (std::uint64_t i = prng.below(12); i > 0; --i) {
      stream += parts[prng.below(std::size(parts))];
    }
    if (prng.one_in(2)) stream += stream;  // the same heads again
    const Events expected = model(limits, stream);
    ASSERT_EQ(fed_in(limits, cut(prng, stream)), expected) << "seed " << seed << "\n" << stream;
    if (expected.empty() || !expected.back().starts_with("error")) ++whole;
  }
  EXPECT_GT(whole, 1000U);  // it does not only fail
}

}  // namespace
}  // namespace ringpost::http
