// One frame (RFC 6455, 5.2) as bytes and as fields. Decoding says what the bits are, right or wrong; whether they may be so is
// in frame-decoder.js. Never fails: what is not there yet is missing, not an error.

export const OPCODES = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

export const opcodeName = (opcode) => OPCODES[opcode] ?? 'reserved';
export const isControl = (opcode) => opcode >= 8;

/**
 * The frame that begins at `start`:
 *   fin, rsv1, rsv2, rsv3, opcode, masked, short (the 7-bit length), form (7, 16 or 64), length (a BigInt)
 *   key (4 bytes or null), wire and payload (what is there of it, as sent and unmasked)
 *   start, head (where the payload begins), end (where the frame ends or the bytes do)
 *   header: its bytes as far as they are there; whole: is the payload all there?
 * Fields that are not there yet are undefined.
 */
export function decode(bytes, start = 0) {
  const rest = bytes.subarray(start);
  const frame = { start, end: bytes.length, header: rest, whole: false, key: null, wire: none, payload: none };
  if (rest.length < 1) return frame;
  const [first, second] = rest;
  frame.fin = (first & 0x80) !== 0;
  frame.rsv1 = (first & 0x40) !== 0;
  frame.rsv2 = (first & 0x20) !== 0;
  frame.rsv3 = (first & 0x10) !== 0;
  frame.opcode = first & 0x0f;
  if (rest.length < 2) return frame;
  frame.masked = (second & 0x80) !== 0;
  frame.short = second & 0x7f;
  frame.form = { 126: 16, 127: 64 }[frame.short] ?? 7;

  // 5.2: up to 125 it is the length itself; 126 says that 2 bytes follow with it, 127 that 8 do.
  const extended = { 7: 0, 16: 2, 64: 8 }[frame.form];
  if (rest.length < 2 + extended) return frame;
  frame.length = extended === 0 ? BigInt(frame.short) : number(rest.subarray(2, 2 + extended));

  const head = 2 + extended + (frame.masked ? 4 : 0);
  if (rest.length < head) return frame;
  if (frame.masked) frame.key = rest.slice(head - 4, head);
  frame.header = rest.slice(0, head);
  frame.head = start + head;
  frame.whole = BigInt(rest.length - head) >= frame.length;
  if (frame.whole) frame.end = frame.head + Number(frame.length);
  frame.wire = bytes.slice(frame.head, frame.end);
  frame.payload = mask(frame.wire, frame.key);
  return frame;
}

/** Fields as bytes. Without `form` the shortest, without `length` that of the payload: both can be told to lie. */
export function encode({ fin = true, rsv1, rsv2, rsv3, opcode, key = null, payload = none, form, length = BigInt(payload.length) }) {
  form ??= shortest(length);
  const extended = { 7: 0, 16: 2, 64: 8 }[form];
  const bytes = [
    (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode,
    (key ? 0x80 : 0) | (form === 7 ? Number(length) : form === 16 ? 126 : 127),
  ];
  for (let at = extended - 1; at >= 0; at--) bytes.push(Number((length >> BigInt(8 * at)) & 0xffn));
  if (key) bytes.push(...key);
  return join([Uint8Array.from(bytes), mask(payload, key)]);
}

/** The length form that 5.2 demands. */
export const shortest = (length) => (length <= 125n ? 7 : length <= 0xffffn ? 16 : 64);

/** 5.3: byte i of the payload XOR byte i mod 4 of the key. The same for masking and unmasking. */
export const mask = (bytes, key) => (key ? bytes.map((byte, index) => byte ^ key[index % 4]) : bytes.slice());

/**
 * The fields as runs of bits, in the order of the wire: `{ name, from, to, value, index? }`, counted from the frame's first
 * bit. The payload is one run per byte. Only what is there.
 */
export function fields(frame) {
  const runs = [];
  let at = 0;
  const add = (name, bits, value, index) => {
    if (value !== undefined && value !== null) runs.push({ name, from: at, to: at + bits, value, index });
    at += bits;
  };
  add('fin', 1, frame.fin);
  add('rsv1', 1, frame.rsv1);
  add('rsv2', 1, frame.rsv2);
  add('rsv3', 1, frame.rsv3);
  add('opcode', 4, frame.opcode);
  add('mask', 1, frame.masked);
  add('length', 7, frame.short);
  if (frame.form > 7) add('extended', frame.form, frame.length);
  frame.key?.forEach((byte, index) => add('key', 8, byte, index));
  frame.wire.forEach((byte, index) => add('payload', 8, byte, index));
  return runs;
}

// ---- Hexadecimal

/** `81 05`, `0x81,0x05`, `8105` and the like as bytes, or null when it is not that. */
export function parseHex(text) {
  const digits = text.replace(/0x/gi, '').replace(/[\s,;:_-]+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) => parseInt(digits.slice(2 * index, 2 * index + 2), 16));
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

export const binary = (value, digits) => value.toString(2).padStart(digits, '0');

export function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const number = (bytes) => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
const none = new Uint8Array();
