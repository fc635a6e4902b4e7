import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub } from '../../src/bin/enchufe/pages/hospital/signalr.js';

/** A browser whose server, clock and dice the test holds in its hands. */
function world() {
  const it = { sockets: [], timers: new Set(), time: 0, calls: [], states: [], records: [] };
  it.hub = new Hub(
    '/socket',
    {
      state: (state, { reason }) => it.states.push(reason === undefined ? state : `${state}: ${reason}`),
      invocation: (target, args) => it.calls.push([target, ...args]),
      record: (direction, text) => it.records.push(direction + text),
    },
    {
      connect(path) {
        const socket = { path, sent: [], send: (text) => socket.sent.push(text), close: (...words) => (socket.closed = words) };
        it.sockets.push(socket);
        return socket;
      },
      after(delay, action) {
        const timer = { at: it.time + delay, action };
        it.timers.add(timer);
        return timer;
      },
      cancel: (timer) => it.timers.delete(timer),
      now: () => it.time,
      random: () => 1,
    },
  );
  it.socket = () => it.sockets.at(-1);
  it.say = (...records) => it.socket().onmessage({ data: records.map((record) => JSON.stringify(record) + '\x1e').join('') });
  it.pass = (milliseconds) => {
    it.time += milliseconds;
    for (const timer of [...it.timers].filter(({ at }) => at <= it.time)) {
      it.timers.delete(timer);
      timer.action();
    }
  };
  it.open = () => {
    it.hub.connect();
    it.socket().onopen();
    it.say({});
    it.socket().sent = [];
    return it;
  };
  return it;
}

const sent = (it) => it.socket().sent.map((text) => (assert.equal(text.at(-1), '\x1e'), JSON.parse(text.slice(0, -1))));

test('the handshake comes first and opens the connection', () => {
  const it = world();
  it.hub.connect();
  it.socket().onopen();
  assert.equal(it.socket().path, '/socket');
  assert.deepEqual(sent(it), [{ protocol: 'json', version: 1 }]);
  assert.deepEqual(it.states, ['connecting']);
  it.say({});
  assert.deepEqual(it.states, ['connecting', 'open']);
});

test('a refused handshake is told and tried again', () => {
  const it = world();
  it.hub.connect();
  it.socket().onopen();
  it.say({ error: 'no' });
  assert.deepEqual(it.states, ['connecting', 'waiting: no']);
  assert.deepEqual(it.socket().closed, []);
});

test('the hub calls us, several records to a message and a record over several messages', () => {
  const it = world().open();
  it.say({ type: 1, target: 'A', arguments: [1] }, { type: 1, target: 'B', arguments: [] });
  it.socket().onmessage({ data: '{"type":1,"target":"C","argu' });
  it.socket().onmessage({ data: 'ments":["ñ"]}\x1e' });
  assert.deepEqual(it.calls, [['A', 1], ['B'], ['C', 'ñ']]);
});

test('a call is settled by the completion of its id', async () => {
  const it = world().open();
  const calls = [it.hub.invoke('CrearCama', 1), it.hub.invoke('Nada')];
  assert.deepEqual(sent(it), [
    { type: 1, invocationId: '1', target: 'CrearCama', arguments: [1] },
    { type: 1, invocationId: '2', target: 'Nada', arguments: [] },
  ]);
  it.say(
    { type: 3, invocationId: '2', error: 'There is no such method.' },
    { type: 1, target: 'CamaCreada', arguments: [-1] },
    { type: 3, invocationId: '1', result: null },
    { type: 1, target: 'CamaCreada', arguments: [0] },
  );
  assert.deepEqual(await calls[0], ['CamaCreada', -1], 'the call just before the completion');
  await assert.rejects(calls[1], { message: 'There is no such method.' });
});

test('a call is rejected when the connection is not open or is lost', async () => {
  const it = world();
  await assert.rejects(it.hub.invoke('CrearCama', 1));
  it.open();
  const call = it.hub.invoke('CrearCama', 1);
  it.socket().onclose({ code: 1006, reason: '' });
  await assert.rejects(call, { message: 'connection lost' });
});

test('a sign of life goes out with one that comes in, when we were quiet for a while', () => {
  const it = world().open();
  it.pass(4_000);
  it.say({ type: 6 });
  assert.deepEqual(sent(it), []);
  it.pass(4_000);
  it.say({ type: 6 });
  assert.deepEqual(sent(it), [{ type: 6 }]);
});

test('a silent server is left, and whatever comes puts that off', () => {
  const it = world().open();
  it.pass(34_000);
  it.say({ type: 6 });
  it.pass(34_000);
  assert.equal(it.hub.state, 'open');
  it.pass(1_000);
  assert.equal(it.states.at(-1), 'waiting: silence');
});

test('a lost connection comes back, ever more slowly, and at once when asked', () => {
  const it = world().open();
  for (const delay of [1_000, 2_000, 4_000]) {
    it.socket().onclose({ code: 1006, reason: '' });
    it.pass(delay - 1);
    assert.equal(it.hub.state, 'waiting');
    it.pass(1);
    assert.equal(it.hub.state, 'connecting');
  }
  it.socket().onclose({ code: 1006, reason: '' });
  it.hub.now();
  assert.equal(it.hub.state, 'connecting');
});

test('only a connection that lasted starts the count anew', () => {
  const it = world();
  const lose = (after, delay) => {
    it.open();
    it.pass(after);
    it.socket().onclose({ code: 1001, reason: 'going away' });
    assert.equal(it.states.at(-1), 'waiting: going away');
    it.pass(delay - 1);
    assert.equal(it.hub.state, 'waiting');
    it.pass(1);
    assert.equal(it.hub.state, 'connecting');
  };
  for (const delay of [1_000, 2_000, 4_000]) lose(9_999, delay);
  lose(10_000, 1_000);
});

test('a Close record and a record that is not JSON end the connection', () => {
  const it = world().open();
  it.say({ type: 7, error: 'bye' }, { type: 1, target: 'A', arguments: [] });
  assert.equal(it.states.at(-1), 'waiting: bye');
  assert.deepEqual(it.calls, [], 'nothing is read after it');
  it.open();
  it.socket().onmessage({ data: 'nonsense\x1e' });
  assert.equal(it.states.at(-1), 'waiting: not JSON');
});

test('a page out of sight pauses and comes back at once', async () => {
  const it = world();
  it.hub.pause();
  assert.deepEqual(it.states, [], 'nothing to pause');
  it.open();
  const call = it.hub.invoke('CrearCama', 1);
  const { sockets } = it;
  it.hub.pause();
  assert.deepEqual(it.socket().closed, [1000, 'page left']);
  await assert.rejects(call, { message: 'connection lost' });
  it.pass(60_000);
  assert.equal(sockets.length, 1, 'no timer connects meanwhile');
  it.hub.now();
  assert.equal(sockets.length, 2);
});

test('an old socket has no say', () => {
  const it = world().open();
  const old = it.socket();
  old.onclose({ code: 1006, reason: '' });
  it.hub.now();
  old.onmessage({ data: '{}\x1e' });
  old.onclose({ code: 1006, reason: '' });
  assert.equal(it.hub.state, 'connecting');
});

test('every record is shown as it travels', () => {
  const it = world().open();
  it.hub.send('VerEstadoActual');
  const expected = ['>{"protocol":"json","version":1}', '<{}', '>{"type":1,"target":"VerEstadoActual","arguments":[]}'];
  assert.deepEqual(it.records, expected);
});
