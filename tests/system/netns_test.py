"""Dead peers, cut cables and lost packets, in network namespaces of the test's own (row 42, KA-1):
of clients, and of the relay's upstream; with 1, 2 and 4 shards."""

import contextlib
import sys
import time

from byte_streams import MIB, VOLUME, collector, noise, send_until_held_back
from cable import Cable
from harness import Flow, SystemTest, expand, for_each_shard_count, main, pump, wait_for
from relaying import RelayDaemon, Upstream

SKIPPED = 77  # the SKIP_RETURN_CODE of CMakeLists.txt

# What is found dead when nothing is under way: 1 s + 2 x 1 s. The count alone decides.
KEEPALIVE = ("--tcp-keepalive-time", "1s", "--tcp-keepalive-interval", "1s")
KEEPALIVE += ("--tcp-keepalive-count", "2", "--tcp-user-timeout", "0")
KEEPALIVE_SECONDS = 3.0
# The same with a user timeout just below, as the defaults have it.
KEEPALIVE_AND_USER_TIMEOUT = (*KEEPALIVE[:-1], "2900ms")
# And when something is.
USER_TIMEOUT = ("--tcp-keepalive-time", "1h", "--tcp-user-timeout", "3s")
USER_TIMEOUT_SECONDS = 3.0
# Neither acts within a test.
PATIENT = ("--tcp-keepalive-time", "1s", "--tcp-keepalive-interval", "1s")
PATIENT += ("--tcp-keepalive-count", "127", "--tcp-user-timeout", "0")

MARGIN_SECONDS = 2.0


def why_not():
    """Why these tests cannot be run here, if so."""
    try:
        with Cable():
            return None
    except PermissionError:
        return "needs CAP_NET_ADMIN and CAP_SYS_ADMIN, to make network namespaces"
    except FileNotFoundError as missing:
        return f"needs {missing.filename}"


class DistantDaemon(RelayDaemon):
    """At the near end of the cable; its clients are at the far end, those of the service "relay" at
    the near one. It relays to the far end."""

    def __init__(self, cable, upstream_port, *options, **named):
        upstream = f"{Cable.FAR}:{upstream_port}"
        addresses = ["--tcp-echo-listen", "0.0.0.0:0"]
        super().__init__(upstream, *options, addresses=addresses, **named)
        self.cable = cable

    def __enter__(self):
        with self.cable.near.inside():
            super().__enter__()
        self.addresses["tcp-echo"] = (Cable.NEAR, self.addresses["tcp-echo"][1])
        return self

    def connect(self, service, **options):
        namespace = self.cable.near if service == "relay" else self.cable.far
        with namespace.inside():
            return super().connect(service, **options)


@contextlib.contextmanager
def network(*options, shards):
    """The cable, the daemon at its near end, the upstream at its far end."""
    with Cable() as cable:
        with cable.far.inside():
            upstream = Upstream(Cable.FAR)
        with upstream, DistantDaemon(
            cable, upstream.address[1], *options, shards=shards
        ) as daemon:
            try:
                yield cable, daemon, upstream
            finally:
                cable.heal()


class NetworkTest(SystemTest):
    def wait_until_dead(self, daemon, count, since, bound):
        """All of them are found dead within the bound."""
        report = daemon.wait_for_report(
            "the peers to be found dead", lambda r: r.total("closed.timed_out") >= count
        )
        took = time.monotonic() - since
        print(f"{count} found dead after {took:.2f} s, of {bound} s")
        self.assertEqual(report.total("closed.timed_out"), count)
        self.assertLess(took, bound + MARGIN_SECONDS)
        self.assert_all_shards_took_part(report)
        return report

    def greet(self, client):
        client.send(b"Hello!")
        client.expect(b"Hello!")


@expand
class Clients(NetworkTest):
    @for_each_shard_count
    def test_row_42_ka_1_a_dead_peer_on_an_idle_connection(self, shards):
        self.lose_idle_peers(KEEPALIVE, shards)

    @for_each_shard_count
    def test_row_42_ka_1_with_a_user_timeout_as_well(self, shards):
        self.lose_idle_peers(KEEPALIVE_AND_USER_TIMEOUT, shards)

    def lose_idle_peers(self, options, shards):
        with network(*options, shards=shards) as (cable, daemon, _):
            clients = [daemon.connect("tcp-echo") for _ in range(4 * shards)]
            for client in clients:
                self.greet(client)
            cable.cut()
            self.wait_until_dead(daemon, len(clients), time.monotonic(), KEEPALIVE_SECONDS)
            daemon.wait_for_event("connection closed", service="tcp-echo", reason="timed_out")
            cable.heal()
            self.greet(daemon.connect("tcp-echo"))

    @for_each_shard_count
    def test_row_42_a_dead_peer_with_data_in_flight(self, shards):
        """The answer is lost, and each time it is sent again."""
        with network(*USER_TIMEOUT, shards=shards) as (cable, daemon, _):
            clients = [daemon.connect("tcp-echo") for _ in range(4 * shards)]
            for client in clients:
                self.greet(client)
            before = daemon.report().total("traffic.received_bytes")
            cable.lose(up=1, down=0)
            since = time.monotonic()
            for client in clients:
                client.send(b"Hello!")
            came = before + len(b"Hello!") * len(clients)
            daemon.wait_for_total("traffic.received_bytes", came)
            cable.cut()
            self.wait_until_dead(daemon, len(clients), since, USER_TIMEOUT_SECONDS)
            cable.heal()
            self.greet(daemon.connect("tcp-echo"))

    @for_each_shard_count
    def test_row_42_a_dead_peer_that_left_no_room(self, shards):
        """It did not read, so that what waits for it could not even be sent."""
        with network(*USER_TIMEOUT, shards=shards) as (cable, daemon, _):
            other = daemon.place("tcp-echo", 0)
            client = daemon.place("tcp-echo", shards - 1)
            send_until_held_back(daemon, client, noise(MIB))
            others = daemon.report().total("open") - 1
            cable.cut()
            since = time.monotonic()
            # The idle ones are not found dead: they have no keepalive here.
            daemon.wait_for_total("open", others)
            took = time.monotonic() - since
            print(f"found dead after {took:.2f} s, of {USER_TIMEOUT_SECONDS} s")
            self.assertLess(took, USER_TIMEOUT_SECONDS + MARGIN_SECONDS)
            self.assertEqual(daemon.report().total("closed.timed_out"), 1)
            cable.heal()
            self.greet(other)

    @for_each_shard_count
    def test_a_cable_that_is_cut_and_healed_loses_nothing(self, shards):
        data = noise(4 * MIB)
        with network(*PATIENT, shards=shards) as (cable, daemon, _):
            idle = [daemon.connect("tcp-echo") for _ in range(2 * shards)]
            for client in idle:
                self.greet(client)
            client = daemon.connect("tcp-echo")
            received = bytearray()
            cuts = 0

            def done():
                nonlocal cuts
                if cuts < 3 and len(received) > (cuts + 1) * MIB:
                    cuts += 1
                    before = cable.cut()
                    # Until what was under way was sent again and lost again, and somebody who is
                    # idle was probed in vain.
                    wait_for("losses", lambda: cable.lost() >= before + 10 * shards + 40)
                    cable.heal()
                return len(received) == len(data)

            pump([Flow(client, data, on_data=collector(received))], done)
            self.assertEqual(cuts, 3)
            self.assertTrue(received == data)
            for other in idle:
                self.greet(other)
            self.assertEqual(daemon.report().total("closed.timed_out"), 0)

    @for_each_shard_count
    def test_lost_packets_change_no_byte(self, shards):
        """5 % of the packets each way, 64 MiB there and back over a connection per shard."""
        with network(shards=shards) as (cable, daemon, _):
            clients = [daemon.connect("tcp-echo") for _ in range(shards)]
            for client in clients:
                self.greet(client)
            cable.lose(0.05, 0.05)
            since = time.monotonic()
            streams = []
            for number, client in enumerate(clients):
                data, received = noise(VOLUME // shards, number), bytearray()
                streams.append((data, received, Flow(client, data, on_data=collector(received))))
            pump(
                [flow for _, _, flow in streams],
                lambda: all(len(received) >= len(data) for data, received, _ in streams),
            )
            lost = cable.heal()
            print(f"{lost} packets lost, {time.monotonic() - since:.1f} s")
            for data, received, _ in streams:
                self.assertTrue(received == data)
            self.assertGreater(lost, 100)
            self.assert_all_shards_took_part(daemon.report())


@expand
class Upstreams(NetworkTest):
    """The relay's: the client is told by a reset."""

    def assert_reset(self, client):
        with self.assertRaises(ConnectionResetError):
            client.receive_rest()

    @for_each_shard_count
    def test_row_42_a_dead_upstream_on_an_idle_connection(self, shards):
        with network(*KEEPALIVE, shards=shards) as (cable, daemon, upstream):
            pairs = daemon.pairs(upstream, 2 * shards)
            for client, server in pairs:
                client.send(b"Hello!")
                server.expect(b"Hello!")
            cable.cut()
            self.wait_until_dead(daemon, len(pairs), time.monotonic(), KEEPALIVE_SECONDS)
            for client, _ in pairs:
                self.assert_reset(client)
            daemon.wait_for_total("closed.other_side", len(pairs))
            daemon.wait_for_event("connection closed", service="upstream", reason="timed_out")

    @for_each_shard_count
    def test_row_42_a_dead_upstream_with_data_in_flight(self, shards):
        with network(*USER_TIMEOUT, shards=shards) as (cable, daemon, upstream):
            pairs = daemon.pairs(upstream, 2 * shards)
            cable.cut()
            since = time.monotonic()
            for client, _ in pairs:
                client.send(b"into the void")
            self.wait_until_dead(daemon, len(pairs), since, USER_TIMEOUT_SECONDS)
            for client, _ in pairs:
                self.assert_reset(client)
            daemon.wait_for_total("closed.other_side", len(pairs))

    @for_each_shard_count
    def test_an_upstream_that_does_not_answer(self, shards):
        """Each attempt is given up after its time, and the client after its."""
        options = ("--relay-connect-timeout", "200ms", "--relay-wait-max", "2s")
        with network(*options, shards=shards) as (cable, daemon, upstream):
            cable.cut()
            clients = [daemon.connect("relay") for _ in range(2 * shards)]
            for client in clients:
                self.assert_reset(client)
            report = daemon.wait_for_total("closed.upstream_failed", len(clients))
            self.assertGreaterEqual(report.total("dials.failed"), 2 * len(clients))
            event = daemon.wait_for_event("upstream not reached")
            self.assertIn("Connection timed out", event["error"])
            cable.heal()
            client, server = daemon.pair(upstream)
            client.send(b"again")
            server.expect(b"again")

    @for_each_shard_count
    def test_lost_packets_change_no_byte(self, shards):
        """5 % of the packets each way, 64 MiB each way over a pair per shard."""
        with network(shards=shards) as (cable, daemon, upstream):
            pairs = daemon.pairs(upstream, shards)
            cable.lose(0.05, 0.05)
            streams = []
            for number, pair in enumerate(pairs):
                for seed, source, target in ((0, *pair), (1, *reversed(pair))):
                    data = noise(VOLUME // shards, 2 * number + seed)
                    streams.append((source, target, data, bytearray()))
            flows = [
                Flow(end, data, on_data=collector(received))
                for end, _, data, _ in streams
                for _, target, _, received in streams
                if target is end
            ]
            pump(flows, lambda: all(len(s[3]) >= len(s[2]) for s in streams))
            self.assertGreater(cable.heal(), 100)
            for _, _, data, received in streams:
                self.assertTrue(received == data)


if __name__ == "__main__":
    if reason := why_not():
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    main()
