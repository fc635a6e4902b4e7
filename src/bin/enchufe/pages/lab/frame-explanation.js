// What the field under the pointer means, in words, with its value and its section.

import { build } from '../shared/dom.js';
import { closeCode } from './diagram.js';
import { bits8, character, hex2 } from './frame-figure.js';
import { opcodeName } from './frame.js';

/** A link to a section of the RFC. */
export function sectionLink(t, number) {
  const link = build('a.section', t('section', number));
  link.href = `https://www.rfc-editor.org/rfc/rfc6455#section-${number}`;
  link.target = '_blank';
  link.rel = 'noopener';
  return link;
}

export class Explanation {
  constructor(element, t) {
    Object.assign(this, { element, t });
  }

  /** Explains `field` of the frame in `result`, or the frame when there is no field. */
  show(result, field) {
    if (this.result === result && this.field === field) return; // still pointing at it: nothing to say again
    Object.assign(this, { result, field });
    const { t, element } = this;
    element.className = field ? `f-${field.name}` : '';
    if (!result) return element.replaceChildren();
    const { frame } = result;
    if (!field) {
      const size = frame.end - frame.start;
      return element.replaceChildren(build('p', t('x-none', size, frame.header.length)), build('p.muted', t('x-none-hint')));
    }
    const [title, section, ...words] = this.words(frame, field, result);
    const heading = build('h4', build('span.tag', title), ' ', sectionLink(t, section));
    element.replaceChildren(heading, ...words.map((part) => (typeof part === 'string' ? build('p', part) : part)));
  }

  words(frame, { name, value, index }, result) {
    const { t } = this;
    switch (name) {
      case 'fin':
        return [`FIN = ${Number(value)}`, '5.2', t('x-fin', value)];
      case 'rsv1':
      case 'rsv2':
      case 'rsv3':
        return [`${name.toUpperCase()} = ${Number(value)}`, '5.2', t('x-rsv', value)];
      case 'opcode': {
        const known = opcodeName(value) !== 'reserved';
        const section = { 0: '5.4', 1: '5.6', 2: '5.6', 8: '5.5.1', 9: '5.5.2', 10: '5.5.3' }[value] ?? '5.2';
        const title = `${t('f-opcode')} = ${value.toString(16)} ${opcodeName(value)}`;
        return [title, section, t(known ? `x-opcode-${value}` : 'x-opcode-reserved'), build('p.muted', t('x-opcodes'))];
      }
      case 'mask':
        return [`MASK = ${Number(value)}`, '5.1', t('x-mask', value)];
      case 'length':
        return [`${t('f-length')} = ${value}`, '5.2', t(`x-length-${frame.form}`, value)];
      case 'extended': {
        const first = frame.form === 64 ? t('x-extended-64') : null;
        return [`${t('f-extended', frame.form)} = ${value}`, '5.2', t('x-extended', value, frame.form), ...(first ? [first] : [])];
      }
      case 'key':
        return [`${t('f-key')}[${index}] = ${hex2(value)}`, '5.3', t('x-key')];
      default:
        return this.payload(frame, value, index, result.bad);
    }
  }

  payload(frame, value, index, bad) {
    const { t } = this;
    const { key, payload, opcode } = frame;
    const notes = [];
    if (index === bad) notes.push(t('x-spoilt'));
    if (opcode === 8 && index < 2 && payload.length > 1) notes.push(`${t('x-code')} ${closeCode(payload[0] * 256 + payload[1])}`);
    const byte = payload[index];
    const shown = character(byte) === hex2(byte) ? '' : ` ${character(byte)}`;
    const plain = `${bits8(byte)}   ${hex2(byte)} ${shown}`;
    if (!key) return [`${hex2(byte)}${shown}`, '5.2', t('x-payload-plain', index), ...notes, build('pre', plain)];
    const sum = [
      `    ${bits8(value)}   ${hex2(value)}  ${t('x-wire')}`,
      `XOR ${bits8(key[index % 4])}   ${hex2(key[index % 4])}  ${t('f-key')}[${index % 4}]`,
      `  = ${plain}  ${t('x-payload-byte')}`,
    ];
    return [`${hex2(value)} → ${character(byte)}`, '5.3', t('x-payload', index, index % 4), ...notes, build('pre', sum.join('\n'))];
  }
}
