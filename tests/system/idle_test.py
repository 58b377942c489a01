"""What connections that do nothing cost, each after one request: memory and time."""

import os
import resource
import time

from harness import SANITIZED, Daemon, SystemTest, expand, for_each_shard_count, main

WANTED = 1_000 if SANITIZED else 10_000
LEAST = 1_000 if SANITIZED else 2_000
# Descriptors of this process and of the daemon that are no connections of this test.
SPARE_FILES = 200
ADDRESSES = 8  # so that one pair of addresses is far from running out of ports
KIB_EACH = 2
QUIET_SECONDS = 2.0
QUIET_CPU_SECONDS = 0.5
QUIET_ENTERS = 20  # of each shard, in that time


def raise_open_files():
    """Returns how many descriptors a process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cpu_seconds(pid):
    """User and system time of the process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@expand
class Idle(SystemTest):
    @for_each_shard_count
    def test_idle_connections_cost_little(self, shards):
        count = min(WANTED, raise_open_files() - SPARE_FILES)
        self.assertGreaterEqual(count, LEAST, "the open-file limit allows too few connections")
        if count < WANTED:
            print(f"the open-file limit allows {count} connections, not {WANTED}")
        with Daemon(shards=shards) as daemon:
            daemon.orders_crowd(4 * shards)  # what is made once is there
            before_kib = daemon.memory_kib()
            clients = self.connect(daemon, count)
            growth_kib = daemon.memory_kib() - before_kib
            report = daemon.report()
            self.assertEqual(report.total("open"), count + 4 * shards)
            print(f"{count} connections, {shards} shards: {growth_kib / count:.2f} KiB each")
            if not SANITIZED:
                self.assertLessEqual(growth_kib, KIB_EACH * count)
            self.assert_quiet(daemon)
            for client in clients:
                self.assertEqual(client.ask(b"GET\n"), b"\n")
            self.assert_all_shards_took_part(daemon.report(), carried_by=[0])
            self.assertEqual(daemon.report().total("traffic.requests"), 2 * count + 4 * shards)

    def connect(self, daemon, count):
        clients = []
        for i in range(count):
            client = daemon.orders(source=f"127.0.0.{2 + i % ADDRESSES}")
            self.assertEqual(client.ask(b"GET\n"), b"\n")
            clients.append(client)
        return clients

    def assert_quiet(self, daemon):
        """Neither the clock of the process nor its count of calls moves while nothing happens. Of the
        calls, the second look at the counters may have two per shard, and there is air for one or two
        wakes of the kernel's own."""
        before = daemon.report()
        cpu_before = cpu_seconds(daemon.process.pid)
        time.sleep(QUIET_SECONDS)  # what is measured is time itself
        cpu = cpu_seconds(daemon.process.pid) - cpu_before
        after = daemon.report()
        enters = [b - a for a, b in zip(before.each("io.enters"), after.each("io.enters"))]
        print(f"quiet for {QUIET_SECONDS} s: {cpu:.2f} s of CPU time, enters {enters}")
        self.assertLess(cpu, QUIET_CPU_SECONDS)
        self.assertLess(max(enters), QUIET_ENTERS)


if __name__ == "__main__":
    main()
