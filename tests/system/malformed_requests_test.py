"""Every request of tests/protocols/http/corpus over real sockets: what is malformed is refused and the
connection ends in order (X4); what only looks odd is answered. Whole and in single bytes."""

import pathlib
import sys

from harness import Daemon, SystemTest, main
from web import Web

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "protocols" / "http"))

from request_table import rows  # noqa: E402

PIECE = 97  # of long runs


def whole(data):
    return [data]


def single_bytes(data):
    step = 1 if len(data) < 1000 else PIECE
    return [data[at : at + step] for at in range(0, len(data), step)]


class MalformedRequests(SystemTest):
    def answer(self, web, pieces):
        for piece in pieces:
            web.client.send(piece)
        while (response := web.receive_response()).status == 100:
            pass
        return response

    def check_refused(self, cut):
        table = rows("malformed")
        with Daemon(shards=1) as daemon:
            for row in table:
                with self.subTest(row.name):
                    web = Web(daemon)
                    response = self.answer(web, cut(row.data))
                    self.assertEqual(response.status, row.status)
                    self.assertEqual(response.fields["connection"], "close")
                    web.client.expect_end()
            report = daemon.report()
            self.assertEqual(report.total("limits.protocol_errors"), len(table))
            self.assertEqual(Web(daemon).ask("GET", "/health").status, 200)

    def check_taken(self, cut):
        with Daemon(shards=1) as daemon:
            for row in rows("taken"):
                with self.subTest(row.name):
                    web = Web(daemon)
                    self.assertEqual(self.answer(web, cut(row.data)).status, row.status)
                    web.client.half_close()
                    web.client.expect_end()
            self.assertEqual(daemon.report().total("limits.protocol_errors"), 0)

    def test_what_is_malformed_is_refused(self):
        self.check_refused(whole)

    def test_what_is_malformed_is_refused_in_single_bytes(self):
        self.check_refused(single_bytes)

    def test_what_only_looks_odd_is_taken(self):
        self.check_taken(whole)

    def test_what_only_looks_odd_is_taken_in_single_bytes(self):
        self.check_taken(single_bytes)


if __name__ == "__main__":
    main()
