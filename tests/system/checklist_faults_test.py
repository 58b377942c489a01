"""Rows 65 and 66 of the feature checklist: no descriptors left, and an address that is taken."""

import subprocess

from harness import BINARY, PATIENCE, Daemon, SystemTest, expand, for_each_shard_count, main

OPEN_FILES = 64
# Back-offs of the acceptor that the test watches, and what each of them may cost at most: a look at
# the clock, a failed accept, and the wake to do so.
BACK_OFFS = 5
ENTERS_PER_BACK_OFF = 8


@expand
class NoDescriptorsLeft(SystemTest):
    @for_each_shard_count
    def test_row_65_recovers_by_itself(self, shards):
        """It was promised more descriptors than there are, so that accepting fails with EMFILE: four
        times over, for both services."""
        with Daemon("--max-connections", "1000", shards=shards, open_files=OPEN_FILES) as daemon:
            daemon.orders_crowd(4 * shards)
            for service, works in (("orders", self.trades), ("chat", self.chats)) * 2:
                self.exhaust_and_recover(daemon, service, works)
            self.assert_all_shards_took_part(daemon.report(), carried_by=[0])

    def exhaust_and_recover(self, daemon, service, works):
        before = daemon.report()
        served = [daemon.connect(service)]
        works(daemon, served[0])
        more = [daemon.connect(service) for _ in range(2 * OPEN_FILES)]
        exhausted = daemon.wait_for_report(
            "accepting to fail",
            lambda r: r.total("limits.accept_failed") > before.total("limits.accept_failed"),
        )
        self.assertLessEqual(exhausted.total("open"), OPEN_FILES)
        works(daemon, served[0])
        self.assert_near_idle(daemon)
        for client in more:
            client.close()
        after = daemon.connect(service)
        works(daemon, after)
        daemon.wait_for_report(
            "all that were closed to be gone",
            lambda r: r.total("open") == before.total("open") + 2,
        )
        for client in (served[0], after):
            client.close()
        daemon.wait_for_total("open", before.total("open"))

    def assert_near_idle(self, daemon):
        """While no descriptor is left it enters the kernel a few times per back-off, not more. Each
        look at the counters is an enter or two per shard as well."""
        before = daemon.report()
        looks_before = daemon.reports_taken
        after = daemon.wait_for_report(
            "some back-offs",
            lambda r: r.total("limits.accept_failed")
            >= before.total("limits.accept_failed") + BACK_OFFS,
        )
        looks = daemon.reports_taken - looks_before
        enters = after.total("io.enters") - before.total("io.enters")
        self.assertLess(enters, BACK_OFFS * ENTERS_PER_BACK_OFF + looks * 4 * len(after.shards))

    def trades(self, _, client):
        self.assertEqual(client.ask(b"GET\n"), b"\n")

    def chats(self, _, client):
        client.send(b"!\r\n")
        client.expect(b"! error: bad nick\r\n")

    @for_each_shard_count
    def test_row_65_limit_from_the_start(self, shards):
        """With a low limit from the start, as many connections as fit are served, and more are turned
        away at once instead of being left waiting."""
        with Daemon(shards=shards, open_files=OPEN_FILES) as daemon:
            connections_max = daemon.event("started")["connections_max"]
            self.assertLess(connections_max, OPEN_FILES)
            for _ in range(4):
                served = daemon.orders_crowd(connections_max)
                refused = [daemon.orders() for _ in range(OPEN_FILES)]
                for client in refused:
                    client.expect_gone()
                for client in served:
                    self.trades(daemon, client)
                daemon.close_clients()
                daemon.wait_until_none_is_open()
            report = daemon.report()
            self.assertEqual(report.total("closed.refused"), 4 * OPEN_FILES)


@expand
class AddressTaken(SystemTest):
    @for_each_shard_count
    def test_row_66_second_start_names_the_address(self, shards):
        with Daemon(shards=shards) as daemon:
            daemon.orders_crowd(4 * shards)
            for service in ("orders", "chat"):
                with self.subTest(service=service):
                    address = "%s:%d" % daemon.addresses[service]
                    other = "chat" if service == "orders" else "orders"
                    options = [f"--{service}-listen", address, f"--{other}-listen", "127.0.0.1:0"]
                    result = subprocess.run(
                        [BINARY, "--shards", str(shards), *options],
                        capture_output=True,
                        text=True,
                        timeout=PATIENCE,
                        check=False,
                    )
                    self.assertEqual(result.returncode, 1)
                    self.assertEqual(
                        result.stderr,
                        f"ringpost: cannot listen on {address} ({service}): "
                        "Address already in use\n",
                    )
                    self.assertEqual(result.stdout, "")
            self.assertEqual(daemon.orders().ask(b"GET\n"), b"\n")
            self.assert_all_shards_took_part(daemon.report(), carried_by=[0])


if __name__ == "__main__":
    main()
