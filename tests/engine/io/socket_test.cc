#include "engine/io/socket.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace ringpost::engine {
namespace {

int option_of(Fd socket, int level, int name) {
  int value = -1;
  socklen_t bytes = sizeof value;
  EXPECT_EQ(getsockopt(socket, level, name, &value, &bytes), 0);
  return value;
}

SocketAddress address(std::string_view text) { return parse_address(text).value(); }

TEST(Socket, AnAddressReadsBackAsItsText) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:6142",
                           "[::]:0", "[2001:db8::ff00:42:8329]:8080", "[::ffff:1.2.3.4]:1"}) {
    const auto parsed = parse_address(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(to_text(parsed.value()), text);
  }
}

TEST(Socket, TextsThatAreNoAddressAreInvalid) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view text : {""sv,
                                      ":"sv,
                                      ":80"sv,
                                      "127.0.0.1"sv,
                                      "127.0.0.1:"sv,
                                      "127.0.0.1:65536"sv,
                                      "127.0.0.1:-1"sv,
                                      "127.0.0.1:+1"sv,
                                      "127.0.0.1: 80"sv,
                                      "127.0.0.1:80 "sv,
                                      " 127.0.0.1:80"sv,
                                      "127.0.0.1:8x"sv,
                                      "127.0.0.1:0x50"sv,
                                      "127.0.0:80"sv,
                                      "127.0.0.256:80"sv,
                                      "1.2.3.4.5:80"sv,
                                      "localhost:80"sv,
                                      "::1:80"sv,
                                      "[::1]"sv,
                                      "[::1]:"sv,
                                      "[::1:80"sv,
                                      "::1]:80"sv,
                                      "[]:80"sv,
                                      "[127.0.0.1]:80"sv,
                                      "[::1%lo]:80"sv,
                                      "[[::1]]:80"sv,
                                      "[:80"sv,
                                      "127.0.0.1\0x:80"sv,
                                      "127.0.0.1:99999999999999999999"sv}) {
    const auto parsed = parse_address(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error(), std::errc::invalid_argument) << text;
  }
}

TEST(Socket, PortZeroBecomesAPortOfTheKernels) {
  const Fd listener = listen_on(address("127.0.0.1:0"), {}).value();
  const auto bound = local_address(listener);
  ASSERT_TRUE(bound.has_value());
  const std::string text = to_text(bound.value());
  EXPECT_TRUE(text.starts_with("127.0.0.1:"));
  EXPECT_NE(text, "127.0.0.1:0");
  ::close(listener);
}

TEST(Socket, AnAddressInUseIsRefusedByName) {
  const Fd listener = listen_on(address("127.0.0.1:0"), {}).value();
  const auto second = listen_on(local_address(listener).value(), {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(), std::errc::address_in_use);
  EXPECT_EQ(second.error().message(), "Address already in use");
  ::close(listener);
}

TEST(Socket, AnAddressOfAnotherHostIsRefusedByName) {
  const auto listener = listen_on(address("192.0.2.1:0"), {});
  ASSERT_FALSE(listener.has_value());
  EXPECT_EQ(listener.error().message(), "Cannot assign requested address");
}

TEST(Socket, ListenersThatAgreeShareAPort) {
  const ListenOptions first_options{.tcp = {}, .sharing = PortSharing::first};
  const ListenOptions more_options{.tcp = {}, .sharing = PortSharing::more};
  const Fd first = listen_on(address("127.0.0.1:0"), first_options).value();
  const SocketAddress shared = local_address(first).value();
  const Fd second = listen_on(shared, more_options).value();
  const Fd third = listen_on(shared, more_options).value();
  for (const Fd listener : {first, second, third}) ::close(listener);
}

// Two daemons that were started with the same address and --reuseport each had a part of its
// connections, and neither said a word.
TEST(Socket, AFirstListenerDoesNotJoinThoseOfAnother) {
  const ListenOptions options{.tcp = {}, .sharing = PortSharing::first};
  const Fd listener = listen_on(address("127.0.0.1:0"), options).value();
  const auto second = listen_on(local_address(listener).value(), options);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(), std::errc::address_in_use);
  ::close(listener);
}

TEST(Socket, AcceptedSocketsInheritTheOptions) {
  ListenOptions options;
  options.tcp.receive_buffer_bytes = 32 << 10;
  options.tcp.send_buffer_bytes = 64 << 10;
  const Fd listener = listen_on(address("127.0.0.1:0"), options).value();
  const SocketAddress bound = local_address(listener).value();
  const Fd near = open_stream(bound, {.nodelay = false}).value();
  ASSERT_EQ(::connect(near, reinterpret_cast<const sockaddr*>(&bound.storage), bound.length), 0);
  const Fd far = ::accept(listener, nullptr, nullptr);
  ASSERT_GE(far, 0);
  EXPECT_EQ(option_of(far, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(near, IPPROTO_TCP, TCP_NODELAY), 0);
  for (const Fd fd : {near, far}) {
    EXPECT_EQ(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
    EXPECT_EQ(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 54'000);
  }
  // The kernel doubles what is asked for, to cover its own.
  EXPECT_EQ(option_of(far, SOL_SOCKET, SO_RCVBUF), 64 << 10);
  EXPECT_EQ(option_of(far, SOL_SOCKET, SO_SNDBUF), 128 << 10);
  for (const Fd fd : {near, far, listener}) ::close(fd);
}

TEST(Socket, WithoutKeepaliveAndUserTimeoutTheKernelDecides) {
  const Fd socket =
      open_stream(address("127.0.0.1:1"), {.keepalive_time_s = 0, .user_timeout_ms = 0}).value();
  EXPECT_EQ(option_of(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
  ::close(socket);
}

}  // namespace
}  // namespace ringpost::engine
