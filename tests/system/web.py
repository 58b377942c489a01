"""Clients of the message relay: requests over HTTP, and frames over WebSocket."""

import json
import os
import struct

JSON = "application/json"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Response:
    def __init__(self, head, body):
        first, *fields = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1])
        self.fields = dict(field.split(": ", 1) for field in fields if field)
        self.body = body.decode()


class Web:
    """One HTTP connection, which may become a WebSocket."""

    def __init__(self, daemon, **options):
        self.client = daemon.connect("relay", **options)

    def close(self):
        self.client.close()

    def send_request(self, method, path, body=None, **fields):
        lines = [f"{method} {path} HTTP/1.1", "host: x"]
        if body is not None:
            fields.setdefault("content_type", JSON)
            fields["content_length"] = len(body)
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.client.send(("\r\n".join(lines) + "\r\n\r\n" + (body or "")).encode())

    def receive_response(self):
        head = self.client.receive_until(b"\r\n\r\n")[:-4]
        response = Response(head, b"")
        response.body = self.client.receive(int(response.fields.get("content-length", 0))).decode()
        return response

    def ask(self, method, path, body=None, **fields):
        self.send_request(method, path, body, **fields)
        return self.receive_response()

    def register(self, user=1):
        url = json.loads(self.ask("POST", "/register", json.dumps({"user_id": user})).body)["url"]
        return url.rsplit("/", 1)[1]

    def publish(self, topic, message, **user):
        response = self.ask("POST", "/publish", json.dumps({"topic": topic, "message": message, **user}))
        assert (response.status, response.body) == (200, "Published event"), response.body

    def upgrade(self, client_id):
        return self.ask(
            "GET",
            f"/ws/{client_id}",
            connection="Upgrade",
            upgrade="websocket",
            sec_websocket_version=13,
            sec_websocket_key=KEY,
        )

    # --- Frames

    def send_frame(self, opcode, payload=b"", fin=True, mask=None):
        mask = os.urandom(4) if mask is None else mask
        length = len(payload)
        head = bytes([0x80 * fin | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0xFE]) + struct.pack(">H", length)
        else:
            head += bytes([0xFF]) + struct.pack(">Q", length)
        is_masked = mask != bytes(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if is_masked else payload
        self.client.send(head + mask + masked)

    def send_topics(self, *topics):
        """And waits until they are active."""
        self.send_frame(TEXT, json.dumps({"topics": topics}).encode())
        self.send_frame(PING, b"now")

    def receive_frame(self):
        """Opcode and payload; a frame of the server is whole and has no mask."""
        first, length = self.client.receive(2)
        assert first & 0xF0 == 0x80 and length < 0x80, (first, length)
        if length == 126:
            (length,) = struct.unpack(">H", self.client.receive(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.client.receive(8))
        return first & 0x0F, self.client.receive(length)

    def receive_text(self):
        opcode, payload = self.receive_frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    def is_silent(self):
        """A Ping is answered before anything else comes."""
        self.send_frame(PING, b"silence")
        return self.receive_frame() == (PONG, b"silence")


def texts_of(stream):
    """Of frames one behind the other, each below 126 bytes."""
    while stream:
        assert stream[0] == 0x80 | TEXT and stream[1] < 126, stream[:2]
        yield stream[2 : 2 + stream[1]].decode()
        stream = stream[2 + stream[1] :]


def subscriber(daemon, user=1, client_id=None):
    """A connection that has become a WebSocket."""
    web = Web(daemon)
    response = web.upgrade(client_id or web.register(user))
    assert response.status == 101, response.status
    return web
