#pragma once

// Parker: the word on which a thread that is about to sleep and those who bring it work agree. A
// wake-up costs a system call (hundreds of times a message), so it is made only when the owner
// really sleeps, by exactly one of the wakers, and never missed.
//
//   owner                                     waker
//   -----                                     -----
//   parker.announce_sleep();       (A)        publish the work (release)   (1)
//   if (every source is empty)     (B)        if (parker.claim_wake())     (2)
//     wait in the kernel;                       make the system call;
//   parker.awake();                (C)
//
// The parker neither sleeps nor wakes: the owner waits in its io_uring, the waker makes the call
// that ends such a wait (a MSG_RING or an eventfd write), and that call must also end a wait that
// begins after it.
//
// Why no wake is lost. (A), (2) and (C) are read-modify-write operations on one word and nobody
// ever writes it otherwise, so they have one order (the word's modification order), in which each
// reads what the one before it wrote.
//   - (2) before (A): (A) reads the value that (2) wrote, or one from a chain of read-modify-writes
//     that starts with it, so the release of (2) synchronizes with the acquire of (A): all that the
//     waker did before, (1) included, happens before the recheck (B), which therefore sees it. The
//     owner does not sleep; that the waker made no call is right.
//   - (A) before (2), with (C) not between them: (2) reads `asleep`, and its waker makes the call;
//     or another waker's (2) came between, read `asleep` and makes it.
//   - (A), (C), (2): the owner is awake and will look for work, or announce again, which is the
//     first case for the next (A).
//
// This is the store -> load handshake (work, then flag | flag, then work). With plain stores and
// loads it needs sequential consistency at all four places, the ring's index included. Carried by
// read-modify-writes on one word it needs only acquire and release, no fence (which TSan does not
// understand), and nothing of the sources but that (1) comes before (2) in the waker and (B) after
// (A) in the owner: even relaxed loads do in (B). On x86-64 each is one locked instruction either
// way. Relacy shows that each order is needed (tests/engine/ring/ring_relacy_test.cc).

#include <cstdint>

#include "engine/base/assert.h"
#include "engine/base/constants.h"
#include "engine/ring/atomic.h"

namespace ringpost::engine {

// The memory orders of the handshake, by name (see atomic.h).
enum class ParkerSite : std::uint8_t { announce, claim, awake };

template <typename Atomics>
class BasicParker {
 public:
  BasicParker() = default;
  BasicParker(const BasicParker&) = delete;
  BasicParker& operator=(const BasicParker&) = delete;

  // (A) From here on a waker makes the system call. The owner then looks at every source once more
  // and sleeps only if all are empty. Called on: owner. Requires: awake.
  void announce_sleep() {
    // Acquire: pairs with the release in claim_wake. Work published before a claim that found us
    // awake is visible to the recheck.
    [[maybe_unused]] const State before = word_.exchange(
        State::asleep, Atomics::order(ParkerSite::announce, std::memory_order_acquire));
    DASSERT(before == State::awake);
  }

  // (C) The owner runs again: after the kernel wait, whatever ended it, or when the recheck found
  // work. Called on: owner.
  void awake() {
    // Relaxed: publishes nothing and reads nothing. But it has to be a read-modify-write: a plain
    // store would cut the chain through which the next announce_sleep synchronizes with a claim
    // that came before this.
    word_.exchange(State::awake, Atomics::order(ParkerSite::awake, std::memory_order_relaxed));
  }

  // (2) Called after work was published. True for exactly one caller per announced sleep: that one
  // makes the system call. Called on: any thread.
  [[nodiscard]] bool claim_wake() {
    // Release: pairs with the acquire in announce_sleep. It must write even if the owner runs,
    // because a load alone could be overtaken by the store of the work before it; so call it once
    // per target and turn, not per message.
    return word_.exchange(State::awake, Atomics::order(ParkerSite::claim,
                                                       std::memory_order_release)) == State::asleep;
  }

 private:
  enum class State : std::uint32_t {
    awake,   // The owner runs, or a waker has already taken it upon itself to wake it.
    asleep,  // The owner sleeps or is about to; whoever brings work makes the call.
  };

  // A line of its own: wakers on other cores write it while the owner works on its neighbours.
  alignas(cache_line_size) typename Atomics::template Atomic<State> word_{State::awake};
};

using Parker = BasicParker<StdAtomics>;

}  // namespace ringpost::engine
