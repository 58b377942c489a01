#include "engine/net/cares_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "engine/io/socket.h"
#include "tests/engine/net/stub_dns.h"

namespace ringpost::engine {
namespace {

using Mood = StubDns::Mood;

const ActorRef asker = ActorRef::actor(3, 7, 1);

struct Answer {
  std::vector<std::string> list;
  std::string error;
};

// Keeps the answers by their token.
class TestSink final : public MessageSink {
 public:
  void post(const Message& message) override {
    const std::unique_ptr<Addresses> addresses = take_object<Addresses>(message);
    Answer answer;
    for (const SocketAddress& address : addresses->list) answer.list.push_back(to_text(address));
    answer.error = addresses->error;
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(message.to, asker);
    EXPECT_EQ(message.kind, kind_resolved);
    EXPECT_NE(answer.list.empty(), answer.error.empty());
    EXPECT_TRUE(answers_.emplace(message.token, answer).second) << "a second answer";
    arrived_.notify_all();
  }

  Answer wait(std::uint64_t token) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return answers_.count(token) != 0; });
    return answers_[token];
  }
  std::optional<Answer> look(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find(token);
    if (found == answers_.end()) return std::nullopt;
    return found->second;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return answers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::map<std::uint64_t, Answer> answers_;
};

class CaresResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.lookup.servers = dns_.address();
    // Far beyond any test: what hangs, hangs, and what is slow is not taken for it.
    options_.lookup.timeout = 300 * nanos_per_s;
    options_.lookup.tries = 1;
  }

  void open() {
    auto opened = CaresResolver::open(options_, sink_);
    ASSERT_TRUE(opened) << opened.error();
    resolver_ = std::move(*opened);
  }
  std::uint64_t ask(std::string_view host, std::uint16_t port = 80) {
    resolver_->resolve(host, port, asker, ++token_);
    return token_;
  }
  Answer answer(std::string_view host, std::uint16_t port = 80) {
    return sink_.wait(ask(host, port));
  }
  std::string error(const std::string& host, Mood mood) {
    dns_.plan(host, mood);
    return answer(host).error;
  }

  StubDns dns_;
  TestSink sink_;
  CaresResolverOptions options_;
  std::unique_ptr<CaresResolver> resolver_;
  std::uint64_t token_ = 0;
};

using Texts = std::vector<std::string>;

TEST_F(CaresResolverTest, GivesAllAddressesOfBothKindsWithThePort) {
  dns_.plan("both.test", {Mood::answer, {"127.0.0.1", "127.0.0.2"}, {"::1"}});
  open();
  Texts list = answer("both.test", 8080).list;
  std::sort(list.begin(), list.end());  // which kind comes first is the machine's business
  EXPECT_EQ(list, (Texts{"127.0.0.1:8080", "127.0.0.2:8080", "[::1]:8080"}));
}

TEST_F(CaresResolverTest, OneKindIsEnough) {
  dns_.plan("four.test", {Mood::answer, {"127.0.0.4"}, {}});
  dns_.plan("six.test", {Mood::answer, {}, {"::6"}});
  open();
  EXPECT_EQ(answer("four.test").list, Texts{"127.0.0.4:80"});
  EXPECT_EQ(answer("six.test").list, Texts{"[::6]:80"});
}

TEST_F(CaresResolverTest, AnswersThatAreTooLongForUdpComeOverTcp) {
  StubDns::Plan plan{Mood::over_tcp, {}, {"::1"}};
  Texts wanted{"[::1]:80"};
  for (int i = 0; i < 200; ++i) {
    plan.v4.push_back("127.0.1." + std::to_string(i));
    wanted.push_back(plan.v4.back() + ":80");
  }
  dns_.plan("large.test", plan);
  open();
  Texts list = answer("large.test").list;
  std::sort(list.begin(), list.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(list, wanted);
}

TEST_F(CaresResolverTest, NumericAddressesAreAnsweredAtOnceAndAskNobody) {
  open();
  EXPECT_EQ(sink_.look(ask("127.0.0.1", 1))->list, Texts{"127.0.0.1:1"});
  EXPECT_EQ(sink_.look(ask("::1", 65535))->list, Texts{"[::1]:65535"});
  EXPECT_EQ(sink_.look(ask("fe80::1%lo", 5))->list, Texts{"[fe80::1]:5"});
  EXPECT_EQ(resolver_->counters().requests, 3u);
  EXPECT_EQ(resolver_->counters().lookups, 0u);
}

TEST_F(CaresResolverTest, AHangingNameDelaysNoOther) {
  dns_.plan("hangs.test", Mood::hang);
  dns_.plan("fine.test", {Mood::answer, {"127.0.0.1"}, {}});
  open();
  const std::uint64_t hanging = ask("hangs.test");
  dns_.wait_asked("hangs.test", 1);
  EXPECT_EQ(answer("fine.test").list, Texts{"127.0.0.1:80"});
  EXPECT_FALSE(sink_.look(hanging));
}

TEST_F(CaresResolverTest, EachQuestionIsAskedAnew) {
  dns_.plan("moves.test", {Mood::answer, {"127.0.0.1"}, {}});
  open();
  EXPECT_EQ(answer("moves.test").list, Texts{"127.0.0.1:80"});
  dns_.plan("moves.test", {Mood::answer, {"127.0.0.2"}, {}});
  EXPECT_EQ(answer("moves.test").list, Texts{"127.0.0.2:80"});
  dns_.plan("moves.test", Mood::no_name);
  EXPECT_NE(answer("moves.test").error, "");
}

// Questions that come while a lookup is under way are not answered from it: they share the next.
TEST_F(CaresResolverTest, AQuestionIsNeverAnsweredByALookupThatBeganBeforeIt) {
  dns_.plan("late.test", Mood::hang);
  open();
  const std::uint64_t first = ask("late.test");
  dns_.wait_asked("late.test", 2);  // A and AAAA
  std::vector<std::uint64_t> later;
  for (int i = 0; i < 100; ++i) later.push_back(ask("late.test"));
  dns_.plan("late.test", {Mood::answer, {"127.0.0.2"}, {}});
  dns_.release("late.test", {Mood::answer, {"127.0.0.1"}, {}});
  EXPECT_EQ(sink_.wait(first).list, Texts{"127.0.0.1:80"});
  for (const std::uint64_t token : later) EXPECT_EQ(sink_.wait(token).list, Texts{"127.0.0.2:80"});
  EXPECT_EQ(resolver_->counters().lookups, 2u);
}

TEST_F(CaresResolverTest, SaysWhatIsWrongAndWithWhichName) {
  open();
  EXPECT_EQ(error("gone.test", Mood::no_name), "'gone.test' could not be resolved: no such name");
  EXPECT_EQ(error("fails.test", Mood::fail),
            "'fails.test' could not be resolved: no DNS server could be reached, or each failed");
  EXPECT_EQ(error("empty.test", Mood::answer), "'empty.test' could not resolve to any address");
  EXPECT_EQ(error("cut.test", Mood::cut_short),
            "'cut.test' could not be resolved: the DNS server's answer makes no sense");
  EXPECT_EQ(error("garbage.test", Mood::garbage),
            "'garbage.test' could not be resolved: the DNS server's answer makes no sense");
  EXPECT_EQ(answer(std::string(300, 'x')).error,
            "'" + std::string(300, 'x') + "' could not be resolved: not a valid host name");
  EXPECT_NE(answer("").error, "");
  EXPECT_NE(answer("two words").error, "");
  EXPECT_EQ(resolver_->counters().failed, 8u);
}

TEST_F(CaresResolverTest, ALookupIsBounded) {
  options_.lookup.timeout = 20 * nanos_per_ms;
  options_.lookup.tries = 2;
  open();
  EXPECT_EQ(error("hangs.test", Mood::hang),
            "'hangs.test' could not be resolved: no DNS server answered in time");
  EXPECT_GE(dns_.asked("hangs.test"), 2u);
}

TEST_F(CaresResolverTest, AServerThatIsNotThereIsAnError) {
  std::optional<StubDns> gone(std::in_place);
  options_.lookup.servers = gone->address();
  options_.lookup.timeout = 20 * nanos_per_ms;
  gone.reset();
  open();
  // The socket's one error reaches the query that looks first; the other runs out of time.
  const std::string why = answer("any.test").error;
  EXPECT_TRUE(why.ends_with("no DNS server answered in time") ||
              why.ends_with("no DNS server could be reached, or each failed"))
      << why;
}

TEST_F(CaresResolverTest, TheNextServerIsAskedWhenOneFails) {
  std::optional<StubDns> gone(std::in_place);
  options_.lookup.servers = gone->address() + "," + dns_.address();
  options_.lookup.timeout = 20 * nanos_per_ms;
  options_.lookup.tries = 10;
  gone.reset();
  dns_.plan("there.test", {Mood::answer, {"127.0.0.1"}, {}});
  open();
  EXPECT_EQ(answer("there.test").list, Texts{"127.0.0.1:80"});
}

TEST_F(CaresResolverTest, ManyNamesAtOnce) {
  constexpr int count = 200;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    dns_.plan("name" + number + ".test", {Mood::answer, {"127.0.1." + number}, {}});
  }
  open();
  for (int i = 0; i < count; ++i) ask("name" + std::to_string(i) + ".test");
  for (int i = 0; i < count; ++i) {
    const Answer answer = sink_.wait(static_cast<std::uint64_t>(i) + 1);
    EXPECT_EQ(answer.list, Texts{"127.0.1." + std::to_string(i) + ":80"});
  }
}

TEST_F(CaresResolverTest, AnyThreadMayAsk) {
  dns_.plan("fine.test", {Mood::answer, {"127.0.0.1"}, {}});
  open();
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (std::uint64_t i = 0; i < 50; ++i) {
        const std::uint64_t token = 1 + thread * 50 + i;
        resolver_->resolve(i % 3 == 0 ? "::1" : "fine.test", 80, asker, token);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::uint64_t token = 1; token <= 200; ++token) EXPECT_EQ(sink_.wait(token).error, "");
}

TEST_F(CaresResolverTest, RefusesWhatIsOverItsBounds) {
  dns_.plan("hangs.test", Mood::hang);
  dns_.plan("another.test", {Mood::answer, {"127.0.0.1"}, {}});
  options_.requests_max = 3;
  options_.names_max = 1;
  open();
  ask("hangs.test");
  dns_.wait_asked("hangs.test", 1);
  EXPECT_EQ(answer("another.test").error,
            "'another.test' could not be resolved: too many names are being looked up");
  ask("hangs.test");
  ask("hangs.test");
  EXPECT_EQ(sink_.look(ask("hangs.test"))->error,
            "'hangs.test' could not be resolved: too many lookups wait for an answer");
  EXPECT_EQ(sink_.look(ask("127.0.0.1"))->error, "");  // waits for nothing
  EXPECT_EQ(resolver_->counters().refused, 2u);
}

TEST_F(CaresResolverTest, TheEndAnswersWhatIsUnderWay) {
  dns_.plan("hangs.test", Mood::hang);
  open();
  for (int i = 0; i < 10; ++i) {
    const std::string other = "hangs" + std::to_string(i) + ".test";
    dns_.plan(other, Mood::hang);
    ask("hangs.test");
    ask(other);
  }
  dns_.wait_asked("hangs.test", 1);
  resolver_.reset();
  EXPECT_EQ(sink_.count(), 20u);
  EXPECT_EQ(sink_.look(1)->error,
            "'hangs.test' could not be resolved: not looked up to the end: shutting down");
}

TEST_F(CaresResolverTest, TheEndMayComeAtAnyTime) {
  dns_.plan("fine.test", {Mood::answer, {"127.0.0.1"}, {}});
  for (int round = 0; round < 100; ++round) {
    open();
    for (int i = 0; i < round % 4; ++i) ask("fine.test");
    resolver_.reset();
    EXPECT_EQ(sink_.count(), token_);
  }
}

TEST_F(CaresResolverTest, ServersThatAreNoneAreRefused) {
  options_.lookup.servers = "not a server";
  const auto opened = CaresResolver::open(options_, sink_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(),
            "'not a server' is no list of DNS servers such as 127.0.0.1:5353,[::1]:53");
}

TEST_F(CaresResolverTest, TheHostsFileComesFirst) {
  const std::string path = ::testing::TempDir() + "ringpost-hosts-" + std::to_string(::getpid());
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fputs("127.0.0.9 filed.test\n", file);
  std::fclose(file);
  ::setenv("CARES_HOSTS", path.c_str(), 1);
  dns_.plan("filed.test", {Mood::answer, {"127.0.0.1"}, {}});
  open();
  EXPECT_EQ(answer("filed.test").list, Texts{"127.0.0.9:80"});
  resolver_.reset();
  ::unsetenv("CARES_HOSTS");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace ringpost::engine
