#include "engine/net/cares_resolver.h"

#include <concurrentqueue/concurrentqueue.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/assert.h"

namespace ringpost::engine {

namespace {

struct Request {
  std::string host;
  std::uint16_t port = 0;
  ActorRef asker;
  std::uint64_t token = 0;
};

void set_port(SocketAddress& address, std::uint16_t port) {
  const in_port_t value = htons(port);
  const std::size_t offset = address.storage.ss_family == AF_INET6
                                 ? offsetof(sockaddr_in6, sin6_port)
                                 : offsetof(sockaddr_in, sin_port);
  std::memcpy(reinterpret_cast<char*>(&address.storage) + offset, &value, sizeof value);
}

// "1.2.3.4", "::1", "fe80::1%eth0". Asks nobody.
std::vector<SocketAddress> parse_numeric(const std::string& host) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (host.empty() || ::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::vector<SocketAddress> list(1);
  std::memcpy(&list[0].storage, found->ai_addr, found->ai_addrlen);
  list[0].length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return list;
}

}  // namespace

// What the thread and the askers share, and the thread's own.
class CaresResolver::Desk {
 public:
  Desk(const CaresResolverOptions& options, MessageSink& sink, int event)
      : options_(options), sink_(sink), event_(event), thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), "resolver");
  }
  ~Desk() {
    stopping_.store(true, std::memory_order_release);  // pairs with the acquire in `run`
    ring();
    thread_.join();
    ::close(event_);
  }

  // --- Called on: any thread ---

  void ask(Request request) {
    count(requests_);
    if (std::vector<SocketAddress> numeric = parse_numeric(request.host); !numeric.empty()) {
      return answer(request, numeric, "");
    }
    // Relaxed: a count and nothing else; the queue publishes the request.
    if (waiting_.fetch_add(1, std::memory_order_relaxed) >= options_.requests_max) {
      return refuse(request, "too many lookups wait for an answer");
    }
    queue_.enqueue(std::move(request));
    ring();
  }

  ResolverCounters counters() const {
    const auto read = [](const Counter& counter) {
      return counter.load(std::memory_order_relaxed);  // a snapshot of sums, in no order
    };
    return {read(requests_), read(lookups_), read(failed_), read(refused_)};
  }

 private:
  using Counter = std::atomic<std::uint64_t>;

  // A name that is looked up, and for whom.
  struct Name {
    explicit Name(const std::string& host) : lookup(host) {}

    NameLookup lookup;
    std::vector<Request> askers;  // of the lookup under way
    std::vector<Request> next;    // came since it began
  };

  static void count(Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

  void ring() {
    // Fails only when the counter is full, and then the thread is awake anyway.
    (void)eventfd_write(event_, 1);
  }

  // --- Called on: any thread, each for a request that it holds ---

  void answer(const Request& request, const std::vector<SocketAddress>& list,
              const std::string& error) {
    auto addresses = std::make_unique<Addresses>();
    addresses->list = list;
    for (SocketAddress& address : addresses->list) set_port(address, request.port);
    addresses->error = error;
    Message message{};
    message.to = request.asker;
    message.kind = kind_resolved;
    message.token = request.token;
    message.put_object(std::move(addresses));
    sink_.post(message);
  }
  // It was counted as waiting.
  void answer_waiting(const Request& request, const std::vector<SocketAddress>& list,
                      const std::string& error) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    answer(request, list, error);
  }
  void fail_waiting(const Request& request, const std::string& why) {
    answer_waiting(request, {}, '\'' + request.host + "' could not be resolved: " + why);
  }
  void refuse(const Request& request, const std::string& why) {
    count(refused_);
    fail_waiting(request, why);
  }

  // --- Called on: the thread ---

  void run() {
    // Pairs with the release in the destructor.
    while (!stopping_.load(std::memory_order_acquire)) {
      take_requests();
      finish_lookups();
      wait();
    }
    answer_the_rest();
  }

  void take_requests() {
    Request request;
    while (queue_.try_dequeue(request)) {
      const auto known = names_.find(request.host);
      if (known != names_.end()) {
        known->second.next.push_back(std::move(request));
      } else if (names_.size() >= options_.names_max) {
        refuse(request, "too many names are being looked up");
      } else {
        Name& name = names_.try_emplace(request.host, request.host).first->second;
        name.next.push_back(std::move(request));
        start(name);
      }
    }
  }

  void start(Name& name) {
    name.askers = std::exchange(name.next, {});
    count(lookups_);
    name.lookup.start(options_.lookup, clock_.now());
  }

  void finish_lookups() {
    for (auto i = names_.begin(); i != names_.end();) {
      Name& name = i->second;
      while (name.lookup.done() && !name.askers.empty()) finish(name);
      i = name.lookup.done() ? names_.erase(i) : std::next(i);
    }
  }

  void finish(Name& name) {
    if (name.lookup.list().empty()) count(failed_);
    for (const Request& request : std::exchange(name.askers, {})) {
      answer_waiting(request, name.lookup.list(), name.lookup.error());
    }
    if (!name.next.empty()) start(name);
  }

  // Until a request, an answer from the network, or the time for another try.
  void wait() {
    descriptors_.assign(1, {event_, POLLIN, 0});
    owners_.assign(1, nullptr);
    const Nanos now = clock_.now();
    Nanos next = never;
    for (auto& [host, name] : names_) {
      next = std::min(next, name.lookup.next_time(now));
      for (const pollfd& descriptor : name.lookup.descriptors()) {
        descriptors_.push_back(descriptor);
        owners_.push_back(&name.lookup);
      }
    }
    const int found = ::poll(descriptors_.data(), descriptors_.size(), timeout_ms(next, now));
    ASSERT(found >= 0 || errno == EINTR || errno == ENOMEM);
    if (found > 0) process_ready();
    const Nanos then = clock_.now();
    for (auto& [host, name] : names_) {
      if (!name.lookup.done()) name.lookup.on_time(then);
    }
  }

  // A lookup may close a descriptor and another open the same number: each is asked about those
  // that it had before the wait, and c-ares passes over what is not its own.
  void process_ready() {
    if (descriptors_[0].revents != 0) {
      eventfd_t rung;
      (void)eventfd_read(event_, &rung);
    }
    for (std::size_t i = 1; i < descriptors_.size(); ++i) {
      if (descriptors_[i].revents != 0) owners_[i]->on_ready(descriptors_[i]);
    }
  }

  static int timeout_ms(Nanos next, Nanos now) {
    if (next == never) return -1;
    const Nanos left = std::clamp<Nanos>(next - now, 0, 3600 * nanos_per_s);
    return static_cast<int>((left + nanos_per_ms - 1) / nanos_per_ms);
  }

  void answer_the_rest() {
    constexpr const char* why = "not looked up to the end: shutting down";
    for (auto& [host, name] : names_) {
      name.lookup.cancel(why);
      for (const Request& request : name.askers) fail_waiting(request, why);
      for (const Request& request : name.next) fail_waiting(request, why);
    }
    names_.clear();
    Request request;
    while (queue_.try_dequeue(request)) fail_waiting(request, why);
  }

  const CaresResolverOptions options_;
  MessageSink& sink_;
  const int event_;
  const MonotonicClock clock_;
  moodycamel::ConcurrentQueue<Request> queue_{64};
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint32_t> waiting_{0};  // accepted and not answered yet
  Counter requests_{0};
  Counter lookups_{0};
  Counter failed_{0};
  Counter refused_{0};

  // The thread's.
  std::map<std::string, Name, std::less<>> names_;
  std::vector<pollfd> descriptors_;  // of this wait; the first is the event
  std::vector<NameLookup*> owners_;  // of each

  std::thread thread_;  // last: it uses the rest
};

Result<std::unique_ptr<CaresResolver>, std::string> CaresResolver::open(
    const CaresResolverOptions& options, MessageSink& sink) {
  if (auto wrong = validate(options.lookup)) return Unexpected{*wrong};
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return Unexpected{std::string("no eventfd: ") + std::strerror(errno)};
  // Signals are not for this thread; it starts with the mask of the one that makes it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto desk = std::make_unique<Desk>(options, sink, event);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::move(desk)));
}

CaresResolver::CaresResolver(std::unique_ptr<Desk> desk) : desk_(std::move(desk)) {}
CaresResolver::~CaresResolver() = default;

void CaresResolver::resolve(std::string_view host, std::uint16_t port, ActorRef asker,
                            std::uint64_t token) {
  desk_->ask({std::string(host), port, asker, token});
}

ResolverCounters CaresResolver::counters() const { return desk_->counters(); }

}  // namespace ringpost::engine
