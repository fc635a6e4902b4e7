// A user of the JSON chat, on the package `ws`, who talks with the binary user of tests/python/binary_user.py.
//
//     npm ci && node json-user.mjs ws://127.0.0.1:8080

import assert from 'node:assert/strict';
import WebSocket from 'ws';

const base = process.argv[2];
const DEADLINE = 20_000; // nothing here takes that long unless it hangs

const socket = new WebSocket(`${base}/chat`, 'chat-protocol', { handshakeTimeout: DEADLINE });
const inbox = [];
let wake = () => {};
let closed;
socket.on('message', (data, isBinary) => {
  assert.equal(isBinary, false, 'the JSON chat speaks text');
  inbox.push(JSON.parse(data));
  wake();
});
socket.on('close', (code) => ((closed = code), wake()));
const failed = new Promise((_, reject) => socket.once('error', reject));

await Promise.race([new Promise((resolve) => socket.once('open', resolve)), failed]);
assert.equal(socket.protocol, 'chat-protocol');

ask({ type: 'broadcast', content: 'too early' });
assert.equal((await hear()).type, 'error');
ask({ type: 'register', sender: 'nodo', content: null });
const welcome = await hear();
assert.equal(welcome.type, 'register_success');
if (!welcome.userList.includes('pita')) await hears({ type: 'status_update', content: { user: 'pita', status: 'ACTIVO' } });

ask({ type: 'broadcast', sender: 'nodo', content: 'hola, ¿hay alguien? 🦀' });
await hears({ type: 'broadcast', sender: 'nodo', content: 'hola, ¿hay alguien? 🦀' });
await hears({ type: 'private', sender: 'pita', target: 'nodo', content: 'sí, yo' });

ask({ type: 'change_status', content: 'OCUPADO' });
await hears({ type: 'status_update', content: { user: 'nodo', status: 'OCUPADO' } });
await hears({ type: 'status_update', content: { user: 'pita', status: 'INACTIVO' } });

// One message in three frames, with a Ping in between.
const long = 'ñ€🦀'.repeat(100);
const [one, two, three] = thirds(JSON.stringify({ type: 'private', target: 'pita', content: long }));
socket.send(one, { binary: false, fin: false });
const pong = new Promise((resolve) => socket.once('pong', resolve));
socket.ping('still there?');
socket.send(two, { binary: false, fin: false });
socket.send(three, { binary: false, fin: true });
assert.equal(String(await Promise.race([pong, failed])), 'still there?');
await hears({ type: 'private', sender: 'nodo', target: 'pita', content: long });

// The answer ends an inactivity, and says how many bytes came.
await hears({ type: 'status_update', content: { user: 'pita', status: 'ACTIVO' } });
await hears({ type: 'private', sender: 'pita', target: 'nodo', content: String(Buffer.byteLength(long)) });

ask({ type: 'history', target: 'pita' });
const { content } = await hear();
assert.deepEqual(content.map((entry) => [entry.sender, entry.content.length]), [['pita', 6], ['nodo', long.length], ['pita', 3]]);
ask({ type: 'history', target: 'pita', after: content[1].seq });
assert.deepEqual((await hear()).content, content.slice(2));
ask({ type: 'user_info', target: 'pita' });
await hears({ type: 'user_info_response', content: { ip: '127.0.0.1', status: 'ACTIVO' } });

ask({ type: 'disconnect' });
await hears({ type: 'user_disconnected', content: 'nodo ha salido' });
await until(() => closed !== undefined);
assert.equal(closed, 1000);
console.log('ok');

function ask(message) {
  socket.send(JSON.stringify(message));
}

async function hear() {
  await until(() => inbox.length > 0);
  return inbox.shift();
}

/** The next message has at least these members, and a time. */
async function hears(expected) {
  const message = await hear();
  const members = Object.keys(expected).map((key) => [key, message[key]]);
  assert.deepEqual(Object.fromEntries(members), expected);
  assert.match(message.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
}

async function until(condition) {
  const late = AbortSignal.timeout(DEADLINE);
  while (!condition()) {
    const heard = new Promise((resolve, reject) => {
      wake = resolve;
      late.onabort = () => reject(new Error('waited in vain'));
    });
    await Promise.race([heard, failed]);
  }
}

/** Three pieces, cut between bytes, where a character may be cut too. */
function thirds(text) {
  const bytes = Buffer.from(text);
  const third = Math.floor(bytes.length / 3);
  return [bytes.subarray(0, third), bytes.subarray(third, 2 * third), bytes.subarray(2 * third)];
}
