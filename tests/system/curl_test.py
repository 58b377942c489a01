"""curl against every route of the message relay, in the ways that it has of sending a request."""

import json
import pathlib
import subprocess
import tempfile

from harness import PATIENCE, Daemon, SystemTest, expand, for_each_shard_count, main
from web import Web, subscriber

HEALTH = b'{"data":{"message":"Route Working Properly"},"success":true}'
UNKNOWN = "00000000000040008000000000000000"
JSON_TYPE = ("-H", "content-type: application/json")


class Curl:
    def __init__(self, daemon):
        host, port = daemon.addresses["relay"][:2]
        self.base = f"http://{host}:{port}"

    def __call__(self, path, *options):
        """Status, lines of the head (without that of a 100) and body."""
        command = ["curl", "-sS", "-i", "--max-time", str(PATIENCE), *options, self.base + path]
        result = subprocess.run(command, capture_output=True, timeout=2 * PATIENCE, check=True)
        head, _, body = result.stdout.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head, _, body = body.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), lines[1:], body


@expand
class CurlTest(SystemTest):
    @for_each_shard_count
    def test_every_route(self, shards):
        with Daemon(shards=shards) as daemon:
            curl = Curl(daemon)
            self.assertEqual(curl("/health")[::2], (200, HEALTH))
            status, lines, body = curl("/")
            self.assertEqual(status, 200)
            self.assertTrue(body.lower().startswith(b"<!doctype html>"), body[:40])
            status, lines, body = curl("/register", *JSON_TYPE, "-d", '{"user_id":1}')
            self.assertEqual(status, 200)
            client_id = json.loads(body)["url"].rsplit("/", 1)[1]
            web = subscriber(daemon, client_id=client_id)
            publication = '{"topic":"tech","message":"hello"}'
            self.assertEqual(
                curl("/publish", *JSON_TYPE, "-d", publication)[::2], (200, b"Published event")
            )
            self.assertEqual(web.receive_text(), "hello")
            self.assertEqual(curl(f"/ws/{client_id}")[0], 400)
            gone = curl(f"/register/{client_id}", "-X", "DELETE")
            self.assertEqual(gone[::2], (200, f"Client removed with id {client_id}".encode()))
            self.assertEqual(curl(f"/register/{client_id}", "-X", "DELETE")[0], 404)
            self.assertEqual(curl("/nope")[0], 404)
            status, lines, _ = curl("/publish", "-X", "PUT", "-d", "x")
            self.assertEqual(status, 405)
            self.assertIn("allow: POST", lines)

    @for_each_shard_count
    def test_head_has_the_length_and_no_content(self, shards):
        with Daemon(shards=shards) as daemon:
            curl = Curl(daemon)
            status, lines, body = curl("/health", "--head")
            self.assertEqual((status, body), (200, b""))
            self.assertIn(f"content-length: {len(HEALTH)}", lines)
            self.assertEqual(curl("/publish", "--head")[0], 405)
            self.assertEqual(curl("/nope", "--head")[0], 404)
            self.assertEqual(curl(f"/ws/{UNKNOWN}", "--head")[0], 405)

    @for_each_shard_count
    def test_options_of_every_path(self, shards):
        with Daemon(shards=shards) as daemon:
            curl = Curl(daemon)
            for path in ("/health", "/register", f"/register/{UNKNOWN}", "/publish", "/ws/x", "/nope"):
                status, lines, body = curl(path, "-X", "OPTIONS")
                self.assertEqual((status, body), (200, b""))
                self.assertIn("access-control-allow-methods: GET,POST,DELETE", lines)
            self.assertEqual(curl("/", "-X", "OPTIONS", "--request-target", "*")[0], 200)

    def test_a_large_body_that_waits_for_continue(self):
        with Daemon(shards=1) as daemon, tempfile.TemporaryDirectory() as folder:
            curl = Curl(daemon)
            file = pathlib.Path(folder) / "body"
            message = "m" * 1_500_000
            file.write_text(json.dumps({"topic": "tech", "message": message}), encoding="ascii")
            expects = ("-H", "expect: 100-continue", "--expect100-timeout", str(PATIENCE))
            for more in ((), ("-H", "transfer-encoding: chunked"), ("--http1.0",)):
                with self.subTest(more):
                    web = subscriber(daemon)
                    waits = () if "--http1.0" in more else expects
                    answer = curl("/publish", *JSON_TYPE, *waits, *more, "--data-binary", f"@{file}")
                    self.assertEqual(answer[::2], (200, b"Published event"))
                    self.assertEqual(web.receive_text(), message)
                    web.close()
            file.write_bytes(b"{" * 2_097_153)
            refused = curl("/publish", *JSON_TYPE, *expects, "--data-binary", f"@{file}")
            self.assertEqual(refused[0], 413)
            # Who is refused by its head is told so before it sends its content.
            refused = curl("/publish", *expects, "-H", "content-type: a/b", "--data-binary", f"@{file}")
            self.assertEqual(refused[0], 415)

    def test_many_requests_on_one_connection(self):
        with Daemon(shards=1) as daemon:
            curl = Curl(daemon)
            count = 50
            urls = [f"{curl.base}/health"] * (count - 1)
            _, _, rest = curl("/health", "-w", "%{num_connects}\n", *urls)
            self.assertEqual(rest.count(HEALTH), count)
            self.assertEqual(daemon.report().total("opened"), 1)
            closing = ("-H", "connection: close", "-w", "%{num_connects}\n")
            curl("/health", *closing, f"{curl.base}/health")
            self.assertEqual(daemon.report().total("opened"), 3)

    @for_each_shard_count
    def test_pipelined_requests_are_answered_in_their_order(self, shards):
        # curl does not pipeline any more, so these go out by hand.
        with Daemon(shards=shards) as daemon:
            web = Web(daemon)
            ids = [f"{number:032x}" for number in range(200)]
            for client_id in ids:
                web.send_request("DELETE", f"/register/{client_id}")
            for client_id in ids:
                response = web.receive_response()
                self.assertEqual(response.body, f"Client not found with id {client_id}")


if __name__ == "__main__":
    main()
