"""The upstream relay: every byte both ways, both ends kept apart, nobody's fault on anybody else, and
why each connection ended; with 1, 2 and 4 shards."""

import unittest

from byte_streams import FEW_BUFFERS, KIB, MIB, VOLUME, collector, count_repeated, noise
from byte_streams import send_until_held_back
from daemon_sockets import tcp_settings
from harness import SANITIZED, Flow, SystemTest, expand, for_each_shard_count, main, pump
from relaying import RelayDaemon, Upstream, has_ipv6

BLOCK_BYTES_MAX = 128 * KIB  # the option's default


class Carried:
    """What one end of a pair sends, and what it received."""

    def __init__(self, client, output):
        self.received = bytearray()
        self.output = output
        self.flow = Flow(client, output, on_data=collector(self.received))


def carry_both_ways(pairs, volume):
    """Different bytes on each stream, all at once. Returns, for each stream, what was sent and what
    arrived."""
    streams = []
    for number, (client, server) in enumerate(pairs):
        up = Carried(client, noise(volume, 2 * number))
        down = Carried(server, noise(volume, 2 * number + 1))
        streams.append((up, down))
    ends = [end for pair in streams for end in pair]
    pump([end.flow for end in ends], lambda: all(len(end.received) >= volume for end in ends))
    for up, down in streams:
        yield up.output, bytes(down.received)
        yield down.output, bytes(up.received)


class RelayTest(SystemTest):
    def assert_reset(self, client):
        with self.assertRaises(ConnectionResetError):
            client.receive_rest()


@expand
class Streams(RelayTest):
    @for_each_shard_count
    def test_every_byte_both_ways_at_once(self, shards):
        """64 MiB each way in all, over a pair per shard."""
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for sent, arrived in carry_both_ways(daemon.pairs(upstream, shards), VOLUME // shards):
                self.assertTrue(sent == arrived)
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_many_clients(self, shards):
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for sent, arrived in carry_both_ways(daemon.pairs(upstream, 64), VOLUME // 512):
                self.assertTrue(sent == arrived)
            report = daemon.report()
            self.assert_all_shards_took_part(report)
            self.assertEqual(report.total("dials.connected"), 64)

    @for_each_shard_count
    def test_the_client_may_end_its_side_first(self, shards):
        question, answer = noise(MIB, 1), noise(MIB, 2)
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for client, server in daemon.pairs(upstream, 2 * shards):
                self.send_and_end(client, server, question)
                self.send_and_end(server, client, answer)
            # Every pair is two connections, and all of them ended well.
            report = daemon.wait_for_total("open", 0)
            self.assertEqual(report.total("closed.peer_closed"), 4 * shards)
            self.assert_all_shards_took_part(report)

    @for_each_shard_count
    def test_the_upstream_may_end_its_side_first(self, shards):
        question, answer = noise(MIB, 1), noise(MIB, 2)
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for client, server in daemon.pairs(upstream, 2 * shards):
                self.send_and_end(server, client, answer)
                self.send_and_end(client, server, question)
            report = daemon.wait_for_total("open", 0)
            self.assertEqual(report.total("closed.peer_closed"), 4 * shards)

    def send_and_end(self, source, target, data):
        received = bytearray()
        flow = Flow(target, on_data=collector(received))
        pump([Flow(source, data), flow], lambda: len(received) >= len(data))
        source.half_close()
        target.expect_end()
        self.assertTrue(received == data)

    @unittest.skipUnless(has_ipv6(), "there is no IPv6 here")
    @for_each_shard_count
    def test_ipv6_on_both_sides(self, shards):
        with Upstream("::1") as upstream, RelayDaemon(
            upstream.address, listen="[::1]:0", shards=shards
        ) as daemon:
            for client, server in daemon.pairs(upstream, 2 * shards):
                self.assertEqual(client.socket.getpeername()[0], "::1")
                self.send_and_end(client, server, b"to IPv6")
                self.send_and_end(server, client, b"and back")
            self.assert_all_shards_took_part(daemon.report())


@expand
class HeldBack(RelayTest):
    """Who does not read holds back who sends to it, with at most two blocks in the daemon."""

    @for_each_shard_count
    def test_an_upstream_that_never_reads(self, shards):
        self.hold_back(shards, lambda client, server: (client, server))

    @for_each_shard_count
    def test_a_client_that_never_reads(self, shards):
        self.hold_back(shards, lambda client, server: (server, client))

    def hold_back(self, shards, roles):
        batch = noise(MIB)
        with Upstream() as upstream, RelayDaemon(
            upstream.address, *FEW_BUFFERS, shards=shards
        ) as daemon:
            free = daemon.pairs(upstream, shards)
            stuck = [roles(*pair) for pair in daemon.pairs(upstream, 2 * shards)]
            memory_before = daemon.memory_kib()
            sent = [send_until_held_back(daemon, source, batch) for source, _ in stuck]
            growth = daemon.memory_kib("VmHWM") - memory_before
            report = daemon.report()
            held = report.total("traffic.received_bytes") - report.total("traffic.sent_bytes")
            print(f"{len(stuck)} held back: {held >> 10} KiB in the daemon, VmHWM +{growth} KiB")
            self.assertLessEqual(held, len(stuck) * 2 * BLOCK_BYTES_MAX)
            if not SANITIZED:
                self.assertLess(growth, len(stuck) * 2 * BLOCK_BYTES_MAX // KIB + 8 * KIB)

            for client, server in free:
                for source, target in ((client, server), (server, client)):
                    source.send(b"others go on")
                    target.expect(b"others go on")
            for source, target in stuck:  # the other way is free, too
                target.send(b"as before")
                source.expect(b"as before")

            for (source, target), count in zip(stuck, sent):
                source.half_close()
                self.assertEqual(count_repeated(target, batch), count)
            self.assert_all_shards_took_part(daemon.report())


@expand
class Broken(RelayTest):
    """What breaks one connection is passed on to the other, behind all that had come."""

    @for_each_shard_count
    def test_an_upstream_that_resets_mid_stream(self, shards):
        self.reset_mid_stream(shards, lambda client, server: (server, client))

    @for_each_shard_count
    def test_a_client_that_resets_mid_stream(self, shards):
        self.reset_mid_stream(shards, lambda client, server: (client, server))

    def reset_mid_stream(self, shards, roles):
        """The target reads nothing until the daemon has heard of the reset."""
        data = noise(MIB)
        with Upstream(receive_buffer=4 * KIB) as upstream, RelayDaemon(
            upstream.address, shards=shards
        ) as daemon:
            pairs = [daemon.pair(upstream, receive_buffer=4 * KIB) for _ in range(2 * shards)]
            bystander_client, bystander_server = daemon.pair(upstream)
            for number, pair in enumerate(pairs):
                source, target = roles(*pair)
                before = daemon.report()
                source.send(data)
                came = before.total("traffic.received_bytes") + len(data)
                daemon.wait_for_total("traffic.received_bytes", came)
                source.reset()
                daemon.wait_for_total("closed.reset", number + 1)
                target.expect(data)
                self.assert_reset(target)
                daemon.wait_for_total("closed.other_side", number + 1)
            bystander_client.send(b"others go on")
            bystander_server.expect(b"others go on")
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_a_cut_stream_never_looks_complete(self, shards):
        """Nothing had come in the direction that is cut."""
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for client, server in daemon.pairs(upstream, 2 * shards):
                client.half_close()
                server.expect_end()
                server.reset()
                self.assert_reset(client)
            self.assert_all_shards_took_part(daemon.report())


@expand
class Unreachable(RelayTest):
    @for_each_shard_count
    def test_an_upstream_that_refuses(self, shards):
        """It is tried again and again, more and more slowly, while the client waits; then the client
        is reset."""
        with Upstream(listening=False) as upstream, RelayDaemon(
            upstream.address, "--relay-wait-max", "1s", shards=shards
        ) as daemon:
            client = daemon.connect("relay")
            client.send(b"is anybody there?")
            self.assert_reset(client)
            report = daemon.wait_for_total("closed.upstream_failed", 1)
            daemon.wait_for_event("connection closed", reason="upstream_failed")
            failures = daemon.events("upstream not reached")
            self.assertEqual(report.total("dials.failed"), len(failures))
            self.assertEqual(report.total("dials.attempts"), len(failures))
            self.assertGreaterEqual(len(failures), 3)
            for number, failure in enumerate(failures):
                delay = 100 << number
                self.assertIn("Connection refused", failure["error"])
                self.assertTrue(delay // 2 <= failure["retry_ms"] <= delay, failure)
            many = [daemon.connect("relay") for _ in range(4 * shards)]
            for client in many:
                self.assert_reset(client)
            report = daemon.wait_for_total("closed.upstream_failed", 1 + len(many))
            self.assert_all_shards_took_part(report)

    @for_each_shard_count
    def test_an_upstream_that_comes_late(self, shards):
        """What the client said meanwhile is its first bytes."""
        with Upstream(listening=False) as upstream, RelayDaemon(
            upstream.address, "--relay-wait-max", "1h", shards=shards
        ) as daemon:
            clients = [daemon.connect("relay") for _ in range(2 * shards)]
            words = {b"early %03d" % number for number in range(len(clients))}
            for client, word in zip(clients, sorted(words)):
                client.send(word)
            daemon.wait_for_report(
                "each to have failed", lambda r: r.total("dials.failed") >= 2 * len(clients)
            )
            upstream.listen()
            heard = set()
            for _ in clients:
                server = upstream.accept()
                daemon.clients.append(server)
                heard.add(server.receive(len(b"early 000")))
                server.send(b"late")
            self.assertEqual(heard, words)
            for client in clients:
                client.expect(b"late")
            self.assertEqual(daemon.report().total("dials.connected"), len(clients))

    @for_each_shard_count
    def test_clients_that_leave_while_they_wait(self, shards):
        with Upstream(listening=False) as upstream, RelayDaemon(
            upstream.address, "--relay-wait-max", "1h", shards=shards
        ) as daemon:
            for number in range(2 * shards):
                client = daemon.connect("relay")
                daemon.wait_for_total("open", 1)
                client.reset()
                daemon.wait_for_total("closed.reset", number + 1)


@expand
class Ends(RelayTest):
    @for_each_shard_count
    def test_why_each_connection_ended(self, shards):
        """In the counters, and with --log-level debug one by one."""
        with Upstream() as upstream, RelayDaemon(
            upstream.address, "--log-level", "debug", shards=shards
        ) as daemon:

            def ended(service, reason, count):
                daemon.wait_for_report(reason, lambda r: r.total(f"closed.{reason}") >= count)
                return daemon.wait_for_event("connection closed", service=service, reason=reason)

            client, server = daemon.pair(upstream)
            peer = "%s:%d" % client.socket.getsockname()
            client.half_close()
            server.half_close()
            self.assertEqual(ended(daemon.relay_name, "peer_closed", 2)["peer"], peer)
            ended("upstream", "peer_closed", 2)

            client, server = daemon.pair(upstream)
            client.reset()
            ended(daemon.relay_name, "reset", 1)
            ended("upstream", "other_side", 1)

            client, server = daemon.pair(upstream)
            server.reset()
            ended("upstream", "reset", 2)
            ended(daemon.relay_name, "other_side", 2)

            client, server = daemon.pair(upstream)
            client.send(b"before the end")
            server.expect(b"before the end")
            daemon.terminate()
            for end in (client, server):
                end.expect_end()
                end.close()
            daemon.wait_for_event("connection closed", service=daemon.relay_name, reason="drain")
            daemon.wait_for_event("connection closed", service="upstream", reason="drain")
            daemon.check_end()
            report = daemon.last_report
            expected = {"peer_closed": 2, "reset": 2, "other_side": 2, "drain": 2}
            for reason, count in expected.items():
                self.assertEqual(report.total(f"closed.{reason}"), count, reason)


@expand
class Keepalive(RelayTest):
    """On outgoing sockets; checklist_bytes_test has those on accepted ones."""

    @for_each_shard_count
    def test_row_41_ka_3_defaults_on_both_sides(self, shards):
        with Upstream() as upstream, RelayDaemon(upstream.address, shards=shards) as daemon:
            for pair in daemon.pairs(upstream, 2 * shards):
                for end in pair:
                    peer = end.socket.getsockname()
                    self.assertEqual(tcp_settings(daemon, peer), (1, 10, 5, 9, 54_000, 1))
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_ka_4_options_on_both_sides(self, shards):
        options = ("--tcp-keepalive-time", "7s", "--tcp-keepalive-interval", "3s")
        options += ("--tcp-keepalive-count", "4", "--tcp-user-timeout", "18500ms")
        with Upstream() as upstream, RelayDaemon(
            upstream.address, *options, shards=shards
        ) as daemon:
            for pair in daemon.pairs(upstream, shards):
                for end in pair:
                    peer = end.socket.getsockname()
                    self.assertEqual(tcp_settings(daemon, peer), (1, 7, 3, 4, 18_500, 1))


if __name__ == "__main__":
    main()
