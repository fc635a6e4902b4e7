// The figure of RFC 6455, 5.2 with a real frame in it: rows of 32 bits (fewer on a narrow screen), every bit a button that
// flips, every field labelled where it stands.

import { build } from '../shared/dom.js';
import { binary, fields, opcodeName } from './frame.js';

export class Figure {
  /** `flip(bit)` is called for a bit that was clicked, `point(field)` for the field under the pointer or the focus, or null. */
  constructor(element, t, { flip, point }) {
    Object.assign(this, { element, t, point, fields: [], bits: [] });
    const fieldOf = (target) => target?.closest?.('[data-field]')?.dataset.field;
    const focused = () => (element.contains(document.activeElement) ? document.activeElement : null);
    element.addEventListener('click', ({ target }) => target.dataset.bit && flip(Number(target.dataset.bit)));
    element.addEventListener('keydown', (event) => this.move(event));
    element.addEventListener('focusin', ({ target }) => this.mark(fieldOf(target)));
    element.addEventListener('focusout', ({ relatedTarget }) => relatedTarget && !element.contains(relatedTarget) && this.mark());
    element.addEventListener('mouseover', ({ target }) => this.mark(fieldOf(target) ?? fieldOf(focused())));
    element.addEventListener('mouseleave', () => this.mark(fieldOf(focused())));
  }

  /** Draws `frame`, whose octets are `bytes`, in rows of `width` bits. `spoilt` is a byte of the payload to mark. */
  draw(frame, bytes, width, spoilt) {
    const focused = this.bits.indexOf(document.activeElement);
    this.fields = fields(frame);
    this.frame = frame;
    this.width = width;
    this.spoilt = spoilt;
    // The fields begin at the first bit and leave no hole.
    const fieldAt = this.fields.flatMap((field) => new Array(field.to - field.from).fill(field));
    const shown = Math.min(bytes.length * 8, width * (ROWS[width] ?? 8));

    const rows = [build('div.ruler', ...Array.from({ length: width }, (_, bit) => build('span', String(bit))))];
    rows[0].ariaHidden = 'true';
    for (let from = 0; from < shown; from += width) {
      rows.push(this.row(fieldAt, bytes, from, Math.min(from + width, shown)));
    }
    if (shown < bytes.length * 8) rows.push(build('p.more', this.t('more', bytes.length - shown / 8)));
    this.element.style.setProperty('--bits', width);
    this.element.replaceChildren(...rows);

    this.bits = [...this.element.querySelectorAll('.bit')];
    // One stop for the tabulator; the arrows move inside.
    const stop = this.bits[Math.min(Math.max(focused, 0), this.bits.length - 1)];
    if (stop) stop.tabIndex = 0;
    if (focused >= 0) stop?.focus({ preventScroll: true });
    else if (this.pointed !== undefined) this.mark(this.pointed);
  }

  row(fieldAt, bytes, from, to) {
    const row = build('div.word');
    for (let at = from; at < to; ) {
      const end = Math.min(fieldAt[at]?.to ?? to, to);
      row.append(this.label(fieldAt[at], at, end));
      at = end;
    }
    for (let at = from; at < to; at++) row.append(this.bit(fieldAt[at], at, (bytes[at >> 3] >> (7 - (at & 7))) & 1));
    return row;
  }

  label(field, from, to) {
    const [name, value] = this.caption(field, from === field?.from);
    const label = build(`div.label.${this.kind(field)}`, build('b', name), value && build('span.value', value));
    if (to - from === 1) label.classList.add('narrow');
    label.style.gridColumn = `span ${to - from}`;
    label.dataset.field = this.fields.indexOf(field);
    label.ariaHidden = 'true'; // every bit says its field
    return label;
  }

  bit(field, at, value) {
    const bit = build(`button.bit.${this.kind(field)}`, String(value));
    bit.classList.add(value === 1 ? 'one' : 'zero');
    bit.classList.toggle('first', field?.from === at);
    bit.classList.toggle('last', field?.to === at + 1);
    bit.type = 'button';
    bit.tabIndex = -1;
    bit.dataset.bit = at;
    bit.dataset.field = this.fields.indexOf(field);
    bit.ariaLabel = this.t('bit', at, value, this.caption(field, true).join(' '));
    return bit;
  }

  kind(field) {
    if (!field) return 'f-none';
    return field.name === 'payload' && field.index === this.spoilt ? 'f-spoilt' : `f-${field.name}`;
  }

  /** Name and value of a field, short enough for its cell. */
  caption(field, first) {
    if (!field) return ['…', ''];
    const { name, value, index } = field;
    switch (name) {
      case 'opcode':
        return [this.t('f-opcode'), `${value.toString(16)} ${opcodeName(value)}`];
      case 'length':
        return [this.t('f-length'), String(value)];
      case 'extended':
        return first ? [this.t('f-extended', this.frame.form), String(value)] : ['…', ''];
      case 'key':
        return [`${this.t('f-key')}[${index}]`, hex2(value)];
      case 'payload':
        return this.frame.key ? [hex2(value), `→ ${character(this.frame.payload[index])}`] : [character(value), ''];
      default:
        return [name.toUpperCase(), ''];
    }
  }

  mark(index) {
    this.pointed = index;
    for (const old of this.element.querySelectorAll('.pointed')) old.classList.remove('pointed');
    const field = this.fields[index];
    if (field) for (const part of this.element.querySelectorAll(`[data-field="${index}"]`)) part.classList.add('pointed');
    this.point(field ?? null);
  }

  move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.width, ArrowDown: this.width, Home: -Infinity, End: Infinity }[event.key];
    const from = this.bits.indexOf(document.activeElement);
    if (step === undefined || from < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const to = this.bits[Math.min(Math.max(from + step, 0), this.bits.length - 1)];
    this.bits[from].tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }
}

/** A byte as the character it is by itself, else in hexadecimal. */
export const character = (byte) => (byte > 0x20 && byte < 0x7f ? `“${String.fromCharCode(byte)}”` : hex2(byte));

export const hex2 = (byte) => byte.toString(16).padStart(2, '0');

/** `0111 1111` */
export const bits8 = (byte) => binary(byte, 8).replace(/^..../, '$& ');

/** How much is drawn: more rows where they are short. */
const ROWS = { 8: 20, 16: 13, 32: 8 };
