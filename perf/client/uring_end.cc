#include "perf/client/uring_end.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "perf/client/socket.h"

namespace ringpost::perf {

namespace {
constexpr std::size_t page_bytes = 4096;
constexpr unsigned ring_entries = 8;
// Which operation a completion is of.
constexpr std::uint64_t of_receive = 1;
constexpr std::uint64_t of_send = 2;
}  // namespace

UringEnd::UringEnd(int socket) : socket_(socket) {
  // As the engine has it: completions are the kernel's work of an enter, which a flag asks for.
  io_uring_params params = {};
  params.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  if (io_uring_queue_init_params(ring_entries, &ring_, &params) < 0) die("no io_uring");
  io_uring_register_ring_fd(&ring_);
  void* page =
      mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) die("no memory");
  slots_ = static_cast<io_uring_buf_ring*>(page);
  io_uring_buf_reg group = {};
  group.ring_addr = reinterpret_cast<std::uintptr_t>(page);
  group.ring_entries = buffer_count;
  if (io_uring_register_buf_ring(&ring_, &group, 0) != 0) die("no buffers for io_uring");
  io_uring_buf_ring_init(slots_);
  for (unsigned buffer = 0; buffer < buffer_count; ++buffer) provide(buffer);
  start_receive();
}

UringEnd::~UringEnd() {
  io_uring_queue_exit(&ring_);
  munmap(slots_, page_bytes);
}

void UringEnd::provide(unsigned buffer) {
  io_uring_buf_ring_add(slots_, &buffers_[std::size_t{buffer} * buffer_bytes], buffer_bytes,
                        static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(buffer_count),
                        0);
  io_uring_buf_ring_advance(slots_, 1);
}

void UringEnd::start_receive() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  io_uring_prep_recv_multishot(sqe, socket_, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->user_data = of_receive;
}

void UringEnd::round_trip(std::string_view message) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  io_uring_prep_send(sqe, socket_, message.data(), message.size(), MSG_WAITALL | MSG_NOSIGNAL);
  sqe->user_data = of_send;
  io_uring_submit_and_get_events(&ring_);
  while (!take_completions()) {
    const unsigned flags = __atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED);
    if ((flags & IORING_SQ_TASKRUN) != 0) io_uring_get_events(&ring_);
  }
}

// True if something was received.
bool UringEnd::take_completions() {
  bool received = false;
  for (; io_uring_cq_ready(&ring_) != 0; io_uring_cq_advance(&ring_, 1)) {
    const io_uring_cqe& entry = ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
    if (entry.res <= 0) die("a round trip through io_uring failed");
    if (entry.user_data != of_receive) continue;
    received = true;
    provide(entry.flags >> IORING_CQE_BUFFER_SHIFT);
    if ((entry.flags & IORING_CQE_F_MORE) == 0) start_receive();
  }
  return received;
}

}  // namespace ringpost::perf
