// Reading histories against what we know: which waiting messages has this one, and where does it continue another?
// Pure functions over lists of `{ author, text }`. A history holds the last 255 lines, so a full one has lost its beginning.

import { MAX } from './codec.js';

/**
 * Which of the `waiting` messages stand at the end of `history`, as a set; null when no reading fits.
 * `known` is what that history held before, or null when we were never told. Those for which `certain(message)` holds
 * belong to it for sure. Of several readings the one with most messages wins (equal messages can be exchanged anyway).
 */
export function arrived(known, history, waiting, certain) {
  for (let count = Math.min(waiting.length, history.length); count >= 0; count--) {
    if (known !== null && !continues(known, history, history.length - count)) continue;
    const found = embed(history.slice(history.length - count), waiting, certain);
    if (found) return new Set(found);
  }
  return null;
}

/**
 * The `lines` on screen brought up to date with `history` after an absence: the lines we have stay the same objects, those
 * we miss are new ones with `fresh`, and `{ gap }` stands where some may be missing.
 */
export function caughtUp(lines, history) {
  const have = lines.filter((line) => !line.gap);
  if (history.length < MAX) {
    // The history has its beginning: when it holds all we have, it says where each line belongs.
    const left = [...have];
    const all = history.map((line) => {
      const index = left.findIndex((one) => equal(one, line));
      return index < 0 ? fresh(line) : left.splice(index, 1)[0];
    });
    if (left.length === 0) return all;
  }
  // It has lost its beginning, or the server its memory: continue after the longest overlap.
  let old = Math.min(have.length, history.length);
  while (!same(have.slice(have.length - old), history.slice(0, old))) old--;
  const gap = old === 0 && have.length > 0 && history.length > 0 ? [{ gap: true }] : [];
  return [...lines, ...gap, ...history.slice(old).map(fresh)];
}

/** Do the first `old` lines of `history` continue `known`? All of it, unless the history is full. */
function continues(known, history, old) {
  if (history.length < MAX ? old !== known.length : old > known.length) return false;
  return same(known.slice(known.length - old), history.slice(0, old));
}

/** `lines` as a subsequence of `waiting` that leaves out no certain one, or null. */
function embed(lines, waiting, certain) {
  // fits[j][i]: can lines from i on be found in waiting from j on?
  const fits = Array.from({ length: waiting.length + 1 }, () => []);
  for (let j = waiting.length; j >= 0; j--) {
    for (let i = lines.length; i >= 0; i--) {
      fits[j][i] = j === waiting.length ? i === lines.length : takes(i, j) || (!certain(waiting[j]) && fits[j + 1][i]);
    }
  }
  if (!fits[0][0]) return null;

  const found = [];
  for (let i = 0, j = 0; j < waiting.length; j++) {
    if (!takes(i, j)) continue;
    found.push(waiting[j]);
    i++;
  }
  return found;

  function takes(i, j) {
    return i < lines.length && equal(lines[i], waiting[j]) && fits[j + 1][i + 1];
  }
}

const fresh = ({ author, text }) => ({ author, text, at: null, fresh: true });

const same = (some, others) => some.every((line, index) => equal(line, others[index]));
const equal = (one, other) => one.author === other.author && one.text === other.text;
