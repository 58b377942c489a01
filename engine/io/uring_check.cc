#include "engine/io/uring_check.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <system_error>

#include "engine/io/buffer_ring.h"
#include "engine/io/kernel_ring.h"

namespace ringpost::engine {
namespace {

constexpr std::string_view seccomp_remedy =
    "Run with --security-opt seccomp=<profile that allows io_uring_setup, io_uring_enter and "
    "io_uring_register> (for a test: seccomp=unconfined; Docker Desktop 4.42+ blocks it even "
    "then); "
    "in Kubernetes use a Localhost seccompProfile; under systemd check SystemCallFilter=.";

constexpr std::string_view kernel_remedy =
    "Linux 6.1 or newer is needed, 6.12 or newer is recommended.";

std::string errno_text(int error) { return std::system_category().message(error); }

std::string two_lines(std::string_view cause, std::string_view remedy) {
  std::string text(cause);
  text += '\n';
  text += remedy;
  return text;
}

bool has_seccomp_filter(const HostFacts& facts) {
  return facts.seccomp_mode == HostFacts::seccomp_filter;
}

std::string explain_forbidden(int error, const HostFacts& facts) {
  if (facts.io_uring_disabled == 2) {
    return two_lines("io_uring is switched off on this host (kernel.io_uring_disabled = 2).",
                     "As root: sysctl -w kernel.io_uring_disabled=0");
  }
  if (facts.io_uring_disabled == 1) {
    return two_lines(
        "io_uring is allowed only for CAP_SYS_ADMIN and for members of the group in "
        "kernel.io_uring_group (kernel.io_uring_disabled = 1).",
        "Add the service user to that group, or as root: sysctl -w kernel.io_uring_disabled=0");
  }
  if (has_seccomp_filter(facts)) {
    return two_lines(
        "A seccomp filter blocks io_uring. Docker 25+, containerd 2 and Kubernetes RuntimeDefault "
        "do this by default.",
        seccomp_remedy);
  }
  return two_lines("The kernel refuses io_uring to this process (" + errno_text(error) +
                       "): SELinux or another security module, as it seems.",
                   "See the audit log.");
}

std::string explain_absent(const HostFacts& facts) {
  if (has_seccomp_filter(facts)) {
    return two_lines(
        "io_uring seems to be missing (Function not implemented), and a seccomp filter is in "
        "place, which may only say so.",
        seccomp_remedy);
  }
  return two_lines("Kernel " + facts.kernel_release +
                       " has no io_uring: it was built without CONFIG_IO_URING, or a sandbox such "
                       "as gVisor stands in for it.",
                   kernel_remedy);
}

std::string kib(std::uint64_t bytes) { return std::to_string((bytes + 1023) / 1024) + " KiB"; }

std::string explain_no_memory(const HostFacts& facts, const UringDemand& demand) {
  const std::string need = kib(demand.locked_bytes());
  if (facts.locked_bytes_max == HostFacts::unlimited) {
    return two_lines("The kernel has no memory for the rings (" + need +
                         "), and no limit is the cause: its memory is short or fragmented.",
                     "Free memory, or use fewer shards.");
  }
  return two_lines("The rings need " + need + " of locked memory; the limit is " +
                       kib(facts.locked_bytes_max) +
                       " for all processes of the user together (RLIMIT_MEMLOCK).",
                   "Raise it (ulimit -l, systemd LimitMEMLOCK=, docker --ulimit memlock=-1), grant "
                   "CAP_IPC_LOCK, or use fewer shards.");
}

std::string explain_unknown_flag(const HostFacts& facts) {
  const std::string flag(facts.setup_flag_missing.empty() ? "a set-up flag of io_uring"
                                                          : facts.setup_flag_missing);
  return two_lines("Kernel " + facts.kernel_release + " lacks " + flag + ".", kernel_remedy);
}

std::string_view step_text(UringStep step) {
  switch (step) {
    case UringStep::setup:
      return "io_uring_setup";
    case UringStep::features:
      return "a feature of io_uring (NODROP, EXT_ARG, CQE_SKIP)";
    case UringStep::register_ring:
      return "registering the ring's descriptor";
    case UringStep::buffer_ring:
      return "the provided-buffer ring";
    case UringStep::enter:
      return "io_uring_enter";
    case UringStep::eventfd:
      return "an eventfd";
    case UringStep::socket_pair:
      return "a pair of sockets";
    case UringStep::multishot_receive:
      return "a multishot receive into provided buffers";
    case UringStep::cancel:
      return "the cancel of a receive";
    case UringStep::message_ring:
      return "a message from ring to ring";
  }
  return "io_uring";
}

std::string explain_step(const UringFailure& failure, const HostFacts& facts) {
  std::string cause = "io_uring of kernel " + facts.kernel_release + " does not serve: ";
  cause += step_text(failure.step);
  cause += failure.error != 0 ? " failed (" + errno_text(failure.error) + ")."
                              : " is missing or does not work.";
  return two_lines(cause, kernel_remedy);
}

}  // namespace

std::string explain(const UringFailure& failure, const HostFacts& facts,
                    const UringDemand& demand) {
  switch (failure.error) {
    case EPERM:
    case EACCES:
      return explain_forbidden(failure.error, facts);
    case ENOSYS:
      return explain_absent(facts);
    case ENOMEM:
      return explain_no_memory(facts, demand);
    case EMFILE:
      return two_lines("No file descriptor is left for an io_uring (Too many open files).",
                       "Raise the limit (ulimit -n, systemd LimitNOFILE=).");
    case ENFILE:
      return two_lines("The system has no file left for an io_uring.",
                       "As root: raise sysctl fs.file-max.");
    case EINVAL:
      if (failure.step == UringStep::setup) return explain_unknown_flag(facts);
      return explain_step(failure, facts);
    default:
      return explain_step(failure, facts);
  }
}

namespace {

// --- the facts

std::optional<int> read_sysctl(const char* path) {
  std::ifstream file(path);
  int value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

int read_seccomp_mode() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    int mode = 0;
    if (std::sscanf(line.c_str(), "Seccomp: %d", &mode) == 1) return mode;
  }
  return 0;
}

std::uint64_t read_locked_bytes_max() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return HostFacts::unlimited;
  }
  return limit.rlim_cur;
}

bool can_set_up(unsigned flags) {
  io_uring ring = {};
  if (io_uring_queue_init(2, &ring, flags) < 0) return false;
  io_uring_queue_exit(&ring);
  return true;
}

// From the newest of the engine's flags down, each without those that came after it.
std::string_view find_missing_setup_flag() {
  if (can_set_up(IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER)) {
    return "IORING_SETUP_DEFER_TASKRUN";
  }
  if (can_set_up(IORING_SETUP_SUBMIT_ALL)) return "IORING_SETUP_SINGLE_ISSUER";
  if (can_set_up(0)) return "IORING_SETUP_SUBMIT_ALL";
  return {};
}

// --- the self-test

class SocketPair {
 public:
  SocketPair() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) ends_[0] = ends_[1] = -1;
  }
  ~SocketPair() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  bool is_open() const { return ends_[0] >= 0; }
  int near() const { return ends_[0]; }
  int far() const { return ends_[1]; }

 private:
  int ends_[2];
};

class SelfTest {
 public:
  // The first step that fails, or nothing.
  std::optional<UringFailure> run(const UringDemand& demand) {
    auto ring = KernelRing::open(demand.sq_entries, demand.cq_entries);
    if (!ring) return ring.error();
    ring_ = std::move(ring.value());
    auto buffers = BufferRing::open(ring_->raw(), buffer_count, buffer_bytes);
    if (!buffers) return buffers.error();
    buffers_ = std::move(buffers.value());
    if (!sockets_.is_open()) return UringFailure{UringStep::socket_pair, errno};
    if (auto failure = receive_one_byte()) return failure;
    if (auto failure = cancel_receive()) return failure;
    return message_to_self();
  }
  bool has_no_iowait() const { return ring_->has_no_iowait(); }

 private:
  enum UserData : std::uint64_t { none, receiving, cancelling, messaging, message };
  static constexpr std::uint32_t buffer_count = 2;
  static constexpr std::uint32_t buffer_bytes = 64;
  static constexpr Nanos patience = nanos_per_s;
  static constexpr int enters_max = 10;

  struct Seen {
    int result = 0;
    unsigned flags = 0;
  };

  // Submits, and waits for the completion with this user_data, or with that of a step that only
  // completes when it fails. The others are dropped.
  std::optional<Seen> wait_for(UserData wanted, UserData failed) {
    std::optional<Seen> seen;
    for (int i = 0; i < enters_max && !seen; ++i) {
      ring_->submit_and_wait(patience);
      ring_->reap([&](const io_uring_cqe& entry) {
        if (entry.user_data == wanted || entry.user_data == failed) {
          seen = Seen{entry.res, entry.flags};
        }
        return !seen;
      });
    }
    return seen;
  }

  static UringFailure wrong(UringStep step, const std::optional<Seen>& seen) {
    return {step, seen && seen->result < 0 ? -seen->result : 0};
  }

  std::optional<UringFailure> receive_one_byte() {
    io_uring_sqe& sqe = *ring_->try_next_sqe();
    io_uring_prep_recv_multishot(&sqe, sockets_.near(), nullptr, 0, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = BufferRing::group;
    sqe.user_data = receiving;
    ring_->submit();
    if (::send(sockets_.far(), "x", 1, MSG_NOSIGNAL) != 1) {
      return UringFailure{UringStep::socket_pair, errno};
    }
    const auto seen = wait_for(receiving, none);
    constexpr unsigned flags = IORING_CQE_F_MORE | IORING_CQE_F_BUFFER;
    if (!seen || seen->result != 1 || (seen->flags & flags) != flags) {
      return wrong(UringStep::multishot_receive, seen);
    }
    const auto buffer = static_cast<BufferId>(seen->flags >> IORING_CQE_BUFFER_SHIFT);
    const bool is_right = *buffers_->take(buffer, 1) == 'x';
    buffers_->give_back(buffer);
    buffers_->publish();
    if (!is_right) return UringFailure{UringStep::multishot_receive, 0};
    return std::nullopt;
  }

  std::optional<UringFailure> cancel_receive() {
    io_uring_sqe& sqe = *ring_->try_next_sqe();
    io_uring_prep_cancel64(&sqe, receiving, 0);
    sqe.user_data = cancelling;
    const auto seen = wait_for(receiving, none);
    if (!seen || seen->result != -ECANCELED || (seen->flags & IORING_CQE_F_MORE) != 0) {
      return UringFailure{UringStep::cancel, 0};
    }
    return std::nullopt;
  }

  std::optional<UringFailure> message_to_self() {
    io_uring_sqe& sqe = *ring_->try_next_sqe();
    io_uring_prep_msg_ring(&sqe, ring_->fd(), 0, message, 0);
    sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe.user_data = messaging;
    const auto seen = wait_for(message, messaging);
    if (!seen || seen->result != 0) return wrong(UringStep::message_ring, seen);
    return std::nullopt;
  }

  SocketPair sockets_;
  std::unique_ptr<KernelRing> ring_;
  std::unique_ptr<BufferRing> buffers_;
};

}  // namespace

HostFacts read_host_facts() {
  HostFacts facts;
  utsname name = {};
  if (uname(&name) == 0) facts.kernel_release = name.release;
  facts.io_uring_disabled = read_sysctl("/proc/sys/kernel/io_uring_disabled");
  facts.seccomp_mode = read_seccomp_mode();
  facts.locked_bytes_max = read_locked_bytes_max();
  return facts;
}

Result<EngineInfo, std::string> check_io_uring(const UringDemand& demand) {
  SelfTest test;
  if (const auto failure = test.run(demand)) {
    HostFacts facts = read_host_facts();
    if (failure->step == UringStep::setup && failure->error == EINVAL) {
      facts.setup_flag_missing = find_missing_setup_flag();
    }
    return Unexpected{explain(*failure, facts, demand)};
  }
  utsname name = {};
  uname(&name);
  return EngineInfo{name.release, test.has_no_iowait(), demand.locked_bytes()};
}

}  // namespace ringpost::engine
