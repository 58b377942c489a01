"""The edges of the order book on real sockets: the rows OB-2 to OB-36 and the rules X2, X3, X6, X8.

Two shards, so that each case can be served by the shard of the book (LOCAL) and by the other (REMOTE).
"""

from binary32 import rounded, shortest
from harness import SANITIZED, Daemon, Flow, SystemTest, main, pump

LOCAL, REMOTE = 0, 1
SERVING = (LOCAL, REMOTE)

# (what is sent, what comes back), each on a fresh book and a fresh connection, then half-closed.
EXCHANGES = {
    "OB-2 the end of the stream ends the last line": (b"BUY;1;A\nGET", b"A: 1;\n"),
    "OB-3 spaces stay": (b"BUY;1; A \nGET\n", b" A : 1;\n"),
    "OB-3 a space before the command": (b" GET\n", b"ERR unknown command\n"),
    "OB-4 further fields": (b"GET;whatever\nBUY;8.0;BYND;\nGET;;\n", b"\nBYND: 8;\n"),
    "OB-5 silence": (b"BUY;1;A\nBUY;50;A\n", b""),
    "OB-11 ten tenths": (b"BUY;0.1;A\n" * 10 + b"GET\n", b"A: 1.0000001;\n"),
    "OB-11 below the cap": (b"BUY;19.999999;A\nGET\n", b"A: 19.999998;\n"),
    "OB-11 a sum": (b"BUY;0.1;A\nBUY;0.2;A\nGET\n", b"A: 0.3;\n"),
    "OB-11 small": (b"BUY;1e-7;B\nGET\n", b"B: 0.0000001;\n"),
    "OB-11 smallest": (b"BUY;1e-45;D\nGET\n", b"D: 0." + b"0" * 44 + b"1;\n"),
    "OB-13 forms": (
        b"BUY;.5;A\nBUY;5.;B\nBUY;+1;C\nBUY;1e0;D\nBUY;1E0;E\nGET\n",
        b"A: 0.5;B: 5;C: 1;D: 1;E: 1;\n",
    ),
    "OB-13 no forms": (
        b"BUY;;A\nBUY;.;A\nBUY; 1;A\nBUY;1 ;A\nBUY;0x10;A\nBUY;1_0;A\nBUY;1e;A\nBUY;1.0f;A\nBUY;8,0;A\n"
        b"GET\n",
        b"ERR bad amount\n" * 9 + b"\n",
    ),
    "OB-20 unknown": (b"SELL;1;A\n\nget\nGET\n", b"ERR unknown command\n" * 3 + b"\n"),
    "OB-21 missing": (b"BUY\nBUY;1\nGET\n", b"ERR missing field\n" * 2 + b"\n"),
    "OB-22 amounts": (b"BUY;abc;A\nBUY; 1;A\nGET\n", b"ERR bad amount\n" * 2 + b"\n"),
    "OB-23 nan": (b"BUY;nan;A\nBUY;1e30;B\nGET\n", b"ERR bad amount\n\n"),
    "OB-24 negative": (b"BUY;-100;A\nBUY;50;B\nGET\n", b"ERR bad amount\n\n"),
    "OB-25 infinite": (
        b"BUY;inf;A\nBUY;-inf;A\nBUY;1e400;A\nBUY;19;B\nBUY;1;C\nGET\n",
        b"ERR bad amount\n" * 3 + b"B: 19;\n",
    ),
    "OB-26 zero": (b"BUY;0;A\nBUY;-0.0;B\nBUY;1e-46;C\nGET\n", b"ERR bad amount\n" * 3 + b"\n"),
    "OB-27 empty ticker": (b"BUY;1;\nGET\n", b"ERR bad ticker\n\n"),
    "OB-28 tickers": (
        b"BUY;1;\xff\nBUY;1;\x1f\nBUY;1;\x7f\nBUY;1;" + b"x" * 65 + b"\nGET\n",
        b"ERR bad ticker\n" * 4 + b"\n",
    ),
    "OB-28 good tickers": (
        b"BUY;1;a:b\nBUY;1;" + b"x" * 64 + "\nBUY;1;\u20ac\nGET\n".encode(),
        b"a:b: 1;" + b"x" * 64 + ": 1;\u20ac: 1;\n".encode(),
    ),
    "OB-29 one CR": (b"BUY;8;A\r\nGET\r\nGET\r\r\n", b"A: 8;\nERR unknown command\n"),
    "OB-30 the longest line": (b"GET;" + b"x" * 4092 + b"\n", b"\n"),
    "OB-30 a longer line": (b"GET;" + b"x" * 4093 + b"\nGET\n", b"ERR line too long\n\n"),
    "OB-30 a longer last line": (b"GET\n" + b"x" * 5000, b"\nERR line too long\n"),
    "errors in request order": (
        b"GET\nSELL\nBUY;1;A\nBUY\nGET\nBUY;x;A\nBUY;2;A\nGET\n",
        b"\nERR unknown command\nERR missing field\nA: 1;\nERR bad amount\nA: 3;\n",
    ),
    "C2 ascending by bytes": (
        "BUY;1;b\nBUY;1;\u00e9\nBUY;1;B\nBUY;1;a\nBUY;1;aa\nGET\n".encode(),
        "B: 1;a: 1;aa: 1;b: 1;\u00e9: 1;\n".encode(),
    ),
}


class Exchanges(SystemTest):
    def test_each_exchange(self):
        for serving in SERVING:
            for name, (request, reply) in EXCHANGES.items():
                with self.subTest(name, serving=serving), Daemon(shards=2) as daemon:
                    client = daemon.place("orders", serving)
                    client.send(request)
                    client.half_close()
                    self.assertEqual(client.receive_rest(), reply)

    def test_every_split_into_two_segments(self):
        """X2: the second segment is sent when the first was read, at each place where the request can
        be cut. The buy's amount is a power of two, so that its sums are exact."""
        step = 2.0**-13
        request = (
            b"BUY;%s;\xe2\x82\xac\r\nSELL\nGET\r\nBUY;50;A\nBUY;0;A\n\nGET;\nGET"
            % shortest(step).encode()
        )
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                for cut in range(1, len(request)):
                    state = f"\u20ac: {shortest(cut * step)};\n".encode()
                    client = daemon.place("orders", serving)
                    send_and_see_read(daemon, client, request[:cut])
                    client.send(request[cut:])
                    client.half_close()
                    self.assertEqual(
                        client.receive_rest(),
                        b"ERR unknown command\n"
                        + state
                        + b"ERR bad amount\nERR unknown command\n"
                        + 2 * state,
                        f"cut at {cut}",
                    )


def send_and_see_read(daemon, client, data):
    read_before = daemon.report().total("traffic.received_bytes")
    client.send(data)
    daemon.wait_for_total("traffic.received_bytes", read_before + len(data))


class Options(SystemTest):
    def assert_exchange(self, request, reply, *options):
        """On both shards; returns the last counters."""
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(*options, shards=2) as daemon:
                client = daemon.place("orders", serving)
                client.send(request)
                client.half_close()
                self.assertEqual(client.receive_rest(), reply)
        return daemon.last_report

    def test_ob_31_too_many_tickers(self):
        request = b"BUY;1e-45;A\nBUY;1e-45;B\nBUY;1e-45;C\nBUY;1e-45;A\nBUY;50;D\nGET\nBUY;1;E\n"
        state = f"A: {shortest(2 * rounded(1e-45))};B: {shortest(rounded(1e-45))};\n".encode()
        report = self.assert_exchange(
            request,
            b"ERR too many tickers\n" + state + b"ERR too many tickers\n",
            *("--orders-tickers-max", "2"),
        )
        self.assertEqual(report.total("limits.tickers"), 2)
        self.assertEqual(report.total("limits.protocol_errors"), 2)
        self.assert_exchange(
            request,
            b"1\n1\nERR too many tickers\n1\n0\n" + state + b"ERR too many tickers\n",
            *("--orders-tickers-max", "2", "--order-book-ack"),
        )

    def test_acknowledgements(self):
        self.assert_exchange(
            b"BUY;19;A\nBUY;1;A\nSELL\nBUY;0.5;B\nBUY;x;A\nGET\nBUY;0.5;C",
            b"1\n0\nERR unknown command\n1\nERR bad amount\nA: 19;B: 0.5;\n0\n",
            "--order-book-ack",
        )

    def test_compact_reply(self):
        self.assert_exchange(
            b"GET\nBUY;8.0;BYND\nBUY;9.0;PLTR\nGET\n",
            b"\nBYND:8;PLTR:9;\n",
            *("--order-book-reply", "compact"),
        )

    def test_cap(self):
        self.assert_exchange(
            b"BUY;99.9;A\nBUY;0.2;B\nBUY;0.05;C\nGET\n",
            b"A: 99.9;C: 0.05;\n",
            *("--orders-cap", "100"),
        )

    def test_ob_30_line_limit(self):
        report = self.assert_exchange(
            b"GET;345678901234\nGET;3456789012345\nGET;3456789012345\r\nGET\n" + b"x" * 100_000,
            b"\nERR line too long\nERR line too long\n\nERR line too long\n",
            *("--orders-line-bytes-max", "16"),
        )
        self.assertEqual(report.total("limits.line_too_long"), 3)

    def test_limit_of_outstanding_replies(self):
        """Requests wait for room, and none is lost."""
        count = 3000
        for serving in SERVING:
            options = ("--orders-replies-max", "4")
            with self.subTest(serving=serving), Daemon(*options, shards=2) as daemon:
                client = daemon.place("orders", serving)
                client.send(b"BUY;1;A\nGET\nSELL\n" * count)
                client.half_close()
                expected = []
                total = 0.0
                for _ in range(count):
                    total += 1 if total + 1 < 20 else 0
                    expected.append(b"A: %d;\nERR unknown command\n" % total)
                self.assertEqual(client.receive_rest(), b"".join(expected))
                if serving == REMOTE:
                    self.assertGreater(daemon.report().total("limits.replies"), 0)


class UnreadAnswers(SystemTest):
    TICKERS = 1500  # of 64 bytes, so that a state line has about 100 KiB

    def fill_book(self, daemon):
        buys = b"".join(b"BUY;1e-40;%064d\n" % i for i in range(self.TICKERS))
        client = daemon.orders()
        client.send(buys)
        return client.ask(b"GET\n")

    def test_ob_32_who_does_not_read_waits_alone(self):
        """X5, X6: no request is parsed for a peer that does not read, memory stays flat, others are
        served; and once it reads, it gets every answer."""
        requests = 2000
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                state = self.fill_book(daemon)
                client = daemon.place("orders", serving)
                memory_before = daemon.memory_kib()
                client.send(b"GET\n" * requests)
                report = daemon.wait_for_report(
                    "its output to pass the high mark", lambda r: r.total("limits.output_high") > 0
                )
                self.assertLess(report.total("traffic.requests"), requests)
                other = daemon.place("orders", serving)
                self.assertEqual(other.ask(b"GET\n"), state)
                if not SANITIZED:
                    growth = daemon.memory_kib("VmHWM") - memory_before
                    self.assertLess(growth, 4 * 1024, "KiB for answers that nobody reads")
                client.half_close()
                self.assert_gets(client, state, requests)

    def assert_gets(self, client, state, count):
        """Exactly that many times `state`, then the end of the stream."""
        seen = 0

        def compare(data):
            nonlocal seen
            while data:
                at = seen % len(state)
                piece = data[: len(state) - at]
                self.assertEqual(piece, state[at : at + len(piece)], f"at byte {seen}")
                seen += len(piece)
                data = data[len(piece) :]

        flow = Flow(client, on_data=compare)
        pump([flow], lambda: flow.ended)
        self.assertEqual(seen, count * len(state))

    def test_ob_33_gone_before_the_answer(self):
        """X8: at each of these moments a peer may be gone, and only its own connection ends."""
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                state = self.fill_book(daemon)
                stays = daemon.place("orders", serving)
                opened = daemon.report().total("open")
                for requests in (1, 2, 100, 5000):
                    client = daemon.place("orders", serving)
                    client.send(b"GET\n" * requests)
                    client.reset()
                    self.assertEqual(stays.ask(b"GET\n"), state)
                    client = daemon.place("orders", serving)
                    client.send(b"GET\n" * requests)
                    client.receive(len(state) // 2)
                    client.reset()
                    self.assertEqual(stays.ask(b"GET\n"), state)
                report = daemon.wait_for_report(
                    "both kinds of client to be gone",
                    lambda r: r.total("closed.reset") == 8,
                )
                self.assertGreaterEqual(report.total("open"), opened)


if __name__ == "__main__":
    main()
