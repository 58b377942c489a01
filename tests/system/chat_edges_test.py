"""The edges of the chat on real sockets: the rows CH-2 to CH-11, CH-20 to CH-36 and the rules X2, X3.

Two shards with the room on shard 1; the one who does something odd is served by either.
"""

from harness import Daemon, Flow, SystemTest, main, pump

HOME, REMOTE = 1, 0
SERVING = (REMOTE, HOME)
BAD_CHARACTER = b"! error: bad character\r\n"
BAD_NICK = b"! error: bad nick\r\n"
TOO_LONG = b"! error: line too long\r\n"

# (what "alice" sends after her nick, what everybody else hears, what she hears)
TALKS = {
    "CH-2 a bare CR or LF is payload, and refused as such": (b"a\nb\r\na\rb\r\n", b"", BAD_CHARACTER * 2),
    "CH-7 empty": (b"\r\n", b"alice: \r\n", b""),
    "CH-7 tab": (b"a\tb\r\n", b"alice: a\tb\r\n", b""),
    "CH-34 control bytes": (b"\x00\r\na\x1fb\r\n\x7f\r\n", b"", BAD_CHARACTER * 3),
    "CH-34 and go on": (b"1\r\n\x01\r\n2\r\n", b"alice: 1\r\nalice: 2\r\n", BAD_CHARACTER),
    "CH-35 any other byte": (
        bytes(range(0x80, 0x100)) + b"\r\n",
        b"alice: " + bytes(range(0x80, 0x100)) + b"\r\n",
        b"",
    ),
    "CH-31 the longest line": (b"x" * 65_536 + b"\r\n", b"alice: " + b"x" * 65_536 + b"\r\n", b""),
    "CH-31 a longer line": (b"x" * 65_537 + b"\r\nhi\r\n", b"alice: hi\r\n", TOO_LONG),
    "CH-31 much longer": (b"x" * 300_000 + b"\r\nhi\r\n", b"alice: hi\r\n", TOO_LONG),
}

ANY_TALKS = {
    "LF": (b"a\nb\r\n\n", b"alice: a\r\nalice: b\r\nalice: \r\n", b""),
    "a CR that ends no line": (b"a\rb\n", b"", BAD_CHARACTER),
    "two CRs": (b"a\r\r\n", b"", BAD_CHARACTER),
    "CH-31": (b"x" * 65_537 + b"\nhi\n", b"alice: hi\r\n", TOO_LONG),
}

BAD_NICKS = {
    "empty": b"",
    "65 bytes": b"x" * 65,
    "an error mark": b"!alice",
    "a control byte": b"ali\x07ce",
    "a line feed": b"ali\nce",
}


class Talks(SystemTest):
    def assert_talks(self, talks, *options):
        for serving in SERVING:
            with Daemon(*options, shards=2) as daemon:
                places = [serving, REMOTE, HOME]
                alice, near, far = daemon.join_chat("alice", "near", "far", shards=places)
                for name, (said, others_hear, alice_hears) in talks.items():
                    with self.subTest(name, serving=serving):
                        alice.send(said + b"end\r\n")
                        near.expect(others_hear + b"alice: end\r\n")
                        far.expect(others_hear + b"alice: end\r\n")
                        near.send(b"end\r\n")
                        alice.expect(alice_hears + b"near: end\r\n")
                        far.expect(b"near: end\r\n")

    def test_each_talk(self):
        self.assert_talks(TALKS)

    def test_each_talk_with_any_line_end(self):
        self.assert_talks(ANY_TALKS, "--chat-line-end", "any")

    def test_line_limit(self):
        self.assert_talks(
            {
                "sixteen": (b"x" * 16 + b"\r\n", b"alice: " + b"x" * 16 + b"\r\n", b""),
                "seventeen": (b"x" * 17 + b"\r\n", b"", TOO_LONG),
            },
            *("--chat-line-bytes-max", "16"),
        )

    def test_every_split_into_two_segments(self):
        """X2, from the nick on: the second segment is sent when the first was read."""
        said = b"carol\r\nhi\r\n\r\n\x01\r\nho\r\n"
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                (listener,) = daemon.join_chat("listener", shards=[HOME])
                for cut in range(1, len(said)):
                    client = daemon.place("chat", serving)
                    read_before = daemon.report().total("traffic.received_bytes")
                    client.send(said[:cut])
                    daemon.wait_for_total("traffic.received_bytes", read_before + cut)
                    client.send(said[cut:])
                    client.half_close()
                    self.assertEqual(client.receive_rest(), BAD_CHARACTER, f"cut at {cut}")
                    listener.expect(b"carol: hi\r\ncarol: \r\ncarol: ho\r\n")

    def test_ch_32_nicks(self):
        """A bad nick is told, and the next line is taken for the nick."""
        for serving in SERVING:
            with Daemon(shards=2) as daemon:
                (listener,) = daemon.join_chat("listener", shards=[HOME])
                for name, nick in BAD_NICKS.items():
                    with self.subTest(name, serving=serving):
                        client = daemon.place("chat", serving)
                        client.send(nick + b"\r\n" + nick + b"\r\nalice\r\nhi\r\n")
                        client.half_close()
                        self.assertEqual(client.receive_rest(), 2 * BAD_NICK)
                        listener.expect(b"alice: hi\r\n")
                for nick in (b"x" * 64, b"a b", b":", "\u20ac".encode(), b"\xff"):
                    with self.subTest(nick, serving=serving):
                        client = daemon.place("chat", serving)
                        client.send(nick + b"\r\nhi\r\n")
                        listener.expect(nick + b": hi\r\n")
                self.assertEqual(
                    daemon.report().total("limits.protocol_errors"), 2 * len(BAD_NICKS)
                )

    def test_ch_32_nick_limit(self):
        with Daemon("--chat-nick-bytes-max", "3", shards=2) as daemon:
            client = daemon.chat()
            client.send(b"four\r\n")
            client.expect(BAD_NICK)

    def test_ch_5_equal_nicks_are_two_peers(self):
        with Daemon(shards=2) as daemon:
            one, other = daemon.join_chat("alice", "alice", shards=SERVING)
            one.send(b"from one\r\n")
            other.expect(b"alice: from one\r\n")
            other.send(b"from the other\r\n")
            one.expect(b"alice: from the other\r\n")


class Leaving(SystemTest):
    def test_ch_23_lines_before_a_reset_are_said(self):
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                (listener,) = daemon.join_chat("listener", shards=[HOME])
                for i in range(50):
                    client = daemon.place("chat", serving)
                    client.send(b"nick %d\r\none\r\ntwo\r\npart" % i)
                    client.reset()
                    listener.expect(b"nick %d: one\r\nnick %d: two\r\n" % (i, i))
                daemon.wait_for_total("closed.reset", 50)

    def test_ch_36_reset_while_joining(self):
        """At each byte of the nick's line, at once and after it was read."""
        with Daemon(shards=2) as daemon:
            alice, bob = daemon.join_chat("alice", "bob", shards=[REMOTE, HOME])
            line = b"nick\r\n"
            for cut in range(len(line) + 1):
                for wait in (False, True):
                    before = daemon.report()
                    client = daemon.chat()
                    client.send(line[:cut])
                    if wait:
                        read_before = before.total("traffic.received_bytes")
                        daemon.wait_for_total("traffic.received_bytes", read_before + cut)
                    client.reset()
                    daemon.wait_for_total("opened", before.total("opened") + 1)
                    daemon.wait_for_total("open", 2)
            alice.send(b"hi\r\n")
            bob.expect(b"alice: hi\r\n")

    def test_ch_33_no_nick_in_time(self):
        """Who has no nick is closed; who has one stays, though connected before; an error or half a
        line is no nick."""
        for serving in SERVING:
            options = ("--chat-nick-timeout", "200ms")
            with self.subTest(serving=serving), Daemon(*options, shards=2) as daemon:
                alice, bob = daemon.join_chat("alice", "bob", shards=[serving, HOME])
                silent = [daemon.place("chat", serving) for _ in range(3)]
                silent[1].send(b"half a ni")
                silent[2].send(b"!\r\n")
                silent[2].expect(BAD_NICK)
                for client in silent:
                    client.expect_end()
                alice.send(b"hi\r\n")
                bob.expect(b"alice: hi\r\n")
                report = daemon.report()
                self.assertGreaterEqual(report.total("closed.handshake_timeout"), 3)
                self.assertEqual(report.total("open"), 2)


class Loads(SystemTest):
    def test_ch_30_pending_limit(self):
        """The smallest limit that holds a line: a reader who stops is dropped for it."""
        options = ("--chat-pending-bytes-max", "64Ki", "--chat-line-bytes-max", "1Ki")
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(*options, shards=2) as daemon:
                slow = daemon.place("chat", serving)
                sender, good = daemon.place("chat", REMOTE), daemon.place("chat", HOME)
                daemon.join([slow, sender, good], ["slow", "sender", "good"])
                opened = daemon.report().total("open")
                talk = PacedTalk(sender, good, b"x" * 1000)
                while daemon.report().total("closed.slow_consumer") == 0:
                    talk.go_on(1 << 20)
                slow.expect_gone()
                report = daemon.report()
                self.assertEqual(report.total("closed.slow_consumer"), 1)
                self.assertEqual(report.total("open"), opened - 1)


class PacedTalk:
    """Lines to a listener, never more than a few ahead of him."""

    def __init__(self, sender, listener, text):
        self.source = Flow(sender)
        self.sink = Flow(listener, on_data=self.on_data)
        self.block = (text + b"\r\n") * 16
        self.heard_bytes = 16 * len(b"sender: " + text + b"\r\n")
        self.sent = self.received = 0

    def on_data(self, data):
        self.received += len(data)

    def go_on(self, volume):
        goal = self.sent + volume

        def said():
            if self.received < self.sent or self.source.output:
                return False
            if self.sent >= goal:
                return True
            self.source.output = memoryview(self.block)
            self.sent += self.heard_bytes
            return False

        pump([self.source, self.sink], said)


if __name__ == "__main__":
    main()
