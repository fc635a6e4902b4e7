// The binary chat's messages as bytes: `[id][fields…]`, a string field is `[length u8][bytes]`.
// Bytes in, values out; no sockets and no page, so that it can be tested anywhere.

export const GENERAL = '~';

export const STATUS = { OFFLINE: 0, ACTIVE: 1, BUSY: 2, INACTIVE: 3 };

/** A history or a list never carries more: its count is one byte. So is the length of a field. */
export const MAX = 255;

/** How many bytes `text` takes on the wire. Not its length: `ñ` takes two, an emoji four or more. */
export const byteLength = (text) => encoder.encode(text).length;

/** `text` as it comes back from the wire: half of a surrogate pair has no UTF-8 and becomes U+FFFD. */
export const wellFormed = (text) => decoder.decode(encoder.encode(text));

/** Why `name` cannot be used, as a word, or null. What only the server can know is not asked here. */
export function nameProblem(name) {
  if (name === '') return 'empty';
  if (byteLength(name) > MAX) return 'long';
  if (name === GENERAL || name === 'server') return 'reserved';
  if (/\p{Cc}/u.test(name)) return 'control';
  return null;
}

export const encode = {
  list: () => Uint8Array.of(1),
  info: (name) => message(2, name),
  status: (name, status) => message(3, name, status),
  send: (chat, text) => message(4, chat, text),
  history: (chat) => message(5, chat),
};

/** One message of the server, or null when it is unknown or cut short (both are ignored). */
export function decode(bytes) {
  const reader = new Reader(bytes);
  try {
    return read[reader.byte()]?.(reader) ?? null;
  } catch (error) {
    if (error instanceof Truncated) return null;
    throw error;
  }
}

const read = {
  50: (r) => ({ kind: 'error', code: r.byte() }),
  51: (r) => ({ kind: 'list', users: r.many(user) }),
  52: (r) => ({ kind: 'info', ...user(r) }),
  53: (r) => ({ kind: 'joined', ...user(r) }),
  54: (r) => ({ kind: 'status', ...user(r) }),
  55: (r) => ({ kind: 'message', ...line(r) }),
  56: (r) => ({ kind: 'history', lines: r.many(line) }),
};

const user = (r) => ({ name: r.string(), status: r.byte() });
const line = (r) => ({ author: r.string(), text: r.string() });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Truncated();
    return this.bytes[this.at++];
  }

  string() {
    const length = this.byte();
    if (this.at + length > this.bytes.length) throw new Truncated();
    this.at += length;
    return decoder.decode(this.bytes.subarray(this.at - length, this.at));
  }

  many(item) {
    return Array.from({ length: this.byte() }, () => item(this));
  }
}

class Truncated extends Error {}

function message(id, ...fields) {
  const bytes = [id];
  for (const field of fields) {
    if (typeof field === 'number') {
      bytes.push(field);
      continue;
    }
    const text = encoder.encode(field);
    if (text.length > MAX) throw new RangeError(`a field holds ${MAX} bytes, this one has ${text.length}`);
    bytes.push(text.length, ...text);
  }
  return Uint8Array.from(bytes);
}

const encoder = new TextEncoder();
// A leading U+FEFF is part of a name like any other character.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
