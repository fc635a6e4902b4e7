// A frame drawn with characters, as the server's log and /inspect draw it: its bytes, and below each field what it says and
// the section that defines it. What a peer chose is escaped; of a long payload one sees the beginning and the end.

import { mayBeSent } from './frame-decoder.js';
import { binary, hex, opcodeName } from './frame.js';

export function draw(frame) {
  if (frame.masked === undefined) return '';
  const all = fields(frame);
  const textColumn = all.at(-1).column + 4;
  const sectionColumn = Math.max(...all.filter((field) => field.section).map((field) => field.text.length + 3));

  let bars = '';
  for (const { column } of all) bars = `${bars.padEnd(column)}|`;
  const lines = [octets(frame), bars];
  // From the last field to the first, so that no line crosses another.
  for (const { column, text, section } of all.reverse()) {
    const branch = `${`${bars.slice(0, column)}+`.padEnd(textColumn - 1, '-')} ${text}`;
    lines.push(section ? branch.padEnd(textColumn + sectionColumn) + section : branch);
  }
  return `${lines.join('\n')}\n`;
}

/** The names of the registry, for people. */
export const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1007: 'invalid frame payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'mandatory extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
};

export function closeCode(code) {
  if (!mayBeSent(code)) return `${code} (must not be sent)`;
  return `${code} ${CLOSE_CODES[code] ?? (code < 4000 ? 'registered' : 'private')}`;
}

function fields(frame) {
  const bit = (value) => (value ? '1' : '0');
  const rsv = bit(frame.rsv1) + bit(frame.rsv2) + bit(frame.rsv3);
  const opcode = `${frame.opcode.toString(16)} ${opcodeName(frame.opcode)}`;
  const list = [
    { column: 0, text: `${bit(frame.fin)} ${rsv} ${binary(frame.opcode, 4)}  FIN=${bit(frame.fin)} RSV=${rsv} opcode=${opcode}` },
    {
      column: 3,
      text: `${bit(frame.masked)} ${binary(frame.short, 7)}   MASK=${bit(frame.masked)} length=${frame.short}`,
      section: '(5.2)',
    },
  ];
  const extended = { 7: 0, 16: 2, 64: 8 }[frame.form];
  if (extended > 0 && frame.length !== undefined) {
    list.push({ column: 6, text: `extended length=${frame.length}`, section: '(5.2)' });
  }
  if (frame.key) list.push({ column: 3 * (2 + extended), text: 'masking key', section: '(5.3)' });
  if (frame.head) payloadFields(frame, 3 * frame.header.length, list);
  return list;
}

function payloadFields({ opcode, masked, payload, whole, length, rsv1 }, column, list) {
  const unmasked = masked ? ', unmasked' : '';
  if (opcode === 8 && payload.length >= 2) {
    const code = closeCode(payload[0] * 256 + payload[1]);
    list.push({ column, text: `close code${unmasked}: ${code}`, section: '(7.4)' });
    const reason = payload.subarray(2);
    if (reason.length === 0) return;
    list.push({ column: column + 6, text: `close reason, ${count(reason.length)}${unmasked}: ${quoted(reason, PREVIEW)}` });
  } else if (payload.length > 0) {
    const there = whole ? count(length) : `${payload.length} of ${count(length)}`;
    list.push({ column, text: `payload, ${there}${unmasked}: ${meaning(opcode, payload, rsv1)}` });
  }
}

const count = (bytes) => `${bytes} ${BigInt(bytes) === 1n ? 'byte' : 'bytes'}`;

/** Text where it is or seems text, bytes otherwise. */
function meaning(opcode, payload, rsv1) {
  const text = rsv1 ? false : opcode === 1 ? true : opcode === 2 || opcode === 8 ? false : !windows(payload, PREVIEW).some((part) => /[\p{Cc}\ufffd]/u.test(part));
  return text ? quoted(payload, PREVIEW) : cutHex(payload, Math.floor((PREVIEW - 4) / 3));
}

const octets = ({ header, wire }) => [hex(header), cutHex(wire, DRAWN)].filter(Boolean).join(' ');

function cutHex(bytes, keep) {
  if (bytes.length <= keep) return hex(bytes);
  const end = Math.floor(keep / 3);
  return `${hex(bytes.subarray(0, keep - end))} .. ${hex(bytes.subarray(bytes.length - end))}`;
}

/** A text in quotes, escaped, cut in the middle where it would take more than `width` bytes. */
export function quoted(bytes, width = PREVIEW) {
  const [head, tail] = windows(bytes, width);
  const whole = [...head].map((character, index) => escape(character, index === 0)).join('');
  if (bytes.length <= width && size(whole) + 2 <= width) return `"${whole}"`;
  const half = Math.floor((width - 8) / 2);
  let [left, right] = ['', ''];
  for (const character of head) {
    if (size(left + escape(character)) > half) break;
    left += escape(character);
  }
  for (const character of [...tail].reverse()) {
    if (size(escape(character) + right) > half) break;
    right = escape(character) + right;
  }
  return `"${left}" .. "${right}"`;
}

/** The beginning and the end of a text, without the characters that the window cuts. */
function windows(bytes, width) {
  if (bytes.length <= width) return [lossy(bytes), lossy(bytes)];
  let end = width;
  while (end > width - 4 && (bytes[end] & 0xc0) === 0x80) end--;
  let start = bytes.length - width;
  while (start < bytes.length && (bytes[start] & 0xc0) === 0x80) start++;
  return [lossy(bytes.subarray(0, end)), lossy(bytes.subarray(start))];
}

/** What does not show by itself. A combining mark does when it has something to combine with, so not when `alone`. */
function escape(character, alone = true) {
  const short = { '\0': '\\0', '\t': '\\t', '\n': '\\n', '\r': '\\r', '"': '\\"', "'": "\\'", '\\': '\\\\' }[character];
  if (short) return short;
  if ((character !== ' ' && /[\p{C}\p{Z}]/u.test(character)) || (alone && /\p{Grapheme_Extend}/u.test(character))) return `\\u{${character.codePointAt(0).toString(16)}}`;
  return character;
}

const lossy = (bytes) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
const size = (text) => new TextEncoder().encode(text).length;

const PREVIEW = 48;
const DRAWN = 18;
