#include "engine/io/uring_check.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <string>

namespace ringpost::engine {
namespace {

// --- the texts

std::string explain_setup(int error, const HostFacts& facts, const UringDemand& demand = {}) {
  return explain({UringStep::setup, error}, facts, demand);
}

constexpr const char* seccomp_remedy =
    "Run with --security-opt seccomp=<profile that allows io_uring_setup, io_uring_enter and "
    "io_uring_register> (for a test: seccomp=unconfined; Docker Desktop 4.42+ blocks it even "
    "then); in Kubernetes use a Localhost seccompProfile; under systemd check SystemCallFilter=.";

const std::string seccomp_forbids =
    "A seccomp filter blocks io_uring. Docker 25+, containerd 2 and Kubernetes RuntimeDefault do "
    "this by default.\n" +
    std::string(seccomp_remedy);

const std::string seccomp_hides =
    "io_uring seems to be missing (Function not implemented), and a seccomp filter is in place, "
    "which may only say so.\n" +
    std::string(seccomp_remedy);

TEST(UringCheck, NamesTheSysctlThatSwitchesItOff) {
  EXPECT_EQ(explain_setup(EPERM, {.kernel_release = "6.8", .io_uring_disabled = 2}),
            "io_uring is switched off on this host (kernel.io_uring_disabled = 2).\n"
            "As root: sysctl -w kernel.io_uring_disabled=0");
}

TEST(UringCheck, NamesTheGroupThatIsAllowed) {
  EXPECT_EQ(explain_setup(EPERM, {.kernel_release = "6.8", .io_uring_disabled = 1}),
            "io_uring is allowed only for CAP_SYS_ADMIN and for members of the group in "
            "kernel.io_uring_group (kernel.io_uring_disabled = 1).\n"
            "Add the service user to that group, or as root: sysctl -w "
            "kernel.io_uring_disabled=0");
}

TEST(UringCheck, BlamesTheSysctlBeforeTheFilter) {
  EXPECT_TRUE(explain_setup(EPERM, {.io_uring_disabled = 2, .seccomp_mode = 2})
                  .starts_with("io_uring is switched off"));
}

TEST(UringCheck, BlamesTheFilterIfTheSysctlAllowsOrIsAbsent) {
  EXPECT_EQ(explain_setup(EPERM, {.io_uring_disabled = 0, .seccomp_mode = 2}), seccomp_forbids);
  EXPECT_EQ(explain_setup(EACCES, {.seccomp_mode = 2}), seccomp_forbids);
  EXPECT_EQ(explain_setup(ENOSYS, {.seccomp_mode = 2}), seccomp_hides);
}

TEST(UringCheck, PointsToTheAuditLogOtherwise) {
  EXPECT_EQ(explain_setup(EPERM, {.io_uring_disabled = 0}),
            "The kernel refuses io_uring to this process (Operation not permitted): SELinux or "
            "another security module, as it seems.\nSee the audit log.");
}

TEST(UringCheck, SaysThatTheKernelHasNone) {
  EXPECT_EQ(explain_setup(ENOSYS, {.kernel_release = "5.14.0-70.el9"}),
            "Kernel 5.14.0-70.el9 has no io_uring: it was built without CONFIG_IO_URING, or a "
            "sandbox such as gVisor stands in for it.\n"
            "Linux 6.1 or newer is needed, 6.12 or newer is recommended.");
}

TEST(UringCheck, ComparesTheNeedForLockedMemoryWithTheLimit) {
  EXPECT_EQ(explain_setup(ENOMEM, {.locked_bytes_max = 64 << 10}, {.shards = 2}),
            "The rings need 194 KiB of locked memory; the limit is 64 KiB for all processes of "
            "the user together (RLIMIT_MEMLOCK).\n"
            "Raise it (ulimit -l, systemd LimitMEMLOCK=, docker --ulimit memlock=-1), grant "
            "CAP_IPC_LOCK, or use fewer shards.");
  EXPECT_EQ(explain_setup(ENOMEM, {}),
            "The kernel has no memory for the rings (97 KiB), and no limit is the cause: its "
            "memory is short or fragmented.\nFree memory, or use fewer shards.");
}

TEST(UringCheck, NamesTheFlagThatAnOldKernelLacks) {
  EXPECT_EQ(explain_setup(EINVAL, {.kernel_release = "5.15.0-91-generic",
                                   .setup_flag_missing = "IORING_SETUP_SINGLE_ISSUER"}),
            "Kernel 5.15.0-91-generic lacks IORING_SETUP_SINGLE_ISSUER.\n"
            "Linux 6.1 or newer is needed, 6.12 or newer is recommended.");
  EXPECT_TRUE(explain_setup(EINVAL, {.kernel_release = "5.15"})
                  .starts_with("Kernel 5.15 lacks a set-up flag of io_uring.\n"));
}

TEST(UringCheck, NamesTheLimitOfOpenFiles) {
  EXPECT_EQ(explain_setup(EMFILE, {}),
            "No file descriptor is left for an io_uring (Too many open files).\n"
            "Raise the limit (ulimit -n, systemd LimitNOFILE=).");
  EXPECT_EQ(explain_setup(ENFILE, {}),
            "The system has no file left for an io_uring.\nAs root: raise sysctl fs.file-max.");
}

TEST(UringCheck, NamesTheStepThatDoesNotWork) {
  EXPECT_EQ(explain({UringStep::multishot_receive, EINVAL}, {.kernel_release = "5.19"}, {}),
            "io_uring of kernel 5.19 does not serve: a multishot receive into provided buffers "
            "failed (Invalid argument).\n"
            "Linux 6.1 or newer is needed, 6.12 or newer is recommended.");
  EXPECT_EQ(explain({UringStep::cancel, 0}, {.kernel_release = "5.19"}, {}),
            "io_uring of kernel 5.19 does not serve: the cancel of a receive is missing or does "
            "not work.\n"
            "Linux 6.1 or newer is needed, 6.12 or newer is recommended.");
}

// --- the check itself

TEST(UringCheck, PassesOnThisHost) {
  const auto checked = check_io_uring({.shards = 2});
  ASSERT_TRUE(checked.has_value()) << checked.error();
  EXPECT_EQ(checked.value().kernel_release, read_host_facts().kernel_release);
  EXPECT_EQ(checked.value().locked_bytes, 2u * (256 * 68 + 4096 * 16 + 1024 * 16));
}

// What the check says in a child process that was crippled first. Empty: it passed.
std::string check_in_child(const std::function<void()>& cripple, const UringDemand& demand = {}) {
  std::array<int, 2> ends = {};
  EXPECT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    cripple();
    const auto checked = check_io_uring(demand);
    const std::string text = checked.has_value() ? "" : checked.error();
    const bool is_written =
        write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(is_written ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> chunk;
  for (ssize_t bytes; (bytes = read(ends[0], chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(bytes));
  }
  close(ends[0]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return text;
}

// From here on the call fails with this errno, as in a container.
void forbid_call(long number, int error) {
  const std::array<sock_filter, 4> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter = {static_cast<unsigned short>(program.size()),
                             const_cast<sock_filter*>(program.data())};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    _exit(2);
  }
}

// Without CAP_IPC_LOCK, which exempts from the limit.
void forbid_locked_memory() {
  const rlimit nothing = {0, 0};
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets = {};
  if (setrlimit(RLIMIT_MEMLOCK, &nothing) != 0 || syscall(SYS_capget, &header, sets.data()) != 0) {
    _exit(2);
  }
  sets[0].effective &= ~(1u << CAP_IPC_LOCK);
  if (syscall(SYS_capset, &header, sets.data()) != 0) _exit(2);
}

// A host that forbids io_uring by sysctl says so first.
bool is_sysctl_in_the_way() { return read_host_facts().io_uring_disabled.value_or(0) != 0; }

TEST(UringCheck, ExplainsAFilterThatForbidsAnyOfTheThreeCalls) {
  if (is_sysctl_in_the_way()) GTEST_SKIP();
  for (const long call : {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter}) {
    EXPECT_EQ(check_in_child([call] { forbid_call(call, EPERM); }), seccomp_forbids) << call;
  }
}

TEST(UringCheck, ExplainsAFilterThatHidesTheCalls) {
  for (const long call : {SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter}) {
    EXPECT_EQ(check_in_child([call] { forbid_call(call, ENOSYS); }), seccomp_hides) << call;
  }
}

TEST(UringCheck, ExplainsALimitOfLockedMemory) {
  const std::string text = check_in_child(forbid_locked_memory);
  if (text.empty()) GTEST_SKIP() << "this kernel does not charge rings to RLIMIT_MEMLOCK";
  EXPECT_EQ(text,
            "The rings need 97 KiB of locked memory; the limit is 0 KiB for all processes of the "
            "user together (RLIMIT_MEMLOCK).\n"
            "Raise it (ulimit -l, systemd LimitMEMLOCK=, docker --ulimit memlock=-1), grant "
            "CAP_IPC_LOCK, or use fewer shards.");
}

TEST(UringCheck, ExplainsALackOfDescriptors) {
  const std::string text = check_in_child([] {
    const rlimit nothing = {0, 0};
    if (setrlimit(RLIMIT_NOFILE, &nothing) != 0) _exit(2);
  });
  EXPECT_TRUE(text.starts_with("No file descriptor is left for an io_uring")) << text;
}

}  // namespace
}  // namespace ringpost::engine
