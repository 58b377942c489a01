#pragma once

// Values of the kernel's io_uring interface that liburing 2.3 (Debian 12) does not name yet. Under
// names of our own: upstream's are partly enumerators, which no `#ifndef` can see and which a macro
// of the same name would break. The kernel's interface is fixed, so no version test is needed.

namespace ringpost::engine::uring_abi {

// IORING_ENTER_NO_IOWAIT (6.15): a sleeping shard is idle and not waiting for a disk, so it does
// not count as iowait.
inline constexpr unsigned enter_no_iowait = 1u << 7;
inline constexpr unsigned feature_no_iowait = 1u << 17;

}  // namespace ringpost::engine::uring_abi
