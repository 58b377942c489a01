"""A name with several addresses (DN-5), and what a name that hangs costs everybody else (DN-4): a
relay's upstream, which a DNS server of the test's own knows."""

import contextlib
import time
import unittest

from harness import SystemTest, expand, for_each_shard_count, main
from relaying import RelayDaemon, Upstream, has_ipv6, show_address
from stub_dns import StubDns

ROUND_TRIPS = 2_000


@contextlib.contextmanager
def on_one_port(*hosts):
    """Upstreams at the same port of each of them, which refuse until they are told to listen."""
    while True:
        with contextlib.ExitStack() as undo:
            port = 0
            upstreams = []
            try:
                for host in hosts:
                    upstream = Upstream(host, port, listening=False)
                    upstreams.append(undo.enter_context(upstream))
                    port = upstream.address[1]
            except OSError:  # the port that the first one got is taken elsewhere
                continue
            yield upstreams
            return


def relay_to(dns, name, upstream, *options, shards):
    endpoint = f"{name}:{upstream.address[1]}"
    return RelayDaemon(endpoint, *dns.options, *options, shards=shards)


@expand
class Addresses(SystemTest):
    @for_each_shard_count
    def test_dn_5_the_second_address_if_the_first_refuses(self, shards):
        self.reach_the_one_that_listens(("127.0.0.2", "127.0.0.3"), 1, shards)

    @for_each_shard_count
    def test_dn_5_the_first_address_if_the_second_refuses(self, shards):
        self.reach_the_one_that_listens(("127.0.0.2", "127.0.0.3"), 0, shards)

    @unittest.skipUnless(has_ipv6(), "there is no IPv6 here")
    @for_each_shard_count
    def test_dn_5_ipv4_if_ipv6_refuses(self, shards):
        self.reach_the_one_that_listens(("::1", "127.0.0.1"), 1, shards)

    @unittest.skipUnless(has_ipv6(), "there is no IPv6 here")
    @for_each_shard_count
    def test_dn_5_ipv6_if_ipv4_refuses(self, shards):
        self.reach_the_one_that_listens(("::1", "127.0.0.1"), 0, shards)

    def reach_the_one_that_listens(self, hosts, listening, shards):
        """Within one attempt: nobody has to wait."""
        with StubDns() as dns, on_one_port(*hosts) as upstreams:
            dns.plan("several.test", *hosts)
            upstream = upstreams[listening]
            upstream.listen()
            with relay_to(dns, "several.test", upstream, shards=shards) as daemon:
                for client, server in daemon.pairs(upstream, 2 * shards):
                    client.send(b"ping")
                    server.expect(b"ping")
                report = daemon.report()
                self.assertEqual(report.total("dials.attempts"), 2 * shards)
                self.assertEqual(report.total("dials.connected"), 2 * shards)
                self.assert_all_shards_took_part(report)

    @for_each_shard_count
    def test_dn_5_all_refuse(self, shards):
        """The error is the last address's, and each attempt asks for the name anew (DN-2)."""
        hosts = ("127.0.0.2", "127.0.0.3")
        with StubDns() as dns, on_one_port(*hosts) as upstreams:
            dns.plan("several.test", *hosts)
            with relay_to(
                dns, "several.test", upstreams[0], "--relay-wait-max", "1h", shards=shards
            ) as daemon:
                client = daemon.connect("relay")
                failures = daemon.wait_for_events(3, "upstream not reached")
                report = daemon.report()
                self.assertGreaterEqual(report.resolver["lookups"], 3)
                self.assertEqual(report.total("dials.lookups_failed"), 0)
                last = show_address(upstreams[1].address)
                for failure in failures:
                    self.assertIn(f"several.test:{upstreams[0].address[1]}", failure["error"])
                    self.assertIn(f"{last}: Connection refused", failure["error"])
                upstreams[1].listen()
                server = upstreams[1].accept()
                client.send(b"ping")
                server.expect(b"ping")
                server.close()


@expand
class Hanging(SystemTest):
    @for_each_shard_count
    def test_row_43_dn_4_a_lookup_that_hangs_holds_up_nobody(self, shards):
        """Thousands of round trips, on every shard, while it hangs."""
        options = ("--dns-timeout", "1h", "--relay-wait-max", "1h")
        with StubDns() as dns, Upstream() as upstream:
            dns.plan_silence("hangs.test")
            with relay_to(dns, "hangs.test", upstream, *options, shards=shards) as daemon:
                echoes = [daemon.place("tcp-echo", shard) for shard in range(shards)]
                before = self.round_trips(echoes)
                waiting = [daemon.connect("relay") for _ in range(2 * shards)]
                dns.wait_asked("hangs.test")
                during = self.round_trips(echoes)
                print(f"{shards} shards: p99 {before:.0f} us, and {during:.0f} us while it hangs")
                report = daemon.report()
                self.assertEqual(report.resolver["failed"], 0)
                self.assertEqual(report.total("dials.connected"), 0)
                self.assertEqual(report.total("closed.upstream_failed"), 0)
                self.assertFalse(any(client.poll() for client in waiting))

    def round_trips(self, echoes):
        """Returns their p99 in microseconds."""
        times = []
        for number in range(ROUND_TRIPS):
            client = echoes[number % len(echoes)]
            began = time.perf_counter()
            client.send(b"Hello!")
            client.expect(b"Hello!")
            times.append(time.perf_counter() - began)
        return sorted(times)[len(times) * 99 // 100] * 1e6


if __name__ == "__main__":
    main()
