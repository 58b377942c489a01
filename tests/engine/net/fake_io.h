#pragma once

// FakeIo: an Io whose every operation a test completes by hand, in any order and with any result.
// It records what was asked of it and checks what callers must keep (see io.h). Nothing here is
// random: the seeded network lives in tests/sim.
//
// A buffer that was given back is overwritten, and poisoned for AddressSanitizer, so that whoever
// still reads it is found.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/kernel_owned.h"
#include "engine/io/io.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) ((void)(start), (void)(bytes))
#endif

namespace ringpost::engine {

// What a FakeIo does by itself. A namespace-level struct, so that it can be a default argument.
struct FakeIoOptions {
  bool complete_sends = false;    // each in the turn after it was started, whole
  bool complete_cancels = false;  // with -ECANCELED, in the turn after
  bool keep_output = true;        // else bytes are only counted, and nothing is noted or allocated
};

class FakeIo final : public Io {
 public:
  using Options = FakeIoOptions;

  struct Operation {
    OpToken token;
    Fd fd = no_fd;
    bool when_readable = false;
    bool cancel_asked = false;
    SendRequest* request = nullptr;
    std::string content;          // of a send when it was started, if output is kept
    std::span<char> target = {};  // receive_once
    SocketAddress address = {};   // connect
  };

  static constexpr std::size_t buffer_count = 256;
  static constexpr std::size_t buffer_bytes = 16 * 1024;

  explicit FakeIo(KernelOwned& kernel_owned, const Options& initial = {})
      : options(initial),
        kernel_owned_(kernel_owned),
        memory_(std::make_unique<char[]>(buffer_count * buffer_bytes)),
        handed_out_(buffer_count) {
    ASAN_POISON_MEMORY_REGION(memory_.get(), buffer_count * buffer_bytes);
    for (std::size_t i = buffer_count; i-- > 0;) free_.push_back(static_cast<BufferId>(i));
    operations_.reserve(1024);
    queue_.reserve(1024);
    returned_.reserve(1024);
  }
  ~FakeIo() override { ASAN_UNPOISON_MEMORY_REGION(memory_.get(), buffer_count * buffer_bytes); }

  Options options;

  // --- What the world does ---

  // Bytes arrive for the receive of `fd`, in one buffer. `more` false: the multishot ends with it.
  void arrive(Fd fd, Bytes bytes, bool more = true) {
    ASSERT(bytes.size() <= buffer_bytes && !bytes.empty() && !free_.empty());
    const BufferId buffer = free_.back();
    free_.pop_back();
    handed_out_[buffer] = true;
    char* const data = memory_.get() + buffer * buffer_bytes;
    ASAN_UNPOISON_MEMORY_REGION(data, bytes.size());
    std::memcpy(data, bytes.data(), bytes.size());
    Completion completion = answer(OpKind::receive, fd, static_cast<std::int32_t>(bytes.size()));
    completion.more = more;
    completion.has_buffer = true;
    completion.buffer = buffer;
    completion.data = data;
    finish(completion);
  }
  void receive_ends(Fd fd, int error) { finish(answer(OpKind::receive, fd, -error)); }
  // What the receive_once of `fd` takes at most.
  std::size_t room(Fd fd) const { return operation(OpKind::receive_once, fd).target.size(); }
  // Bytes arrive for the receive_once of `fd`. Requires: they fit into its target.
  void arrive_once(Fd fd, Bytes bytes) {
    const std::span<char> target = operation(OpKind::receive_once, fd).target;
    ASSERT(!bytes.empty() && bytes.size() <= target.size());
    std::memcpy(target.data(), bytes.data(), bytes.size());
    receive_once_ends(fd, static_cast<std::int32_t>(bytes.size()));
  }
  void receive_once_ends(Fd fd, std::int32_t result) {
    const std::span<char> target = operation(OpKind::receive_once, fd).target;
    if (options.keep_output) kernel_owned_.forget(target.data(), target.size());
    finish(answer(OpKind::receive_once, fd, result));
  }
  void connect_ends(Fd fd, std::int32_t result) { finish(answer(OpKind::connect, fd, result)); }
  void fin(Fd fd) { receive_ends(fd, 0); }

  // The send of `fd` is done: whole, or with this result.
  void sent(Fd fd) {
    sent(fd, static_cast<std::int32_t>(operation(OpKind::send, fd).request->bytes));
  }
  void sent(Fd fd, std::int32_t result) { finish(answer(OpKind::send, fd, result)); }

  void accepted(Fd listener, Fd socket, bool more = true) {
    Completion completion = answer(OpKind::accept, listener, socket);
    completion.more = more;
    finish(completion);
  }
  void accept_ends(Fd listener, int error) { finish(answer(OpKind::accept, listener, -error)); }

  // A completion as it is, for tokens of the past. With `bytes` it brings a buffer.
  void complete_stale(OpToken token, Bytes bytes) {
    operations_.push_back({token, stale_fd, false, false, nullptr, {}});
    arrive(stale_fd, bytes, false);
  }

  // --- What was asked ---

  bool in_flight(OpKind kind, Fd fd) const { return find(kind, fd) != nullptr; }
  bool receiving(Fd fd) const { return in_flight(OpKind::receive, fd); }
  bool sending(Fd fd) const { return in_flight(OpKind::send, fd); }
  const Operation& operation(OpKind kind, Fd fd) const {
    const Operation* found = find(kind, fd);
    ASSERT(found != nullptr);
    return *found;
  }
  bool cancel_asked(OpKind kind, Fd fd) const {
    const Operation* found = find(kind, fd);
    return found != nullptr && found->cancel_asked;
  }
  // What the send in flight carries.
  const std::string& sending_bytes(Fd fd) const { return operation(OpKind::send, fd).content; }
  std::size_t operation_count() const { return operations_.size(); }

  std::map<Fd, std::string> output;  // what was sent, in full sends
  std::uint64_t output_bytes = 0;    // of all sockets
  std::vector<std::pair<Fd, Shutdown>> shutdowns;
  std::vector<Fd> closed;           // by a reset too
  std::vector<Fd> closed_by_reset;  // of these
  std::uint64_t undelivered = 0;    // of every socket
  bool silent = false;              // every peer
  std::vector<Fd> opened;           // by open_stream, oldest first
  int open_error = 0;               // what open_stream fails with
  std::vector<std::uint32_t> wakes;
  std::uint64_t turns = 0;
  std::uint64_t sleeps = 0;
  TurnLimits last_limits{};

  bool is_closed(Fd fd) const { return std::count(closed.begin(), closed.end(), fd) != 0; }
  bool is_shut_down(Fd fd, Shutdown how) const {
    return std::count(shutdowns.begin(), shutdowns.end(), std::pair(fd, how)) != 0;
  }
  std::size_t buffers_out() const { return buffer_count - free_.size(); }

  // --- Io ---

  void accept(Fd listener, OpToken token) override {
    start({token, listener, false, false, nullptr, {}}, OpKind::accept);
  }
  void receive(Fd socket, OpToken token, bool when_readable) override {
    start({token, socket, when_readable, false, nullptr, {}}, OpKind::receive);
  }
  void receive_once(Fd socket, std::span<char> target, OpToken token) override {
    EXPECT_FALSE(target.empty());
    if (options.keep_output) kernel_owned_.note(target.data(), target.size());
    Operation receiving{token, socket, false, false, nullptr, {}};
    receiving.target = target;
    start(std::move(receiving), OpKind::receive_once);
  }
  void send(Fd socket, SendRequest& request, OpToken token) override {
    EXPECT_GT(request.part_count, 0u);
    EXPECT_LE(request.part_count, SendRequest::parts_max);
    Operation sending{token, socket, false, false, &request, {}};
    if (options.keep_output) {
      sending.content = content_of(request);
      EXPECT_EQ(sending.content.size(), request.bytes);
      for_each_part(request,
                    [this](const iovec& part) { kernel_owned_.note(part.iov_base, part.iov_len); });
    }
    EXPECT_GT(request.bytes, 0u);
    start(std::move(sending), OpKind::send);
  }
  Result<Fd, std::error_code> open_stream(const SocketAddress&, const TcpOptions&) override {
    if (open_error != 0) return Unexpected{std::error_code(open_error, std::system_category())};
    opened.push_back(first_opened_fd + static_cast<Fd>(opened.size()));
    return opened.back();
  }
  void connect(Fd socket, const SocketAddress& address, OpToken token) override {
    Operation connecting{token, socket, false, false, nullptr, {}};
    connecting.address = address;
    start(std::move(connecting), OpKind::connect);
  }
  void cancel(OpToken token) override {
    for (Operation& operation : operations_) {
      if (operation.token == token) operation.cancel_asked = true;
    }
  }
  void shutdown(Fd socket, Shutdown how) override {
    check_open(socket);
    shutdowns.emplace_back(socket, how);
  }
  void close(Fd socket) override {
    check_open(socket);
    for (const Operation& operation : operations_) {
      EXPECT_NE(operation.fd, socket) << "closed with an operation in flight";
    }
    closed.push_back(socket);
  }
  void close_by_reset(Fd socket) override {
    close(socket);
    closed_by_reset.push_back(socket);
  }
  std::uint64_t undelivered_bytes(Fd socket) override {
    check_open(socket);
    return undelivered;
  }
  bool peer_fell_silent(Fd socket) override {
    check_open(socket);
    return silent;
  }
  bool can_spare_buffer() const override { return free_.size() > buffer_count / 2; }
  void give_back(BufferId buffer) override {
    ASSERT(buffer < buffer_count);
    EXPECT_TRUE(handed_out_[buffer]) << "buffer " << buffer << " given back twice";
    handed_out_[buffer] = false;
    free_.push_back(buffer);
    char* const data = memory_.get() + buffer * buffer_bytes;
    ASAN_UNPOISON_MEMORY_REGION(data, buffer_bytes);
    std::memset(data, 0xa5, buffer_bytes);
    ASAN_POISON_MEMORY_REGION(data, buffer_bytes);
  }
  void wake(std::uint32_t shard) override { wakes.push_back(shard); }
  void wake_from_any_thread() override {}

  std::span<const Completion> turn(const TurnLimits& limits, SleepGate& gate) override {
    ++turns;
    last_limits = limits;
    returned_.clear();
    if (limits.completions_max == 0) return {};
    complete_by_itself();
    const std::size_t count = std::min(queue_.size(), limits.completions_max);
    returned_.assign(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(count));
    if (returned_.empty() && limits.deadline > 0 && gate.try_enter_sleep()) {
      ++sleeps;
      gate.leave_sleep();
    }
    return returned_;
  }

 private:
  static constexpr Fd stale_fd = 1'000'000;
  static constexpr Fd first_opened_fd = 500'000;

  void start(Operation operation, OpKind kind) {
    EXPECT_EQ(operation.token.kind(), kind);
    check_open(operation.fd);
    for (const Operation& other : operations_) {
      EXPECT_FALSE(other.fd == operation.fd && other.token.kind() == kind)
          << "a second one in flight on " << operation.fd;
      EXPECT_NE(other.token.value, operation.token.value) << "a token used twice";
    }
    operations_.push_back(std::move(operation));
  }

  void check_open(Fd fd) const {
    EXPECT_GE(fd, 0);
    EXPECT_FALSE(is_closed(fd)) << fd << " is closed";
  }

  const Operation* find(OpKind kind, Fd fd) const {
    for (const Operation& operation : operations_) {
      if (operation.fd == fd && operation.token.kind() == kind) return &operation;
    }
    return nullptr;
  }

  Completion answer(OpKind kind, Fd fd, std::int32_t result) const {
    Completion completion;
    completion.token = operation(kind, fd).token;
    completion.result = result;
    return completion;
  }

  void finish(const Completion& completion) {
    queue_.push_back(completion);
    if (completion.more) return;
    const auto at = std::find_if(
        operations_.begin(), operations_.end(),
        [&](const Operation& operation) { return operation.token == completion.token; });
    ASSERT(at != operations_.end());
    if (at->request != nullptr) end_send(*at, completion.result);
    operations_.erase(at);
  }

  void end_send(const Operation& operation, std::int32_t result) {
    if (result > 0) output_bytes += static_cast<std::uint64_t>(result);
    if (!options.keep_output) return;
    EXPECT_EQ(content_of(*operation.request), operation.content) << "changed while in flight";
    for_each_part(*operation.request,
                  [this](const iovec& part) { kernel_owned_.forget(part.iov_base, part.iov_len); });
    if (result > 0) {
      output[operation.fd] += operation.content.substr(0, static_cast<std::size_t>(result));
    }
  }

  void complete_by_itself() {
    for (std::size_t i = operations_.size(); i-- > 0;) {
      const Operation& operation = operations_[i];
      if (options.complete_sends && operation.request != nullptr) {
        sent(operation.fd);
      } else if (options.complete_cancels && operation.cancel_asked) {
        if (operation.token.kind() == OpKind::receive_once) {
          receive_once_ends(operation.fd, -ECANCELED);
        } else {
          finish(answer(operation.token.kind(), operation.fd, -ECANCELED));
        }
      }
    }
  }

  static std::string content_of(const SendRequest& request) {
    std::string content;
    for_each_part(request, [&](const iovec& part) {
      content.append(static_cast<const char*>(part.iov_base), part.iov_len);
    });
    return content;
  }

  template <typename Visit>
  static void for_each_part(const SendRequest& request, Visit&& visit) {
    for (std::uint32_t i = 0; i < request.part_count; ++i) visit(request.parts[i]);
  }

  KernelOwned& kernel_owned_;
  std::unique_ptr<char[]> memory_;
  std::vector<bool> handed_out_;
  std::vector<BufferId> free_;
  std::vector<Operation> operations_;  // in the order in which they were started
  std::vector<Completion> queue_;      // to be returned by the next turn
  std::vector<Completion> returned_;
};

// A gate for tests that turn an Io without a shard.
class OpenGate final : public SleepGate {
 public:
  bool work_pending() const override { return false; }
  bool try_enter_sleep() override { return true; }
  void leave_sleep() override {}
};

}  // namespace ringpost::engine
