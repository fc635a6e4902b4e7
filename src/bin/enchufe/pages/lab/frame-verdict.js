// What the receiver of a frame says to it, and by which rules.

import { build } from '../shared/dom.js';
import { closeCode, quoted } from './diagram.js';
import { RULES } from './frame-decoder.js';
import { sectionLink } from './frame-explanation.js';
import { hex } from './frame.js';

export class Verdict {
  constructor(element, list, t) {
    Object.assign(this, { element, list, t });
  }

  show(result) {
    const { t, element } = this;
    const outcome = result?.outcome ?? 'none';
    element.className = { fail: 'fail', waiting: 'waiting', ignored: 'waiting', none: 'none' }[outcome] ?? 'good';
    element.replaceChildren(...(result ? this.words(result) : [build('p', t('v-none'))]));
    this.list.replaceChildren(...(result?.checks ?? []).map(({ rule, holds }) => this.check(rule, holds)));
  }

  words({ frame, outcome, broken, bad, message, code, reply }) {
    const { t } = this;
    const lines = [build('p.headline', this.headline(outcome, { broken, message, code }))];
    if (broken) lines.push(build('p', `${t('v-breaks')} ${t(`r-${broken}`)} — `, sectionLink(t, RULES[broken].section)));
    if (bad !== undefined) {
      const byte = frame.payload.subarray(bad, bad + 1);
      lines.push(build('p', byte.length > 0 ? t('v-bad', bad, hex(byte)) : t('v-bad-end')));
    }
    if (outcome === 'message' && message.payload.length > 0) lines.push(build('p.mono', this.preview(message)));
    if (outcome === 'waiting' && frame.head !== undefined) {
      lines.push(build('p', t('v-waiting-payload', frame.length - BigInt(frame.wire.length))));
    }
    if (outcome === 'ignored') lines.push(build('p', t('v-ignored-why')));
    if (reply) lines.push(build('p', `${t('v-reply')} `, build('code', hex(reply))));
    return lines;
  }

  headline(outcome, { broken, message, code }) {
    const { t } = this;
    if (broken) return `✗ ${t('v-fail', closeCode(RULES[broken].code))}`;
    if (outcome === 'message') return `✓ ${t('v-message', message.kind, message.payload.length)}`;
    if (outcome === 'close') return `✓ ${t('v-close', code && closeCode(code))}`;
    if (outcome === 'waiting') return `… ${t('v-waiting')}`;
    return outcome === 'ignored' ? t('v-ignored') : `✓ ${t(`v-${outcome}`)}`;
  }

  preview({ kind, payload }) {
    if (kind === 'text') return quoted(payload, 200);
    return payload.length > 32 ? `${hex(payload.subarray(0, 32))} …` : hex(payload);
  }

  check(rule, holds) {
    const mark = build('span.mark', holds ? '✓' : '✗');
    return build(`li.${holds ? 'yes' : 'no'}`, mark, build('span', this.t(`r-${rule}`)), sectionLink(this.t, RULES[rule].section));
  }
}
