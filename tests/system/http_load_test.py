#!/usr/bin/env python3
"""ringpost-load with http:// against the standard library's server, and against one that does what
HTTP allows and what it does not."""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading

from harness import PATIENCE, SystemTest, main
from thread_server import ThreadServer

LOAD = os.environ["RINGPOST_LOAD"]


def load(address, *arguments, path="/"):
    return subprocess.run(
        [LOAD, f"http://{address[0]}:{address[1]}{path}", *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE * 2,
    )


class Library(http.server.BaseHTTPRequestHandler):
    """Answers with what was asked."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        said = f"{self.command} {self.path} {self.headers.get('x-said')} ".encode() + body
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)
        with self.server.lock:
            self.server.heard.append(said.decode())

    do_GET = do_HEAD = do_PUT = do_POST = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def library_server(version):
    handler = type("Handler", (Library,), {"protocol_version": version})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.heard, server.lock = [], threading.Lock()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Scripted(ThreadServer):
    """Answers the nth request of each connection with `answer(n)`. It closes behind one that says so."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def serve(self, connection):
        count, held = 0, b""
        while data := connection.recv(1 << 16):
            *requests, held = (held + data).split(b"\r\n\r\n")
            for _ in requests:
                answer = self.answer(count)
                count += 1
                connection.sendall(answer)
                if b"connection: close" in answer or answer.startswith(b"HTTP/1.0"):
                    # Requests that are not read would make this a reset (RFC 9112 section 9.6).
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
                    return


def reply(body, more=b""):
    return b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (more, len(body), body)


class LoadsServersOfOthers(SystemTest):
    def run_right(self, address, *arguments, **words):
        outcome = load(address, *arguments, **words)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_the_request_is_the_one_asked_for(self):
        with library_server("HTTP/1.1") as server:
            address = server.server_address
            self.run_right(address, "-n", 40, "-c", 4, "-P", 3, path="/a?b=c")
            self.run_right(address, "-n", 8, "-c", 2, "-X", "PUT", "-H", "x-said: so", "-b", "text")
            with tempfile.NamedTemporaryFile() as file:
                file.write(b"from a file")
                file.flush()
                self.run_right(address, "-n", 8, "-c", 2, "--body-file", file.name)
            self.run_right(address, "-n", 8, "-c", 2, "-X", "HEAD")
            expected = (["GET /a?b=c None "] * 40 + ["PUT / so text"] * 8
                        + ["POST / None from a file"] * 8 + ["HEAD / None "] * 8)
            self.assertEqual(server.heard, expected)

    def test_a_server_that_closes_behind_each_reply(self):
        with library_server("HTTP/1.0") as server:
            out = self.run_right(server.server_address, "-n", 100, "-c", 5)
            self.assertIn("2xx: 100 (200: 100)", out)
            self.assertRegex(out, r"reconnects +\d")
            self.assertEqual(len(server.heard), 100)

    def test_an_error_status_is_an_error(self):
        with library_server("HTTP/1.1") as server, tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "run.json")
            outcome = load(server.server_address, "-n", 20, "-c", 2, "--json", file, path="/gone")
            self.assertEqual(outcome.returncode, 4, outcome.stdout)
            self.assertIn("20 status 404", outcome.stdout)
            with open(file, encoding="utf-8") as stream:
                run = json.load(stream)
            self.assertEqual(run["statuses"]["by_code"], {"404": 20})
            self.assertEqual(run["summary"]["errors"], 20)
            self.run_right(server.server_address, "-n", 20, "--expect-status", 404, path="/gone")

    def test_requests_behind_a_last_reply_are_asked_again(self):
        def answer(count):
            return reply(b"abc", b"connection: close\r\n" if count == 9 else b"")

        with Scripted(answer) as server:
            address = server.address
            out = self.run_right(address, "-n", 500, "-c", 2, "-P", 7)
            self.assertIn("500 replies", out)
            out = self.run_right(address, "-R", "2k", "-n", 200, "-c", 2, "-P", 7)
            self.assertIn("200 replies", out)

    def test_every_kind_of_framing(self):
        replies = [
            reply(b"abc"),
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"abc"),
            b"HTTP/1.0 200 OK\r\n\r\nabc",
        ]
        with Scripted(lambda count: replies[count % 4]) as server:
            out = self.run_right(server.address, "-n", 400, "-c", 3, "-P", 5)
            self.assertIn("2xx: 400 (200: 400)", out)


class FindsFaults(SystemTest):
    def told(self, wrong, *arguments):
        with Scripted(lambda count: wrong if count == 5 else reply(b"abc")) as server:
            outcome = load(server.address, "-c", 1, "-P", 3, "-n", 50, "--timeout", "500ms", *arguments)
        self.assertEqual(outcome.returncode, 1, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_another_body(self):
        out = self.told(reply(b"abd"))
        self.assertIn("connection 0, reply 5: wrong bytes: its body differs from byte 2 on", out)

    def test_a_head_that_is_none(self):
        at = 5 * len(reply(b"abc")) + len(b"HTTP/1.1 200 OK\r\n")
        out = self.told(b"HTTP/1.1 200 OK\r\nno field\r\n\r\n")
        self.assertIn(f"reply 5: wrong bytes: no header field, at byte {at} of the connection", out)

    def test_a_reply_that_is_cut_off(self):
        out = self.told(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nabc")
        self.assertIn("reply 5: missing: the connection ended within it", out)

    def test_more_replies_than_requests(self):
        self.assertIn("unexpected", self.told(reply(b"abc") * 9))


if __name__ == "__main__":
    main()
