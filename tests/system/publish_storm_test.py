"""Publish storms: 64 HTTP connections at once, 256 subscribers, one order everywhere (WS-17), with 1,
2 and 4 shards."""

import json

from harness import Daemon, Flow, SystemTest, expand, for_each_shard_count, main, pump
from web import JSON, Web, subscriber

PUBLISHERS = 64
EACH = 20
SUBSCRIBERS = 256


def request(name, number):
    body = json.dumps({"topic": "tech", "message": f"{name:02}-{number:02}"})
    return (
        f"POST /publish HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


@expand
class PublishStorm(SystemTest):
    @for_each_shard_count
    def test_all_subscribers_see_one_order(self, shards):
        frame_bytes = len(b"\x81\x0500-00")
        expected_bytes = PUBLISHERS * EACH * frame_bytes
        with Daemon("--relay-ping-interval", "1h", shards=shards) as daemon:
            webs = [subscriber(daemon) for _ in range(SUBSCRIBERS)]
            heard = [bytearray() for _ in webs]
            flows = [Flow(web.client, on_data=data.extend) for web, data in zip(webs, heard)]
            answers = [bytearray() for _ in range(PUBLISHERS)]
            for name, data in enumerate(answers):
                storm = b"".join(request(name, number) for number in range(EACH))
                flows.append(Flow(Web(daemon).client, storm, data.extend))

            def done():
                return all(len(data) >= expected_bytes for data in heard) and all(
                    data.count(b"Published event") == EACH for data in answers
                )

            pump(flows, done)
            for data in heard:
                self.assertEqual(data, heard[0])
            frames = [
                bytes(heard[0][at : at + frame_bytes]) for at in range(0, expected_bytes, frame_bytes)
            ]
            for name in range(PUBLISHERS):
                own = [frame for frame in frames if frame[2:5] == b"%02d-" % name]
                self.assertEqual(own, [b"\x81\x05%02d-%02d" % (name, n) for n in range(EACH)])
            for data in answers:
                self.assertEqual(data.count(b"HTTP/1.1 200 OK\r\n"), EACH)
            self.assert_all_shards_took_part(daemon.report())


if __name__ == "__main__":
    main()
