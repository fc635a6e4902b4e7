// The chat on screen: its lines, what has not come back yet, and the box to write in.

import { $ } from '../shared/dom.js';
import { MAX, STATUS, byteLength } from './codec.js';
import { divider, line, outgoing } from './elements.js';
import { chatDetail, chatName } from './list.js';

export class Talk {
  /** `connected()`: can anything be sent now? */
  constructor(t, connected) {
    Object.assign(this, { t, connected });
    this.drafts = new Map(); // chat -> text not sent yet
    this.followed = true; // stay at the bottom when lines, banners or the box change the space?

    $('scroll').addEventListener('scroll', () => {
      this.followed = $('scroll').scrollHeight - $('scroll').scrollTop - $('scroll').clientHeight < 80;
      if (this.followed) $('latest').hidden = true;
    });
    new ResizeObserver(() => this.followed && this.toBottom()).observe($('scroll'));
    $('latest').addEventListener('click', () => this.toBottom());

    $('text').addEventListener('input', () => this.check());
    $('text').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    $('compose').addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  use(chats) {
    this.chats = chats;
    this.drafts.clear();
    $('text').value = '';
  }

  get chat() {
    return this.chats.chat(this.chats.active);
  }

  // ---- Lines

  open(name) {
    this.drafts.set(this.chats.active, $('text').value);
    const mark = firstUnread(this.chats.chat(name), this.chats.me);
    this.chats.open(name);
    $('chat-name').textContent = chatName(this.t, name);
    $('text').value = this.drafts.get(name) ?? '';
    this.draw(mark);
  }

  /** All lines again; `mark` is the first one not read yet. */
  draw(mark) {
    this.last = undefined;
    $('lines').replaceChildren();
    for (const item of this.chat.lines.slice(-SHOWN)) {
      if (item === mark) this.divide('new');
      this.add(item);
    }
    this.drawOutgoing();
    this.toBottom();
    $('lines').querySelector('.divider.new')?.scrollIntoView({ block: 'nearest' });
  }

  /** One more line at the end. */
  append(item) {
    const stay = !this.followed && item.author !== this.chats.me;
    this.add(item);
    while ($('lines').childElementCount > SHOWN + 50) $('lines').firstChild.remove();
    this.showEmpty();
    if (stay) $('latest').hidden = false;
    else this.toBottom();
  }

  add(item) {
    if (item.held) return;
    if (item.gap) return this.divide('gap');
    const soon = Math.abs((item.at ?? 0) - (this.last?.at ?? 0)) < 5 * 60_000;
    const follows = this.last?.author === item.author && soon;
    $('lines').append(line(this.t, item, { mine: item.author === this.chats.me, follows }));
    this.last = item;
  }

  divide(kind) {
    $('lines').append(divider(this.t(kind), kind));
    this.last = undefined;
  }

  drawOutgoing() {
    const { t, chats, chat } = this;
    const items = chat.outgoing.map((message) =>
      outgoing(t, message, {
        discard: () => chats.discard(chat.name, message),
        again: () => {
          if (!this.connected()) return;
          chats.discard(chat.name, message);
          chats.say(chat.name, message.text);
        },
      }),
    );
    $('outgoing').replaceChildren(...items);
    this.showEmpty();
  }

  showEmpty() {
    const { lines, outgoing, mirror, asked } = this.chat;
    const empty = lines.every((item) => item.held) && outgoing.length === 0;
    $('empty').textContent = !empty ? '' : this.t(mirror === null && asked > 0 ? 'loading' : 'nothing-yet');
  }

  toBottom() {
    $('scroll').scrollTop = $('scroll').scrollHeight;
    $('latest').hidden = true;
    this.followed = true;
  }

  // ---- Writing

  submit() {
    const text = $('text').value;
    if (this.check() || text.trim() === '') return;
    this.chats.say(this.chats.active, text);
    $('text').value = '';
    this.check();
    this.toBottom();
    $('text').focus();
  }

  /** Who it is with, how long the text is, and why it cannot be sent now, if it cannot. */
  check() {
    const text = $('text').value;
    const used = byteLength(text);
    const why = this.why(used);
    $('chat-status').textContent = chatDetail(this.t, this.chats, this.chats.active);
    $('used').textContent = text === '' ? '' : this.t('bytes', used);
    $('used').classList.toggle('near', used > MAX - 35 && used <= MAX);
    $('used').classList.toggle('over', used > MAX);
    if ($('why').textContent !== why) $('why').textContent = why;
    $('send').disabled = why !== '' || text.trim() === '';
    return why;
  }

  why(used) {
    const { t, chats } = this;
    if (used > MAX) return t('why-long', used - MAX);
    if (!this.connected()) return t('why-closed');
    const away = chats.people.get(chats.active) === STATUS.OFFLINE && chats.active !== chats.me;
    return away ? t('why-offline', chats.active) : '';
  }
}

function firstUnread({ lines, unread }, me) {
  for (let at = lines.length - 1; unread > 0 && at >= 0; at--) {
    if (lines[at].author !== me && !lines[at].gap && --unread === 0) return lines[at];
  }
  return undefined;
}

/** Lines in the page. */
const SHOWN = 500;
