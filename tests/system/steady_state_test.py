"""What the shards ask of the kernel once they are warm: io_uring_enter, and nothing else.

strace watches all threads of the daemon. Where ptrace is forbidden nobody can see it, and the test
says so and is skipped. There are no looks at the counters meanwhile: these are for the thread that
waits for signals, and every shard wakes it.
"""

import collections
import os
import re
import signal
import subprocess
import tempfile

from harness import PATIENCE, SANITIZED, Daemon, Flow, Lines, SystemTest, expand
from harness import for_each_shard_count, main, pump

THE_CALL = "io_uring_enter"
GOODBYE = ("shutdown", "close")  # and these once for each connection that ends
# More memory, for more at once than ever before. That depends on how the threads happen to run, so
# several rounds may come to it; but not one after the other.
GROWTH = {"mmap", "mprotect", "brk"}
# Once for a receive that starts behind more input than the kernel takes in without a pause.
LOOK = "poll"
WARM_UP_ROUNDS = 3
ROUNDS_MAX = 20
# What the run time of a sanitizer does on any thread; TSan has a thread of its own as well.
SANITIZERS_OWN = (
    *("mmap", "munmap", "madvise", "futex", "nanosleep", "restart_syscall", "gettimeofday"),
    *("sched_yield", "clock_nanosleep"),
)
# The thread that waits for signals goes on with what strace interrupted.
WAITING = {"restart_syscall", "poll"}
REQUESTS = 2_000  # of each client, in each round
LINES = 300
VISITORS = 20
ENTERS = 200  # of each shard at the least, or it was not load


class PtraceForbidden(Exception):
    pass


class Strace:
    """Watches a process while the block runs. Then `calls` tells for each thread how often it made
    which call."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.output = tempfile.NamedTemporaryFile("r", encoding="ascii", errors="replace")
        self.process = subprocess.Popen(
            ["strace", "-f", "-o", self.output.name, "-p", str(self.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.said = Lines(self.process.stderr)
        try:
            self.said.wait("strace to say something", lambda lines: lines)
            self.check_attached(self.said.lines[0])
        except BaseException:
            self.finish()
            raise
        return self

    def check_attached(self, said):
        if re.search(r"ptrace.*Operation not permitted", said):
            raise PtraceForbidden(said)
        if not re.search(r"Process \d+ attached with \d+ threads", said):
            raise AssertionError(f"strace says: {said}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        self.calls = collections.defaultdict(collections.Counter)
        for line in self.output:
            if begun := re.match(r"(\d+) +(\w+)\(", line):
                self.calls[int(begun[1])][begun[2]] += 1
        self.finish()

    def finish(self):
        self.process.kill()
        self.process.wait()
        self.said.finish()
        self.output.close()


class Load:
    """The same traffic again and again: requests of the book, from all shards, and a talk between
    members on all of them."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.traders = daemon.orders_crowd(2 * daemon.shard_count)
        self.members = daemon.join_chat(*(f"m{i}" for i in range(2 * daemon.shard_count)))

    def round(self):
        self.trade()
        self.talk()

    def visits(self):
        """Some come, ask and go."""
        for _ in range(VISITORS):
            client = self.daemon.orders()
            client.send(b"GET\nSELL\n")
            client.half_close()
            client.receive_rest()
            client.close()

    def trade(self):
        """Half of it in bulk and half one by one."""
        answers = collections.Counter()

        def count(client):
            def on_data(data):
                answers[client] += bytes(data).count(b"\n")

            return on_data

        request = b"BUY;0.00001;A\nGET\n"
        flows = [Flow(c, request * REQUESTS, count(c)) for c in self.traders]
        pump(flows, lambda: all(answers[c] == REQUESTS for c in self.traders))
        for _ in range(REQUESTS // 20):
            for client in self.traders:
                client.ask(request)

    def talk(self):
        heard = collections.Counter()

        def count(member):
            def on_data(data):
                heard[member] += bytes(data).count(b"\n")

            return on_data

        flows = [Flow(m, b"hello\r\n" * LINES, count(m)) for m in self.members]
        expected = LINES * (len(self.members) - 1)
        pump(flows, lambda: all(heard[m] == expected for m in self.members))
        for _ in range(LINES // 10):
            for i, member in enumerate(self.members):
                member.send(b"hello\r\n")
                for other in self.members[:i] + self.members[i + 1 :]:
                    other.expect(b"m%d: hello\r\n" % i)


@expand
class SteadyState(SystemTest):
    def watch(self, daemon, traffic):
        """The calls meanwhile of each shard that made any."""
        pid = daemon.process.pid
        try:
            with Strace(pid) as watched:
                traffic()
        except PtraceForbidden as why:
            print(f"NOT TESTED, ptrace is forbidden here: {why}")
            self.skipTest("ptrace is forbidden")
        self.assertLessEqual(set(watched.calls.pop(pid, ())), WAITING)
        shards = []
        for calls in watched.calls.values():
            print(dict(calls))
            if SANITIZED:
                for name in SANITIZERS_OWN:
                    del calls[name]
            if calls:
                shards.append(calls)
        return shards

    @for_each_shard_count
    def test_traffic_makes_one_kind_of_call(self, shards):
        with Daemon(shards=shards) as daemon:
            load = Load(daemon)
            for _ in range(WARM_UP_ROUNDS):
                load.round()
            for _ in range(ROUNDS_MAX):
                watched = self.watch(daemon, load.round)
                self.assertEqual(len(watched), shards)
                for calls in watched:
                    self.assertLessEqual(set(calls), {THE_CALL, LOOK, *GROWTH})
                    self.assertGreater(calls[THE_CALL], ENTERS)
                if all(set(calls) == {THE_CALL} for calls in watched):
                    break
            else:
                self.fail("it takes more memory in every round")
            self.assert_all_shards_took_part(daemon.report(), carried_by=[0, shards - 1])

    @for_each_shard_count
    def test_visitors_cost_two_calls_each(self, shards):
        with Daemon(shards=shards) as daemon:
            load = Load(daemon)
            for _ in range(WARM_UP_ROUNDS):
                load.visits()
            daemon.wait_for_total("open", 4 * shards)
            watched = self.watch(daemon, load.visits)
            for calls in watched:
                self.assertLessEqual(set(calls), {THE_CALL, *GOODBYE})
            for name in GOODBYE:
                made = sum(calls[name] for calls in watched)
                self.assertLessEqual(made, VISITORS, name)
                self.assertGreater(made, VISITORS // 2, name)  # the last may be seen no more


if __name__ == "__main__":
    main()
