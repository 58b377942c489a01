"""Servers under test: started pinned to one core, ready when they accept, killed and reaped on every way out."""

import ctypes
import os
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A run that measured nothing: a server that did not start, a reply that was wrong."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def become_pinned_child(cpu):
    """Runs in the child: its core, and death with its parent even if that one is killed."""
    os.sched_setaffinity(0, {cpu})
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Upstream:
    """What a relay connects to: a listening socket, opened before the relay is started and inherited by the client, which
    is both ends of the relay."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        return self

    def __exit__(self, *_):
        self.socket.close()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    @property
    def fileno(self):
        return self.socket.fileno()


class Server:
    """`with Server(name, cpu, command) as server:` gives server.port and server.pid. `command(port, directory)` is what to
    start; the directory is the server's own and goes with it."""

    def __init__(self, name, cpu, command):
        self.name = name
        self.cpu = cpu
        self.command = command
        self.process = None

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        try:
            return self.start_on_free_port()
        except BaseException:
            self.directory.cleanup()
            raise

    def start_on_free_port(self):
        # Another program may take the port between our look and the server's bind, so it is tried again.
        for attempt in range(3):
            try:
                self.start()
                return self
            except Failure:
                self.stop()
                if attempt == 2:
                    raise

    def __exit__(self, *_):
        self.stop()
        self.directory.cleanup()

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        self.port = free_port()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command(self.port, self.directory.name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors,
            preexec_fn=lambda: become_pinned_child(self.cpu))
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                self.check_alive()
                if time.monotonic() > deadline:
                    raise Failure(f"{self.name} does not accept on its port")
                time.sleep(0.002)

    def check_alive(self):
        if self.process.poll() is None:
            return
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        raise Failure(f"{self.name} ended with status {self.process.returncode}: {text[-500:]}")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Hold:
    """Keeps a machine that others use too quiet while a round is measured: runs `COMMAND sh -c ...` and goes on when that
    got its turn. Rounds follow each other in one hold until it has lasted `seconds_max`. Without a command it does
    nothing."""

    def __init__(self, command, seconds_max=30):
        self.command = command
        self.seconds_max = seconds_max
        self.process = None

    def __enter__(self):
        if self.command and self.process is None:
            self.process = subprocess.Popen([*self.command, "sh", "-c", "echo held; cat >/dev/null"],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.process.stdout.readline()
            self.since = time.monotonic()

    def __exit__(self, *_):
        if self.process is not None and time.monotonic() - self.since > self.seconds_max:
            self.release()

    def release(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None
