"""The message relay and other people's WebSocket clients, with and without compression: the Python package
`websockets`, and `ws` of node. One that is not there is skipped.
"""

import json
import os
import pathlib
import signal
import subprocess
import unittest
from contextlib import closing

from harness import Daemon, Lines, SystemTest, main
from web import Web

HERE = pathlib.Path(__file__).parent
# Debian's interpreter sees Debian's packages, whichever else is first in the path.
PYTHON = "/usr/bin/python3"
ENVIRONMENT = {**os.environ, "NODE_PATH": "/usr/share/nodejs"}  # where Debian's packages are
DEFLATE = ("--relay-compression", "deflate")
TEXTS = ("short", "", "grüße 😀 " * 40, "long enough to be worth it, " * 5000)


def runs(*command):
    try:
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Client:
    """A process that runs one of the two programs, and does what it is told."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.answers = Lines(self.process.stdout)
        self.asked = 0

    def close_process(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.answers.finish()

    def tell(self, *words):
        self.asked += 1
        self.process.stdin.write(json.dumps(words).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, *words):
        self.tell(*words)
        return self.answer()

    def answer(self):
        count = self.asked
        line = self.answers.wait("an answer", lambda lines: len(lines) >= count and lines[count - 1])
        return json.loads(line)


class Conversation:
    """What is said with each of them. `command` and `is_there` are theirs."""

    def daemon(self, *options):
        return self.enterContext(Daemon(*options, shards=2))

    def connect(self, daemon, compression):
        """A client, its id, and what was agreed on."""
        client = Client(self.command)
        self.addCleanup(client.close_process)
        with closing(Web(daemon)) as web:
            client_id = web.register()
        host, port = daemon.addresses["relay"][:2]
        return client, client_id, client.ask("connect", f"ws://{host}:{port}/ws/{client_id}", compression)

    def talk(self, daemon, client):
        client.ask("send", json.dumps({"topics": ["dogs"]}))
        # In pieces, and with letters and white space so that it is worth compressing.
        topics = json.dumps({"unknown": "x" * 3000, "topics": ["cats"]}, indent=8)
        client.ask("send", topics[:10], topics[10:2000], topics[2000:])
        self.assertEqual(client.ask("ping", "there"), "there")  # WS-24
        with closing(Web(daemon)) as web:
            web.publish("dogs", "not for it")
            for text in TEXTS:
                web.publish("cats", text)
                self.assertEqual(client.ask("receive"), text)
            client.ask("send", "ping")  # WS-20
            self.assertEqual(client.ask("close", 4321, "so long"), [4321, "so long"])

    def test_without_compression(self):
        daemon = self.daemon()
        for wanted in (False, True):
            client, _, agreed = self.connect(daemon, wanted)
            self.assertEqual(agreed, "")
            self.talk(daemon, client)

    def test_with_compression(self):
        daemon = self.daemon(*DEFLATE)
        client, _, agreed = self.connect(daemon, True)
        self.assertIn("permessage-deflate", agreed)
        before = daemon.report()
        self.talk(daemon, client)
        sent = daemon.report().total("traffic.sent_bytes") - before.total("traffic.sent_bytes")
        self.assertLess(sent, sum(map(len, TEXTS)) / 10)
        client, _, agreed = self.connect(daemon, False)
        self.assertEqual(agreed, "")
        self.talk(daemon, client)

    def test_unregistering_closes_with_1000(self):
        daemon = self.daemon(*DEFLATE)
        client, client_id, _ = self.connect(daemon, True)
        with closing(Web(daemon)) as web:
            self.assertEqual(web.ask("DELETE", f"/register/{client_id}").status, 200)
        self.assertEqual(client.ask("end"), [1000, ""])

    def test_too_much_closes_with_1009(self):
        daemon = self.daemon(*DEFLATE, "--relay-message-bytes-max", "100k")
        for compression in (False, True):  # compressed, it is a bomb: 100 bytes
            client, _, _ = self.connect(daemon, compression)
            client.ask("send", "x" * 100_000)
            self.assertEqual(client.ask("ping", "there"), "there")
            client.ask("send", "x" * 100_001)
            self.assertEqual(client.ask("end"), [1009, ""])
        self.assertEqual(daemon.report().total("limits.frame_too_long"), 2)

    def test_a_drain_closes_with_1001(self):
        daemon = self.daemon()
        client, _, _ = self.connect(daemon, False)
        daemon.terminate(signal.SIGTERM)
        self.assertEqual(client.ask("end"), [1001, ""])


@unittest.skipUnless(runs(PYTHON, "-c", "import websockets"), "no python3-websockets here")
class PythonWebsockets(Conversation, SystemTest):
    command = (PYTHON, str(HERE / "websocket_client.py"))


@unittest.skipUnless(runs("node", "-e", "require('ws')"), "no node-ws here")
class NodeWs(Conversation, SystemTest):
    command = ("node", str(HERE / "websocket_client.js"))


if __name__ == "__main__":
    main()
