import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { acceptSteps, base64, keyBytes, sha1 } from '../../src/bin/enchufe/pages/lab/accept-key.js';
import { draw } from '../../src/bin/enchufe/pages/lab/diagram.js';
import { decode, encode, fields, hex, mask, parseHex } from '../../src/bin/enchufe/pages/lab/frame.js';

const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const utf8 = (text) => new TextEncoder().encode(text);
const drawn = (frame) => draw(decode(encode(frame)));

test('the masked Hello of 5.7 is read field by field', () => {
  const frame = decode(parseHex('81 85 37 fa 21 3d 7f 9f 4d 51 58'));
  assert.equal(frame.fin, true);
  assert.equal(frame.opcode, 1);
  assert.equal(frame.length, 5n);
  assert.deepEqual(frame.key, key);
  assert.deepEqual(frame.payload, utf8('Hello'));
  assert.equal(frame.whole, true);
});

test('what encode writes, decode reads, in every form and with every bit', () => {
  for (const length of [0, 1, 125, 126, 127, 0xffff, 0x10000]) {
    for (const withKey of [null, key]) {
      for (let bits = 0; bits < 16; bits++) {
        const [fin, rsv1, rsv2, rsv3] = [8, 4, 2, 1].map((bit) => (bits & bit) !== 0);
        const payload = new Uint8Array(length).fill(0x61);
        const bytes = encode({ fin, rsv1, rsv2, rsv3, opcode: 2, key: withKey, payload });
        const frame = decode(bytes);
        assert.deepEqual([frame.fin, frame.rsv1, frame.rsv2, frame.rsv3], [fin, rsv1, rsv2, rsv3]);
        assert.deepEqual(frame.key, withKey);
        assert.deepEqual(frame.payload, payload);
        assert.equal(frame.end, bytes.length);
        assert.equal(bytes.length, 2 + (length > 0xffff ? 8 : length > 125 ? 2 : 0) + (withKey ? 4 : 0) + length);
      }
    }
  }
});

test('a frame cut at any byte is a part of it, never an error', () => {
  const bytes = encode({ opcode: 1, key, payload: utf8('Hello'), form: 64 });
  for (let end = 0; end < bytes.length; end++) {
    const frame = decode(bytes.subarray(0, end));
    assert.equal(frame.whole, false, `cut at ${end}`);
    assert.equal(frame.end, end);
    assert.equal(frame.header.length, Math.min(end, 14));
    assert.equal(frame.head, end >= 14 ? 14 : undefined);
  }
  assert.equal(decode(bytes).whole, true);
});

test('frames follow one another in a stream', () => {
  const bytes = parseHex('01 03 48 65 6c 80 02 6c 6f');
  const first = decode(bytes);
  const second = decode(bytes, first.end);
  assert.deepEqual([first.fin, first.opcode, second.fin, second.opcode], [false, 1, true, 0]);
  assert.deepEqual(second.payload, utf8('lo'));
});

test('a length can be told to lie', () => {
  assert.equal(hex(encode({ opcode: 1, payload: utf8('Hi'), form: 16 })), '81 7e 00 02 48 69');
  assert.equal(hex(encode({ opcode: 2, length: 1n << 63n, form: 64 })), '82 7f 80 00 00 00 00 00 00 00');
});

test('masking twice changes nothing', () => {
  const payload = utf8('señal');
  assert.deepEqual(mask(mask(payload, key), key), payload);
});

test('the fields cover every bit once, in order', () => {
  for (const form of [7, 16, 64]) {
    const bytes = encode({ opcode: 1, key, payload: utf8('Hello'), form });
    let at = 0;
    for (const field of fields(decode(bytes))) {
      assert.equal(field.from, at);
      at = field.to;
    }
    assert.equal(at, bytes.length * 8);
  }
  assert.deepEqual(fields(decode(Uint8Array.of(0x81))).map((field) => field.name), ['fin', 'rsv1', 'rsv2', 'rsv3', 'opcode']);
});

test('hexadecimal is read however people paste it', () => {
  for (const text of ['81 05 48', '0x81,0x05,0x48', '810548', '81:05:48', ' 81\n05\t48 ']) assert.equal(hex(parseHex(text)), '81 05 48', text);
  assert.deepEqual(parseHex(''), new Uint8Array());
  for (const text of ['8', '81 0', 'zz', '81 05 4g', 'Hello']) assert.equal(parseHex(text), null, text);
});

test('the drawing is that of the server', () => {
  const hello = `\
81 85 37 fa 21 3d 7f 9f 4d 51 58
|  |  |           |
|  |  |           +-- payload, 5 bytes, unmasked: "Hello"
|  |  +-------------- masking key                   (5.3)
|  +----------------- 1 0000101   MASK=1 length=5   (5.2)
+-------------------- 1 000 0001  FIN=1 RSV=000 opcode=1 text
`;
  assert.equal(drawn({ opcode: 1, key, payload: utf8('Hello') }), hello);

  const close = `\
88 05 03 e9 62 79 65
|  |  |     |
|  |  |     +-- close reason, 3 bytes: "bye"
|  |  +-------- close code: 1001 going away   (7.4)
|  +----------- 0 0000101   MASK=0 length=5   (5.2)
+-------------- 1 000 1000  FIN=1 RSV=000 opcode=8 close
`;
  assert.equal(drawn({ opcode: 8, payload: Uint8Array.of(3, 0xe9, ...utf8('bye')) }), close);

  const pong = `\
8a 00
|  |
|  +-- 0 0000000   MASK=0 length=0   (5.2)
+----- 1 000 1010  FIN=1 RSV=000 opcode=a pong
`;
  assert.equal(drawn({ opcode: 10 }), pong);

  const long = `\
22 fe 01 00 37 fa 21 3d 37 fb 23 3e 33 ff 27 3a 3f f3 2b 36 .. db c6 cb 07 df c2
|  |  |     |           |
|  |  |     |           +-- payload, 256 bytes, unmasked: 00 01 02 03 04 05 06 07 08 09 .. fc fd fe ff
|  |  |     +-------------- masking key                     (5.3)
|  |  +-------------------- extended length=256             (5.2)
|  +----------------------- 1 1111110   MASK=1 length=126   (5.2)
+-------------------------- 0 010 0010  FIN=0 RSV=010 opcode=2 binary
`;
  assert.equal(drawn({ fin: false, rsv2: true, opcode: 2, key, payload: Uint8Array.from({ length: 256 }, (_, i) => i) }), long);
});

test('a drawing escapes what would control the reader, and cuts on characters', () => {
  assert.match(drawn({ opcode: 1, payload: utf8('\x1b[2J\n\u202e"') }), /: "\\u\{1b\}\[2J\\n\\u\{202e\}\\""\n/);
  assert.match(drawn({ opcode: 1, payload: utf8('€'.repeat(40)) }), /: "€{6}" \.\. "€{6}"\n/);
  assert.match(drawn({ opcode: 1, payload: utf8('\u0301a\u0301') }), /: "\\u\{301\}a\u0301"\n/);
  assert.match(drawn({ opcode: 1, payload: Uint8Array.of(0xff) }), /: "\ufffd"\n/);
  assert.match(drawn({ opcode: 9, payload: Uint8Array.of(0, 1) }), /: 00 01\n/);
});

test('a frame that is not all there is drawn as far as it is', () => {
  assert.equal(draw(decode(Uint8Array.of(0x81))), '');
  assert.match(draw(decode(parseHex('81 85 37 fa'))), /^81 85 37 fa\n/);
  assert.match(draw(decode(parseHex('82 05 01 02'))), /payload, 2 of 5 bytes: 01 02/);
  assert.match(draw(decode(parseHex('83 00'))), /opcode=3 reserved/);
});

test('SHA-1 is that of the standard', () => {
  for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000]) {
    const message = randomBytes(length);
    assert.equal(Buffer.from(sha1(message)).toString('hex'), createHash('sha1').update(message).digest('hex'), `${length} bytes`);
  }
});

test('the accept value is that of 1.3, and each step is there', () => {
  const steps = acceptSteps('dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(steps.joined, 'dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  assert.equal(hex(steps.digest), 'b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea');
  assert.equal(steps.accept, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.deepEqual(steps.random, utf8('the sample nonce'));
});

test('a key is 16 bytes in base64 and nothing else', () => {
  assert.equal(keyBytes(base64(randomBytes(16))).length, 16);
  for (const bad of ['', 'x', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZR==', base64(randomBytes(15)), 'ñ'.repeat(24)]) {
    assert.equal(keyBytes(bad), null, bad);
  }
});
