// The lab's first part: bytes, figure, fields and verdict, four views of one stream. Whatever is edited changes the bytes,
// and everything is drawn again from them.

import { $, build, button } from '../shared/dom.js';
import { draw } from './diagram.js';
import { receive } from './frame-decoder.js';
import { Explanation } from './frame-explanation.js';
import { Figure } from './frame-figure.js';
import { Verdict } from './frame-verdict.js';
import { encode, hex, join, opcodeName, parseHex, shortest } from './frame.js';
import { FINE, KEY, WRONG, bytesOf } from './presets.js';

export function frameLab(t) {
  let bytes = new Uint8Array();
  let role = 'server';
  let results = [];
  let selected = 0;
  let asHex = false; // how the payload is edited where there is a choice: what is no text is edited so anyway

  const explanation = new Explanation($('explain'), t);
  const verdict = new Verdict($('verdict'), $('checks'), t);
  const figure = new Figure($('figure'), t, { flip, point: (field) => explanation.show(current(), field) });
  const narrow = [matchMedia('(max-width: 40rem)'), matchMedia('(max-width: 58rem)')];
  for (const query of narrow) query.addEventListener('change', render);

  const current = () => results[selected];

  // ---- The bytes

  function open(next, { receiver = role, frame = 0 } = {}) {
    bytes = next;
    role = receiver;
    selected = frame;
    render();
  }

  function flip(bit) {
    const at = current().frame.start + (bit >> 3);
    const next = bytes.slice();
    next[at] ^= 0x80 >> (bit & 7);
    open(next, { frame: selected });
  }

  /** Writes the selected frame anew with some fields changed. */
  function change(fields) {
    const { frame } = current();
    const form = fields.form ?? (frame.form === shortest(frame.length ?? 0n) ? undefined : frame.form);
    const payload = fields.payload ?? frame.payload;
    // A frame that promises more than is there goes on doing so, until its payload is edited.
    const length = fields.payload || frame.whole || frame.length === undefined ? BigInt(payload.length) : frame.length;
    const holds = { 7: 125n, 16: 0xffffn, 64: (1n << 64n) - 1n };
    const next = encode({ ...frame, length, ...fields, payload, form: form && length <= holds[form] ? form : undefined });
    open(join([bytes.subarray(0, frame.start), next, bytes.subarray(frame.end)]), { frame: selected });
  }

  $('bytes').addEventListener('input', () => {
    const parsed = parseHex($('bytes').value);
    $('bytes-problem').textContent = parsed ? '' : t('bytes-problem');
    $('bytes').ariaInvalid = String(!parsed);
    if (parsed) open(parsed, { frame: selected });
  });

  // ---- The fields

  /** The first byte, bit by bit: no other byte depends on it. */
  function changeFirst(clear, set) {
    const next = bytes.slice();
    next[current().frame.start] = (next[current().frame.start] & ~clear) | set;
    open(next, { frame: selected });
  }

  for (const [id, bit] of [['f-fin', 0x80], ['f-rsv1', 0x40], ['f-rsv2', 0x20], ['f-rsv3', 0x10]]) {
    $(id).addEventListener('change', () => changeFirst(bit, $(id).checked ? bit : 0));
  }
  for (let opcode = 0; opcode < 16; opcode++) {
    const option = build('option', `${opcode.toString(16)} ${opcodeName(opcode)}`);
    option.value = opcode;
    $('f-opcode').append(option);
  }
  $('fields').addEventListener('submit', (event) => event.preventDefault());
  $('f-opcode').addEventListener('change', () => changeFirst(0x0f, Number($('f-opcode').value)));
  $('f-mask').addEventListener('change', () => change({ key: $('f-mask').checked ? KEY : null }));
  $('f-newkey').addEventListener('click', () => change({ key: crypto.getRandomValues(new Uint8Array(4)) }));
  $('f-key').addEventListener('input', () => {
    const key = parseHex($('f-key').value);
    $('f-key').ariaInvalid = String(key?.length !== 4);
    if (key?.length === 4) change({ key });
  });
  for (const radio of $('fields').elements.form) radio.addEventListener('change', () => change({ form: Number(radio.value) }));
  for (const radio of $('fields').elements.as) {
    radio.addEventListener('change', () => {
      asHex = radio.value === 'hex';
      showFields();
    });
  }
  $('f-payload').addEventListener('input', () => {
    const text = $('f-payload').value;
    const payload = $('fields').elements.as.value === 'hex' ? parseHex(text) : new TextEncoder().encode(text);
    $('payload-problem').textContent = payload ? '' : t('payload-not-hex');
    if (payload) change({ payload });
  });

  function showFields() {
    const frame = current()?.frame;
    for (const element of $('fields').elements) element.disabled = frame?.masked === undefined;
    if (frame?.masked === undefined) return;
    for (const name of ['fin', 'rsv1', 'rsv2', 'rsv3']) $(`f-${name}`).checked = frame[name];
    $('f-opcode').value = frame.opcode;
    $('f-mask').checked = frame.masked;
    $('f-key').disabled = $('f-newkey').disabled = !frame.key;
    put($('f-key'), frame.key ? hex(frame.key) : '');
    $('fields').elements.form.value = String(frame.form);
    for (const radio of $('fields').elements.form) {
      radio.disabled = (radio.value === '7' && frame.payload.length > 125) || (radio.value === '16' && frame.payload.length > 0xffff);
    }
    showPayload(frame.payload);
  }

  function showPayload(payload) {
    const text = asText(payload);
    const large = payload.length > EDITABLE;
    const typing = document.activeElement === $('f-payload');
    const inHex = typing ? $('fields').elements.as.value === 'hex' : asHex || text === null;
    $('fields').elements.as.value = inHex ? 'hex' : 'text';
    $('fields').elements.as[0].disabled = text === null;
    $('f-payload').classList.toggle('mono', inHex);
    $('f-payload').disabled = large;
    put($('f-payload'), large ? '' : inHex ? hex(payload) : text);
    if (!typing) {
      $('payload-problem').textContent = large ? t('payload-large') : text === null ? t('payload-not-text') : '';
    }
  }

  // ---- Everything from the bytes

  function render() {
    results = receive(bytes, role, KEY);
    selected = Math.min(Math.max(selected, 0), Math.max(results.length - 1, 0));
    put($('bytes'), bytes.length > SHOWN ? `${hex(bytes.subarray(0, SHOWN))} …` : hex(bytes));
    $('bytes').readOnly = bytes.length > SHOWN;
    if (document.activeElement !== $('bytes')) {
      $('bytes-problem').textContent = '';
      $('bytes').ariaInvalid = 'false';
    }
    const result = current();
    const width = narrow[0].matches ? 8 : narrow[1].matches ? 16 : 32;
    const octets = result ? bytes.subarray(result.frame.start, result.frame.end) : bytes;
    explanation.show(result, null);
    figure.draw(result?.frame ?? { wire: [] }, octets, width, result?.bad);
    verdict.show(result, role);
    for (const radio of document.querySelectorAll('[name=role]')) radio.checked = radio.value === role;
    $('drawing').textContent = result ? draw(result.frame) || hex(octets) : '';
    showTabs();
    showFields();
    showPresets();
    remember();
  }

  function showTabs() {
    $('frames').hidden = results.length < 2;
    $('frames').replaceChildren(
      ...results.slice(0, TABS).map(({ frame, outcome }, index) => {
        const tab = button('.chip', t('frame-n', index + 1, opcodeName(frame.opcode)), () => {
          selected = index;
          render();
          $('frames').children[index].focus();
        });
        tab.ariaPressed = String(index === selected);
        tab.classList.toggle('bad', outcome === 'fail');
        return tab;
      }),
    );
  }

  // ---- Presets, the receiver, the address

  for (const [list, element] of [[FINE, $('presets-fine')], [WRONG, $('presets-wrong')]]) {
    for (const preset of list) {
      preset.bytes = bytesOf(preset);
      preset.chip = button('.chip', t(preset.name), () => {
        asHex = false;
        open(preset.bytes, { receiver: preset.role ?? 'server' });
      });
      element.append(preset.chip);
    }
  }

  function showPresets() {
    for (const preset of [...FINE, ...WRONG]) {
      const same = (preset.role ?? 'server') === role && preset.bytes.length === bytes.length && preset.bytes.every((byte, at) => byte === bytes[at]);
      preset.chip.ariaPressed = String(same);
    }
  }

  for (const radio of document.querySelectorAll('[name=role]')) {
    radio.addEventListener('change', () => {
      role = radio.value;
      render();
    });
  }

  /** The address holds the bytes, so that a frame can be shared as a link. */
  function remember() {
    if (bytes.length > LINKED) return;
    history.replaceState(null, '', `#${role}:${hex(bytes).replaceAll(' ', '')}`);
  }

  function recall() {
    const [, receiver, digits] = /^#(server|client):([0-9a-f]*)$/i.exec(location.hash) ?? [];
    const shared = digits && parseHex(digits);
    if (shared) open(shared, { receiver });
    else if (bytes.length === 0) open(FINE[0].bytes);
  }
  addEventListener('hashchange', recall);
  recall();

  return { open };
}

/** Sets a field's text, unless somebody is typing in it. */
function put(field, text) {
  if (field !== document.activeElement) field.value = text;
}

function asText(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const SHOWN = 4096;
const EDITABLE = 2048;
const LINKED = 300;
const TABS = 40;
