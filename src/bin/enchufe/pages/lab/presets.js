// Streams worth looking at: each a list of frames or raw bytes, and who would receive it (a server, unless it says client).

import { encode, join, parseHex } from './frame.js';

/** The key of the RFC's example (5.7). */
export const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

export const FINE = [
  { name: 'p-hello', frames: [text('Hello')] },
  { name: 'p-hello-server', role: 'client', frames: [{ ...text('Hello'), key: null }] },
  { name: 'p-accents', frames: [text('¡Señal! 🔌')] },
  { name: 'p-fragments', frames: [{ ...text('Hel'), fin: false }, { opcode: 0, payload: utf8('lo') }] },
  {
    name: 'p-ping-between',
    frames: [{ ...text('Hel'), fin: false }, { opcode: 9, payload: utf8('still there?') }, { opcode: 0, payload: utf8('lo') }],
  },
  { name: 'p-empty', frames: [text('')] },
  { name: 'p-ping', frames: [{ opcode: 9, payload: utf8('Hello') }] },
  { name: 'p-pong', frames: [{ opcode: 10 }] },
  { name: 'p-close', frames: [close(1000, 'bye')] },
  { name: 'p-close-empty', frames: [{ opcode: 8 }] },
  { name: 'p-256', role: 'client', frames: [{ opcode: 2, key: null, payload: counting(256) }] },
  { name: 'p-64k', role: 'client', frames: [{ opcode: 2, key: null, payload: counting(65536) }] },
  { name: 'p-cut', frames: [parseHex('81 8b 37 fa 21 3d 7f 9f 4d 51 58')] },
];

export const WRONG = [
  { name: 'p-unmasked', frames: [{ ...text('Hello'), key: null }] },
  { name: 'p-masked', role: 'client', frames: [text('Hello')] },
  { name: 'p-opcode', frames: [{ opcode: 3, payload: utf8('?') }] },
  { name: 'p-rsv', frames: [{ ...text('Hello'), rsv1: true }] },
  { name: 'p-long-form', frames: [{ ...text('Hello'), form: 16 }] },
  { name: 'p-top-bit', frames: [{ opcode: 2, form: 64, length: 1n << 63n }] },
  { name: 'p-too-big', frames: [{ opcode: 2, length: 1n << 40n }] },
  { name: 'p-utf8', frames: [{ opcode: 1, payload: Uint8Array.of(0x48, 0x6f, 0x6c, 0xe1, 0x21) }] },
  { name: 'p-surrogate', frames: [{ opcode: 1, payload: Uint8Array.of(0xed, 0xa0, 0x80) }] },
  { name: 'p-continuation', frames: [{ opcode: 0, payload: utf8('lo') }] },
  { name: 'p-interleaved', frames: [{ ...text('Hel'), fin: false }, text('Hola')] },
  { name: 'p-ping-fragment', frames: [{ opcode: 9, fin: false, payload: utf8('Hel') }] },
  { name: 'p-ping-long', frames: [{ opcode: 9, payload: counting(126) }] },
  { name: 'p-close-1005', frames: [close(1005, '')] },
  { name: 'p-close-reason', frames: [{ opcode: 8, payload: Uint8Array.of(0x03, 0xe8, 0xc3, 0x28) }] },
  { name: 'p-close-short', frames: [{ opcode: 8, payload: Uint8Array.of(3) }] },
];

/** A preset's bytes, masked with the example key unless it says otherwise. */
export const bytesOf = ({ frames }) =>
  join(frames.map((frame) => (frame instanceof Uint8Array ? frame : encode({ key: KEY, ...frame }))));

function utf8(words) {
  return new TextEncoder().encode(words);
}

function text(words) {
  return { opcode: 1, payload: utf8(words) };
}

function close(code, reason) {
  return { opcode: 8, payload: Uint8Array.of(code >> 8, code & 0xff, ...utf8(reason)) };
}

function counting(length) {
  return Uint8Array.from({ length }, (_, index) => index & 0xff);
}
