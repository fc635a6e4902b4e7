// What a receiver answers to the frames of a stream: the rules of RFC 6455 in the order in which the library checks them, the
// outcome of each frame, and the frame that goes back. Pure, and complete: every rule that decided can be shown.

import { decode, encode, isControl, join, shortest } from './frame.js';

/** Every rule: the section that says it and the code of the Close for whoever breaks it. */
export const RULES = {
  ReservedOpcode: { section: '5.2', code: 1002 },
  LengthTopBit: { section: '5.2', code: 1002 },
  NonMinimalLength: { section: '5.2', code: 1002 },
  UnmaskedFrame: { section: '5.1', code: 1002, role: 'server' },
  MaskedFrame: { section: '5.1', code: 1002, role: 'client' },
  ReservedBit: { section: '5.2', code: 1002 },
  UnexpectedContinuation: { section: '5.4', code: 1002 },
  ExpectedContinuation: { section: '5.4', code: 1002 },
  FragmentedControl: { section: '5.5', code: 1002 },
  ControlTooLong: { section: '5.5', code: 1002 },
  MessageTooBig: { section: '10.4', code: 1009 },
  InvalidUtf8: { section: '8.1', code: 1007 },
  CloseTooShort: { section: '5.5.1', code: 1002 },
  InvalidCloseCode: { section: '7.4', code: 1002 },
  InvalidCloseReason: { section: '5.5.1', code: 1007 },
};

/**
 * Reads `bytes` as `role` ('server' reads what a client sends) and returns a list of
 *   { frame, checks: [{ rule, holds }], broken, outcome, message?, reply? }
 * `holds` is undefined for a rule that was not reached or does not concern this frame. `outcome` is one of
 *   fail, waiting, message, fragment, ping, pong, close, ignored
 * and `reply` the bytes that go back. `key` masks the replies of a client.
 */
export function receive(bytes, role, key) {
  const results = [];
  const state = { kind: null, payload: none, done: false };
  for (let at = 0; at < bytes.length; ) {
    const frame = decode(bytes, at);
    // 5.5.1, 7.1.7: after a Close or a failure nothing more is looked at.
    const result = state.done ? { frame, checks: [], outcome: 'ignored' } : step(frame, role, state);
    if (result.broken) result.reply = closing(RULES[result.broken].code, role, key);
    else if (result.outcome === 'ping') result.reply = reply({ opcode: 10, payload: frame.payload }, role, key);
    else if (result.outcome === 'close') result.reply = reply({ opcode: 8, payload: frame.payload }, role, key);
    results.push(result);
    if (result.broken || result.outcome === 'close') state.done = true;
    at = frame.end;
  }
  return results;
}

/** The codes that may be on the wire (7.4, and the registry). */
export const mayBeSent = (code) => (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);

/** As on /inspect. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

function step(frame, role, state) {
  const checks = [];
  const result = { frame, checks, outcome: 'waiting' };
  // Returns true when the rule is broken, and remembers what was looked at.
  const breaks = (rule, broken) => {
    checks.push({ rule, holds: !broken });
    if (!broken) return false;
    result.broken = rule;
    result.outcome = 'fail';
    return true;
  };

  if (breaks('ReservedOpcode', (frame.opcode > 2 && frame.opcode < 8) || frame.opcode > 10)) return result;
  if (frame.length !== undefined) {
    if (frame.form === 64 && breaks('LengthTopBit', frame.length >> 63n === 1n)) return result;
    if (frame.form > 7 && breaks('NonMinimalLength', frame.form !== shortest(frame.length))) return result;
  }
  if (frame.head === undefined) return result;

  if (role === 'server' && breaks('UnmaskedFrame', !frame.masked)) return result;
  if (role === 'client' && breaks('MaskedFrame', frame.masked)) return result;
  if (breaks('ReservedBit', frame.rsv1 || frame.rsv2 || frame.rsv3)) return result;
  if (isControl(frame.opcode)) {
    if (breaks('FragmentedControl', !frame.fin)) return result;
    if (breaks('ControlTooLong', frame.length > 125n)) return result;
    return control(frame, result, breaks);
  }
  if (frame.opcode === 0 && breaks('UnexpectedContinuation', state.kind === null)) return result;
  if (frame.opcode !== 0 && breaks('ExpectedContinuation', state.kind !== null)) return result;
  return data(frame, result, breaks, state);
}

function data(frame, result, breaks, state) {
  const kind = frame.opcode === 0 ? state.kind : frame.opcode === 1 ? 'text' : 'binary';
  const before = state.payload.length;
  if (breaks('MessageTooBig', BigInt(before) + frame.length > BigInt(MAX_MESSAGE))) return result;
  const payload = join([state.payload, frame.payload]);
  if (kind === 'text') {
    const bad = badUtf8(payload, frame.whole && frame.fin);
    if (breaks('InvalidUtf8', bad !== null)) {
      result.bad = bad - before;
      return result;
    }
  }
  if (!frame.whole) return result;

  Object.assign(state, { kind, payload });
  result.outcome = 'fragment';
  if (frame.fin) {
    result.outcome = 'message';
    result.message = { kind, payload };
    Object.assign(state, { kind: null, payload: none });
  }
  return result;
}

function control({ opcode, payload, whole }, result, breaks) {
  if (!whole) return result;
  result.outcome = { 8: 'close', 9: 'ping', 10: 'pong' }[opcode];
  if (opcode !== 8 || payload.length === 0) return result;
  if (breaks('CloseTooShort', payload.length === 1)) return result;
  result.code = payload[0] * 256 + payload[1];
  if (breaks('InvalidCloseCode', !mayBeSent(result.code))) return result;
  const bad = badUtf8(payload.subarray(2), true);
  if (breaks('InvalidCloseReason', bad !== null)) result.bad = bad + 2;
  return result;
}

/** The index of the first byte that nothing after it could make right, the length when the text ends too early, or null. */
function badUtf8(bytes, last) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !last });
    return null;
  } catch {
    // Once more, byte by byte, to point at it.
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let index = 0; index < bytes.length; index++) {
    try {
      decoder.decode(bytes.subarray(index, index + 1), { stream: true });
    } catch {
      return index;
    }
  }
  return bytes.length;
}

const closing = (code, role, key) => reply({ opcode: 8, payload: Uint8Array.of(code >> 8, code & 0xff) }, role, key);

/** 5.1: only a client masks. */
const reply = (frame, role, key) => encode({ ...frame, key: role === 'client' ? key : null });
const none = new Uint8Array();
