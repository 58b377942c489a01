#!/usr/bin/env python3
"""ringpost-load against the daemon, and against nobody."""

import os
import socket
import subprocess
import unittest

from harness import PATIENCE, Daemon, SystemTest, main

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
            self.assertIn("20000 replies", outcome.stdout)

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

    def test_leaves_no_connection_behind(self):
        with Daemon("--services", "tcp-echo", shards=1) as daemon:
            self.run_right(url("tcp", daemon.addresses["tcp-echo"]), "-n", 100, "-c", 20)
            daemon.wait_for_total("closed.peer_closed", 20)


class FindsNobody(SystemTest):
    def test_a_refused_connection_is_one_line_and_a_status(self):
        with socket.socket() as unused:  # bound, but does not listen
            unused.bind(("127.0.0.1", 0))
            outcome = load(url("tcp", unused.getsockname()))
        self.assertEqual(outcome.returncode, 3)
        self.assertEqual(outcome.stdout, "")
        self.assertEqual(len(outcome.stderr.splitlines()), 1)
        self.assertIn("refused", outcome.stderr)


if __name__ == "__main__":
    main()
