"""The chat while somebody floods it (CH-21), and while members leave in the midst of a talk (CH-10)."""

from chat_flow import Talk
from harness import SANITIZED, Daemon, Flow, SystemTest, expand, for_each_shard_count, main, pump

MIB = 1 << 20
BLOCK = 1 << 16

# What nobody hears: (what the flooder says first, what it sends again and again).
UNHEARD_FLOODS = {
    "a nick without end": (b"", b"x" * BLOCK),
    "a line without end": (b"flooder\r\n", b"x" * BLOCK),
    "empty nicks": (b"", b"\r\n" * (BLOCK // 2)),
    "bad lines": (b"flooder\r\n", b"\x01\r\n" * (BLOCK // 3)),
}
# What each member hears, as fast as it reads or it is dropped: so the flooder has the room for itself.
HEARD_FLOODS = {
    "short lines": (b"flooder\r\n", b"hi\r\n" * (BLOCK // 4)),
    "long lines": (b"flooder\r\n", b"x" * 60_000 + b"\r\n"),
}


class Exchange:
    """One sends, and another hears of it, then the next one; and so on. `turns`: who sends, what, who
    hears of it, and what."""

    def __init__(self, turns):
        flows = {}
        for speaker, _, listener, _ in turns:
            for client in (speaker, listener):
                flows[client] = flows.get(client) or Flow(client)
        self.flows = list(flows.values())
        for flow in self.flows:
            flow.on_data = lambda data, flow=flow: self.on_data(flow, data)
        self.turns = [(flows[speaker], says, flows[by], what) for speaker, says, by, what in turns]
        self.count = -1
        self.go_on()

    def go_on(self):
        self.count += 1
        speaker, says, self.listener, self.expected = self.turns[self.count % len(self.turns)]
        self.heard = b""
        speaker.say(says)

    def on_data(self, flow, data):
        if flow is not self.listener:
            return
        self.heard += bytes(data)
        if self.expected in self.heard:
            self.go_on()


def trade(trader):
    return (trader, b"GET\n", trader, b"\n")


@expand
class Floods(SystemTest):
    """CH-21: a flooder sends as fast as it is read, and reads what is said to it. Those on its shard and
    on others are served, and no buffer grows with the flood. With the room on the last shard, the
    flooder sits there and on the first."""

    EXCHANGES = 20 if SANITIZED else 100
    VOLUME = (2 if SANITIZED else 32) * MIB
    # What sockets and buffers hold, and what the flooder may send while a shard does not get to run;
    # times a lot. Who has to wait until a flood ends waits for ever.
    VOLUME_PER_EXCHANGE = 1024 * MIB
    RECEIVE_BUFFERS = 16 * MIB  # of each shard, by default; resident once they were used
    UNHEARD_MEMORY = RECEIVE_BUFFERS + 16 * MIB  # of the shard where the flooder is
    HEARD_MEMORY = 32 * MIB

    @for_each_shard_count
    def test_ch_21_unheard(self, shards):
        for serving in sorted({0, shards - 1}):
            for name, (nick, block) in UNHEARD_FLOODS.items():
                with self.subTest(name, serving=serving), self.daemon(shards) as daemon:
                    other = shards - 1 - serving
                    alice, bob = daemon.join_chat("alice", "bob", shards=[serving, other])
                    trader = daemon.place("orders", serving)
                    turns = [
                        (alice, b"ping\r\n", bob, b"alice: ping\r\n"),
                        (bob, b"pong\r\n", alice, b"bob: pong\r\n"),
                        trade(trader),
                    ]
                    self.flood(daemon, serving, nick, block, turns, self.UNHEARD_MEMORY)

    @for_each_shard_count
    def test_ch_21_heard(self, shards):
        for serving in sorted({0, shards - 1}):
            for name, (nick, block) in HEARD_FLOODS.items():
                with self.subTest(name, serving=serving), self.daemon(shards) as daemon:
                    traders = [daemon.place("orders", shard) for shard in range(shards)]
                    turns = [trade(trader) for trader in traders]
                    memory = shards * self.RECEIVE_BUFFERS + self.HEARD_MEMORY
                    self.flood(daemon, serving, nick, block, turns, memory)

    def daemon(self, shards):
        return Daemon("--chat-nick-timeout", "1h", shards=shards)

    def flood(self, daemon, serving, nick, block, turns, memory):
        flooder = daemon.place("chat", serving)
        before = daemon.report()
        memory_before = daemon.memory_kib()
        flood = Flow(flooder, nick, on_data=lambda data: None)
        exchange = Exchange(turns)
        sent = sent_at_last = exchanges = 0
        volume = self.VOLUME

        def done():
            nonlocal sent, sent_at_last, exchanges
            if exchange.count > exchanges:
                exchanges, sent_at_last = exchange.count, sent
            self.assertLess(sent - sent_at_last, self.VOLUME_PER_EXCHANGE, "starved")
            if sent >= volume and exchange.count >= self.EXCHANGES:
                return True
            if not flood.output:
                flood.output = memoryview(block)
                sent += len(block)
            return False

        def received():
            return daemon.report().total("traffic.received_bytes") - before.total("traffic.received_bytes")

        pump([flood, *exchange.flows], done, receive_bytes=4 * MIB)
        while received() < self.VOLUME // 2:  # sockets may hold more than that
            volume += self.VOLUME
            pump([flood, *exchange.flows], done, receive_bytes=4 * MIB)
        report = daemon.report()
        self.assertEqual(report.total("open"), before.total("open"))
        growth = daemon.memory_kib("VmHWM") - memory_before
        print(f"{sent // MIB} MiB, {exchanges} exchanges, VmHWM +{growth} KiB")
        if not SANITIZED:
            self.assertLess(growth, memory // 1024)


class LeavingInATalk(SystemTest):
    """Two shards with the room on shard 1."""

    READERS, DEAF = 8, 4
    LINES_BETWEEN = 200 if SANITIZED else 800  # of a KiB, so that the deaf have more than sockets hold
    # Otherwise a deaf one's input waits for room in its output, and its end of the stream with it.
    NO_LIMITS = ("--chat-pending-bytes-max", "1GiB", "--output-high-bytes", "1GiB")
    LAST_WORDS = [b"bye %d\r\n" % n for n in range(20)]

    def test_ch_10_whole_lines_are_heard_and_no_others(self):
        """Members leave one after the other by the end of their stream, in the midst of a talk of others
        on both shards, with an unfinished line. The last ones have read nothing of the talk."""
        options = ("--linger-timeout", "100ms", *self.NO_LIMITS)
        with Daemon(*options, shards=2) as daemon:
            members = daemon.join_chat("a", "b", "near", "far", shards=[0, 1, 0, 1])
            leaving = [daemon.chat() for _ in range(self.READERS)]
            leaving += [daemon.chat(receive_buffer=4096) for _ in range(self.DEAF)]
            names = [f"leaver {i}" for i in range(len(leaving))]
            daemon.join(leaving, names)
            before = daemon.report()
            talk = Talk([b"a", b"b"], members[:2], members[2:], text=b" " + b"x" * 1000)
            readers = [Flow(client, on_data=lambda data: None) for client in leaving[: self.READERS]]
            left = 0

            def done():
                nonlocal left
                talk.go_on()
                everybody_left = left == len(leaving)
                if not everybody_left and talk.lines_heard() > self.LINES_BETWEEN * (left + 1):
                    leaving[left].send(b"".join(self.LAST_WORDS) + b"unfinished")
                    leaving[left].half_close()
                    left += 1
                return everybody_left and all(reader.ended for reader in readers)

            pump([*talk.flows, *readers], done)
            pump(talk.flows, talk.finish)
            after = daemon.wait_for_total("open", before.total("open") - len(leaving))
            read_all = after.total("closed.peer_closed") - before.total("closed.peer_closed")
            self.assertGreaterEqual(read_all, self.READERS)
            self.assertEqual(read_all + after.total("closed.linger_timeout"), len(leaving))
            self.hear_the_rest(talk)
            self.assert_heard(talk, names)
            self.assert_all_shards_took_part(daemon.report(), carried_by=[1])

    def hear_the_rest(self, talk):
        """A last word of each speaker: what comes before it in the one order has been heard then."""
        for speaker, name in zip(talk.speakers, talk.names):
            speaker.client.send(b"end\r\n")
            for flow, heard in zip(talk.flows, talk.heard):
                if flow is not speaker:
                    heard += flow.client.receive_until(name + b": end\r\n")

    def assert_heard(self, talk, names):
        heard = [
            [line for line in bytes(h).splitlines(keepends=True) if not line.startswith(b"prober: ")]
            for h in talk.heard
        ]
        all_lines = heard[2]
        self.assertTrue(heard[3] == all_lines)
        for stream, name in zip(heard, talk.names):
            own = name + b": "
            self.assertTrue(stream == [line for line in all_lines if not line.startswith(own)], name)
        by_name = {}
        for line in all_lines:
            name, said = line.split(b": ", 1)
            by_name.setdefault(name, []).append(said)
        expected = {name.encode(): self.LAST_WORDS for name in names}
        for name, count in zip(talk.names, talk.said):
            expected[name] = [talk.line(n) for n in range(count)] + [b"end\r\n"]
        self.assertEqual(by_name.keys(), expected.keys())
        for name, said in expected.items():
            self.assertTrue(by_name[name] == said, name)


if __name__ == "__main__":
    main()
