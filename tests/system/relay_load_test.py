#!/usr/bin/env python3
"""ringpost-load with ws:// and http:// against the message relay of the daemon."""

import base64
import hashlib
import json
import os
import subprocess
import tempfile
import time

from harness import PATIENCE, Daemon, SystemTest, main
from thread_server import ThreadServer

LOAD = os.environ["RINGPOST_LOAD"]


class SlowToAcknowledge(ThreadServer):
    """A relay of one topic that answers a publication a while after everybody has it."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds
        self.addresses = {"relay": self.address}
        self.subscribers = []
        self.too_early = 0  # requests of somebody whose last one had no answer yet

    @staticmethod
    def receive(connection):
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the end")
        return data

    def read_request(self, connection, held):
        """Its first line, its fields and its body; and what came behind it."""
        while b"\r\n\r\n" not in held:
            held += self.receive(connection)
        head, held = held.split(b"\r\n\r\n", 1)
        line, *fields = head.decode().split("\r\n")
        fields = dict(field.split(": ", 1) for field in fields)
        length = int(fields.get("content-length", 0))
        while len(held) < length:
            held += self.receive(connection)
        return line, fields, held[:length], held[length:]

    def serve(self, connection):
        held = b""
        while True:
            line, fields, body, held = self.read_request(connection, held)
            self.too_early += bool(held)
            if line.startswith("GET /ws/"):
                return self.serve_subscriber(connection, fields["sec-websocket-key"])
            answer = b'{"url":"ws://here/ws/1"}'
            if line.startswith("POST /publish "):
                self.deliver(json.loads(body)["message"].encode())
                answer = b"Published event"
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))

    def serve_subscriber(self, connection, key):
        accept = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                           b"sec-websocket-accept: %s\r\n\r\n" % accept)
        held = b""
        while b"\x89\x8a" not in held:  # the Ping behind the request for the topic; its text is known
            held += self.receive(connection)
        self.subscribers.append(connection)
        connection.sendall(b"\x8a\x0asubscribed")
        while True:
            self.receive(connection)

    def deliver(self, message):
        for subscriber in self.subscribers:
            subscriber.sendall(b"\x81%c%s" % (len(message), message))
        time.sleep(self.seconds)


def load(daemon, scheme, *arguments, path=""):
    host, port = daemon.addresses["relay"][:2]
    return subprocess.run(
        [LOAD, f"{scheme}://{host}:{port}{path}", *map(str, arguments)],
        capture_output=True, text=True, timeout=PATIENCE * 2,
    )


class LoadsTheRelay(SystemTest):
    def run_right(self, *arguments, **words):
        outcome = load(*arguments, **words)
        self.assertEqual(outcome.returncode, 0, outcome.stdout + outcome.stderr)
        return outcome.stdout

    def test_every_delivery_is_counted(self):
        with Daemon("--services", "relay", shards=2) as daemon:
            out = self.run_right(daemon, "ws", "-n", 2000, "-P", 8, "--listeners", 20)
            self.assertIn("40,000 deliveries", out)
            self.assertIn("2xx: 2,000 (200: 2,000)", out)

    def test_a_message_is_in_flight_until_it_is_acknowledged(self):
        with SlowToAcknowledge(seconds=0.02) as relay:
            out = self.run_right(relay, "ws", "-n", 12, "-P", 1, "--listeners", 3)
            self.assertIn("36 deliveries", out)
            self.assertIn("2xx: 12 (200: 12)", out)
            self.assertEqual(relay.too_early, 0)

    def test_topics_are_heard_by_those_who_asked_for_them(self):
        # 3 senders of 300 messages each: topic 0 has two of them and 4 listeners, topic 1 has 3.
        with Daemon("--services", "relay", shards=2) as daemon:
            out = self.run_right(daemon, "ws", "-n", 900, "-P", 4, "-t", 3, "--senders", 3,
                                 "--topics", 2, "--listeners", 7, "-s", "16-900")
            self.assertIn("3,300 deliveries", out)

    def test_an_open_loop_counts_from_when_a_message_was_due(self):
        with Daemon("--services", "relay", shards=1) as daemon, \
                tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "run.json")
            self.run_right(daemon, "ws", "-R", "2k", "-n", 1000, "--listeners", 5, "--json", file)
            with open(file, encoding="utf-8") as stream:
                run = json.load(stream)
            self.assertEqual(run["totals"]["replies"], 5000)
            self.assertEqual(run["latency_from"], "intended")
            self.assertEqual(run["setup"]["topics"], 1)

    def test_http_of_every_route(self):
        with Daemon("--services", "relay", shards=2) as daemon:
            self.run_right(daemon, "http", "-n", 3000, "-c", 7, "-P", 16, path="/health")
            self.run_right(daemon, "http", "-n", 300, "-c", 3, "-P", 4, "-H",
                           "content-type: application/json", "-b",
                           '{"topic":"cats","message":"hi"}', path="/publish")
            self.run_right(daemon, "http", "-n", 100, "-c", 3, "-H",
                           "content-type: application/json", "-b", '{"user_id":1}', "--any-body",
                           path="/register")
            self.run_right(daemon, "http", "-n", 100, "-X", "HEAD", path="/health")

    def test_a_refusal_is_one_line_and_a_status(self):
        with Daemon("--services", "relay", "--relay-registrations-max", "4", shards=1) as daemon:
            outcome = load(daemon, "ws", "--listeners", 8)
            self.assertEqual((outcome.returncode, outcome.stdout), (3, ""))
            self.assertIn("POST /register was answered by status 503", outcome.stderr)


if __name__ == "__main__":
    main()
