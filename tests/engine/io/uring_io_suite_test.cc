// The suite of the seam, on the kernel.

#include "tests/engine/io/io_suite.h"
#include "tests/engine/io/uring_world.h"

namespace ringpost::engine {
namespace {

INSTANTIATE_TEST_SUITE_P(UringIo, IoSuite,
                         ::testing::Values(IoWorldParam{
                             "loopback", [](const IoWorldOptions& options) {
                               return std::make_unique<UringWorld>(
                                   UringWorldOptions{.buffers = options});
                             }}));

// The same with a submission and a completion queue that are nearly always full.
INSTANTIATE_TEST_SUITE_P(TinyUringIo, IoSuite,
                         ::testing::Values(IoWorldParam{
                             "tiny", [](const IoWorldOptions& options) {
                               return std::make_unique<UringWorld>(UringWorldOptions{
                                   .sq_entries = 2, .cq_entries = 4, .buffers = options});
                             }}));

}  // namespace
}  // namespace ringpost::engine
