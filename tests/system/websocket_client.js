// The same as websocket_client.py, with the package `ws`.

const readline = require("readline");
const { WebSocket } = require("ws");

const messages = [];
let socket, wake, ended;

const commands = {
  connect: (url, compression) =>
    new Promise((resolve, reject) => {
      // Compresses whatever the length.
      socket = new WebSocket(url, { perMessageDeflate: compression && { threshold: 0 } });
      ended = new Promise((done) => socket.on("close", (code, reason) => done([code, `${reason}`])));
      socket.on("message", (data) => {
        messages.push(`${data}`);
        if (wake) wake();
      });
      socket.on("open", () => resolve(socket.extensions));
      socket.on("error", reject);
    }),
  send: (...pieces) => {
    pieces.forEach((piece, i) => socket.send(piece, { fin: i === pieces.length - 1 }));
    return null;
  },
  ping: (payload) =>
    new Promise((resolve) => {
      socket.once("pong", (data) => resolve(`${data}`));
      socket.ping(payload);
    }),
  receive: async () => {
    while (messages.length === 0) await new Promise((resolve) => (wake = resolve));
    return messages.shift();
  },
  close: (code, reason) => {
    socket.close(code, reason);
    return ended;
  },
  end: () => ended,
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [command, ...rest] = JSON.parse(line);
    console.log(JSON.stringify(await commands[command](...rest)));
  }
})();
