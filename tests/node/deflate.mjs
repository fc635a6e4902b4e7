// Compressed messages with the package `ws` at one end, whose zlib is the one in C. An end that refers to what the other one
// does not remember is found out.
//
//     node deflate.mjs ws://HOST:PORT    random messages through an echo at that URL, with each set of parameters
//     node deflate.mjs                   echoes, one for each set: prints a line for each, and ends with its input
//
// A line is `URL SERVER_FORGETS CLIENT_FORGETS SERVER_BITS CLIENT_BITS`: what has to be agreed on.

import assert from 'node:assert/strict';
import WebSocket, { WebSocketServer } from 'ws';

const DEADLINE = 20_000; // nothing here takes that long unless it hangs
const FORGETS = [false, true];
const BITS = [undefined, 9, 12];

const sets = FORGETS.flatMap((serverNoContextTakeover) =>
  FORGETS.flatMap((clientNoContextTakeover) =>
    BITS.flatMap((serverMaxWindowBits) =>
      BITS.map((clientMaxWindowBits) => ({ serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits })),
    ),
  ),
);
const url = process.argv[2];
if (url) {
  await talk(url, 500, {});
  for (const set of sets) await talk(url, 20, set);
  console.log('ok');
} else {
  for (const set of sets) await serve(set);
  process.stdin.resume().on('end', () => process.exit());
}

/** Says `count` messages, each after the echo of the one before. */
async function talk(url, count, set) {
  const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0, ...set }, handshakeTimeout: DEADLINE });
  let answer;
  socket.on('upgrade', (response) => (answer = response.headers['sec-websocket-extensions'] ?? ''));
  await event(socket, 'open');
  const agreed = (name) => answer.split('; ').includes(name);
  assert.ok(agreed('permessage-deflate'), answer);
  assert.equal(agreed('server_no_context_takeover'), set.serverNoContextTakeover ?? false, answer);
  assert.equal(agreed('client_no_context_takeover'), set.clientNoContextTakeover ?? false, answer);
  assert.equal(agreed(`server_max_window_bits=${set.serverMaxWindowBits}`), set.serverMaxWindowBits !== undefined, answer);
  for (const message of messages(count)) {
    socket.send(message, { binary: true });
    const [echo] = await event(socket, 'message');
    assert.ok(message.equals(echo), `${JSON.stringify(set)}: ${echo.length} octets instead of ${message.length}`);
  }
  socket.close(1000);
  await event(socket, 'close');
}

async function serve(set) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0, ...set } });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await event(server, 'listening');
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits = 15, clientMaxWindowBits = 15 } = set;
  console.log(`ws://127.0.0.1:${server.address().port}`, serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits);
}

/** The arguments of the next event of that name, in time and without an error before it. */
function event(emitter, name) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${name}`)), DEADLINE);
    emitter.once('error', reject);
    emitter.once(name, (...args) => {
      clearTimeout(late);
      emitter.off('error', reject);
      resolve(args);
    });
  });
}

/** Noise, runs, repetitions of what was said before, and nothing; the same on every run. */
function* messages(count) {
  let state = 20;
  const roll = (bound) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % bound;
  const said = [Buffer.alloc(0)];
  for (let number = 0; number < count; number++) {
    const length = roll([1, 200, 4000, 40_000][roll(4)]);
    const makes = [
      () => Buffer.from(Array.from({ length }, () => roll(65_536) >> 8)),
      () => said[roll(said.length)],
      () => Buffer.alloc(length, roll(256)),
      () => Buffer.from(`número ${number} `.repeat(length / 10)),
    ];
    said.push(makes[roll(4)]());
    yield said.at(-1);
  }
}
