// Sec-WebSocket-Accept, step by step (RFC 6455, 1.3 and 4.2.2). With a SHA-1 of its own: the browser's needs a secure context,
// which a page in the local network is not.

/** What every server appends to the key: it proves that it speaks WebSocket and is no older program that echoes. */
export const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** All steps from a key to the answer. `random` are the 16 bytes in the key, or null when it does not hold 16 bytes in base64. */
export function acceptSteps(key) {
  const joined = key + GUID;
  const digest = sha1(new TextEncoder().encode(joined));
  return { key, random: keyBytes(key), joined, digest, accept: base64(digest) };
}

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** 4.1: 16 bytes, base64, in the one spelling that has no stray bits. */
export function keyBytes(key) {
  try {
    const bytes = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
    return bytes.length === 16 && base64(bytes) === key ? bytes : null;
  } catch {
    return null;
  }
}

/** FIPS 180-4, 6.1. Broken as a signature; here it only shows that the other end has read the RFC. */
export function sha1(message) {
  const length = ((message.length + 8) >> 6) + 1;
  const padded = new Uint8Array(length * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);

  const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Uint32Array(80);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) words[t] = view.getUint32(block + 4 * t);
    for (let t = 16; t < 80; t++) words[t] = rotate(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);

    let [a, b, c, d, e] = hash;
    for (let t = 0; t < 80; t++) {
      const [f, k] =
        t < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : t < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : t < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      [a, b, c, d, e] = [(rotate(a, 5) + f + e + k + words[t]) >>> 0, a, rotate(b, 30), c, d];
    }
    [a, b, c, d, e].forEach((value, index) => (hash[index] = (hash[index] + value) >>> 0));
  }
  const digest = new Uint8Array(20);
  hash.forEach((value, index) => new DataView(digest.buffer).setUint32(4 * index, value));
  return digest;
}

const rotate = (value, bits) => ((value << bits) | (value >>> (32 - bits))) >>> 0;
