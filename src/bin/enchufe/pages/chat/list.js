// The list of chats: everybody, who is online, who was; and the box that looks for somebody.

import { $, build } from '../shared/dom.js';
import { GENERAL, MAX, STATUS, byteLength, wellFormed } from './codec.js';
import { row } from './elements.js';

export class ChatList {
  /** `visit(name)` opens a chat because the person asked for it, `find(name)` asks the server for a name. */
  constructor(t, { visit, find }) {
    this.t = t;
    $('list').addEventListener('click', ({ target }) => {
      const chosen = target.closest('button');
      if (chosen) visit(chosen.dataset.chat);
    });
    // A row that is replaced between press and release takes no click: the redraw waits for the release.
    $('list').addEventListener('pointerdown', () => (this.pressed = true));
    for (const end of ['pointerup', 'pointercancel']) {
      addEventListener(end, () => {
        if (!this.pressed) return;
        this.pressed = false;
        setTimeout(() => this.show()); // behind the click
      });
    }
    $('sought').addEventListener('input', () => {
      $('not-found').textContent = '';
      this.show();
    });
    $('find').addEventListener('submit', (event) => {
      event.preventDefault();
      const name = wellFormed($('sought').value.trim());
      if (name === '' || byteLength(name) > MAX) return;
      if (this.chats.people.has(name)) visit(name);
      else find(name);
    });
  }

  use(chats) {
    this.chats = chats;
    this.stopLooking();
  }

  stopLooking() {
    $('sought').value = '';
    $('not-found').textContent = '';
  }

  notFound(name) {
    $('not-found').textContent = this.t('not-found', name);
  }

  /** The chat `step` rows below the one on screen, from the last to the first again. */
  neighbour(step) {
    const { online, offline } = this.names();
    const order = [GENERAL, ...online, ...offline];
    return order[(order.indexOf(this.chats.active) + step + order.length) % order.length];
  }

  /** Everything again, cheaply enough: a redraw for many messages (see `soon`). */
  show() {
    if (this.pressed) return;
    const { t, chats } = this;
    const { online, offline } = this.names();
    const focused = document.activeElement?.dataset?.chat;
    const group = (heading, names) =>
      names.length === 0 ? [] : [build('h2', heading), build('ul', ...names.map((name) => this.entry(name)))];
    $('list').replaceChildren(
      build('ul', this.entry(GENERAL)),
      ...group(t('online', online.length), online),
      ...group(t('offline'), offline),
    );
    if (focused !== undefined) [...$('list').querySelectorAll('button')].find((one) => one.dataset.chat === focused)?.focus();

    const unread = chats.total('unread');
    $('menu-unread').hidden = unread === 0;
    $('menu-unread').textContent = unread > 99 ? '99+' : unread;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${chatName(t, chats.active)} · enchufe`;
  }

  entry(name) {
    const { t, chats } = this;
    return row(t, {
      chat: chats.chat(name),
      label: name === chats.me ? `${name} (${t('you')})` : chatName(t, name),
      detail: chatDetail(t, chats, name),
      status: name === GENERAL ? undefined : chats.people.get(name),
      current: name === chats.active,
    });
  }

  names() {
    const sought = $('sought').value.trim().toLocaleLowerCase();
    const { people } = this.chats;
    const names = [...people.keys()].filter((name) => name.toLocaleLowerCase().includes(sought)).sort(collator.compare);
    const offline = names.filter((name) => people.get(name) === STATUS.OFFLINE);
    return { online: names.filter((name) => people.get(name) !== STATUS.OFFLINE), offline };
  }
}

/** What a chat is called. */
export const chatName = (t, name) => (name === GENERAL ? t('general') : name);

/** What stands below its name. */
export function chatDetail(t, chats, name) {
  if (name === GENERAL) return t('everybody');
  if (name === chats.me) return t('notes');
  const status = chats.people.get(name);
  return status === undefined ? '' : t(`status-${status}`);
}

const collator = new Intl.Collator(undefined, { numeric: true });
