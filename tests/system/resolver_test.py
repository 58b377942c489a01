"""Names that the daemon connects to: a relay's upstream, which a DNS server of the test's knows."""

import socket

from harness import PATIENCE, Daemon, SystemTest, expand, for_each_shard_count, main, parse_address
from stub_dns import SERVER_FAILURE, StubDns


class Upstreams:
    """Listening sockets on the same port of several loopback addresses."""

    def __init__(self, *hosts):
        self.listeners = {}
        self.port = None
        while self.port is None:
            self.try_to_listen(hosts)

    def try_to_listen(self, hosts):
        port = 0
        for host in hosts:
            listener = self.listeners[host] = socket.socket()
            listener.settimeout(PATIENCE)
            try:
                listener.bind((host, port))
            except OSError:  # the port that the first one got is taken elsewhere
                return self.close()
            listener.listen()
            port = listener.getsockname()[1]
        self.port = port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def accept(self, host):
        accepted, _ = self.listeners[host].accept()
        accepted.settimeout(PATIENCE)
        return accepted

    def close(self, *hosts):
        for host in hosts or tuple(self.listeners):
            self.listeners.pop(host).close()


class RelayDaemon(Daemon):
    """Relays to the endpoints, as its services 0, 1 and so on; looks names up at `dns`."""

    def __init__(self, dns, *endpoints, shards):
        self.routes = [f"127.0.0.1:0={endpoint}" for endpoint in endpoints]
        relays = [word for route in self.routes for word in ("--relay-tcp", route)]
        # What hangs, hangs, and what is slow is not taken for it.
        patience = ("--dns-timeout=1h", "--relay-wait-max=1h")
        super().__init__(*dns.options, *patience, *relays, shards=shards)

    def wait_until_it_listens(self):
        super().wait_until_it_listens()
        for number, route in enumerate(self.routes):
            event = self.wait_for_event("listening", service=f"relay {route}")
            self.addresses[number] = parse_address(event["address"])


def exchange(client, upstream):
    client.send(b"ping")
    if upstream.recv(4, socket.MSG_WAITALL) != b"ping":
        raise AssertionError("not what the client sent")
    upstream.sendall(b"pong")
    client.expect(b"pong")


@expand
class Names(SystemTest):
    @for_each_shard_count
    def test_row_43_a_name_that_hangs_delays_nobody_else(self, shards):
        with StubDns() as dns, Upstreams("127.0.0.1") as upstreams:
            dns.plan_silence("hangs.test")
            dns.plan("fine.test", "127.0.0.1")
            endpoints = [f"{name}.test:{upstreams.port}" for name in ("hangs", "fine")]
            with RelayDaemon(dns, *endpoints, shards=shards) as daemon:
                for _ in range(2 * shards):
                    daemon.connect(0).send(b"ping")
                dns.wait_asked("hangs.test")
                for number in range(2 * shards):
                    client = daemon.connect(1)
                    with upstreams.accept("127.0.0.1") as upstream:
                        exchange(client, upstream)
                    self.assertEqual(daemon.orders().ask(b"GET\n"), b"\n", number)

                report = daemon.wait_for_report(
                    "all clients to have asked", lambda r: r.resolver["requests"] == 4 * shards
                )
                # Clients of the name that hangs share its lookup, or wait for the next.
                lookups = 1 + 2 * shards
                self.assertEqual(
                    report.resolver,
                    {"requests": 4 * shards, "lookups": lookups, "failed": 0, "refused": 0},
                )
                last = daemon.stop()  # with the lookup under way
                self.assertEqual(last.resolver, report.resolver)

    @for_each_shard_count
    def test_row_43_dn_2_a_name_that_moves(self, shards):
        with StubDns() as dns, Upstreams("127.0.0.1", "127.0.0.2") as upstreams:
            dns.plan("moves.test", "127.0.0.1")
            with RelayDaemon(dns, f"moves.test:{upstreams.port}", shards=shards) as daemon:
                for host in ("127.0.0.1", "127.0.0.2"):
                    dns.plan("moves.test", host)
                    client = daemon.connect(0)
                    with upstreams.accept(host) as upstream:
                        exchange(client, upstream)
                    client.expect_end()
                    upstreams.close(host)

    def test_a_name_that_is_late(self):
        with StubDns() as dns, Upstreams("127.0.0.1") as upstreams:
            for trouble in (
                lambda: dns.plan_failure("late.test"),
                lambda: dns.plan_failure("late.test", SERVER_FAILURE),
                lambda: dns.plan("late.test"),  # it is there, but has no address
            ):
                trouble()
                endpoint = f"late.test:{upstreams.port}"
                with self.subTest(), RelayDaemon(dns, endpoint, shards=2) as daemon:
                    client = daemon.connect(0)
                    report = daemon.wait_for_report(
                        "two failures", lambda r: r.total("dials.lookups_failed") >= 2
                    )
                    self.assertGreaterEqual(report.resolver["failed"], 2)
                    dns.plan("late.test", "127.0.0.1")
                    with upstreams.accept("127.0.0.1") as upstream:
                        exchange(client, upstream)

    def test_without_names_nobody_is_asked(self):
        with Upstreams("127.0.0.1") as upstreams:
            with Daemon(shards=1) as daemon:
                zero = {"requests": 0, "lookups": 0, "failed": 0, "refused": 0}
                self.assertEqual(daemon.report().resolver, zero)
            with StubDns() as dns:
                endpoint = f"127.0.0.1:{upstreams.port}"
                with RelayDaemon(dns, endpoint, shards=1) as daemon:
                    client = daemon.connect(0)
                    with upstreams.accept("127.0.0.1") as upstream:
                        exchange(client, upstream)
                    self.assertEqual(daemon.report().resolver, zero)
                self.assertEqual(dns.asked, {})


if __name__ == "__main__":
    main()
