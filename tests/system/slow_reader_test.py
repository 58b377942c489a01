"""Row 20 of the feature checklist: a chat peer that never reads harms nobody but itself (CH-30)."""

import hashlib

from harness import SANITIZED, TRAFFIC, Daemon, Flow, SystemTest, expand, for_each_shard_count
from harness import main, pump

MIB = 1 << 20
LINE_BYTES = 60_000
VOLUME = int((128 * MIB if SANITIZED else 1024 * MIB) * TRAFFIC)
# What the sender may be ahead of the slowest good reader: so that only who does not read is slow.
WINDOW = MIB // 2


class Reader:
    """A member who reads all: counts, and hashes what it gets."""

    def __init__(self, client):
        self.flow = Flow(client, on_data=self.on_data)
        self.received = 0
        self.hash = hashlib.blake2b()

    def on_data(self, data):
        self.received += len(data)
        self.hash.update(data)


@expand
class SlowReader(SystemTest):
    @for_each_shard_count
    def test_row_20_is_dropped_alone(self, shards):
        """One member never reads while 1 GiB in all is sent past it to the others."""
        with Daemon("--receive-buffers", "64", "--receive-buffer-bytes", "16KiB", shards=shards) as daemon:
            good = [daemon.chat() for _ in range(4 * shards)]
            slow, sender = daemon.chat(receive_buffer=4096), daemon.chat()
            nicks = [*(f"good {i}" for i in range(len(good))), "slow", "sender"]
            daemon.join([*good, slow, sender], nicks)
            memory_before = daemon.memory_kib()

            readers = [Reader(client) for client in good]
            sent, expected = self.send_past(sender, readers, VOLUME // len(good))

            self.assertEqual({reader.received for reader in readers}, {sent})
            self.assertEqual({reader.hash.digest() for reader in readers}, {expected})
            report = daemon.wait_for_total("closed.slow_consumer", 1)
            self.assertEqual(report.total("open"), len(good) + 1)
            slow.expect_gone()
            if not SANITIZED:
                # Half of the limit is lag, and half is what one turn may add; then a few buffers.
                growth = daemon.memory_kib("VmHWM") - memory_before
                print(f"{shards} shards, {sent >> 20} MiB each: VmHWM +{growth} KiB")
                self.assertLess(growth, 8 * 1024)

            sender.send(b"that was all\r\n")
            for client in good:
                client.expect(b"sender: that was all\r\n")
            self.assert_all_shards_took_part(daemon.report(), carried_by=[shards - 1])

    def send_past(self, sender, readers, volume):
        """Sends numbered lines, `volume` bytes in all, no faster than the readers read. Returns what
        each must have received: how many bytes, and their hash."""
        padding = b"x" * (LINE_BYTES - len(b"sender: 00000000 \r\n"))
        expected = hashlib.blake2b()
        source = Flow(sender)
        sent = 0

        def done():
            nonlocal sent
            slowest = min(reader.received for reader in readers)
            if sent >= volume:
                return slowest == sent
            if not source.output and sent - slowest <= WINDOW - LINE_BYTES:
                line = b"%08d %s\r\n" % (sent // LINE_BYTES, padding)
                expected.update(b"sender: " + line)
                source.output = memoryview(line)
                sent += LINE_BYTES
            return False

        pump([source, *(reader.flow for reader in readers)], done)
        return sent, expected.digest()


if __name__ == "__main__":
    main()
