import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteLength, decode, encode, nameProblem, wellFormed } from '../../src/bin/enchufe/pages/chat/codec.js';

const bytes = (hex) => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16));
const hex = (array) => Array.from(array, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

test('requests have the layout of the table', () => {
  assert.equal(hex(encode.list()), '01');
  assert.equal(hex(encode.info('kou')), '02 03 6b 6f 75');
  assert.equal(hex(encode.status('jo', 2)), '03 02 6a 6f 02');
  assert.equal(hex(encode.send('~', 'elo')), '04 01 7e 03 65 6c 6f');
  assert.equal(hex(encode.history('jo')), '05 02 6a 6f');
});

test('each answer of the server becomes a value', () => {
  assert.deepEqual(decode(bytes('32 04')), { kind: 'error', code: 4 });
  assert.deepEqual(decode(bytes('33 02 02 4a 6f 01 03 45 6c 6f 02')), {
    kind: 'list',
    users: [{ name: 'Jo', status: 1 }, { name: 'Elo', status: 2 }],
  });
  assert.deepEqual(decode(bytes('34 02 4a 6f 00')), { kind: 'info', name: 'Jo', status: 0 });
  assert.deepEqual(decode(bytes('35 02 4a 6f 01')), { kind: 'joined', name: 'Jo', status: 1 });
  assert.deepEqual(decode(bytes('36 02 4a 6f 03')), { kind: 'status', name: 'Jo', status: 3 });
  assert.deepEqual(decode(bytes('37 02 6a 6f 03 65 6c 6f')), { kind: 'message', author: 'jo', text: 'elo' });
  assert.deepEqual(decode(bytes('38 01 02 6a 6f 03 65 6c 6f')), {
    kind: 'history',
    lines: [{ author: 'jo', text: 'elo' }],
  });
});

test('an empty list and an empty history are values too', () => {
  assert.deepEqual(decode(bytes('33 00')), { kind: 'list', users: [] });
  assert.deepEqual(decode(bytes('38 00')), { kind: 'history', lines: [] });
});

test('a message cut at any byte is ignored, as is an unknown or an empty one', () => {
  for (const whole of ['32 04', '33 02 02 4a 6f 01 03 45 6c 6f 02', '37 02 6a 6f 03 65 6c 6f', '38 01 02 6a 6f 03 65 6c 6f']) {
    const all = bytes(whole);
    for (let end = 0; end < all.length; end++) assert.equal(decode(all.subarray(0, end)), null, `${whole} cut at ${end}`);
  }
  assert.equal(decode(bytes('07 01 02')), null);
  assert.equal(decode(bytes('')), null);
});

test('bytes after the last field are ignored', () => {
  assert.deepEqual(decode(bytes('32 01 ff ff')), { kind: 'error', code: 1 });
});

test('a field holds 255 bytes and not one more, counted in UTF-8', () => {
  const fits = 'ñ'.repeat(127) + 'x';
  assert.equal(byteLength(fits), 255);
  assert.equal(encode.send('~', fits).length, 1 + 2 + 1 + 255);
  assert.throws(() => encode.send('~', `${fits}x`), RangeError);
});

test('255 users and 255 lines of 255 bytes are read whole', () => {
  const one = [255, ...new Array(255).fill(0x61), 255, ...new Array(255).fill(0x62)];
  const history = decode(Uint8Array.from([56, 255, ...Array.from({ length: 255 }, () => one).flat()]));
  assert.equal(history.lines.length, 255);
  assert.equal(history.lines[254].text, 'b'.repeat(255));
});

test('bytes that are not UTF-8 become U+FFFD and a byte order mark stays', () => {
  assert.equal(decode(bytes('37 01 61 02 ff 41')).text, '\ufffdA');
  assert.equal(decode(bytes('35 04 ef bb bf 61 01')).name, '\ufeffa');
  assert.equal(wellFormed('a\ud800'), 'a\ufffd');
  assert.equal(wellFormed('\ufeffa'), '\ufeffa');
});

test('a name is refused for what the page can know by itself', () => {
  assert.equal(nameProblem(''), 'empty');
  assert.equal(nameProblem('~'), 'reserved');
  assert.equal(nameProblem('server'), 'reserved');
  assert.equal(nameProblem('ñ'.repeat(128)), 'long');
  assert.equal(nameProblem('a\nb'), 'control');
  for (const name of ['ana', 'Server', '~~', '<img src=x>', 'a b+c&d=%7E', '__proto__', 'ñ'.repeat(127), '🦀']) {
    assert.equal(nameProblem(name), null, name);
  }
});
