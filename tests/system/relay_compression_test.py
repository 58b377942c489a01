"""What the options of the message relay's compression do to the frame of an event."""

from harness import Daemon, SystemTest, main
from web import KEY, Web

DEFLATE = ("--relay-compression", "deflate")
MESSAGE = "".join(f"event {n * n % 97}, " for n in range(500))
COMPRESSED_TEXT = 0xC1  # FIN, RSV1 and the opcode


class Compression(SystemTest):
    def frame(self, *options):
        """First byte and payload of the one frame that MESSAGE becomes."""
        with Daemon(*DEFLATE, *options, shards=1) as daemon:
            web = Web(daemon)
            response = web.ask(
                "GET",
                f"/ws/{web.register()}",
                connection="Upgrade",
                upgrade="websocket",
                sec_websocket_version=13,
                sec_websocket_key=KEY,
                sec_websocket_extensions="permessage-deflate",
            )
            self.assertIn("permessage-deflate", response.fields["sec-websocket-extensions"])
            Web(daemon).publish("tech", MESSAGE)
            first, length, *rest = web.client.receive(4)
            self.assertEqual(length, 126)
            return first, web.client.receive(int.from_bytes(rest, "big"))

    def test_the_level(self):
        payloads = []
        for level in (1, 9):
            first, payload = self.frame("--relay-compression-level", str(level))
            self.assertEqual(first, COMPRESSED_TEXT)
            payloads.append(payload)
        fast, small = payloads
        self.assertLess(len(small), len(fast))

    def test_the_shortest_that_is_compressed(self):
        first, _ = self.frame("--relay-compressed-bytes-min", str(len(MESSAGE)))
        self.assertEqual(first, COMPRESSED_TEXT)
        _, payload = self.frame("--relay-compressed-bytes-min", str(len(MESSAGE) + 1))
        self.assertEqual(payload.decode(), MESSAGE)


if __name__ == "__main__":
    main()
