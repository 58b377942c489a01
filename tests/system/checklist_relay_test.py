"""Rows 44 to 64 of the feature checklist: the relay of messages, with 1, 2 and 4 shards."""

import json
import shutil
import struct
import subprocess
import threading
import unittest
from contextlib import closing

from harness import SANITIZED, Client, Daemon, SystemTest, expand, for_each_shard_count, main, wait_for
from web import ACCEPT, BINARY, CLOSE, KEY, PONG, TEXT, Web, subscriber, texts_of

HEALTH = '{"data":{"message":"Route Working Properly"},"success":true}'
UNKNOWN = "00000000000040008000000000000000"


class RelayTest(SystemTest):
    def expect_close(self, web, code):
        self.assertEqual(web.receive_frame(), (CLOSE, struct.pack(">H", code)))
        self.assertEqual(web.client.receive_rest(), b"")


@expand
class Http(RelayTest):
    @for_each_shard_count
    def test_row_44_health(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                response = Web(daemon).ask("GET", "/health")
                self.assertEqual((response.status, response.body), (200, HEALTH))
                self.assertEqual(response.fields["content-type"], "application/json")
                self.assertIn("GMT", response.fields["date"])

    @for_each_shard_count
    def test_row_45_register(self, shards):
        with Daemon("--relay-public-url", "ws://127.0.0.1:8000", shards=shards) as daemon:
            seen = set()
            for _ in range(4 * shards):
                body = Web(daemon).ask("POST", "/register", '{"user_id":1}').body
                self.assertRegex(body, r'^\{"url":"ws://127.0.0.1:8000/ws/[0-9a-f]{32}"\}$')
                self.assertEqual(len(body), 65)
                seen.add(body)
            self.assertEqual(len(seen), 4 * shards)

    def test_c9_the_default_url_is_the_address(self):
        with Daemon(shards=1) as daemon:
            host, port = daemon.addresses["relay"][:2]
            body = Web(daemon).ask("POST", "/register", '{"user_id":1}').body
            self.assertTrue(json.loads(body)["url"].startswith(f"ws://{host}:{port}/ws/"))

    @for_each_shard_count
    def test_row_46_register_errors(self, shards):
        with Daemon(shards=shards) as daemon:

            def status(body, **fields):
                return Web(daemon).ask("POST", "/register", body, **fields).status

            self.assertEqual(status('{"user_id":1}', content_type="text/plain"), 415)
            self.assertEqual(status("{"), 400)
            self.assertEqual(status('{"user_id":-1}'), 422)
            self.assertEqual(status("{}"), 422)
            self.assertEqual(status('{"user_id":1}x'), 400)
            web = Web(daemon)
            web.client.send(
                b"POST /register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                b"content-length: 3145728\r\n\r\n"
            )
            self.assertEqual(web.receive_response().status, 413)

    @for_each_shard_count
    def test_row_47_unregister(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                client_id = Web(daemon).register()
                gone = Web(daemon).ask("DELETE", f"/register/{client_id}")
                self.assertEqual(
                    (gone.status, gone.body), (200, f"Client removed with id {client_id}")
                )
                again = Web(daemon).ask("DELETE", f"/register/{client_id}")
                self.assertEqual(
                    (again.status, again.body), (404, f"Client not found with id {client_id}")
                )

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    @for_each_shard_count
    def test_row_48_upgrade_with_curl(self, shards):
        # curl shows the head when something comes behind it.
        with Daemon("--relay-ping-interval", "300ms", shards=shards) as daemon:
            client_id = Web(daemon).register()
            host, port = daemon.addresses["relay"][:2]
            curl = subprocess.Popen(
                ["curl", "-si", "--http1.1", "-N", "-H", "Connection: Upgrade"]
                + ["-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13"]
                + ["-H", f"Sec-WebSocket-Key: {KEY}", f"http://{host}:{port}/ws/{client_id}"],
                stdout=subprocess.PIPE,
            )
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += curl.stdout.read(1)
            self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
            self.assertIn(f"sec-websocket-accept: {ACCEPT}\r\n".encode(), head)
            curl.kill()
            curl.wait()
            curl.stdout.close()

    @for_each_shard_count
    def test_row_49_an_unknown_id_harms_nobody(self, shards):
        with Daemon(shards=shards) as daemon:
            for client_id in (UNKNOWN, "x", "%00"):
                web = Web(daemon)
                response = web.upgrade(client_id)
                self.assertEqual(response.status, 404)
                self.assertEqual(response.body, f"Client not found with id {client_id}")
                self.assertEqual(web.ask("GET", "/health").status, 200)
            self.assertEqual(Web(daemon).ask("GET", "/health").status, 200)
            self.assertEqual(Web(daemon).upgrade(Web(daemon).register()).status, 101)

    @for_each_shard_count
    def test_row_63_cors(self, shards):
        with Daemon(shards=shards) as daemon:
            options = Web(daemon).ask("OPTIONS", "/publish")
            self.assertEqual((options.status, options.body), (200, ""))
            self.assertEqual(options.fields["access-control-allow-methods"], "GET,POST,DELETE")
            self.assertEqual(options.fields["access-control-allow-headers"], "content-type")
            for response in (options, Web(daemon).ask("GET", "/health"), Web(daemon).ask("GET", "/x")):
                self.assertEqual(response.fields["access-control-allow-origin"], "*")
                self.assertEqual(
                    response.fields["vary"],
                    "origin, access-control-request-method, access-control-request-headers",
                )

    @for_each_shard_count
    def test_row_64_unknown_paths_and_methods(self, shards):
        with Daemon(shards=shards) as daemon:
            for path in ("/nope", "/register/", "/ws/", "/ws/a/b", "/health/"):
                self.assertEqual(Web(daemon).ask("GET", path).status, 404)
            for method, path, allow in (
                ("PUT", "/publish", "POST"),
                ("POST", "/health", "GET,HEAD"),
                ("GET", f"/register/{UNKNOWN}", "DELETE"),
                ("POST", f"/ws/{UNKNOWN}", "GET,HEAD"),
            ):
                response = Web(daemon).ask(method, path)
                self.assertEqual((response.status, response.fields["allow"]), (405, allow))


@expand
class Events(RelayTest):
    @for_each_shard_count
    def test_rows_50_and_51_the_default_topic_and_the_bytes(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                web = subscriber(daemon)
                Web(daemon).publish("tech", "are awesome", user_id=1)
                Web(daemon).publish("cats", "no")
                frame = bytes.fromhex("810b61726520617765736f6d65")
                self.assertEqual(web.client.receive(len(frame)), frame)
                self.assertTrue(web.is_silent())

    @for_each_shard_count
    def test_row_52_the_user_filter(self, shards):
        with Daemon(shards=shards) as daemon:
            webs = [subscriber(daemon, user) for user in (1, 1, 2)]
            for user, receivers in (({"user_id": 1}, 2), ({"user_id": None}, 3), ({}, 3), ({"user_id": 9}, 0)):
                Web(daemon).publish("tech", "x", **user)
                Web(daemon).publish("tech", "end")  # for everybody, and behind that (WS-17)
                count = 0
                for web in webs:
                    while (text := web.receive_text()) != "end":
                        self.assertEqual(text, "x")
                        count += 1
                self.assertEqual(count, receivers)

    @for_each_shard_count
    def test_row_53_other_topics(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                web = subscriber(daemon)
                web.send_topics("cats")
                self.assertEqual(web.receive_frame(), (PONG, b"now"))
                Web(daemon).publish("tech", "old")
                Web(daemon).publish("cats", "new")
                self.assertEqual(web.receive_text(), "new")

    @for_each_shard_count
    def test_rows_54_and_55_what_means_nothing(self, shards):
        with Daemon(shards=shards) as daemon:
            web = subscriber(daemon)
            for opcode in (TEXT, BINARY):
                for text in (b"ping", b"ping\n", b"hello", b'{"topics":1}'):
                    web.send_frame(opcode, text)
            self.assertTrue(web.is_silent())
            Web(daemon).publish("tech", "still")
            self.assertEqual(web.receive_text(), "still")

    @for_each_shard_count
    def test_row_56_unregistered_while_connected(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                client_id = Web(daemon).register()
                web = subscriber(daemon, client_id=client_id)
                Web(daemon).publish("tech", "last")
                self.assertEqual(Web(daemon).ask("DELETE", f"/register/{client_id}").status, 200)
                self.assertEqual(web.receive_text(), "last")
                self.expect_close(web, 1000)

    @for_each_shard_count
    def test_ws_31_a_close_that_is_not_answered(self, shards):
        """The client neither answers nor closes: it sees the end, and after a while is let go."""
        with Daemon("--linger-timeout", "1ms", shards=shards) as daemon:
            for _ in range(2 * shards):
                self.unregistered_while_connected(daemon)
            daemon.wait_for_total("open", 0)

    @for_each_shard_count
    def test_ws_31_a_close_that_is_answered(self, shards):
        """Nothing waits for the time to pass."""
        with Daemon("--linger-timeout", "1h", shards=shards) as daemon:
            for _ in range(2 * shards):
                web = self.unregistered_while_connected(daemon)
                web.send_frame(CLOSE, struct.pack(">H", 1000))
                web.close()
            daemon.wait_for_total("open", 0)

    def unregistered_while_connected(self, daemon):
        with closing(Web(daemon)) as web:
            client_id = web.register()
        web = subscriber(daemon, client_id=client_id)
        with closing(Web(daemon)) as other:
            self.assertEqual(other.ask("DELETE", f"/register/{client_id}").status, 200)
        self.expect_close(web, 1000)
        return web

    @for_each_shard_count
    def test_ws_33_a_client_that_drops_its_connection(self, shards):
        """Each shard has room for one, so who may register has the place of one that is gone."""
        options = ("--relay-registrations-max", "1", "--linger-timeout", "1h", "--log-level", "debug")
        drops = (
            ("reset", Client.reset),
            ("peer_closed", Client.close),
            ("peer_closed", Client.half_close),
        )
        with Daemon(*options, shards=shards) as daemon:
            asking = Web(daemon)

            def register():
                response = asking.ask("POST", "/register", '{"user_id":1}')
                return json.loads(response.body)["url"][-32:] if response.status == 200 else None

            for reason, drop in drops:
                ids = [wait_for("a place", register) for _ in range(shards)]
                self.assertIsNone(register())
                for client_id in ids:
                    client = subscriber(daemon, client_id=client_id).client
                    peer = "%s:%d" % client.socket.getsockname()
                    drop(client)
                    daemon.wait_for_event("connection closed", peer=peer, reason=reason)

    @for_each_shard_count
    def test_row_57_an_address_is_good_once(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                client_id = Web(daemon).register()
                web = subscriber(daemon, client_id=client_id)
                web.send_frame(CLOSE, struct.pack(">H", 1000))
                self.expect_close(web, 1000)
                self.assertEqual(Web(daemon).upgrade(client_id).status, 404)
                gone = Web(daemon).ask("DELETE", f"/register/{client_id}")
                self.assertEqual(gone.status, 404)

    @for_each_shard_count
    def test_row_58_the_second_connection_wins(self, shards):
        with Daemon(shards=shards) as daemon:
            for _ in range(2 * shards):
                client_id = Web(daemon).register()
                first = subscriber(daemon, client_id=client_id)
                second = subscriber(daemon, client_id=client_id)
                self.expect_close(first, 1000)
                first.close()
                Web(daemon).publish("tech", "x")
                self.assertEqual(second.receive_text(), "x")
                second.close()

    @for_each_shard_count
    def test_row_59_one_order_over_all_shards(self, shards):
        publishers, each, subscribers = 8, 1250, 256
        with Daemon(shards=shards) as daemon:
            webs = [subscriber(daemon) for _ in range(subscribers)]
            texts = [[f"{name}-{n}" for n in range(each)] for name in range(publishers)]
            stream_bytes = sum(2 + len(text) for own in texts for text in own)
            streams = [None] * subscribers

            def listen(index):
                streams[index] = webs[index].client.receive(stream_bytes)

            def publish(name):
                web = Web(daemon)
                for first in range(0, each, 50):
                    for text in texts[name][first : first + 50]:
                        body = json.dumps({"topic": "tech", "message": text})
                        web.send_request("POST", "/publish", body)
                    for _ in range(50):
                        self.assertEqual(web.receive_response().status, 200)

            threads = [threading.Thread(target=listen, args=(i,)) for i in range(subscribers)]
            threads += [threading.Thread(target=publish, args=(i,)) for i in range(publishers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(set(streams)), 1)
            order = list(texts_of(streams[0]))
            for name, own in enumerate(texts):
                self.assertEqual([text for text in order if text.startswith(f"{name}-")], own)
            self.assert_all_shards_took_part(daemon.report())

    @for_each_shard_count
    def test_row_60_a_subscriber_that_does_not_read(self, shards):
        message = "m" * 60_000
        with Daemon("--relay-pending-bytes-max", "1MiB", shards=shards) as daemon:
            slow = subscriber(daemon)
            other = subscriber(daemon)
            publisher = Web(daemon)

            def publish_one():
                publisher.publish("tech", message)
                self.assertEqual(other.receive_text(), message)

            before = daemon.memory_kib()
            while daemon.report().total("closed.slow_consumer") + daemon.report().total(
                "closed.linger_timeout"
            ) == 0:
                publish_one()
            publish_one()
            if not SANITIZED:  # which keep what was freed for a while
                self.assertLess(daemon.memory_kib() - before, 64 << 10)
            slow.close()

    @for_each_shard_count
    def test_row_61_frame_errors(self, shards):
        too_large = b"\x81\xff" + struct.pack(">Q", 17 << 20) + bytes(4)
        with Daemon(shards=shards) as daemon:
            for wrong, code in ((b"\x81\x02hi", 1002), (b"\x81\x81\0\0\0\0\xff", 1007), (too_large, 1009)):
                web = subscriber(daemon)
                web.client.send(wrong)
                self.expect_close(web, code)
            self.assertEqual(daemon.report().total("limits.protocol_errors"), 3)

    @for_each_shard_count
    def test_row_62_fragments(self, shards):
        with Daemon(shards=shards) as daemon:
            web = subscriber(daemon)
            web.send_frame(TEXT, b'{"topics"', fin=False)
            web.send_frame(0, b':["ca', fin=False)
            self.assertTrue(web.is_silent())
            web.send_frame(0, b'ts"]}')
            self.assertTrue(web.is_silent())
            Web(daemon).publish("tech", "old")
            Web(daemon).publish("cats", "new")
            self.assertEqual(web.receive_text(), "new")

    @for_each_shard_count
    def test_sixty_five_thousand_fragments(self, shards):
        with Daemon(shards=shards) as daemon:
            web = subscriber(daemon)
            text = b'{"topics":["cats"]}' + b" " * (65536 - 19)
            frames = bytearray()
            for i in range(len(text)):
                first = (TEXT if i == 0 else 0) | (0x80 if i == len(text) - 1 else 0)
                frames += bytes([first, 0x81, 0, 0, 0, 0, text[i]])
            web.client.send(bytes(frames))
            self.assertTrue(web.is_silent())
            Web(daemon).publish("cats", "new")
            self.assertEqual(web.receive_text(), "new")

    def test_a_message_may_have_64_mib_in_frames_of_16(self):
        quarter = 16 << 20
        whole = b'{"topics":["cats"]}'.ljust(4 * quarter)
        with Daemon(shards=1) as daemon:
            web = subscriber(daemon)
            for at in range(0, len(whole), quarter):
                web.send_frame(0 if at else TEXT, whole[at : at + quarter], fin=at == 3 * quarter, mask=bytes(4))
            self.assertTrue(web.is_silent())
            Web(daemon).publish("cats", "new")
            self.assertEqual(web.receive_text(), "new")
            for at in range(0, len(whole), quarter):
                web.send_frame(0 if at else TEXT, whole[at : at + quarter], fin=False, mask=bytes(4))
            web.send_frame(0, b" ", mask=bytes(4))
            self.expect_close(web, 1009)
            self.assertEqual(daemon.report().total("limits.frame_too_long"), 1)

    @for_each_shard_count
    def test_a_drain_says_goodbye_behind_what_was_published(self, shards):
        with Daemon(shards=shards) as daemon:
            webs = [subscriber(daemon) for _ in range(2 * shards)]
            Web(daemon).publish("tech", "last")
            daemon.terminate()
            for web in webs:
                self.assertEqual(web.receive_text(), "last")
                self.expect_close(web, 1001)
                web.close()


if __name__ == "__main__":
    main()
