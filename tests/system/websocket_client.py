"""A client that says over WebSocket what it is told, with the package `websockets`.

Each line of its input is a JSON list, a command and what goes with it; each line of its output is the answer.
`websocket_client.js` does the same with another library.
"""

import asyncio
import json
import sys

import websockets


class Client:
    async def connect(self, url, compression):
        """The extensions that were agreed on."""
        self.socket = await websockets.connect(
            url, compression="deflate" if compression else None, ping_interval=None, max_size=None
        )
        return self.socket.response_headers.get("Sec-WebSocket-Extensions", "")

    async def send(self, *pieces):
        await self.socket.send(pieces[0] if len(pieces) == 1 else pieces)

    async def ping(self, payload):
        """Once its Pong has come."""
        await (await self.socket.ping(payload))
        return payload

    async def receive(self):
        return await self.socket.recv()

    async def close(self, code, reason):
        """What the other end answered."""
        await self.socket.close(code, reason)
        return [self.socket.close_code, self.socket.close_reason]

    async def end(self):
        """Waits for it, whoever begins it."""
        await self.socket.wait_closed()
        return [self.socket.close_code, self.socket.close_reason]


async def main():
    client = Client()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, *arguments = json.loads(line)
        print(json.dumps(await getattr(client, command)(*arguments)), flush=True)


asyncio.run(main())
