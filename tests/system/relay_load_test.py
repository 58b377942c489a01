#!/usr/bin/env python3
"""ringpost-load with ws:// and http:// against the message relay of the daemon."""

import json
import os
import subprocess
import tempfile

from harness import PATIENCE, Daemon, SystemTest, main

LOAD = os.environ["RINGPOST_LOAD"]


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
