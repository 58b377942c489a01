#include "tools/ringpost/connection_log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include "engine/io/socket.h"
#include "engine/net/session.h"

namespace ringpost::daemon {
namespace {

using engine::CloseReason;
using engine::Fd;
using engine::nanos_per_s;

class NamedService final : public engine::Service {
  engine::Session& open() override { std::abort(); }
  void close(engine::Session&) override {}
};

// A connection over loopback, whose accepted end is looked at.
class ConnectionLogTest : public ::testing::Test {
 protected:
  ConnectionLogTest() {
    const Fd listener = engine::listen_on(engine::parse_address("127.0.0.1:0").value(), {}).value();
    const engine::SocketAddress bound = engine::local_address(listener).value();
    near_ = engine::open_stream(bound, {}).value();
    EXPECT_EQ(::connect(near_, reinterpret_cast<const sockaddr*>(&bound.storage), bound.length), 0);
    socket_ = ::accept(listener, nullptr, nullptr);
    peer_ = engine::to_text(engine::local_address(near_).value());
    ::close(listener);
  }
  ~ConnectionLogTest() override {
    ::close(near_);
    ::close(socket_);
  }

  // The lines of one connection that ends for that reason.
  std::string lines_of(LogLevel level, CloseReason reason) {
    Log log = open(level);
    ConnectionLog connections(log, 3, now_);
    connections.name(service_, "orders");
    connections.on_opened(socket_, service_);
    connections.on_closed(socket_, service_, reason);
    return lines_.str();
  }
  Log open(LogLevel level) {
    lines_.str("");
    return Log({.level = level, .format = LogFormat::text},
               std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_));
  }
  std::size_t line_count() const {
    const std::string text = lines_.str();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::ostringstream lines_;
  NamedService service_;
  engine::Nanos now_ = 100 * nanos_per_s;
  Fd near_ = engine::no_fd;
  Fd socket_ = engine::no_fd;
  std::string peer_;
};

TEST_F(ConnectionLogTest, EverydayEndsAreForDebugging) {
  for (const CloseReason reason : {CloseReason::peer_closed, CloseReason::reset, CloseReason::drain,
                                   CloseReason::other_side}) {
    EXPECT_EQ(lines_of(LogLevel::info, reason), "");
    const std::string all = lines_of(LogLevel::debug, reason);
    EXPECT_NE(all.find("connection opened service=orders peer=" + peer_ + " shard=3"),
              std::string::npos)
        << all;
    EXPECT_NE(all.find("connection closed service=orders peer=" + peer_ +
                       " reason=" + std::string(to_text(reason)) + " shard=3"),
              std::string::npos)
        << all;
  }
}

TEST_F(ConnectionLogTest, OtherEndsAreToldWithTheirPeer) {
  for (const CloseReason reason :
       {CloseReason::timed_out, CloseReason::protocol_error, CloseReason::slow_consumer,
        CloseReason::over_budget, CloseReason::upstream_failed}) {
    const std::string line = lines_of(LogLevel::info, reason);
    EXPECT_NE(line.find("connection closed service=orders peer=" + peer_ +
                        " reason=" + std::string(to_text(reason)) + " shard=3"),
              std::string::npos)
        << line;
  }
}

TEST_F(ConnectionLogTest, AConnectionOfNoNamedServiceIsToAnUpstream) {
  Log log = open(LogLevel::info);
  ConnectionLog connections(log, 0, now_);
  connections.on_closed(socket_, service_, CloseReason::timed_out);
  EXPECT_NE(lines_.str().find("service=upstream"), std::string::npos);
}

TEST_F(ConnectionLogTest, ManyEndsAtATimeAreCountedNotWritten) {
  Log log = open(LogLevel::info);
  ConnectionLog connections(log, 0, now_);
  for (int i = 0; i < 1000; ++i) {
    connections.on_closed(socket_, service_, CloseReason::timed_out);
    connections.on_dial_failed("refused", nanos_per_s);
  }
  EXPECT_EQ(line_count(), ConnectionLog::lines_per_s_max);
  now_ += nanos_per_s;
  connections.on_closed(socket_, service_, CloseReason::timed_out);
  EXPECT_EQ(line_count(), ConnectionLog::lines_per_s_max + 1);
  EXPECT_NE(lines_.str().find("suppressed=1990"), std::string::npos) << lines_.str();
}

}  // namespace
}  // namespace ringpost::daemon
