"""A daemon that relays, and the upstreams that it relays to."""

import contextlib
import socket

from harness import PATIENCE, Client, Daemon, parse_address


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def show_address(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Accepted(Client):
    """The upstream's end of a connection."""

    def __init__(self, accepted):  # pylint: disable=super-init-not-called
        self.socket = accepted
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        self.received = bytearray()


class Upstream:
    """A listening socket, or, until `listen`, one that refuses. As a context it closes what it
    accepted, too."""

    def __init__(self, host="127.0.0.1", port=0, listening=True, receive_buffer=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.accepted = []
        try:
            if receive_buffer is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.bind((host, port))
            self.socket.settimeout(PATIENCE)
            if listening:
                self.listen()
        except BaseException:
            self.socket.close()
            raise
        self.address = self.socket.getsockname()[:2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def listen(self):
        self.socket.listen(1024)

    def accept(self):
        accepted = Accepted(self.socket.accept()[0])
        self.accepted.append(accepted)
        return accepted

    def close(self):
        self.socket.close()
        for accepted in self.accepted:
            accepted.close()


class RelayDaemon(Daemon):
    """Relays its service "relay" to `upstream`, an address or "NAME:PORT"."""

    def __init__(self, upstream, *options, listen="127.0.0.1:0", **named):
        if not isinstance(upstream, str):
            upstream = show_address(upstream)
        self.route = f"{listen}={upstream}"
        super().__init__("--relay-tcp", self.route, *options, **named)

    @property
    def relay_name(self):
        """In its log."""
        return f"relay {self.route}"

    def wait_until_it_listens(self):
        super().wait_until_it_listens()
        event = self.wait_for_event("listening", service=self.relay_name)
        self.addresses["relay"] = parse_address(event["address"])

    def pair(self, upstream, **options):
        """A client and the upstream's end of its relay."""
        client = self.connect("relay", **options)
        server = upstream.accept()
        self.clients.append(server)  # gone before the daemon is to stop, as clients are
        return client, server

    def pairs(self, upstream, count):
        return [self.pair(upstream) for _ in range(count)]
