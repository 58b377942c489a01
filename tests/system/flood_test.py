"""A flood at one service leaves the other one room: what waits between the shards is bounded."""

import threading

from harness import SANITIZED, Daemon, SystemTest, main

LANE_CAPACITY = 64
FLOODERS_PER_SHARD = 3
ROUND_TRIPS = 5 if SANITIZED else 50
BUYS = b"BUY;1.0;BYND\n" * 4000


class Flooder(threading.Thread):
    """Sends BUYs as fast as the daemon takes them, until it is told to stop."""

    def __init__(self, client, stop):
        super().__init__(daemon=True)
        self.client = client
        self.stop = stop
        self.lines = 0

    def run(self):
        while not self.stop.is_set():
            self.client.send(BUYS)
            self.lines += BUYS.count(b"\n")
        self.client.half_close()
        self.client.expect_end()


class Flood(SystemTest):
    def test_buys_leave_the_chat_room_between_the_shards(self):
        """One turn parsed all the BUYs that had come; megabytes of them stood before a chat line in the
        queue to the book's shard, and held back the chat's senders as well."""
        with Daemon("--lane-capacity", str(LANE_CAPACITY), shards=2) as daemon:
            anna, bert = daemon.join_chat("anna", "bert", shards=(0, 1))
            stop = threading.Event()
            clients = [daemon.place("orders", shard) for shard in (0, 1) * FLOODERS_PER_SHARD]
            flooders = [Flooder(client, stop) for client in clients]
            for flooder in flooders:
                flooder.start()
            # The flood is there: a lane was full more than once.
            daemon.wait_for_report("full lanes", lambda r: r.total("limits.lanes_congested") > 10)

            for number in range(ROUND_TRIPS):
                anna.send(b"question %d\r\n" % number)
                bert.expect(b"anna: question %d\r\n" % number)
                bert.send(b"answer %d\r\n" % number)
                anna.expect(b"bert: answer %d\r\n" % number)
            stop.set()
            for flooder in flooders:
                flooder.join()

            lines = sum(flooder.lines for flooder in flooders)
            report = daemon.wait_for_report(
                "all BUYs to be parsed", lambda r: r.total("traffic.requests") >= lines
            )
            # A queue ends input once it is as long as a lane; a chat message or two may follow.
            longest = max(report.each("limits.spill_messages_max"))
            self.assertGreater(longest, 0)
            self.assertLess(longest, LANE_CAPACITY + 16)
            self.assertEqual(report.total("limits.room_spill"), 0)


if __name__ == "__main__":
    main()
