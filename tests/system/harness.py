"""Runs the daemon and talks to it: what all system tests share.

A test waits for conditions only: for bytes, for a counter, for a log line, for the end of a process.
A condition that does not come within `PATIENCE` seconds fails the test; nothing is ever concluded
from time alone. "Nothing was sent" is shown by what comes first instead.

From the environment (CTest sets them):
    RINGPOST_BINARY     the daemon
    RINGPOST_SANITIZE   the sanitizers that it was built with, if any
    RINGPOST_SHARDS     the numbers of shards that tests are repeated with, 1,2,4 by default
    RINGPOST_TRAFFIC    a factor on the volume of the heaviest tests, 1 by default
"""

import contextlib
import json
import os
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

BINARY = os.environ.get("RINGPOST_BINARY", "ringpost")
SANITIZED = bool(os.environ.get("RINGPOST_SANITIZE"))
TRAFFIC = float(os.environ.get("RINGPOST_TRAFFIC", "1"))
PATIENCE = 120.0 if SANITIZED else 60.0

SHARD_COUNTS = tuple(map(int, os.environ.get("RINGPOST_SHARDS", "1,2,4").split(",")))
SERVICES = ("orders", "chat", "echo", "tcp-echo", "relay")

# <linux/in.h>: the port is chosen when the peer is known, so that it need be free for that one only.
IP_BIND_ADDRESS_NO_PORT = 24


def wait_for(what, condition):
    """Returns what `condition` returned, once that is true."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.0005
    while True:
        outcome = condition()
        if outcome:
            return outcome
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for: {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


# --- The daemon -----------------------------------------------------------------------------------


class Lines:
    """The lines of a pipe, kept as they come."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for line in self.pipe:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, what, wanted):
        """Returns what `wanted` makes of the lines, once that is true."""
        with self.changed:
            self.changed.wait_for(lambda: wanted(self.lines) or self.ended, PATIENCE)
            outcome = wanted(self.lines)
        if not outcome:
            raise AssertionError(f"waited in vain for: {what}")
        return outcome

    def finish(self):
        """Waits for the end of the pipe."""
        self.thread.join()
        self.pipe.close()


class Report:
    """The counters of one JSON line."""

    def __init__(self, line):
        counters = json.loads(line)
        self.shards = counters["shards"]
        self.resolver = counters["resolver"]

    def each(self, path):
        """One value per shard: each("closed.reset"), each("lane_sent")."""
        values = []
        for shard in self.shards:
            for key in path.split("."):
                shard = shard[key]
            values.append(shard)
        return values

    def total(self, path):
        return sum(self.each(path))

    def lanes_settled(self):
        """Every message that a shard sent has reached the other end of its lane."""
        sent, received = self.each("lane_sent"), self.each("lane_received")
        return all(
            sent[source][target] == received[target][source]
            for source in range(len(sent))
            for target in range(len(sent))
        )


class Daemon:
    """A daemon on ports of its own.

        with Daemon("--shards", "2") as daemon:
            daemon.orders().send(b"GET\\n")

    At the end of the block its clients are closed and it is told to stop; it must then end by itself
    with status 0, a last line of counters, and no word from a sanitizer.
    """

    def __init__(self, *options, shards=None, open_files=None, ends_well=True, addresses=None):
        addresses = list(addresses or [])
        for service in SERVICES:  # none on its usual port, unless told so
            if f"--{service}-listen" not in addresses:
                addresses += [f"--{service}-listen", "127.0.0.1:0"]
        if shards is not None:
            options += ("--shards", str(shards))
        self.command = [BINARY, "--log-format", "json", *addresses, *options]
        self.open_files = open_files
        self.ends_well = ends_well
        self.clients = []
        self.addresses = {}
        self.reports_taken = 0
        self.last_report = None

    def __enter__(self):
        def limit_files():
            if self.open_files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files, self.open_files))

        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=limit_files,
        )
        self.out = Lines(self.process.stdout)
        self.log = Lines(self.process.stderr)
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.kill()
            raise
        return self

    def wait_until_it_listens(self):
        started = self.wait_for_event("started")
        if "--services" in self.command:
            services = self.command[self.command.index("--services") + 1].split(",")
        else:
            services = SERVICES
        for service in services:
            event = self.wait_for_event("listening", service=service)
            self.addresses[service] = parse_address(event["address"])
        self.shard_count = started["shards"]

    def __exit__(self, failure, *_):
        if failure is not None:
            self.kill()
            return
        try:
            if self.ends_well and self.process.poll() is None:
                self.stop()
            self.check_end()
        except BaseException:
            self.kill()
            raise

    def kill(self):
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.finish()
        self.out.finish()
        print(f"--- {' '.join(self.command)}", *self.log.lines[-50:], sep="\n", file=sys.stderr)
        print(f"--- status {self.process.returncode}", *self.out.lines[-1:], sep="\n", file=sys.stderr)

    def check_end(self):
        self.process.wait(PATIENCE)
        for client in self.clients:
            client.close()
        self.log.finish()
        self.out.finish()
        if not self.ends_well:
            return
        if self.process.returncode != 0:
            raise AssertionError(f"the daemon ended with {self.process.returncode}")
        self.last_report = Report(self.out.lines[-1])
        if self.last_report.total("open") != 0:
            raise AssertionError("connections were left open")

    def close_clients(self):
        for client in self.clients:
            client.close()
        self.clients.clear()

    def stop(self):
        """Ends it, with all clients gone first. Returns the last counters."""
        self.close_clients()
        self.terminate()
        self.check_end()
        return self.last_report

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    # --- What it says

    def events(self, name, **fields):
        """What its log has so far of these events with these fields."""
        events = [json.loads(line) for line in list(self.log.lines) if line.startswith("{")]
        return [e for e in events if e["event"] == name and fields.items() <= e.items()]

    def event(self, name, **fields):
        """The first of them, if it is there."""
        return next(iter(self.events(name, **fields)), None)

    def wait_for_event(self, name, **fields):
        return self.wait_for_events(1, name, **fields)[0]

    def wait_for_events(self, count, name, **fields):
        def look(_):
            events = self.events(name, **fields)
            return events if len(events) >= count else None

        return self.log.wait(f"the log event '{name}', {count} times", look)

    def report(self):
        """The counters of now."""
        self.reports_taken += 1
        self.process.send_signal(signal.SIGUSR1)
        wanted = self.reports_taken
        return Report(
            self.out.wait("a line of counters", lambda lines: lines[wanted - 1 : wanted])[0]
        )

    def wait_for_report(self, what, condition):
        """The first counters for which `condition` holds."""
        last = []

        def look():
            last[:] = [self.report()]
            return condition(last[0])

        try:
            wait_for(what, look)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nlast counters: {last[0].shards}") from None
        return last[0]

    def wait_for_total(self, path, value):
        return self.wait_for_report(f"{path} == {value}", lambda r: r.total(path) == value)

    def wait_until_none_is_open(self):
        """And until the shard that accepts has heard of it, so that there is room for all again. It is
        told by a lane, to which the message goes at the end of a turn that has reported already."""
        self.wait_for_total("open", 0)
        self.wait_for_report("the lanes to be empty", lambda r: r.lanes_settled())

    def memory_kib(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {field} in the status of the daemon")

    # --- Talking to it

    def connect(self, service, **options):
        client = Client(self.addresses[service], **options)
        self.clients.append(client)
        return client

    def orders(self, **options):
        return self.connect("orders", **options)

    def chat(self, **options):
        return self.connect("chat", **options)

    def orders_crowd(self, count):
        """That many clients of the order book, each of which has had an answer."""
        crowd = [self.orders() for _ in range(count)]
        for client in crowd:
            client.ask(b"GET\n")
        return crowd

    def place(self, service, shard):
        """A client that this shard serves: each connection goes to the shard with the fewest, so the
        next few of them come by every shard. The others stay open."""
        for _ in range(3 * self.shard_count):
            before = self.report().each("opened")
            client = self.connect(service)
            after = self.wait_for_report(
                "the connection to be opened", lambda r: r.total("opened") > sum(before)
            )
            if after.each("opened")[shard] > before[shard]:
                return client
        raise AssertionError(f"no connection reached shard {shard}")

    def join_chat(self, *nicks, shards=None):
        """Named clients, each of which provably gets what the others say from now on. They are
        served by `shards` if that is given."""
        if shards is None:
            members = [self.chat() for _ in nicks]
        else:
            members = [self.place("chat", shard) for shard in shards]
        self.join(members, nicks)
        return members

    def join(self, members, nicks):
        """The same with clients that are there. Who is a member already hears a prober too."""
        for member, nick in zip(members, nicks):
            member.send(nick.encode() + b"\r\n")
        prove_membership(self.chat(), members)


def prove_membership(prober, members):
    """Joining has no answer on the wire. So a prober says numbered lines until every member has had
    one of them; then every member gets the last one too, and with it is rid of them all."""
    prober.send(b"prober\r\n")
    said = 0

    def line(number):
        return b"prober: probe %d\r\n" % number

    def everybody_heard():
        nonlocal said
        said += 1
        prober.send(b"probe %d\r\n" % said)
        return all(member.poll() for member in members)

    wait_for("every member to hear the prober", everybody_heard)
    for member in members:
        heard = member.receive_until(line(said))
        first = int(heard.split(b"\r\n")[0].rsplit(b" ", 1)[1])
        expected = b"".join(line(number) for number in range(first, said + 1))
        if heard != expected:
            raise AssertionError(f"a member heard {heard[:200]!r} from the prober")
    prober.half_close()
    prober.expect_end()


def parse_address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


# --- A client -------------------------------------------------------------------------------------


class Client:
    """A blocking connection that keeps what it received and was not asked for. `source` is the host
    that it comes from, where that matters."""

    def __init__(self, address, no_delay=True, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if no_delay:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source is not None:
            self.socket.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(address)
        self.received = bytearray()

    def send(self, data):
        self.socket.sendall(data)

    def receive_some(self):
        """More bytes than before, or False at the end of the stream."""
        data = self.socket.recv(1 << 18)
        self.received += data
        return bool(data)

    def poll(self):
        """Whether there are bytes, without waiting."""
        self.socket.setblocking(False)
        try:
            self.receive_some()
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(PATIENCE)
        return bool(self.received)

    def take(self, count):
        taken = bytes(self.received[:count])
        del self.received[:count]
        return taken

    def receive(self, count):
        while len(self.received) < count:
            if not self.receive_some():
                raise AssertionError(f"the stream ended after {bytes(self.received[-200:])!r}")
        return self.take(count)

    def receive_until(self, mark):
        """Everything up to and with the first `mark`."""
        searched = 0
        while True:
            at = self.received.find(mark, searched)
            if at >= 0:
                return self.take(at + len(mark))
            searched = max(0, len(self.received) - len(mark) + 1)
            if not self.receive_some():
                raise AssertionError(f"the stream ended after {bytes(self.received[-200:])!r}")

    def receive_line(self):
        return self.receive_until(b"\n")

    def receive_rest(self):
        """Everything up to the end of the stream, which must not be a reset."""
        while self.receive_some():
            pass
        return self.take(len(self.received))

    def ask(self, request):
        self.send(request)
        return self.receive_line()

    def expect(self, expected):
        """These bytes come next."""
        got = bytearray()
        while len(got) < len(expected) and expected.startswith(bytes(got)):
            if not self.received and not self.receive_some():
                raise AssertionError(f"the stream ended after {bytes(got)!r}, not {expected!r}")
            got += self.take(len(expected) - len(got))
        if bytes(got) != expected:
            raise AssertionError(f"received {bytes(got)!r}, not {expected!r}")

    def expect_end(self):
        rest = self.receive_rest()
        if rest:
            raise AssertionError(f"received {rest[:200]!r}, not the end of the stream")

    def expect_gone(self):
        """The connection is over, whichever way; what was sent before that does not matter."""
        with contextlib.suppress(ConnectionError):
            self.receive_rest()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection by a reset, now."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Flow:
    """One client's part in `pump`: what it has to send, and what it does with what it receives."""

    def __init__(self, client, output=b"", on_data=None):
        self.client = client
        self.output = memoryview(output)
        self.on_data = on_data
        self.ended = False

    def say(self, data):
        self.output = memoryview(bytes(self.output) + data)


def pump(flows, done, receive_bytes=1 << 18):
    """Sends and receives on all flows at once until `done` is true. Fails when nothing moves."""
    buffer = bytearray(receive_bytes)
    view = memoryview(buffer)
    with selectors.DefaultSelector() as selector:
        for flow in flows:
            flow.client.socket.setblocking(False)
            flow.watched = selectors.EVENT_READ
            selector.register(flow.client.socket, flow.watched, flow)
            if flow.client.received and flow.on_data:
                flow.on_data(memoryview(flow.client.take(len(flow.client.received))))
        while not done():
            for flow in flows:
                wanted = 0 if flow.ended else selectors.EVENT_READ
                if flow.output:
                    wanted |= selectors.EVENT_WRITE
                if wanted != flow.watched:
                    if wanted and flow.watched:
                        selector.modify(flow.client.socket, wanted, flow)
                    elif wanted:
                        selector.register(flow.client.socket, wanted, flow)
                    else:
                        selector.unregister(flow.client.socket)
                    flow.watched = wanted
            ready = selector.select(PATIENCE)
            if not ready:
                raise AssertionError("nothing moves any more")
            for key, events in ready:
                flow = key.data
                if events & selectors.EVENT_WRITE and flow.output:
                    flow.output = flow.output[flow.client.socket.send(flow.output[: 1 << 18]) :]
                if events & selectors.EVENT_READ:
                    count = flow.client.socket.recv_into(view)
                    flow.ended = count == 0
                    if flow.on_data:
                        flow.on_data(view[:count])
    for flow in flows:
        flow.client.socket.settimeout(PATIENCE)


def netcat(address, data):
    """`printf ... | nc -N`: the very command of the checklist. Returns what came back."""
    command = ["nc", "-N", address[0], str(address[1])]
    result = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)
    if result.returncode != 0:
        raise AssertionError(f"nc ended with {result.returncode}: {result.stderr!r}")
    return result.stdout


# --- Tests ----------------------------------------------------------------------------------------


def for_each_shard_count(test):
    """Makes `test(self, shards)` several tests, named `..._with_2_shards`. See expand()."""
    test.shard_counts = SHARD_COUNTS
    return test


def expand(cls):
    """Class decorator: unfolds what for_each_shard_count marked."""
    for name, test in list(vars(cls).items()):
        for shards in getattr(test, "shard_counts", ()):

            def unfolded(self, test=test, shards=shards):
                test(self, shards)

            unfolded.__doc__ = test.__doc__
            plural = "shard" if shards == 1 else "shards"
            setattr(cls, f"{name}_with_{shards}_{plural}", unfolded)
        if hasattr(test, "shard_counts"):
            delattr(cls, name)
    return cls


class SystemTest(unittest.TestCase):
    maxDiff = 2000

    def shortDescription(self):
        return None  # the name says it

    def assert_all_shards_took_part(self, report, carried_by=()):
        """Every shard opened connections, and between each actor's shard in `carried_by` and every
        other the lanes carried messages both ways."""
        shards = range(len(report.shards))
        for shard, opened in enumerate(report.each("opened")):
            self.assertGreater(opened, 0, f"shard {shard} opened no connection")
        sent, received = report.each("lane_sent"), report.each("lane_received")
        for home in carried_by:
            for other in shards:
                if other == home:
                    continue
                for a, b in ((home, other), (other, home)):
                    self.assertGreater(sent[a][b], 0, f"nothing was sent from {a} to {b}")
                    self.assertGreater(received[b][a], 0, f"nothing of {a} arrived at {b}")


def main():
    unittest.main(verbosity=2)
