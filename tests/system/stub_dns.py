"""A DNS server of the test's own."""

import ipaddress
import socket
import struct
import threading

from harness import PATIENCE

TYPE_A, TYPE_AAAA = 1, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3


class StubDns:
    """Answers on a UDP port of 127.0.0.1 as it was told for each name; others do not exist."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.changed = threading.Condition()
        self.plans = {}
        self.asked = {}
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.socket.getsockname())  # the end
        self.thread.join()
        self.socket.close()

    @property
    def options(self):
        """Of a daemon that is to ask it."""
        return ("--dns-servers", "%s:%d" % self.socket.getsockname())

    def plan(self, name, *addresses):
        """The name has these addresses from now on; maybe none."""
        self.set(name, lambda query, kind: self.records(query, kind, addresses))

    def plan_failure(self, name, code=NO_SUCH_NAME):
        self.set(name, lambda query, _: self.header(query, code, 0))

    def plan_silence(self, name):
        self.set(name, lambda *_: None)

    def set(self, name, plan):
        with self.changed:
            self.plans[name] = plan

    def wait_asked(self, name, count=1):
        """Until somebody has asked for that name so often, A and AAAA together."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.asked.get(name, 0) >= count, PATIENCE):
                raise AssertionError(f"nobody asks for {name}")

    def run(self):
        while True:
            query, asker = self.socket.recvfrom(512)
            if not query:
                return
            answer = self.answer(query)
            if answer is not None:
                self.socket.sendto(answer, asker)

    def answer(self, query):
        name, kind = self.question(query)
        with self.changed:
            self.asked[name] = self.asked.get(name, 0) + 1
            self.changed.notify_all()
            plan = self.plans.get(name, lambda query, _: self.header(query, NO_SUCH_NAME, 0))
        return plan(query, kind)

    @staticmethod
    def question(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        return ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0]

    @staticmethod
    def header(query, code, answers):
        end = query.index(0, 12) + 5  # the question goes back as it came
        return query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, answers, 0, 0) + query[12:end]

    def records(self, query, kind, addresses):
        wanted = {TYPE_A: 4, TYPE_AAAA: 6}.get(kind)
        packed = [
            address.packed
            for address in map(ipaddress.ip_address, addresses)
            if address.version == wanted
        ]
        records = [
            # The question's name, kind, Internet, a minute to live.
            struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(address)) + address
            for address in packed
        ]
        return self.header(query, NO_ERROR, len(records)) + b"".join(records)
