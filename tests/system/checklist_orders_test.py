"""Rows 1 to 12 of the feature checklist: the order book, with 1, 2 and 4 shards.

Where a row is about one connection, it is run once per shard that may serve it: the book lives on
shard 0, so that all of it happens on one shard or over the lanes.
"""

import shutil
import unittest

import binary32
from harness import Daemon, Flow, SystemTest, expand, for_each_shard_count, main, netcat, pump

BOOK_SHARD = 0
SAMPLE = b"BUY;8.0;BYND\nBUY;9.0;PLTR\nBUY;9.0;PLTR\nGET\n"
SAMPLE_REPLY = b"BYND: 8;PLTR: 9;\n"


def nc(daemon, data):
    return netcat(daemon.addresses["orders"], data)


@unittest.skipUnless(shutil.which("nc"), "nc (netcat-openbsd) is not installed")
@expand
class OrdersChecklist(SystemTest):
    def on_each_shard(self, shards, row, *options):
        for serving in range(shards):
            with self.subTest(serving=serving), Daemon(*options, shards=shards) as daemon:
                daemon.orders_crowd(4 * shards + serving)
                before = daemon.report()
                row(daemon)
                after = daemon.report()
                self.assert_all_shards_took_part(after, carried_by=[BOOK_SHARD])
                self.assert_served_by(serving, before, after)

    def assert_served_by(self, shard, before, after):
        self.assertGreater(after.each("opened")[shard], before.each("opened")[shard])
        self.assertGreater(
            after.each("traffic.requests")[shard], before.each("traffic.requests")[shard]
        )
        if shard == BOOK_SHARD:
            return
        for a, b in ((shard, BOOK_SHARD), (BOOK_SHARD, shard)):
            self.assertGreater(after.each("lane_sent")[a][b], before.each("lane_sent")[a][b])

    @for_each_shard_count
    def test_row_01_sample(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, SAMPLE), SAMPLE_REPLY)

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_02_state_survives_connections(self, shards):
        def row(daemon):
            self.assertEqual([nc(daemon, SAMPLE) for _ in range(3)], [SAMPLE_REPLY] * 3)

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_03_empty_book(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, b"GET\n").hex(), "0a")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_04_unterminated_last_line(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, b"GET"), b"\n")
            self.assertEqual(nc(daemon, b"BUY;8;A"), b"")
            self.assertEqual(nc(daemon, b"GET"), b"A: 8;\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_05_cap_rejects_at_and_above(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, b"BUY;20;A\nGET\n"), b"\n")
            self.assertEqual(nc(daemon, b"BUY;19.999999;A\nGET\n"), b"A: 19.999998;\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_06_binary32_sums(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, b"BUY;0.1;A\n" * 200 + b"GET\n"), b"A: 19.90004;\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_07_bad_lines_do_not_kill(self, shards):
        def row(daemon):
            self.assertEqual(
                nc(daemon, b"SELL;1;A\nBUY;x;A\nBUY;1\nGET\n"),
                b"ERR unknown command\nERR bad amount\nERR missing field\n\n",
            )

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_08_nan_inf_negative(self, shards):
        def row(daemon):
            self.assertEqual(
                nc(daemon, b"BUY;nan;A\nBUY;-1;A\nBUY;inf;A\nBUY;8;B\nGET\n"),
                b"ERR bad amount\n" * 3 + b"B: 8;\n",
            )

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_09_crlf(self, shards):
        def row(daemon):
            self.assertEqual(nc(daemon, b"BUY;8;A\r\nGET\r\n"), b"A: 8;\n")

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_10_read_your_writes(self, shards):
        """Eight clients pipeline their pairs while reading, so that the book's answers, and the
        versions of its state line, interleave from all shards."""
        clients, pairs, amount = 8, 12_800, "0.00001"
        own_sums = [text.encode() for text in binary32.running_totals(float(amount), pairs)]
        with Daemon(shards=shards) as daemon:
            readers = [
                PairReader(daemon.orders(), b"T%d" % k, amount, own_sums) for k in range(clients)
            ]
            pump([r.flow for r in readers], lambda: all(r.seen == pairs for r in readers))
            for reader in readers:
                self.assertEqual(reader.faults, [])
                self.assertTrue(reader.totals_grow())
            final = daemon.orders().ask(b"GET\n")
            expected = b"".join(b"T%d: %s;" % (k, own_sums[-1]) for k in range(clients)) + b"\n"
            self.assertEqual(final, expected)
            report = daemon.report()
            self.assertEqual(report.total("traffic.requests"), clients * pairs * 2 + 1)
            self.assert_all_shards_took_part(report, carried_by=[BOOK_SHARD])

    @for_each_shard_count
    def test_row_11_byte_at_a_time(self, shards):
        def row(daemon):
            client = daemon.orders()
            for byte in SAMPLE:
                client.send(bytes([byte]))
            client.half_close()
            self.assertEqual(client.receive_rest(), SAMPLE_REPLY)

        self.on_each_shard(shards, row)

    @for_each_shard_count
    def test_row_12_long_line(self, shards):
        """And memory is flat: what the daemon holds does not grow with the line."""

        def row(daemon):
            held_before = daemon.report().total("buffer_bytes")
            client = daemon.orders()
            client.send(b"x" * (1 << 20))
            daemon.wait_for_report(
                "the long line to be read", lambda r: r.total("traffic.received_bytes") > 1 << 20
            )
            self.assertLess(daemon.report().total("buffer_bytes") - held_before, 128 << 10)
            client.send(b"\nGET\n")
            client.half_close()
            self.assertEqual(client.receive_rest(), b"ERR line too long\n\n")
            self.assertEqual(daemon.report().total("limits.line_too_long"), 1)

        self.on_each_shard(shards, row)


class PairReader:
    """One client of row 10: checks each GET's answer against the buys before it."""

    def __init__(self, client, ticker, amount, own_sums):
        pair = b"BUY;%s;%s\nGET\n" % (amount.encode(), ticker)
        self.flow = Flow(client, pair * len(own_sums), self.on_data)
        self.mark = ticker + b": "
        self.own_sums = own_sums
        self.seen = 0
        self.tail = b""
        self.sample = []
        self.faults = []

    def on_data(self, data):
        *lines, self.tail = (self.tail + bytes(data)).split(b"\n")
        for line in lines:
            self.check(line)

    def check(self, line):
        begin = line.find(self.mark) + len(self.mark)
        own = line[begin : line.find(b";", begin)]
        if own != self.own_sums[self.seen] and len(self.faults) < 10:
            self.faults.append((self.seen, line))
        if self.seen % 64 == 0:
            self.sample.append(line)
        self.seen += 1

    def totals_grow(self):
        """Each answer is a snapshot of one moment, and the moments come in order (OB-16)."""
        before = {}
        for line in self.sample:
            now = dict(part.split(b": ") for part in line.split(b";") if part)
            if any(float(now.get(ticker, 0)) < float(sum_) for ticker, sum_ in before.items()):
                return False
            before = now
        return True


if __name__ == "__main__":
    main()
