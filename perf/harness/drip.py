"""Thousands of connections that send a byte a second, as another process does: `drip.py PORT CPU`, or SINK in place of the
port for a listener of its own that reads nothing, which costs the generator's core the same. Says "ready" when all are there."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time

CONNECTIONS = 5000
HEAD = b"GET /health HTTP/1.1\r\nhost: x\r\na: "
SINK = "sink"


@contextlib.contextmanager
def dripping(target, server):
    cpu = max(os.sched_getaffinity(0) - {server.cpu}, default=server.cpu)
    with subprocess.Popen([sys.executable, __file__, str(target), str(cpu)], stdout=subprocess.PIPE) as process:
        try:
            if process.stdout.readline() != b"ready\n":
                raise OSError("the slow connections did not come to be")
            yield lambda report: None
        finally:
            process.kill()


def into_server(server):
    return dripping(server.port, server)


def into_sink(server):
    return dripping(SINK, server)


def open_all(target):
    """And what else must be kept for them to stay."""
    listener = socket.create_server(("127.0.0.1", 0)) if target == SINK else None
    address = listener.getsockname() if listener else ("127.0.0.1", int(target))
    connections, accepted = [], []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(address)
        if listener:
            accepted.append(listener.accept()[0])
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.send(HEAD)
        connections.append(connection)
    return connections, (listener, accepted)


def drip(connections):
    pause, due = 1 / len(connections), time.monotonic()
    while True:
        for connection in connections:
            due += pause
            time.sleep(max(0, due - time.monotonic()))
            connection.send(b"a")


def main(target, cpu):
    os.sched_setaffinity(0, {int(cpu)})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections, _kept = open_all(target)
    print("ready", flush=True)
    drip(connections)


if __name__ == "__main__":
    main(*sys.argv[1:])
