"""Rows 21 to 25 and 35 to 41 of the feature checklist: the echo of frames and the echo of bytes,
with 1, 2 and 4 shards. The rows of the spec that a test stands for are in its name: FE (frames),
RL (bytes), KA (keepalive)."""

import contextlib
import hashlib
import os
import resource
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from byte_streams import FEW_BUFFERS, KIB, MIB, VOLUME, count_repeated, exchange, frame, noise
from byte_streams import send_until_held_back
from daemon_sockets import tcp_settings
from harness import PATIENCE, SANITIZED, Daemon, SystemTest, expand, for_each_shard_count, main
from harness import netcat, wait_for

FRAME_BYTES_MAX = 8 * MIB


class BytesTest(SystemTest):
    """A row is run once per shard that may serve it."""

    def on_each_shard(self, service, shards, row, *options):
        with Daemon(*options, shards=shards) as daemon:
            for serving in range(shards):
                with self.subTest(serving=serving):
                    row(daemon, daemon.place(service, serving))
            self.assert_all_shards_took_part(daemon.report())

    def netcat_on_each_shard(self, daemon, service, request, answer):
        """A connection goes to the shard with the fewest, which is the next one each time."""
        for serving in range(daemon.shard_count):
            self.assertEqual(netcat(daemon.addresses[service], request).hex(), answer)
            daemon.wait_for_total("open", serving)
            daemon.place(service, serving)


@expand
class Frames(BytesTest):
    @unittest.skipUnless(shutil.which("nc"), "nc (netcat-openbsd) is not installed")
    @for_each_shard_count
    def test_row_21_fe_4_frames_come_back_the_empty_one_too(self, shards):
        with Daemon(shards=shards) as daemon:
            self.netcat_on_each_shard(
                daemon, "echo", b"\0\0\0\5hello\0\0\0\0", "0000000568656c6c6f00000000"
            )
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_row_22_fe_5_the_largest_frame_is_served_and_one_byte_more_is_not(self, shards):
        largest = frame(noise(FRAME_BYTES_MAX))

        def row(daemon, client):
            before = daemon.report()
            self.assertEqual(exchange(client, largest), largest)
            client.send(bytes.fromhex("00800001"))
            client.expect_end()
            client.close()
            after = daemon.wait_for_total(
                "closed.protocol_error", before.total("closed.protocol_error") + 1
            )
            self.assertEqual(
                after.total("limits.frame_too_long"), before.total("limits.frame_too_long") + 1
            )

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_fe_5_the_limit_is_an_option(self, shards):
        def row(_, client):
            self.assertEqual(exchange(client, frame(b"x" * 100)), frame(b"x" * 100))
            client.send(struct.pack(">I", 101))
            client.expect_end()

        self.on_each_shard("echo", shards, row, "--echo-frame-bytes-max", "100B")

    @for_each_shard_count
    def test_row_23_fe_6_a_bad_header_takes_nothing_from_the_frames_before_it(self, shards):
        """What follows the bad header is still unread when the daemon gives up; it must not become a
        reset that overtakes the answer (X4)."""

        def row(daemon, client):
            others = daemon.report().total("open") - 1
            client.send(frame(b"ok") + b"\xff" * 4 + bytes(200_000))
            client.half_close()
            # Only once the daemon is done with it: a reset would have destroyed the answer by then.
            daemon.wait_for_total("open", others)
            self.assertEqual(client.receive_rest(), frame(b"ok"))

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_row_24_fe_7_an_end_inside_a_header_drops_it(self, shards):
        def row(_, client):
            client.send(frame(b"ok") + b"\0\0")
            client.half_close()
            self.assertEqual(client.receive_rest(), frame(b"ok"))

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_fe_7_an_end_inside_a_payload_drops_it(self, shards):
        def row(_, client):
            for cut in (b"\0\0\0\5", b"\0\0\0\5hell", frame(noise(MIB))[:-1]):
                other = type(client)(client.socket.getpeername()[:2])
                other.send(frame(b"ok") + cut)
                other.half_close()
                self.assertEqual(other.receive_rest(), frame(b"ok"))
                other.close()

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_row_25_fe_21_announced_frames_cost_nothing(self, shards):
        """1,000 clients announce 8 MiB each, and nothing of it comes."""
        count = 1_000
        with Daemon(shards=shards, open_files=count + 100) as daemon:
            crowd = [daemon.connect("echo") for _ in range(4 * shards)]
            for client in crowd:
                self.assertEqual(exchange(client, frame(b"hello")), frame(b"hello"))
            before = daemon.report()
            memory_before = daemon.memory_kib()
            clients = [daemon.connect("echo") for _ in range(count)]
            for client in clients:
                client.send(bytes.fromhex("007fffff"))
            received = before.total("traffic.received_bytes") + 4 * count
            daemon.wait_for_total("traffic.received_bytes", received)
            growth = daemon.memory_kib("VmHWM") - memory_before
            print(f"{shards} shards, {count} x 8 MiB announced: VmHWM +{growth} KiB")
            if not SANITIZED:
                self.assertLess(growth, 16 * KIB)
            for client in crowd:
                self.assertEqual(exchange(client, frame(b"there?")), frame(b"there?"))
            self.assertEqual(daemon.report().total("open"), count + len(crowd))

    @for_each_shard_count
    def test_fe_21_memory_grows_with_what_came(self, shards):
        """Each of 64 clients sends 64 KiB of a frame of 8 MiB."""
        count, part = 64, 64 * KIB
        with Daemon(shards=shards) as daemon:
            crowd = [daemon.connect("echo") for _ in range(4 * shards)]
            for client in crowd:
                self.assertEqual(exchange(client, frame(b"hello")), frame(b"hello"))
            before = daemon.report()
            memory_before = daemon.memory_kib()
            clients = [daemon.connect("echo") for _ in range(count)]
            for client in clients:
                client.send(bytes.fromhex("00800000") + bytes(part))
            received = before.total("traffic.received_bytes") + (4 + part) * count
            daemon.wait_for_total("traffic.received_bytes", received)
            growth = daemon.memory_kib("VmHWM") - memory_before
            print(f"{shards} shards, {count} x {part >> 10} KiB came: VmHWM +{growth} KiB")
            if not SANITIZED:
                self.assertLess(growth, 5 * count * part // KIB + 16 * KIB)

    @for_each_shard_count
    def test_fe_21_who_needs_more_than_the_budget_is_ended_and_counted(self, shards):
        """One client after the other on the same shard sends all of a frame but its last byte."""
        options = ("--echo-frame-bytes-max", "1MiB", "--echo-held-bytes-max", "1536KiB")
        unfinished = frame(noise(MIB))

        def hog(daemon, client):
            """Returns whether there was room for it."""
            before = daemon.report()
            client.send(frame(b"ok"))
            client.expect(frame(b"ok"))
            with contextlib.suppress(ConnectionError):
                client.send(unfinished[:-1])

            def refused(report):
                return report.total("limits.held_frames") > before.total("limits.held_frames")

            def settled(report):
                received = report.total("traffic.received_bytes")
                came = len(frame(b"ok")) + len(unfinished) - 1
                return refused(report) or received == before.total("traffic.received_bytes") + came

            return not refused(daemon.wait_for_report("it to be held, or refused", settled))

        with Daemon(*options, shards=shards) as daemon:
            for serving in range(shards):
                held, refused, modest = (daemon.place("echo", serving) for _ in range(3))
                self.assertTrue(hog(daemon, held))
                self.assertFalse(hog(daemon, refused))
                refused.expect_gone()
                refused.close()
                for path in ("closed.over_budget", "limits.held_frames"):
                    daemon.wait_for_total(path, serving + 1)
                self.assertEqual(exchange(modest, frame(b"x" * 8000)), frame(b"x" * 8000))
                held.send(unfinished[-1:])
                held.expect(unfinished)
            self.assertEqual(daemon.report().each("closed.over_budget"), [1] * shards)

    @for_each_shard_count
    def test_fe_3_frames_split_and_joined_at_any_byte(self, shards):
        frames = [frame(noise(size, size)) for size in (0, 1, 2, 5, 100, 1_000, 20_000, 0, 70_000)]
        whole = b"".join(frames)

        def row(_, client):
            self.assertEqual(exchange(client, whole), whole)
            head = whole[:120]
            for i in range(len(head)):  # with no delay: a segment of its own
                client.send(head[i : i + 1])
            client.send(whole[120:])
            self.assertEqual(client.receive(len(whole)), whole)

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_fe_22_many_frames_of_one_read_leave_in_one_send(self, shards):
        batch = b"".join(frame(b"%02d" % (i % 100)) for i in range(500))

        def row(daemon, client):
            before = daemon.report()
            self.assertEqual(exchange(client, batch), batch)
            after = daemon.report()
            receives = after.total("traffic.receives") - before.total("traffic.receives")
            sends = after.total("traffic.sends") - before.total("traffic.sends")
            self.assertLessEqual(sends, receives)
            self.assertEqual(
                after.total("traffic.requests") - before.total("traffic.requests"), 500
            )

        self.on_each_shard("echo", shards, row)

    @for_each_shard_count
    def test_fe_8_who_does_not_read_is_held_back(self, shards):
        one = frame(noise(1_000))

        def row(daemon, client):
            sent = send_until_held_back(daemon, client, one * 1_000)
            client.half_close()
            self.assertEqual(count_repeated(client, one * 1_000), sent - sent % len(one))

        self.on_each_shard("echo", shards, row)


@expand
class Bytes(BytesTest):
    @unittest.skipUnless(shutil.which("nc"), "nc (netcat-openbsd) is not installed")
    @for_each_shard_count
    def test_row_35_rl_20_exactly_what_came_goes_back(self, shards):
        with Daemon(shards=shards) as daemon:
            self.netcat_on_each_shard(daemon, "tcp-echo", b"Hello!", "48656c6c6f21")
            report = daemon.report()
            self.assertEqual(report.each("closed.peer_closed"), [1] * shards)
            self.assert_all_shards_took_part(report)

    @for_each_shard_count
    def test_row_36_rl_22_all_of_it_in_order_to_a_slow_reader(self, shards):
        data = noise(VOLUME)

        def row(daemon, client):
            before = daemon.report()
            hashed = hashlib.blake2b()
            failures = []

            def read_slowly():
                """Begins once the daemon has as much as it takes, and takes little at a time."""
                try:
                    daemon.wait_for_report(
                        "the sender to be held back",
                        lambda r: r.total("limits.output_high") > before.total("limits.output_high"),
                    )
                    left = len(data)
                    while left > 0:
                        piece = client.socket.recv(min(left, 8 * KIB))
                        if not piece:
                            raise AssertionError(f"the stream ended {left} bytes early")
                        hashed.update(piece)
                        left -= len(piece)
                except BaseException as failure:  # pylint: disable=broad-except
                    failures.append(failure)
                    client.socket.shutdown(socket.SHUT_RDWR)

            reader = threading.Thread(target=read_slowly)
            reader.start()
            try:
                client.send(data)
            finally:
                reader.join()
            self.assertEqual(failures, [])
            self.assertEqual(hashed.digest(), hashlib.blake2b(data).digest())

        self.on_each_shard("tcp-echo", shards, row)

    @for_each_shard_count
    def test_row_37_half_close_after_a_mebibyte(self, shards):
        data = noise(MIB)

        def row(_, client):
            sender = threading.Thread(target=lambda: (client.send(data), client.half_close()))
            sender.start()
            self.assertEqual(client.receive_rest(), data)
            sender.join()

        self.on_each_shard("tcp-echo", shards, row)

    @for_each_shard_count
    def test_row_38_rl_21_idle_connections_cost_no_time(self, shards):
        """10,000 of them, for 10 s, under 1 % of a CPU; then one is answered."""
        wanted, spare = 10_000, 200
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(wanted, hard - spare)
        if count < wanted:
            print(f"the open-file limit allows {count} connections, not {wanted}")
        with Daemon(shards=shards) as daemon:
            clients = [daemon.connect("tcp-echo") for _ in range(count)]
            daemon.wait_for_total("opened", count)
            seconds = 10.0
            before = cpu_seconds(daemon.process.pid)
            time.sleep(seconds)  # what is measured is time itself
            used = cpu_seconds(daemon.process.pid) - before
            print(f"{shards} shards, {count} idle connections, {seconds} s: {used:.2f} s of CPU")
            self.assertLess(used, seconds / 100)
            for client in (clients[0], clients[count // 2], clients[-1]):
                client.send(b"Hello!")
                client.expect(b"Hello!")
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_row_39_rl_23_who_never_reads_is_held_back_alone(self, shards):
        batch = noise(MIB)

        def row(daemon, client):
            others = [daemon.connect("tcp-echo") for _ in range(2 * shards)]
            for other in others:
                self.assertEqual(exchange(other, b"Hello!"), b"Hello!")
            memory_before = daemon.memory_kib()
            sent = send_until_held_back(daemon, client, batch)
            growth = daemon.memory_kib("VmHWM") - memory_before
            print(f"{shards} shards: {sent >> 10} KiB taken unread, VmHWM +{growth} KiB")
            if not SANITIZED:
                self.assertLess(growth, 8 * KIB)
            for other in others:
                self.assertEqual(exchange(other, batch), batch)
                other.close()
            client.half_close()
            self.assertEqual(count_repeated(client, batch), sent)

        self.on_each_shard("tcp-echo", shards, row, *FEW_BUFFERS)

    def test_row_40_bind_address(self):
        """127.0.0.2 is an address of this machine, too."""
        elsewhere = "127.0.0.2"
        for listen, answers in (("127.0.0.1:0", False), ("0.0.0.0:0", True)):
            with self.subTest(listen=listen), Daemon(
                shards=2, addresses=["--tcp-echo-listen", listen]
            ) as daemon:
                port = daemon.addresses["tcp-echo"][1]
                here = socket.create_connection(("127.0.0.1", port), PATIENCE)
                here.close()
                with socket.socket() as other:
                    refused = other.connect_ex((elsewhere, port)) != 0
                self.assertEqual(refused, not answers)

    @for_each_shard_count
    def test_a_reset_ends_its_connection_alone(self, shards):
        def row(daemon, client):
            before = daemon.report().total("closed.reset")
            other = daemon.connect("tcp-echo")
            self.assertEqual(exchange(client, b"Hello!"), b"Hello!")
            client.reset()
            daemon.wait_for_total("closed.reset", before + 1)
            self.assertEqual(exchange(other, b"still there"), b"still there")

        self.on_each_shard("tcp-echo", shards, row)


def cpu_seconds(pid):
    """User and system time of the process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@expand
class Keepalive(SystemTest):
    """On accepted sockets; relay_test has those to an upstream."""

    SERVICES = ("orders", "chat", "echo", "tcp-echo", "relay")

    @for_each_shard_count
    def test_row_41_ka_3_defaults_on_accepted_sockets(self, shards):
        with Daemon(shards=shards) as daemon:
            for service in self.SERVICES:
                for _ in range(shards):
                    self.assertEqual(settings(daemon, service), (1, 10, 5, 9, 54_000, 1))
            made = len(self.SERVICES) * shards
            self.assert_all_shards_took_part(daemon.wait_for_total("opened", made))

    @for_each_shard_count
    def test_ka_4_options_on_accepted_sockets(self, shards):
        options = ("--tcp-keepalive-time", "7s", "--tcp-keepalive-interval", "3s")
        options += ("--tcp-keepalive-count", "4", "--tcp-user-timeout", "18500ms")
        with Daemon(*options, shards=shards) as daemon:
            for service in self.SERVICES:
                for _ in range(shards):
                    self.assertEqual(settings(daemon, service), (1, 7, 3, 4, 18_500, 1))

    @for_each_shard_count
    def test_ka_4_neither_keepalive_nor_user_timeout(self, shards):
        options = ("--tcp-keepalive-time", "0", "--tcp-user-timeout", "0")
        with Daemon(*options, shards=shards) as daemon:
            for service in self.SERVICES:
                found = settings(daemon, service)
                self.assertEqual((found.keepalive, found.user_timeout_ms), (0, 0))

    @unittest.skipUnless(shutil.which("ss"), "ss (iproute2) is not installed")
    @for_each_shard_count
    def test_row_41_ka_3_the_timer_runs(self, shards):
        """Of a connection that is idle since it was made, as `ss -tno` has it."""
        with Daemon(shards=shards) as daemon:
            for _ in range(shards):
                client = daemon.connect("tcp-echo")
                client.send(b"Hello!")
                client.expect(b"Hello!")
                seconds = wait_for("a keepalive timer", lambda: keepalive_timer(client))
                self.assertLessEqual(seconds, 10.0)


def settings(daemon, service):
    client = daemon.connect(service)
    return tcp_settings(daemon, client.socket.getsockname())


def keepalive_timer(client):
    """Seconds until the daemon's end of the connection is to probe, or nothing if ss shows none."""
    local, peer = client.socket.getpeername(), client.socket.getsockname()
    command = ["ss", "-tnoH", f"src {local[0]}:{local[1]} and dst {peer[0]}:{peer[1]}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    _, found, rest = shown.stdout.partition("timer:(keepalive,")
    if not found:
        return None
    text = rest.split(",")[0]
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    return float(text.removesuffix("sec"))


if __name__ == "__main__":
    main()
