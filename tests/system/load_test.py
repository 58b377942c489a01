#!/usr/bin/env python3
"""ringpost-load against the daemon, and against nobody."""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from harness import PATIENCE, SANITIZED, Daemon, SystemTest, main, wait_for
from thread_server import ThreadServer

LOAD = os.environ["RINGPOST_LOAD"]


def load(*arguments):
    return subprocess.run(
        [LOAD, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE * 2
    )


def url(scheme, address):
    return f"{scheme}://{address[0]}:{address[1]}"


class LoadsTheDaemon(SystemTest):
    def run_right(self, *arguments):
        outcome = load(*arguments)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome

    def test_raw_echo_in_a_closed_loop(self):
        with Daemon("--services", "tcp-echo", shards=2) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            outcome = self.run_right(target, "-n", 20000, "-c", 10, "-P", 4)
            self.assertIn("20,000 replies", outcome.stdout)

    def test_sizes_from_a_range_on_two_threads(self):
        with Daemon("--services", "tcp-echo,echo", shards=2) as daemon:
            for scheme, service in (("tcp", "tcp-echo"), ("frames", "echo")):
                target = url(scheme, daemon.addresses[service])
                self.run_right(target, "-n", 5000, "-c", 8, "-P", 3, "-s", "1-9000", "-t", 2)

    def test_messages_larger_than_all_buffers(self):
        with Daemon("--services", "tcp-echo,echo", shards=1) as daemon:
            for scheme, service in (("tcp", "tcp-echo"), ("frames", "echo")):
                target = url(scheme, daemon.addresses[service])
                self.run_right(target, "-n", 20, "-c", 2, "-P", 4, "-s", "3MiB")

    def test_measures_for_the_time_asked_for(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            outcome = self.run_right(target, "-d", "300ms", "-w", "100ms", "-c", 2)
            self.assertIn("warm-up", outcome.stderr)

    def test_orders_in_a_mix(self):
        with Daemon("--services", "orders", "--orders-cap", "1e9", shards=2) as daemon:
            target = url("orders", daemon.addresses["orders"])
            self.run_right(target, "-n", 20000, "-c", 10, "-P", 32)
            self.run_right(target, "-n", 20000, "-c", 10, "-P", 32, "--own-buys")
            self.run_right(target, "-n", 999, "-c", 3, "-t", 2, "--mix", "buy:2,get:1")
            self.run_right(target, "-n", 500, "-c", 3, "--mix", "get:1")

    def test_chat_counts_every_delivery(self):
        with Daemon("--services", "chat", shards=2) as daemon:
            target = url("chat", daemon.addresses["chat"])
            outcome = self.run_right(target, "-n", 2000, "-P", 8, "--listeners", 20)
            self.assertIn("40,000 deliveries", outcome.stdout)
            outcome = self.run_right(
                target, "-n", 900, "-P", 4, "-t", 2, "--senders", 3, "--listeners", 7, "-s", "2-900"
            )
            self.assertIn("8,100 deliveries", outcome.stdout)

    def test_an_open_loop_sends_what_was_asked_for(self):
        with Daemon("--services", "tcp-echo,chat", shards=1) as daemon:
            for scheme, service, deliveries in (("tcp", "tcp-echo", 1), ("chat", "chat", 9)):
                target = url(scheme, daemon.addresses[service])
                with tempfile.TemporaryDirectory() as folder:
                    file = os.path.join(folder, "run.json")
                    self.run_right(target, "-R", "2k", "-n", 1000, "-c", 10, "--json", file)
                    with open(file, encoding="utf-8") as stream:
                        summary = json.load(stream)["summary"]
                self.assertEqual(summary["asked_per_s"], 2000)
                self.assertEqual(summary["dropped"], 0)
                # No faster than asked, whatever the machine does meanwhile.
                self.assertLessEqual(summary["rate_per_s"], 2000 * deliveries * 1.01)

    def test_writes_every_kind_of_file(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            with tempfile.TemporaryDirectory() as folder:
                target = url("tcp", daemon.addresses["tcp-echo"])
                self.run_right(target, "-n", 100, "-o", os.path.join(folder, "run"))
                for ending in ("json", "csv", "html", "hgrm"):
                    self.assertGreater(os.path.getsize(os.path.join(folder, "run." + ending)), 0)
                self.run_right(target, "-n", 100, "-q", "--json", "-")

    def test_an_interrupt_ends_the_run_with_its_result(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            with subprocess.Popen(
                [LOAD, target, "-w", "0", "-d", "1h"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            ) as process:
                process.stderr.readline()  # a second of it
                process.send_signal(signal.SIGINT)
                out, _ = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0)
            self.assertIn("replies in", out)

    def start_endless(self, target, *arguments):
        """A run that has measured for a second at least, and goes on."""
        process = subprocess.Popen(
            [LOAD, target, "-w", "0", "-d", "1h", *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        process.stderr.readline()  # a second of it
        return process

    def test_the_first_interrupt_writes_every_file(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon, \
                tempfile.TemporaryDirectory() as folder:
            target = url("tcp", daemon.addresses["tcp-echo"])
            with self.start_endless(target, "-o", os.path.join(folder, "run"), "-v") as process:
                self.assertEqual(os.listdir(folder), [])
                process.send_signal(signal.SIGINT)
                out, _ = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0)
            self.assertIn("interrupted", out)
            self.assertIn("established, 0 failed", out)  # said with -v
            files = ["run.csv", "run.hgrm", "run.html", "run.json"]
            self.assertEqual(sorted(os.listdir(folder)), files)
            with open(os.path.join(folder, "run.json"), encoding="utf-8") as stream:
                self.assertTrue(json.load(stream)["totals"]["interrupted"])

    def test_the_second_interrupt_ends_at_once_and_writes_nothing(self):
        with silent_server() as address, tempfile.TemporaryDirectory() as folder:
            # Replies are waited for: only another signal ends it.
            with self.start_endless(
                url("tcp", address), "--timeout", "1h", "-o", os.path.join(folder, "run")
            ) as process:
                # Both at once, and of two kinds, for two of one kind that are pending are one. It told
                # its threads to stop when they had ended already, and that was an assertion.
                for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
                    process.send_signal(number)
                out, errors = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 130, errors)
            self.assertEqual(out, "")
            self.assertEqual(errors.splitlines()[-1], "ringpost-load: interrupted")
            self.assertEqual(os.listdir(folder), [])

    def test_a_killed_run_leaves_nothing(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon, \
                tempfile.TemporaryDirectory() as folder:
            target = url("tcp", daemon.addresses["tcp-echo"])
            with self.start_endless(target, "-o", os.path.join(folder, "run")) as process:
                process.kill()
            self.assertEqual(os.listdir(folder), [])

    def test_unchecked_replies_are_counted(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            outcome = self.run_right(target, "-n", 20000, "-c", 10, "-P", 4, "--check", "none")
            self.assertIn("20,000 replies", outcome.stdout)
            self.assertIn("not checked", outcome.stdout)

    def test_thousands_of_connections_are_small(self):
        """19,000 of them: perf/loadgen --rows idle. A histogram is 261 KiB, and how many of the last
        second's are still there is chance: so it is enough to be small at some time."""
        few, many = 1000, 5000
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            with self.start_idle(target, few) as process:
                before = resident_bytes(process.pid)
                self.interrupt(process)
            with self.start_idle(target, many) as process:
                def is_small():
                    each = (resident_bytes(process.pid) - before) / (many - few)
                    return SANITIZED or each < 1024

                wait_for("1 KiB for an idle connection", is_small)
                self.interrupt(process)

    def start_idle(self, target, connections):
        sources = ",".join(f"127.0.0.{i}" for i in range(1, 9))
        return self.start_endless(target, "-R", "1", "-c", str(connections), "--source", sources)

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)

    def test_a_storm_brings_everybody_back(self):
        with Daemon("--services", "tcp-echo", shards=2) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            with tempfile.TemporaryDirectory() as folder:
                file = os.path.join(folder, "run.json")
                self.run_right(
                    target, "-c", 300, "-w", "0", "-d", "2s", "--storm", "300ms", "--json", file
                )
                with open(file, encoding="utf-8") as stream:
                    run = json.load(stream)
            self.assertEqual(run["setup"]["loop"], "storm")
            daemon.wait_for_total("opened", 600)

    def test_a_ramp_ends_with_the_rate_that_held(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            # A bound that nothing keeps: it must give up, and say so by its status.
            outcome = load(target, "--ramp", "1us", "-R", 4, "-d", "250ms", "-w", 0, "-c", 1)
            self.assertEqual(outcome.returncode, 5, outcome.stdout + outcome.stderr)
            self.assertIn("not held", outcome.stdout)

    def test_connects_from_the_addresses_given(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            peers = []

            def serve():
                for _ in range(4):
                    connection, peer = listener.accept()
                    peers.append(peer[0])
                    connection.sendall(connection.recv(64))
                    connection.close()

            thread = threading.Thread(target=serve)
            thread.start()
            load(url("tcp", listener.getsockname()), "-c", 4, "-n", 4,
                 "--source", "127.0.0.2,127.0.0.3")
            thread.join()
        self.assertEqual(sorted(set(peers)), ["127.0.0.2", "127.0.0.3"])

    def test_a_source_that_is_not_here_is_said(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            target = url("tcp", daemon.addresses["tcp-echo"])
            outcome = load(target, "--source", "192.0.2.1")
            self.assertEqual(outcome.returncode, 3)
            self.assertIn("192.0.2.1", outcome.stderr)

    def test_leaves_no_connection_behind(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            self.run_right(url("tcp", daemon.addresses["tcp-echo"]), "-n", 100, "-c", 20)
            daemon.wait_for_total("closed.peer_closed", 20)


def resident_bytes(pid):
    """Without the pages of files, its own code for one: how many are mapped is chance."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024


@contextlib.contextmanager
def silent_server():
    """Accepts, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener.getsockname()


FAULTY_OF = 1_000_000  # messages; the fault is well inside
FAULT_AT = 654_321


class FaultyEcho:
    """Echoes messages of 64 bytes, but for what `change` makes of four of them; once."""

    def __init__(self, change):
        self.change = change
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self.listener.getsockname()

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join()

    def serve(self):
        self.connection, _ = self.listener.accept()
        with self.connection, contextlib.suppress(ConnectionError):
            self.pass_on(64 * FAULT_AT)
            held = self.connection.recv(4 * 64, socket.MSG_WAITALL)
            four = [held[64 * i : 64 * i + 64] for i in range(4)]
            self.connection.sendall(b"".join(self.change(four)))
            self.pass_on()

    def pass_on(self, left=1 << 40):
        """Nothing is left, or the end: a receive is empty."""
        while data := self.connection.recv(min(left, 1 << 18)):
            self.connection.sendall(data)
            left -= len(data)


def flipped(message):
    return message[:17] + bytes([message[17] ^ 8]) + message[18:]


class FindsFaults(SystemTest):
    """One in a million, told with its number; and a million without one (`none`)."""

    def run_of(self, change):
        with FaultyEcho(change) as address:
            return load(url("tcp", address), "-c", 1, "-P", 4096, "-n", FAULTY_OF)

    def told(self, change):
        outcome = self.run_of(change)
        self.assertEqual(outcome.returncode, 1, outcome.stdout)
        (fault,) = re.findall(r"connection 0, reply (\d+): ([^:]*: \w+)", outcome.stdout)
        return int(fault[0]) - FAULT_AT, fault[1]

    def test_none(self):
        outcome = self.run_of(lambda m: m)
        self.assertEqual(outcome.returncode, 0, outcome.stdout)

    def test_a_flipped_bit(self):
        self.assertEqual(self.told(lambda m: [m[0], flipped(m[1]), *m[2:]]), (1, "wrong bytes: differs"))

    def test_a_dropped_message(self):
        self.assertEqual(self.told(lambda m: [m[0], *m[2:]]), (1, "missing: later"))

    def test_a_repeated_message(self):
        self.assertEqual(self.told(lambda m: [m[0], *m]), (0, "duplicate: came"))

    def test_two_swapped_messages(self):
        self.assertEqual(self.told(lambda m: [m[1], m[0], *m[2:]]), (0, "out of order: came"))

    def test_nonsense(self):
        self.assertEqual(self.told(lambda m: [b"?" * 64, *m[1:]]), (0, "wrong bytes: differs"))

    def test_a_server_that_closes_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        listener.accept()[0].close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            outcome = load(url("tcp", listener.getsockname()), "-c", 3, "-n", 100)
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        self.assertEqual(outcome.returncode, 3, outcome.stdout + outcome.stderr)

    def test_a_server_that_resets_mid_run(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve():
                connection, _ = listener.accept()
                connection.sendall(connection.recv(64))
                connection.recv(64)
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                connection.close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            outcome = load(url("tcp", listener.getsockname()), "-c", 1, "-n", 100)
            thread.join()
        self.assertEqual(outcome.returncode, 4, outcome.stdout + outcome.stderr)
        self.assertIn("reset", outcome.stdout)
        self.assertIn("unanswered", outcome.stdout)


class Ramps(SystemTest):
    """Against a server that is right for the first step alone; whatever else it is, that is held."""

    STEPS = ("--ramp", "10s", "-R", 100, "-d", 1, "-w", 0, "-c", 1)

    def test_a_wrong_reply_in_a_step_that_does_not_count(self):
        with RightOnce(lambda connection, data: connection.sendall(flipped(data))) as server:
            outcome = load(url("tcp", server.address), *self.STEPS)
        self.assertEqual(outcome.returncode, 1, outcome.stdout + outcome.stderr)
        self.assertIn("connection 0, reply 0: wrong bytes", outcome.stdout)
        self.assertIn("not held: wrong replies", outcome.stdout)
        self.assertEqual(server.count, 2)  # and no other step

    def interrupted(self, server, scheme, *arguments):
        """What a ramp says of which the second step is interrupted."""
        with subprocess.Popen(
            [LOAD, url(scheme, server.address), *map(str, self.STEPS), *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:
            self.assertTrue(server.second_asked.wait(PATIENCE))
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=PATIENCE)
        # 5: the machine was too busy with something else to hold even the first step.
        self.assertIn(process.returncode, (0, 5), out + errors)
        self.assertIn("interrupted", out)
        self.assertEqual(len(re.findall(r"asked .* achieved .* held", out)), 1, out)
        self.assertEqual(server.count, 2)  # and no other step

    def test_an_interrupt_of_a_step_that_does_not_hold(self):
        with RightOnce(lambda *_: None) as server:
            self.interrupted(server, "tcp", "--timeout", 1)

    def test_an_interrupt_while_a_step_connects(self):
        with RightOnce(lambda *_: None, answer=lambda data: b"\n" * data.count(b"\n")) as server:
            self.interrupted(server, "orders", "--mix", "get:1", "--connect-timeout", "1h")


class RightOnce(ThreadServer):
    """Echoes to the first connection, or has an `answer`; what others say is `treat`ed."""

    def __init__(self, treat, answer=lambda data: data):
        super().__init__()
        self.treat = treat
        self.answer = answer
        self.count = 0
        self.second_asked = threading.Event()

    def serve(self, connection):
        self.count += 1
        is_first = self.count == 1
        while data := connection.recv(1 << 16):
            if is_first:
                connection.sendall(self.answer(data))
            else:
                self.second_asked.set()
                self.treat(connection, data)


class SlowEcho(ThreadServer):
    """Echoes 64 bytes at a time, no more than 500 times a second."""

    def serve(self, connection):
        while data := connection.recv(64, socket.MSG_WAITALL):
            time.sleep(0.002)
            connection.sendall(data)


class IsStrict(SystemTest):
    RATE = ("-d", 1, "-w", 0, "--strict")

    def test_a_rate_that_was_answered(self):
        with Daemon("--services", "tcp-echo,chat", shards=1) as daemon:
            for scheme, service in (("tcp", "tcp-echo"), ("chat", "chat")):
                arguments = (url(scheme, daemon.addresses[service]), "-R", 200, "-c", 3, *self.RATE)
                with self.subTest(scheme):
                    # Not in every second of a machine that does something else, too.
                    wait_for("a rate that is kept", lambda: load(*arguments).returncode == 0)

    def test_a_rate_that_was_sent_and_not_answered(self):
        with SlowEcho() as server:
            outcome = load(
                url("tcp", server.address), "-R", 1000, "-c", 1, "--timeout", "1h", *self.RATE
            )
        self.assertEqual(outcome.returncode, 5, outcome.stdout + outcome.stderr)
        self.assertIn("of the rate that was asked for was reached", outcome.stdout)


class GivesUp(SystemTest):
    """No run waits for ever for a server that takes connections and says nothing."""

    def test_a_number_of_requests_that_nobody_answers(self):
        for arguments in ((), ("-R", 1000, "-w", 1)):
            with self.subTest(arguments), silent_server() as address:
                outcome = load(url("tcp", address), "-n", 50, "--timeout", 2, *arguments)
                self.assertEqual(outcome.returncode, 4, outcome.stdout + outcome.stderr)
                self.assertIn("50 unanswered: no reply came within the time", outcome.stdout)

    def test_a_server_that_falls_silent(self):
        with SilentSoon() as server:
            outcome = load(url("tcp", server.address), "-n", 50, "-c", 1, "--timeout", 3)
        self.assertEqual(outcome.returncode, 4, outcome.stdout + outcome.stderr)
        self.assertIn("9 replies", outcome.stdout)
        self.assertIn("1 unanswered: no reply came within the time", outcome.stdout)

    def test_a_greeting_that_does_not_come(self):
        for scheme in ("ws", "chat", "orders"):
            with self.subTest(scheme), silent_server() as address:
                outcome = load(
                    url(scheme, address), "-d", 1, "-c", 3, "--connect-timeout", "300ms"
                )
                self.assertEqual(outcome.returncode, 3, outcome.stdout + outcome.stderr)
                self.assertEqual(outcome.stdout, "")
                (line,) = outcome.stderr.splitlines()
                self.assertIn(f"{address[0]}:{address[1]}", line)
                self.assertIn("greeting timed out", line)

    def test_a_greeting_that_does_not_come_again(self):
        for is_silent, said in ((True, "greeting timed out"), (False, "the server closed")):
            with self.subTest(said), GreetsOne(is_silent) as server:
                outcome = load(
                    url("orders", server.address), "--mix", "get:1", "-c", 1, "-w", 0, "-d", "1h",
                    "--storm", "1ms", "--connect-timeout", "3s",
                )
                self.assertEqual(outcome.returncode, 4, outcome.stdout + outcome.stderr)
                self.assertIn(said, outcome.stdout)


class GreetsOne(ThreadServer):
    """An empty book of orders for the first connection; the others wait, or are closed at once."""

    def __init__(self, is_silent):
        super().__init__()
        self.is_silent = is_silent
        self.is_first = True

    def serve(self, connection):
        is_first, self.is_first = self.is_first, False
        while (data := connection.recv(1 << 12)) and (is_first or self.is_silent):
            if is_first:
                connection.sendall(b"\n" * data.count(b"\n"))


class SilentSoon(ThreadServer):
    """Echoes nine messages of 64 bytes, and is silent then."""

    def serve(self, connection):
        for _ in range(9):
            connection.sendall(connection.recv(64, socket.MSG_WAITALL))
        while connection.recv(1 << 12):
            pass


class FindsNobody(SystemTest):
    def test_a_refused_connection_is_one_line_and_a_status(self):
        with socket.socket() as unused:  # bound, but does not listen
            unused.bind(("127.0.0.1", 0))
            outcome = load(url("tcp", unused.getsockname()))
        self.assertEqual(outcome.returncode, 3)
        self.assertEqual(outcome.stdout, "")
        self.assertEqual(len(outcome.stderr.splitlines()), 1)
        self.assertIn("refused", outcome.stderr)


class BadInput(SystemTest):
    """One line that says what and what to do (behind a wrong command line a second one names --help), a
    status for each kind, and nothing written. Servers that misbehave: FindsFaults."""

    def said(self, status, *arguments):
        outcome = load(*arguments)
        self.assertEqual(outcome.returncode, status, outcome.stdout + outcome.stderr)
        self.assertEqual(outcome.stdout, "")
        lines = outcome.stderr.splitlines()
        self.assertEqual(len(lines), 2 if status == 2 else 1, lines)
        self.assertTrue(lines[0].startswith("ringpost-load: "), lines)
        return lines[0]

    def test_a_name_without_an_address(self):
        line = self.said(3, "tcp://no.such.host.invalid:1", "--connect-timeout", "30s")
        self.assertIn("no.such.host.invalid", line)

    def test_an_address_that_does_not_answer(self):
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            with contextlib.ExitStack() as clients:
                for _ in range(4):  # more than its queue holds; the kernel drops what comes then
                    client = clients.enter_context(socket.socket())
                    client.setblocking(False)
                    client.connect_ex(address)
                line = self.said(3, url("tcp", address), "-c", 1, "--connect-timeout", "300ms")
        self.assertIn("timed out", line)

    def test_too_few_descriptors(self):
        outcome = subprocess.run(
            ["prlimit", "--nofile=200:200", LOAD, "tcp://127.0.0.1:1", "-c", "190"],
            capture_output=True, text=True, timeout=PATIENCE,
        )
        self.assertEqual(outcome.returncode, 6, outcome.stderr)
        self.assertEqual(outcome.stdout, "")
        (line,) = outcome.stderr.splitlines()
        self.assertRegex(line, r"190 connections need more .* 200 .*ulimit -n")

    def test_outputs_that_cannot_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = os.path.join(folder, "missing", "run")
            self.assertIn("create the folder first", self.said(6, "tcp://127.0.0.1:1", "-o", missing))
            self.assertIn("name a file", self.said(6, "tcp://127.0.0.1:1", "--json", folder))
            self.assertEqual(os.listdir(folder), [])

    def test_wrong_command_lines(self):
        target = "tcp://127.0.0.1:1"
        for arguments, why in (
            ((), "needs a target"),
            (("gopher://x",), "protocol"),
            ((target, "--conections", "1"), "did you mean '--connections'"),
            ((target, "-c", "0"), "out of bounds"),
            ((target, "-d"), "needs a value"),
            ((target, "--strict"), "--rate"),
            ((target, "--ramp", "1ms", "-n", "5"), "--requests"),
            (("chat://x", "-c", "5", "--listeners", "9"), "listeners"),
            (("chat://x", "--storm", "1s"), "--storm"),
        ):
            with self.subTest(arguments):
                self.assertIn(why, self.said(2, *arguments))


if __name__ == "__main__":
    main()
