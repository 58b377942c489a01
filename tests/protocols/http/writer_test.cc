#include "protocols/http/writer.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "protocols/http/date.h"
#include "protocols/http/errc.h"

namespace ringpost::http {
namespace {

std::string written(const Response& response) {
  Date date;
  std::string out(response_bytes(response), '?');
  const char* const end = write_response(out.data(), response, date.at(784111777));
  EXPECT_EQ(end, out.data() + out.size());  // exact
  return out;
}

TEST(WriteResponse, HasALengthAndADate) {
  EXPECT_EQ(written({.content_type = "text/plain", .fields = "a: b\r\n", .content = "hello"}),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\na: b\r\ncontent-length: 5\r\n"
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nhello");
}

TEST(WriteResponse, SaysWhenItIsTheLast) {
  EXPECT_EQ(written({.status = 431, .close = true}),
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
            "content-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

// RFC 9110 section 9.3.2: the fields are those of the GET.
TEST(WriteResponse, ToHeadHasTheLengthWithoutTheContent) {
  EXPECT_EQ(written({.content = std::string_view("0123456789"), .leave_content_out = true}),
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
}

// RFC 9110 section 8.6: no length in a 1xx.
TEST(WriteResponse, InformationalOnesEndWithTheirFields) {
  EXPECT_EQ(written({.status = 100}), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(written({.status = 101, .fields = "upgrade: websocket\r\n"}),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n");
}

TEST(Date, IsWhatTheCLibrarySays) {
  Date date;
  // Leap days, ends of years and centuries, and a step of an odd number of seconds in between.
  for (std::int64_t unix_s = 0; unix_s < 4'200'000'000; unix_s += 86'399 * 7) {
    const std::time_t time = unix_s;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[40];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_EQ(date.at(unix_s), text);
  }
}

TEST(Statuses, EveryErrorHasAPhrase) {
  for (int i = 0; i <= static_cast<int>(Errc::bad_expectation); ++i) {
    EXPECT_FALSE(reason_phrase(status_of(static_cast<Errc>(i))).empty()) << i;
  }
}

}  // namespace
}  // namespace ringpost::http
