import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, hex, join, parseHex } from '../../src/bin/enchufe/pages/lab/frame.js';
import { RULES, mayBeSent, receive } from '../../src/bin/enchufe/pages/lab/frame-decoder.js';

const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const utf8 = (text) => new TextEncoder().encode(text);
const zeros = (length) => new Uint8Array(length);

/** What a server says to the frames of a client. */
const asServer = (...frames) => receive(join(frames.map((frame) => (frame instanceof Uint8Array ? frame : encode({ key, ...frame })))), 'server', key);
const broken = (...frames) => asServer(...frames).at(-1).broken;
const outcomes = (...frames) => asServer(...frames).map((result) => result.outcome);

test('a whole message is delivered unmasked', () => {
  const [result] = asServer({ opcode: 1, payload: utf8('Hello') });
  assert.equal(result.outcome, 'message');
  assert.deepEqual(result.message, { kind: 'text', payload: utf8('Hello') });
  assert.equal(result.reply, undefined);
});

test('fragments are one message, with a ping in between', () => {
  const results = asServer(
    { opcode: 1, fin: false, payload: utf8('Hel') },
    { opcode: 9, payload: utf8('?') },
    { opcode: 0, payload: utf8('lo') },
  );
  assert.deepEqual(results.map((result) => result.outcome), ['fragment', 'ping', 'message']);
  assert.deepEqual(results[2].message.payload, utf8('Hello'));
  assert.equal(hex(results[1].reply), '8a 01 3f');
});

test('a ping is answered with its payload, masked when the receiver is a client', () => {
  const [result] = receive(encode({ opcode: 9, payload: utf8('Hello') }), 'client', key);
  assert.equal(hex(result.reply), '8a 85 37 fa 21 3d 7f 9f 4d 51 58');
});

test('a close is answered with the same close and ends the stream', () => {
  const results = asServer({ opcode: 8, payload: Uint8Array.of(3, 0xe8) }, { opcode: 1, payload: utf8('too late') });
  assert.deepEqual(results.map((result) => result.outcome), ['close', 'ignored']);
  assert.equal(hex(results[0].reply), '88 02 03 e8');
  assert.deepEqual(outcomes({ opcode: 8 }), ['close']);
});

test('a pong nobody asked for is ignored', () => {
  assert.deepEqual(outcomes({ opcode: 10 }), ['pong']);
});

test('each rule that is broken fails with its code', () => {
  const cases = {
    ReservedOpcode: [{ opcode: 3 }],
    LengthTopBit: [{ opcode: 2, form: 64, length: 1n << 63n }],
    NonMinimalLength: [{ opcode: 2, form: 16, payload: zeros(5) }],
    UnmaskedFrame: [{ opcode: 1, key: null }],
    ReservedBit: [{ opcode: 1, rsv1: true }],
    UnexpectedContinuation: [{ opcode: 0 }],
    ExpectedContinuation: [{ opcode: 1, fin: false }, { opcode: 1 }],
    FragmentedControl: [{ opcode: 9, fin: false }],
    ControlTooLong: [{ opcode: 9, payload: zeros(126) }],
    MessageTooBig: [{ opcode: 2, length: 1n << 40n }],
    InvalidUtf8: [{ opcode: 1, payload: Uint8Array.of(0xff) }],
    CloseTooShort: [{ opcode: 8, payload: zeros(1) }],
    InvalidCloseCode: [{ opcode: 8, payload: Uint8Array.of(3, 0xed) }],
    InvalidCloseReason: [{ opcode: 8, payload: Uint8Array.of(3, 0xe8, 0xff) }],
  };
  for (const [rule, frames] of Object.entries(cases)) {
    const result = asServer(...frames).at(-1);
    assert.equal(result.broken, rule);
    assert.equal(result.outcome, 'fail');
    const { payload } = decode(result.reply);
    assert.equal(payload[0] * 256 + payload[1], RULES[rule].code, rule);
  }
  assert.deepEqual(Object.keys(RULES).filter((rule) => !(rule in cases)), ['MaskedFrame']);
  assert.equal(receive(encode({ opcode: 1, key }), 'client', key)[0].broken, 'MaskedFrame');
});

test('the length forms fail and pass at their borders', () => {
  assert.equal(broken({ opcode: 2, form: 16, payload: zeros(125) }), 'NonMinimalLength');
  assert.equal(broken({ opcode: 2, form: 16, payload: zeros(126) }), undefined);
  assert.equal(broken({ opcode: 2, form: 64, payload: zeros(65535) }), 'NonMinimalLength');
  assert.equal(broken({ opcode: 2, form: 64, payload: zeros(65536) }), undefined);
});

test('a rule fails as soon as the bytes that break it are there', () => {
  assert.equal(receive(parseHex('83'), 'server', key)[0].broken, 'ReservedOpcode');
  assert.equal(receive(parseHex('82 fe 00 05'), 'server', key)[0].broken, 'NonMinimalLength');
  assert.equal(receive(parseHex('81 85 37 fa 21'), 'server', key)[0].outcome, 'waiting');
  // Inside a text that is not whole the first impossible byte is enough.
  assert.equal(receive(parseHex('81 85 00 00 00 00 48 ff'), 'server', key)[0].broken, 'InvalidUtf8');
  assert.equal(receive(parseHex('81 85 00 00 00 00 48 c3'), 'server', key)[0].outcome, 'waiting');
});

test('a character may be cut between fragments but not at the end of the message', () => {
  const [one, two] = [utf8('ñ').subarray(0, 1), utf8('ñ').subarray(1)];
  assert.deepEqual(outcomes({ opcode: 1, fin: false, payload: one }, { opcode: 0, payload: two }), ['fragment', 'message']);
  assert.equal(broken({ opcode: 1, payload: one }), 'InvalidUtf8');
  assert.equal(broken({ opcode: 1, fin: false, payload: one }, { opcode: 0, payload: one }), 'InvalidUtf8');
});

test('the byte that spoils a text is pointed at', () => {
  assert.equal(asServer({ opcode: 1, payload: Uint8Array.of(0x48, 0xc3, 0x28) })[0].bad, 2);
  assert.equal(asServer({ opcode: 1, payload: Uint8Array.of(0xed, 0xa0, 0x80) })[0].bad, 1);
  assert.equal(asServer({ opcode: 1, payload: Uint8Array.of(0xf4, 0x90, 0x80, 0x80) })[0].bad, 1);
});

test('close codes are those that may be on the wire', () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]) assert.ok(mayBeSent(code), String(code));
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) assert.ok(!mayBeSent(code), String(code));
});

test('rules are listed in the order of checking, up to the one that fails', () => {
  const [{ checks }] = asServer({ opcode: 1, rsv2: true, payload: utf8('x') });
  assert.deepEqual(checks, [
    { rule: 'ReservedOpcode', holds: true },
    { rule: 'UnmaskedFrame', holds: true },
    { rule: 'ReservedBit', holds: false },
  ]);
});
