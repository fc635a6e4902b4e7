import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Link, backOff } from '../../src/bin/enchufe/pages/chat/connection.js';

/** A browser whose server, clock and dice the test holds in its hands. */
function world(answers) {
  const it = { sockets: [], timers: [], asked: 0, time: 0, seen: [], states: [] };
  it.link = new Link(
    {
      state: (state) => it.states.push(state),
      open: () => it.seen.push('open'),
      message: (bytes) => it.seen.push([...bytes]),
      closed: ({ code }) => it.seen.push(`closed ${code}`),
      refused: ({ status, text }) => it.seen.push(`refused ${status} ${text}`),
    },
    {
      ask: async () => answers[Math.min(it.asked++, answers.length - 1)],
      connect() {
        const socket = { sent: [], send: (bytes) => socket.sent.push(bytes), close: (code) => (socket.closed = code ?? true) };
        it.sockets.push(socket);
        return socket;
      },
      after(delay, action) {
        const timer = { delay, action };
        it.timers.push(timer);
        return timer;
      },
      cancel: (timer) => (it.timers = it.timers.filter((other) => other !== timer)),
      now: () => it.time,
      random: () => 1,
    },
  );
  it.socket = () => it.sockets.at(-1);
  it.fire = async () => {
    const timer = it.timers.shift();
    timer.action();
    await settled();
    return timer.delay;
  };
  return it;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const yes = { status: 200, text: 'ok' };

test('it asks for the name, connects, and hands binary messages over', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  it.socket().onopen();
  it.socket().onmessage({ data: Uint8Array.of(51, 0).buffer });
  it.socket().onmessage({ data: 'text is not for us' });
  assert.deepEqual(it.states, ['asking', 'connecting', 'open']);
  assert.deepEqual(it.seen, ['open', [51, 0]]);
});

test('a refused name is told with its words and not tried again', async () => {
  const it = world([{ status: 400, text: 'ya está en línea' }]);
  await it.link.join('ana');
  assert.deepEqual(it.seen, ['refused 400 ya está en línea']);
  assert.equal(it.link.state, 'idle');
  assert.deepEqual(it.timers, []);
});

test('a first connection that fails is told too', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  it.socket().onclose({ code: 1006, reason: '' });
  assert.deepEqual(it.seen, ['refused 0 ']);
});

test('a lost connection is tried again, ever more slowly, also while the name still counts as taken', async () => {
  const it = world([yes, { status: 400, text: '' }, { status: 0, text: '' }, { status: 503, text: '' }, yes]);
  await it.link.join('ana');
  it.socket().onopen();
  it.socket().onclose({ code: 1006, reason: '' });
  it.timers = it.timers.filter((timer) => timer.delay !== 10_000);
  assert.equal(it.link.state, 'waiting');
  assert.deepEqual([await it.fire(), await it.fire(), await it.fire(), await it.fire()], [1000, 2000, 4000, 8000]);
  it.socket().onopen();
  assert.equal(it.link.state, 'open');
  assert.deepEqual(it.seen, ['open', 'closed 1006', 'open']);
});

test('the person can reconnect at once', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  it.socket().onopen();
  it.socket().onclose({ code: 1001, reason: '' });
  it.link.now();
  await settled();
  it.socket().onopen();
  assert.equal(it.link.state, 'open');
  assert.equal(it.timers.filter((timer) => timer.delay < 10_000).length, 0, 'the attempt that waited is gone');
});

test('leaving closes with 1000 and nothing comes back', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  const socket = it.socket();
  socket.onopen();
  it.link.leave();
  socket.onclose({ code: 1000, reason: '' });
  assert.equal(socket.closed, 1000);
  assert.equal(it.link.state, 'idle');
  assert.deepEqual(it.timers, []);
});

test('a page that is left gives its name back and reconnects when it is shown again', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  const socket = it.socket();
  socket.onopen();
  it.link.rest();
  assert.equal(socket.closed, 1000);
  assert.equal(it.link.state, 'waiting');
  assert.deepEqual(it.timers, [], 'nothing happens out of sight');
  it.link.now();
  await settled();
  it.socket().onopen();
  assert.deepEqual(it.seen, ['open', 'closed 1000', 'open']);
});

test('a connection that neither opens nor fails is given up', async () => {
  const it = world([yes]);
  await it.link.join('ana');
  await it.fire();
  assert.deepEqual(it.seen, ['refused 0 ']);
  assert.equal(it.socket().closed, true);
});

test('nothing is sent unless the connection is open', async () => {
  const it = world([yes]);
  it.link.send(Uint8Array.of(1));
  await it.link.join('ana');
  it.link.send(Uint8Array.of(1));
  it.socket().onopen();
  it.link.send(Uint8Array.of(2));
  assert.deepEqual(it.socket().sent, [Uint8Array.of(2)]);
});

test('the wait doubles, stays between half and whole, and never exceeds 30 seconds', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 1000].map((n) => backOff(n, 1)), [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  assert.deepEqual([0, 5].map((n) => backOff(n, 0)), [500, 15000]);
});
