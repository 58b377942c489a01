#pragma once

// The exit status by kind of failure: what scripts go by. The worst one of a run wins, that is the
// first of those below that applies.

namespace ringpost::loadgen {

enum ExitCode : int {
  exit_ok = 0,
  exit_mismatch = 1,      // the server's replies were wrong
  exit_usage = 2,         // the command line is wrong
  exit_unreachable = 3,   // no connection: refused, unknown host, time-out, closed at once
  exit_unanswered = 4,    // connections or replies were lost, or replies had an error status
  exit_too_slow = 5,      // --strict: below the rate that was asked for; --ramp: no rate held
  exit_environment = 6,   // this machine: no io_uring, too few descriptors, unwritable output
  exit_interrupted = 130  // ended by a second Ctrl-C, without a result
};

}  // namespace ringpost::loadgen
