#pragma once

// StubDns: a DNS server of the test's own, on a port of 127.0.0.1 that the kernel chose, UDP and
// TCP. It answers as it was told for each name; what it was not told about does not exist.
//
// The thread serves; every other call is for the test's thread.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ringpost::engine {

class StubDns {
 public:
  enum class Mood {
    answer,     // with the addresses that there are of the kind asked for; maybe none
    hang,       // does not answer until `release`
    no_name,    // NXDOMAIN
    fail,       // SERVFAIL
    cut_short,  // an answer that ends in the middle of its first record
    garbage,    // bytes that make no sense behind the header
    over_tcp,   // by UDP, only that the answer is too long for it (RFC 1035 section 4.2.1)
  };
  struct Plan {
    Mood mood = Mood::answer;
    std::vector<std::string> v4;
    std::vector<std::string> v6;
  };

  StubDns() : stop_(::eventfd(0, 0)) {
    while (!bind_both()) {
    }
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~StubDns() {
    (void)eventfd_write(stop_, 1);
    thread_.join();
    close_sockets();
    ::close(stop_);
  }
  StubDns(const StubDns&) = delete;
  StubDns& operator=(const StubDns&) = delete;

  // For NameLookupOptions::servers.
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void plan(const std::string& name, Plan plan) {
    const std::lock_guard lock(mutex_);
    plans_[name] = std::move(plan);
  }
  void plan(const std::string& name, Mood mood) { plan(name, Plan{mood, {}, {}}); }

  // Answers the questions for the name that hang, by this plan.
  void release(const std::string& name, const Plan& plan) {
    const std::lock_guard lock(mutex_);
    for (const Question& question : held_[name]) send(reply(question, plan), question);
    held_[name].clear();
  }

  // Waits until the name was asked for (A or AAAA) that often, all tries together.
  void wait_asked(const std::string& name, std::size_t count) {
    std::unique_lock lock(mutex_);
    asked_more_.wait(lock, [&] { return asked_[name] >= count; });
  }
  std::size_t asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }

 private:
  static constexpr unsigned type_a = 1, type_aaaa = 28;
  static constexpr std::size_t header_bytes = 12;

  struct Question {
    std::string query;  // as it came
    sockaddr_in from = {};
    std::string name;
    std::string_view text() const { return std::string_view(query).substr(header_bytes, bytes); }
    std::size_t bytes = 0;  // of name, type and class
    unsigned type = 0;
    int connection = -1;  // by UDP: none
  };

  // False: the port that UDP got is taken for TCP.
  bool bind_both() {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const auto raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, raw, length), 0);
    EXPECT_EQ(::getsockname(socket_, raw, &length), 0);
    port_ = ntohs(address.sin_port);
    if (::bind(listener_, raw, length) == 0) return true;
    close_sockets();
    return false;
  }
  void close_sockets() {
    ::close(socket_);
    ::close(listener_);
  }

  void serve() {
    while (true) {
      pollfd sources[3] = {{stop_, POLLIN, 0}, {socket_, POLLIN, 0}, {listener_, POLLIN, 0}};
      ASSERT_GT(::poll(sources, 3, -1), 0);
      if (sources[0].revents != 0) return;
      if (sources[1].revents != 0) serve_datagram();
      if (sources[2].revents != 0) serve_connection(::accept(listener_, nullptr, nullptr));
    }
  }

  void serve_datagram() {
    Question question;
    question.query.resize(512);
    socklen_t length = sizeof question.from;
    const ssize_t got = ::recvfrom(socket_, question.query.data(), 512, 0,
                                   reinterpret_cast<sockaddr*>(&question.from), &length);
    if (got < static_cast<ssize_t>(header_bytes)) return;
    question.query.resize(static_cast<std::size_t>(got));
    if (parse(question)) answer(question);
  }

  // Until the asker closes it: each name is asked for by a connection of its own.
  void serve_connection(int connection) {
    unsigned char size[2];
    while (::recv(connection, size, 2, MSG_WAITALL) == 2) {
      Question question;
      question.connection = connection;
      question.query.resize(size[0] * 256u + size[1]);
      const ssize_t got =
          ::recv(connection, question.query.data(), question.query.size(), MSG_WAITALL);
      if (got != static_cast<ssize_t>(question.query.size())) break;
      if (parse(question)) answer(question);
    }
    ::close(connection);
  }

  void send(const std::string& bytes, const Question& question) {
    if (question.connection < 0) {
      ::sendto(socket_, bytes.data(), bytes.size(), 0,
               reinterpret_cast<const sockaddr*>(&question.from), sizeof question.from);
      return;
    }
    const char size[2] = {static_cast<char>(bytes.size() >> 8), static_cast<char>(bytes.size())};
    const std::string framed = std::string(size, 2) + bytes;
    ::send(question.connection, framed.data(), framed.size(), MSG_NOSIGNAL);
  }

  static bool parse(Question& question) {
    std::size_t end = header_bytes;
    question.name = read_name(question.query, end);
    if (end + 4 > question.query.size()) return false;
    question.type = (byte(question.query, end) << 8) | byte(question.query, end + 1);
    question.bytes = end + 4 - header_bytes;
    return true;
  }

  void answer(const Question& question) {
    const std::lock_guard lock(mutex_);
    ++asked_[question.name];
    asked_more_.notify_all();
    const auto found = plans_.find(question.name);
    const Plan plan = found == plans_.end() ? Plan{Mood::no_name, {}, {}} : found->second;
    if (plan.mood == Mood::hang) {
      held_[question.name].push_back(question);
    } else {
      send(reply(question, plan), question);
    }
  }

  static std::string reply(const Question& question, const Plan& plan) {
    const std::string text(question.text());
    switch (plan.mood) {
      case Mood::answer:
        return records(question, plan);
      case Mood::no_name:
        return header(question, 3, 0) + text;
      case Mood::fail:
        return header(question, 2, 0) + text;
      case Mood::cut_short:
        return records(question, {Mood::answer, {"10.0.0.1"}, {"::1"}})
            .substr(0, header_bytes + text.size() + 7);
      case Mood::garbage:
        return header(question, 0, 9) + text + std::string(40, '\xff');
      case Mood::over_tcp:
        if (question.connection >= 0) return records(question, plan);
        return truncated(question) + text;
      case Mood::hang:
        break;
    }
    ADD_FAILURE() << "no reply to " << question.name;
    return "";
  }

  static unsigned byte(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
  }

  // Labels to dots, in lower case; `at` moves behind it.
  static std::string read_name(std::string_view query, std::size_t& at) {
    std::string name;
    while (at < query.size() && byte(query, at) != 0) {
      if (!name.empty()) name += '.';
      const std::size_t length = byte(query, at++);
      for (const char c : query.substr(at, length)) {
        name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      }
      at += length;
    }
    ++at;
    return name;
  }

  static std::string header(const Question& question, char code, std::size_t answers) {
    std::string out = question.query.substr(0, 2);
    out += {'\x81', static_cast<char>('\x80' | code), 0, 1, 0, static_cast<char>(answers)};
    out += std::string(4, '\0');
    return out;
  }

  static std::string truncated(const Question& question) {
    std::string out = header(question, 0, 0);
    out[2] = static_cast<char>(out[2] | 2);
    return out;
  }

  static std::string records(const Question& question, const Plan& plan) {
    const std::vector<std::string> none;
    const bool four = question.type == type_a;
    const auto& list = four ? plan.v4 : question.type == type_aaaa ? plan.v6 : none;
    std::string out = header(question, 0, list.size()) + std::string(question.text());
    for (const std::string& text : list) {
      char bytes[16];
      const int family = four ? AF_INET : AF_INET6;
      EXPECT_EQ(inet_pton(family, text.c_str(), bytes), 1) << text;
      const std::size_t size = four ? 4 : 16;
      out += {'\xc0', header_bytes};  // the question's name
      out += {0, static_cast<char>(question.type), 0, 1};
      out += {0, 0, 0, 60, 0, static_cast<char>(size)};  // time to live, length
      out.append(bytes, size);
    }
    return out;
  }

  int socket_ = -1;
  int listener_ = -1;
  int stop_;
  std::uint16_t port_ = 0;
  std::mutex mutex_;  // for the maps
  std::condition_variable asked_more_;
  std::map<std::string, Plan> plans_;
  std::map<std::string, std::size_t> asked_;
  std::map<std::string, std::vector<Question>> held_;
  std::thread thread_;
};

}  // namespace ringpost::engine
