"""A cable between two network namespaces of the test's own. A program carries every packet, so that
it needs nothing of the kernel but TUN devices, and loses exactly what it is told to.

As a program: `cable.py FD FD`, the two TUN devices. It reads one command a line, and answers each
by a line with how many packets it has lost so far:
    lose UP DOWN    loses each packet from the first to the second device with probability UP, from
                    the second to the first with DOWN
    look            nothing but the answer
"""

import contextlib
import ctypes
import fcntl
import os
import random
import selectors
import struct
import subprocess
import sys

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x1, 0x1000
PACKETS_A_TURN = 64
PACKET_BYTES_MAX = 1 << 16

LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Namespace:
    """A network of its own, without a name: it ends with its last process."""

    def __init__(self):
        home = current_namespace()
        try:
            checked(LIBC.unshare(CLONE_NEWNET))
            try:
                self.handle = current_namespace()
            finally:
                checked(LIBC.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes, and processes that it starts, are of this network."""
        home = current_namespace()
        checked(LIBC.setns(self.handle, CLONE_NEWNET))
        try:
            yield
        finally:
            checked(LIBC.setns(home, CLONE_NEWNET))
            os.close(home)

    def run(self, *command):
        with self.inside():
            subprocess.run(command, check=True)

    def plug_in(self, address):
        """A TUN device with this address, such as 10.0.0.1/24. Returns its descriptor."""
        with self.inside():
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            request = struct.pack("16sH22x", b"cable", IFF_TUN | IFF_NO_PI)
            fcntl.ioctl(device, TUNSETIFF, request)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", address, "dev", "cable")
        self.run("ip", "link", "set", "cable", "up", "txqueuelen", "10000")
        return device

    def close(self):
        os.close(self.handle)


def current_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Cable:
    """Two namespaces, `near` and `far`, and what connects them. "Up" is from near to far."""

    NEAR, FAR = "10.77.0.1", "10.77.0.2"

    def __enter__(self):
        with contextlib.ExitStack() as undo:
            self.near, self.far = Namespace(), Namespace()
            undo.callback(self.near.close)
            undo.callback(self.far.close)
            devices = []
            for namespace, address in ((self.near, self.NEAR), (self.far, self.FAR)):
                devices.append(namespace.plug_in(f"{address}/24"))
                undo.callback(os.close, devices[-1])
            self.process = subprocess.Popen(
                [sys.executable, __file__, *map(str, devices)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=devices,
            )
            undo.callback(self.stop)
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        self.undo.close()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def lose(self, up, down):
        """From the return of this on. Returns how many packets were lost before."""
        return self.command(f"lose {up} {down}")

    def cut(self):
        return self.lose(1, 1)

    def heal(self):
        return self.lose(0, 0)

    def lost(self):
        """How many packets."""
        return self.command("look")

    def command(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


# --- The program ----------------------------------------------------------------------------------


class Direction:
    def __init__(self, source, target, seed):
        self.source = source
        self.target = target
        self.random = random.Random(seed)
        self.loss = 0.0
        self.lost = 0

    def carry(self):
        for _ in range(PACKETS_A_TURN):
            try:
                packet = os.read(self.source, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            if self.loss and self.random.random() < self.loss:
                self.lost += 1
                continue
            with contextlib.suppress(OSError):  # a full queue, or no such protocol there
                os.write(self.target, packet)


def run(first, second):
    up, down = Direction(first, second, 1), Direction(second, first, 2)
    commands = sys.stdin.buffer.raw
    with selectors.DefaultSelector() as selector:
        for direction in (up, down):
            selector.register(direction.source, selectors.EVENT_READ, direction)
        selector.register(commands, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is not None:
                    key.data.carry()
                    continue
                command = commands.readline().split()
                if not command:
                    return
                if command[0] == b"lose":
                    up.loss, down.loss = float(command[1]), float(command[2])
                print(up.lost + down.lost, flush=True)


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]))
