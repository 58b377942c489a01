"""Peers that send a byte now and then, or read nothing: they end by their deadlines and limits, counted,
and a normal client is served meanwhile."""

import itertools
import resource
import struct
import threading
import time
import unittest

from harness import SANITIZED, Daemon, SystemTest, main, wait_for
from web import CLOSE, TEXT, Web, subscriber

HEAD = b"GET /health HTTP/1.1\r\nhost: x\r\na: "
BODY = b"POST /publish HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n"

OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
SLOW = min(500 if SANITIZED else 5000, OPEN_FILES - 500)
ASKED = 500


def p99_of(client):
    """Of a normal client's round trips, in microseconds."""
    times = []
    for _ in range(ASKED):
        start = time.perf_counter_ns()
        assert client.ask("GET", "/health").status == 200
        times.append(time.perf_counter_ns() - start)
    return sorted(times)[ASKED * 99 // 100] // 1000


class Drip(threading.Thread):
    """Sends a byte a second on each connection, spread over the second, until it is told to stop."""

    def __init__(self, clients):
        super().__init__()
        self.clients = clients
        self.rounds = 0
        self.stopped = threading.Event()
        self.start()

    def run(self):
        slices = [self.clients[i::100] for i in range(100)]
        for number in itertools.count(1):
            for some in slices:
                for client in some:
                    client.send(b"a")
                if self.stopped.wait(0.01):
                    return
            self.rounds = number

    def stop(self):
        self.stopped.set()
        self.join()


class Slowloris(SystemTest):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    @unittest.skipIf(SLOW < 100, "too few descriptors")
    def test_a_normal_client_is_served_among_thousands_of_slow_ones(self):
        # The times are printed, not judged: a row of perf/compare does that.
        with Daemon("--relay-head-timeout", "1h", "--relay-body-timeout", "1h", shards=1) as daemon:
            client = Web(daemon)
            without = p99_of(client)
            slow = []
            for number in range(SLOW):
                slow.append(daemon.connect("relay"))
                slow[-1].send((HEAD, BODY)[number % 2])
            daemon.wait_for_report("all to be open", lambda r: r.total("open") == SLOW + 1)
            before = daemon.memory_kib()
            drip = Drip(slow)
            try:
                beside = p99_of(client)
                wait_for("each to have sent two bytes", lambda: drip.rounds >= 2)
                beside = max(beside, p99_of(client))
            finally:
                drip.stop()
            print(f"p99 of a normal client: {without} us, and {beside} us beside {SLOW} slow ones")
            self.assertEqual(daemon.report().total("open"), SLOW + 1)
            self.assertLess(daemon.memory_kib() - before, 32 << 10)

    def test_slow_heads_and_bodies_end_by_their_deadlines(self):
        each = 40
        options = ("--relay-head-timeout", "300ms", "--relay-body-timeout", "600ms")
        with Daemon(*options, shards=1) as daemon:
            slow = [Web(daemon) for _ in range(2 * each)]
            for number, web in enumerate(slow):
                web.client.send((HEAD, BODY)[number % 2])
            waiting = list(slow)

            def all_ended():
                for web in list(waiting):
                    if web.client.poll():
                        waiting.remove(web)
                    else:
                        web.client.send(b"a")
                return not waiting

            wait_for("every slow one to be told", all_ended)
            for web in slow:
                response = web.receive_response()
                self.assertEqual((response.status, response.fields["connection"]), (408, "close"))
                web.client.expect_end()
            daemon.wait_for_report(
                "all to be counted", lambda r: r.total("closed.request_timeout") == 2 * each
            )
            self.assertEqual(Web(daemon).ask("GET", "/health").status, 200)

    def test_who_never_reads_is_told_to_come_back_alone(self):
        message = "m" * 60_000
        count = 300  # far more than the kernel and we hold for one peer
        options = ("--relay-pending-bytes-max", "256KiB", "--linger-timeout", "1h")
        with Daemon(*options, "--relay-ping-interval", "1h", shards=1) as daemon:
            client_id = Web(daemon).register()
            slow = Web(daemon, receive_buffer=4096)
            self.assertEqual(slow.upgrade(client_id).status, 101)
            others = [subscriber(daemon) for _ in range(2)]
            publisher = Web(daemon)
            sizes = []
            for _ in range(count):
                publisher.publish("tech", message)
                for other in others:
                    self.assertEqual(other.receive_text(), message)
                sizes.append(daemon.memory_kib())
            # Flat: once the limit was reached, nothing more is kept.
            self.assertLess(sizes[-1] - sizes[count // 2], 8 << 10)
            heard = 0
            while (frame := slow.receive_frame()) == (TEXT, message.encode()):
                heard += 1
            self.assertEqual(frame, (CLOSE, struct.pack(">H", 1013)))
            self.assertLess(heard, count)
            slow.client.expect_end()
            slow.close()
            wait_for("its id to be gone", lambda: Web(daemon).upgrade(client_id).status == 404)
            publisher.publish("tech", "last")
            for other in others:
                self.assertEqual(other.receive_text(), "last")
            daemon.wait_for_report("it to be counted", lambda r: r.total("closed.slow_consumer") == 1)


if __name__ == "__main__":
    main()
