#pragma once

// relax(): tells the CPU that this thread spins, which frees the core for its sibling and keeps the
// loads of the loop from running far ahead. Some 10 ns on Zen 5.

namespace ringpost::engine {

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // `yield` is a no-op on the server cores.
#endif
}

}  // namespace ringpost::engine
