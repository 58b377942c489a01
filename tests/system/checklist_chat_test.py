"""Rows 13 to 19 of the feature checklist: the chat, with 1, 2 and 4 shards.

The room lives on the last shard. Where a row is about a sender and its listeners, it is run once per
shard that may serve the sender, with other members on every shard.
"""

import os
import shutil
import subprocess
import unittest

from harness import PATIENCE, Daemon, Flow, SystemTest, expand, for_each_shard_count, main, pump, wait_for

LINE_SIZES = (31, 32, 33, 4096, 65_000)


@expand
class ChatChecklist(SystemTest):
    def on_each_shard(self, shards, row, *options):
        """Runs row(daemon, a, b) with a member a on each shard in turn, and b on the next one."""
        for serving in range(shards):
            with self.subTest(serving=serving), Daemon(*options, shards=shards) as daemon:
                crowd = [f"member {i}" for i in range(4 * shards)]
                daemon.join_chat(*crowd)
                places = [serving, (serving + 1) % shards]
                alice, bob = daemon.join_chat("alice", "bob", shards=places)
                row(daemon, alice, bob)
                self.assert_all_shards_took_part(daemon.report(), carried_by=[shards - 1])

    @for_each_shard_count
    def test_row_13_fan_out(self, shards):
        def row(_, alice, bob):
            alice.send(b"hi\r\n")
            bob.expect(b"alice: hi\r\n")
            bob.send(b"hello\r\n")
            alice.expect(b"bob: hello\r\n")  # and nothing before it: not its own line

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_14_one_order_over_all_shards(self, shards):
        members, lines_each = 64, 100
        with Daemon(shards=shards) as daemon:
            clients = daemon.join_chat(*(f"m{i}" for i in range(members)))
            said = [[b"line %d" % n for n in range(lines_each)] for _ in range(members)]
            flows = [Flow(c, b"\r\n".join(lines) + b"\r\n") for c, lines in zip(clients, said)]
            heard = [bytearray() for _ in range(members)]
            counts = [0] * members

            def listen(i):
                def on_data(data):
                    heard[i] += data
                    counts[i] += bytes(data).count(b"\n")

                return on_data

            for i, flow in enumerate(flows):
                flow.on_data = listen(i)
            expected = (members - 1) * lines_each
            pump(flows, lambda: all(count >= expected for count in counts))

            streams = [parse_stream(bytes(h)) for h in heard]
            for i, stream in enumerate(streams):
                self.assert_heard_all_others(i, stream, members, lines_each)
            self.assert_one_total_order(streams)
            self.assert_all_shards_took_part(daemon.report(), carried_by=[shards - 1])

    def assert_heard_all_others(self, listener, stream, members, lines_each):
        """Every line of every other member once, in the order in which he said them."""
        by_sender = {}
        for sender, line in stream:
            by_sender.setdefault(sender, []).append(line)
        senders = {b"m%d" % i for i in range(members) if i != listener}
        self.assertEqual(set(by_sender), senders)
        for sender, lines in by_sender.items():
            self.assertEqual(lines, [b"line %d" % n for n in range(lines_each)], sender)

    def assert_one_total_order(self, streams):
        """The order of any two senders' lines is equal at all third parties.

        Member 2 heard all lines but its own; members 0 and 1 together tell where those belong, for
        what precedes one of them in the total order was heard before it by 0 or by 1 (and each was
        by both but for the lines of 0 and of 1). With them put in, everybody must have heard that
        one sequence less his own lines.
        """
        others = streams[2]
        position = {line: at for at, line in enumerate(others)}
        places = {}
        for stream in (streams[0], streams[1]):
            before = -1
            for line in stream:
                if line[0] == b"m2":
                    places[line] = max(places.get(line, -1), before)
                else:
                    before = max(before, position[line])
        inserted = {}
        for line in (line for line in streams[0] if line[0] == b"m2"):
            inserted.setdefault(places[line], []).append(line)
        total = list(inserted.get(-1, []))
        for at, line in enumerate(others):
            total.append(line)
            total += inserted.get(at, [])
        for i, stream in enumerate(streams):
            own = b"m%d" % i
            if stream != [line for line in total if line[0] != own]:
                self.fail(f"member {i} heard another order than members 0 to 2")

    @for_each_shard_count
    def test_row_15_line_sizes(self, shards):
        """Sizes are of the line on the wire to the peers, with its nick and CR LF (CH-20)."""

        def row(_, alice, bob):
            frame = len(b"alice: \r\n")
            for size in LINE_SIZES:
                lines = [bytes([ord("a") + i]) * (size - frame) + b"\r\n" for i in range(20)]
                expected = b"".join(b"alice: " + line for line in lines)
                listener = bytearray()
                pump(
                    [Flow(alice, b"".join(lines)), Flow(bob, on_data=listener.extend)],
                    lambda: len(listener) >= len(expected),
                )
                self.assertEqual(bytes(listener), expected)

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_16_crlf_only(self, shards):
        def row(daemon, alice, bob):
            self.send_and_see_read(daemon, alice, b"a\nb")
            bob.send(b"still open\r\n")
            alice.expect(b"bob: still open\r\n")  # so nothing came before CR LF
            alice.send(b"\r\n")
            alice.expect(b"! error: bad character\r\n")
            alice.send(b"end\r\n")
            bob.expect(b"alice: end\r\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_16_any_line_end(self, shards):
        def row(_, alice, bob):
            alice.send(b"a\nb\r\n")
            bob.expect(b"alice: a\r\nalice: b\r\n")

        self.on_each_shard(shards, row, "--chat-line-end", "any")

    @for_each_shard_count
    def test_row_17_cr_and_lf_in_two_segments(self, shards):
        def row(daemon, alice, bob):
            self.send_and_see_read(daemon, alice, b"hi\r")
            alice.send(b"\n")
            bob.expect(b"alice: hi\r\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_18_unnamed_client(self, shards):
        def row(daemon, alice, bob):
            late = daemon.chat()
            alice.send(b"too early\r\n")
            bob.expect(b"alice: too early\r\n")
            late.send(b"late\r\nI am late\r\n")
            alice.expect(b"late: I am late\r\n")
            bob.expect(b"late: I am late\r\n")
            alice.send(b"welcome\r\n")
            late.expect(b"alice: welcome\r\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_19_early_end_and_dirty_tail(self, shards):
        def row(daemon, alice, bob):
            for beginning in (b"", b"unfinished nick", b"named\r\n"):
                early = daemon.chat()
                early.send(beginning)
                early.half_close()
                early.expect_end()
            robert = daemon.chat()
            robert.send(b"robert\r\nx\r\npart")
            robert.half_close()
            robert.expect_end()
            alice.send(b"end\r\n")
            bob.expect(b"robert: x\r\nalice: end\r\n")
            alice.expect(b"robert: x\r\n")

        self.on_each_shard(shards, row)

    def send_and_see_read(self, daemon, client, data):
        read_before = daemon.report().total("traffic.received_bytes")
        client.send(data)
        daemon.wait_for_total("traffic.received_bytes", read_before + len(data))


@unittest.skipUnless(shutil.which("telnet"), "telnet is not installed")
@expand
class TwoTelnets(SystemTest):
    """What a newcomer does first."""

    @for_each_shard_count
    def test_row_13_two_telnets_chat(self, shards):
        with Daemon(shards=shards) as daemon:
            daemon.orders_crowd(4 * shards)
            address = daemon.addresses["chat"]
            (carol,) = daemon.join_chat("carol")
            with Telnet(address) as alice, Telnet(address) as bob:
                alice.type("alice")
                bob.type("bob")
                self.wait_until_both_hear(carol, alice, bob)
                alice.type("hello bob")
                bob.wait_for(b"alice: hello bob\r\n")
                bob.type("hello alice")
                alice.wait_for(b"bob: hello alice\r\n")
                carol.expect(b"alice: hello bob\r\nbob: hello alice\r\n")

    def wait_until_both_hear(self, carol, alice, bob):
        def both_hear():
            carol.send(b"hello\r\n")
            return all(b"carol: hello\r\n" in t.read() for t in (alice, bob))

        wait_for("both telnets to be members", both_hear)


class Telnet:
    """A telnet on a terminal of its own, as a person has it."""

    def __init__(self, address):
        self.command = ["telnet", address[0], str(address[1])]
        self.screen = b""

    def __enter__(self):
        self.terminal, inner = os.openpty()
        self.process = subprocess.Popen(
            self.command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        os.set_blocking(self.terminal, False)
        self.wait_for(b"Escape character")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.terminal)

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\n")

    def read(self):
        """All that is on its screen."""
        try:
            self.screen += os.read(self.terminal, 1 << 16)
        except BlockingIOError:
            pass
        return self.screen

    def wait_for(self, mark):
        wait_for(f"{mark!r} on a telnet's screen", lambda: mark in self.read())


def parse_stream(heard):
    lines = heard.split(b"\r\n")
    assert lines.pop() == b"", "a stream ends with a whole line"
    return [tuple(line.split(b": ", 1)) for line in lines]


if __name__ == "__main__":
    main()
