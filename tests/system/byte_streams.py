"""Streams of bytes through the daemon: what the tests of the byte services share."""

import contextlib
import random
import struct

from harness import PATIENCE, SANITIZED, Flow, pump, wait_for

KIB, MIB = 1 << 10, 1 << 20
# Of the tests about every byte of a long stream.
VOLUME = 8 * MIB if SANITIZED else 64 * MIB
# What the kernel fills is 1 MiB per shard then, instead of 16: growth is somebody's output.
FEW_BUFFERS = ("--receive-buffers", "64", "--receive-buffer-bytes", "16KiB")


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def collector(into):
    """For Flow.on_data."""
    return lambda piece: into.extend(piece)


def exchange(client, data):
    """Sends all of it while it receives as much."""
    received = bytearray()
    pump([Flow(client, data, on_data=collector(received))], lambda: len(received) >= len(data))
    return bytes(received)


def send_until_held_back(daemon, client, batch, bound=256 * MIB):
    """Sends `batch` again and again, and reads nothing, until the daemon takes no more: what it has
    received and what this client can send stand still between two looks at its counters. Returns
    how many bytes went off."""
    client.socket.setblocking(False)
    sent = 0
    last = None

    def stands_still():
        nonlocal sent, last
        moved = False
        with contextlib.suppress(BlockingIOError):
            while True:
                if sent >= bound:
                    raise AssertionError(f"{sent} bytes were taken that nobody reads")
                sent += client.socket.send(memoryview(batch)[sent % len(batch) :])
                moved = True
        received = daemon.report().total("traffic.received_bytes")
        still = not moved and received == last
        last = received
        return still

    wait_for("the client to be held back", stands_still)
    client.socket.settimeout(PATIENCE)
    return sent


def count_repeated(client, batch):
    """Reads to the end of the stream, which must be `batch` over and over. Returns how many bytes
    came."""
    twice = batch * 2
    got = 0
    while data := client.socket.recv(len(batch)):
        begin = got % len(batch)
        if twice[begin : begin + len(data)] != data:
            raise AssertionError(f"other bytes behind the first {got}")
        got += len(data)
    return got
