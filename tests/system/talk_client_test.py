"""ringpost-talk, against the daemon and against servers of the test that misbehave."""

import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from harness import PATIENCE, Daemon, Lines, SystemTest, main

TALK = os.environ.get("RINGPOST_TALK", "ringpost-talk")
GOOD, FAILED, USAGE = 0, 1, 2


def at(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Talk:
    """One that somebody types to. Its output and errors are kept as lines."""

    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen(
            [TALK, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ, **(environment or {})),
        )
        self.out = Lines(self.process.stdout)
        self.errors = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.out.finish()
        self.errors.finish()

    def type(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def wait_for_output(self, *lines):
        self.out.wait(f"{lines} as the output", lambda seen: seen[: len(lines)] == list(lines))

    def wait_for_error(self, text, times=1):
        self.errors.wait(f"'{text}'", lambda seen: sum(text in line for line in seen) >= times)

    def wait_for_end(self):
        return self.process.wait(PATIENCE)


def run(*arguments, typed=b"", environment=None):
    """One that is given all its input at once: its status, output and errors."""
    done = subprocess.run(
        [TALK, *arguments],
        input=typed,
        capture_output=True,
        timeout=PATIENCE,
        env=dict(os.environ, **(environment or {})),
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


class Server:
    """A listener of the test that can go and come back. Its port stays its own meanwhile."""

    def __init__(self):
        self.place = self.bind(0)
        self.address = self.place.getsockname()
        self.listener = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go()
        self.place.close()

    @staticmethod
    def bind(port):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    def come(self):
        self.listener = self.bind(self.address[1])
        self.listener.settimeout(PATIENCE)
        self.listener.listen()
        return self

    def go(self):
        if self.listener is not None:
            self.listener.close()
            self.listener = None

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        return connection


def receive_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise AssertionError(f"the stream ended after {line!r}")
        line += byte
    return line


def receive_rest(connection):
    return b"".join(iter(lambda: connection.recv(1 << 18), b""))


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class TalkWithTheDaemon(SystemTest):
    def test_orders_until_the_end_of_input(self):
        with Daemon(shards=2) as daemon:
            orders = at(daemon.addresses["orders"])
            status, out, errors = run(orders, typed=b"BUY;8.0;BYND\r\nBUY;9;PLTR\nSELL;1;A\nGET")
            self.assertEqual(out, b"ERR unknown command\nBYND: 8;PLTR: 9;\n")
            self.assertEqual(errors, f"ringpost-talk: connected to {orders}\n")
            self.assertEqual(status, GOOD)

    def test_no_input_at_all(self):
        with Daemon(shards=1) as daemon:
            status, out, _ = run(at(daemon.addresses["orders"]))
            self.assertEqual((status, out), (GOOD, b""))

    def test_chat(self):
        with Daemon(shards=2) as daemon:
            chat = at(daemon.addresses["chat"])
            (member,) = daemon.join_chat("member")
            with Talk("--crlf", chat) as alice:
                alice.type(b"alice\nhi\n")
                member.expect(b"alice: hi\r\n")
                member.send(b"hello\r\n")
                alice.wait_for_output("member: hello\r")
                alice.end_input()
                self.assertEqual(alice.wait_for_end(), GOOD)

    def test_frames(self):
        typed = b"hello\n\n" + b"x" * (1 << 20) + b"\nlast"
        with Daemon(shards=2) as daemon:
            status, out, _ = run("--frames", at(daemon.addresses["echo"]), typed=typed)
            self.assertEqual(out, typed + b"\n")
            self.assertEqual(status, GOOD)

    def test_plain_bytes_by_the_megabyte(self):
        typed = b"".join(b"%d " % n * (n % 500) + b"\n" for n in range(20_000))
        with Daemon(shards=2) as daemon:
            status, out, _ = run(at(daemon.addresses["tcp-echo"]), typed=typed)
            self.assertEqual(len(out), len(typed))
            self.assertTrue(out == typed)
            self.assertEqual(status, GOOD)

    def test_once(self):
        with Daemon(shards=2) as daemon:
            orders, echo = at(daemon.addresses["orders"]), at(daemon.addresses["echo"])
            self.assertEqual(run("--once", orders, "SELL"), (GOOD, b"ERR unknown command\n", ""))
            self.assertEqual(run("--once", orders, typed=b"GET\nSELL\n"), (GOOD, b"\n", ""))
            self.assertEqual(run("--once", orders, typed=b"GET"), (GOOD, b"\n", ""))
            self.assertEqual(run("--once", "--frames", echo, "hello"), (GOOD, b"hello\n", ""))
            self.assertEqual(run("--once", "--frames", echo, ""), (GOOD, b"\n", ""))

    @unittest.skipUnless(socket.has_ipv6, "needs IPv6")
    def test_ipv6(self):
        with Daemon(shards=1, addresses=["--orders-listen", "[::1]:0"]) as daemon:
            orders = at(daemon.addresses["orders"])
            self.assertTrue(orders.startswith("[::1]:"))
            self.assertEqual(run("--once", orders, "GET"), (GOOD, b"\n", ""))

    def test_a_name_and_all_its_addresses(self):
        with Daemon(shards=1) as daemon, tempfile.NamedTemporaryFile("w") as hosts:
            hosts.write("::1 book.test\n127.0.0.1 book.test\n")  # nobody listens on the first
            hosts.flush()
            port = daemon.addresses["orders"][1]
            got = run("--once", f"book.test:{port}", "GET", environment={"CARES_HOSTS": hosts.name})
            self.assertEqual(got, (GOOD, b"\n", ""))

    def test_a_line_that_is_too_long_is_skipped(self):
        with Daemon(shards=1) as daemon:
            echo = at(daemon.addresses["echo"])
            got = run("--frames", "--message-bytes-max=3", echo, typed=b"abc\nabcd\nab\n")
            self.assertEqual(got[:2], (GOOD, b"abc\nab\n"))
            self.assertIn("1 line over the limit not sent (--message-bytes-max)", got[2])

            got = run("--once", "--message-bytes-max=3", echo, "abcd")
            self.assertEqual(got[:2], (FAILED, b""))
            self.assertIn("1 line over the limit", got[2])


class TalkWithATroubledServer(SystemTest):
    def test_it_dies_and_comes_back(self):
        with Server() as server, Talk(at(server.come().address)) as talk:
            first = server.accept()
            talk.wait_for_error(f"connected to {at(server.address)}")
            talk.type(b"one\n")
            self.assertEqual(receive_line(first), b"one\n")
            first.sendall(b"1\n")
            talk.wait_for_output("1")

            server.go()
            reset(first)
            talk.wait_for_error(f"{at(server.address)} reset the connection")
            talk.wait_for_error("Connection refused; next try in ", times=2)
            self.assertFalse(any("in vain" in line for line in talk.errors.lines))

            talk.type(b"two\n")  # waits
            second = server.come().accept()
            talk.wait_for_error("connected to ", times=2)
            self.assertEqual(receive_line(second), b"two\n")
            second.sendall(b"2\n")
            talk.end_input()
            self.assertEqual(receive_rest(second), b"")
            second.sendall(b"bye\n")
            second.close()
            self.assertEqual(talk.wait_for_end(), GOOD)
            talk.wait_for_output("1", "2", "bye")

    def test_what_was_sent_in_vain_is_told_and_not_sent_again(self):
        with Server() as server, Talk(at(server.come().address)) as talk:
            first = server.accept()
            talk.type(b"one\ntwo\n")
            self.assertEqual([receive_line(first), receive_line(first)], [b"one\n", b"two\n"])
            first.close()
            talk.wait_for_error("closed the connection; nothing came since 2 lines sent last")
            second = server.accept()
            talk.type(b"three\n")
            talk.end_input()
            self.assertEqual(receive_rest(second), b"three\n")
            second.close()
            self.assertEqual(talk.wait_for_end(), GOOD)

    def test_it_is_lost_after_the_end_of_input(self):
        with Server() as server, Talk(at(server.come().address)) as talk:
            connection = server.accept()
            talk.type(b"one\n")
            talk.end_input()
            self.assertEqual(receive_rest(connection), b"one\n")
            reset(connection)
            self.assertEqual(talk.wait_for_end(), FAILED)
            talk.wait_for_error("reset the connection; nothing came since 1 line sent last")

    def test_nobody_is_there(self):
        with Server() as server, Talk(at(server.address)) as talk:
            talk.wait_for_error("Connection refused; next try in 0.", times=3)
            talk.process.send_signal(signal.SIGINT)
            self.assertEqual(talk.wait_for_end(), -signal.SIGINT)

    def test_once_with_nobody(self):
        with Server() as server:
            status, out, errors = run("--once", at(server.address), "GET")
            self.assertEqual((status, out), (FAILED, b""))
            self.assertIn(f"cannot connect to {at(server.address)}", errors)
            self.assertIn("Connection refused\n", errors)

    def test_once_with_a_silent_server(self):
        with Server() as server:
            address = at(server.come().address)
            status, out, errors = run("--once", "--timeout=200ms", address, "GET")
            self.assertEqual((status, out), (FAILED, b""))
            why = f"ringpost-talk: {address} sent no whole reply within 200ms (--timeout)\n"
            self.assertEqual(errors, why)

    def test_once_with_half_a_reply(self):
        with Server() as server, Talk("--once", "--frames", at(server.come().address), "x") as talk:
            connection = server.accept()
            self.assertEqual(connection.recv(5, socket.MSG_WAITALL), b"\0\0\0\1x")
            connection.sendall(b"\0\0\0\5hal")
            connection.close()
            self.assertEqual(talk.wait_for_end(), FAILED)
            talk.wait_for_error("in the middle of a frame")

    def test_once_without_a_reply(self):
        with Server() as server, Talk("--once", at(server.come().address), "x") as talk:
            connection = server.accept()
            self.assertEqual(receive_line(connection), b"x\n")
            connection.close()
            self.assertEqual(talk.wait_for_end(), FAILED)
            talk.wait_for_error("closed the connection; nothing came since 1 line sent last")

    def test_once_prints_one_reply_of_many(self):
        with Server() as server, Talk("--once", at(server.come().address), "x") as talk:
            connection = server.accept()
            connection.sendall(b"1\n2\n3\n")
            self.assertEqual(talk.wait_for_end(), GOOD)
            talk.out.thread.join()
            self.assertEqual(talk.out.lines, ["1"])
            connection.close()

    def test_a_frame_over_the_limit_ends_the_talk(self):
        with Server() as server:
            address = at(server.come().address)
            with Talk("--frames", "--message-bytes-max=5", address) as talk:
                connection = server.accept()
                connection.sendall(b"\0\0\0\5hello\0\0\0\6")
                self.assertEqual(talk.wait_for_end(), FAILED)
                talk.wait_for_output("hello")
                talk.wait_for_error("sent a frame over the limit (--message-bytes-max)")
                connection.close()

    def test_a_name_server_that_hangs(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            dns = ["--dns-servers", at(silent.getsockname()), "--dns-timeout=50ms", "--dns-tries=1"]
            status, _, errors = run("--once", *dns, "nobody.test:1", "x")
            self.assertEqual(status, FAILED)
            self.assertIn("nobody.test", errors)
            with Talk(*dns, "nobody.test:1") as talk:  # a new lookup for each attempt
                talk.wait_for_error("next try in", times=2)

            slow = ["--dns-servers", at(silent.getsockname()), "--dns-timeout=1h"]
            status, _, errors = run("--once", "--timeout=200ms", *slow, "nobody.test:1", "x")
            self.assertEqual(status, FAILED)
            self.assertIn("not connected to nobody.test:1 within 200ms (--timeout)", errors)


class TalkAndItsStreams(SystemTest):
    def test_a_server_is_held_back_while_nobody_reads(self):
        """64 MiB are more than all buffers on the way; what was not read is not kept."""
        limit = 64 << 20
        with Server() as server:
            talk = subprocess.Popen(
                [TALK, at(server.come().address)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            connection = server.accept()
            connection.setblocking(False)
            block, sent = bytes(range(256)) * 256, 0
            while sent < limit and select.select([], [connection], [], 1)[1]:
                sent += connection.send(block[sent % len(block) :])
            self.assertLess(sent, limit)
            connection.close()
            got, _ = talk.communicate(timeout=PATIENCE)
            self.assertEqual(len(got), sent)
            self.assertTrue(got == (block * (sent // len(block) + 1))[:sent])
            self.assertEqual(talk.returncode, GOOD)

    def test_input_is_held_back_while_the_server_does_not_read(self):
        limit = 64 << 20
        with Server() as server, Talk(at(server.come().address)) as talk:
            connection = server.accept()
            pipe = talk.process.stdin.fileno()
            os.set_blocking(pipe, False)
            block, sent = b"0123456\n" * 8192, 0
            while sent < limit and select.select([], [pipe], [], 1)[1]:
                sent += os.write(pipe, block[sent % len(block) :])
            self.assertLess(sent, limit)
            talk.end_input()
            got = receive_rest(connection)
            expected = (block * (sent // len(block) + 1))[:sent]
            self.assertTrue(got == expected + (b"" if expected.endswith(b"\n") else b"\n"))
            connection.close()
            self.assertEqual(talk.wait_for_end(), GOOD)

    def test_it_ends_when_nobody_reads_any_more(self):
        with Daemon(shards=1) as daemon:
            talk = subprocess.Popen(
                [TALK, at(daemon.addresses["tcp-echo"])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            talk.stdout.close()
            talk.stdin.write(b"hello\n")
            talk.stdin.flush()
            self.assertEqual(talk.wait(PATIENCE), -signal.SIGPIPE)
            talk.stdin.close()

    def test_it_ends_with_the_talk_while_input_goes_on(self):
        with Daemon(shards=1) as daemon:
            with Talk("--once", at(daemon.addresses["orders"])) as talk:
                talk.type(b"GET\n")  # and the input does not end
                self.assertEqual(talk.wait_for_end(), GOOD)
                talk.wait_for_output("")

    def test_no_request(self):
        with Daemon(shards=1) as daemon:
            status, out, errors = run("--once", at(daemon.addresses["orders"]))
            self.assertEqual((status, out), (FAILED, b""))
            self.assertEqual(errors, "ringpost-talk: there is no request on standard input\n")

    def test_help_version_and_usage(self):
        status, out, errors = run("--help")
        self.assertEqual((status, errors), (GOOD, ""))
        self.assertIn(b"Usage: ringpost-talk ", out)
        self.assertEqual(run("--version")[0], GOOD)
        status, out, errors = run("localhost")
        self.assertEqual((status, out), (USAGE, b""))
        self.assertIn("has no port", errors)


if __name__ == "__main__":
    main()
