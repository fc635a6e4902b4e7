// The pieces of the chat page as elements: a person's row, a line, a divider. Whatever comes from others goes through textContent.

import { build, button } from '../shared/dom.js';
import { GENERAL, STATUS } from './codec.js';

/** The first character of a name on a colour that is always the same for that name. */
export function paintAvatar(element, name) {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.codePointAt(0)) >>> 0;
  element.className = `avatar hue-${name === GENERAL ? 'general' : hash % 8}`;
  element.textContent = name === GENERAL ? '∗' : firstCharacter(name).toLocaleUpperCase();
  element.ariaHidden = 'true';
  return element;
}

const avatar = (name) => paintAvatar(document.createElement('span'), name);

/** A row of the list of chats. `status` is undefined for the general chat. */
export function row(t, { chat, label, detail, status, current }) {
  const name = build('bdi', label);
  const dot = status === undefined ? null : build(`span.dot.status-${status}`);
  const small = build('span.detail', dot, detail);
  const open = build('button.row-button', avatar(chat.name), build('span.name', name, small));
  if (chat.unread > 0) {
    const badge = build('span.badge', chat.unread > 99 ? '99+' : String(chat.unread));
    badge.ariaHidden = 'true';
    open.append(badge, build('span.unseen', t('unread', chat.unread)));
  }
  open.type = 'button';
  open.dataset.chat = chat.name;
  if (status === STATUS.OFFLINE) open.classList.add('away');
  if (current) open.ariaCurrent = 'true';
  return build('li', open);
}

/** A line of a chat. `follows`: the line above is by the same author. */
export function line(t, { author, text, at }, { mine, follows }) {
  const item = build(`li.line${mine ? '.mine' : ''}${follows ? '.follows' : ''}`);
  const body = build('p', text);
  body.dir = 'auto';
  const time = at === null ? null : clock(at);
  const head = follows ? null : build('div.head', build('bdi.author', author), time);
  if (follows && time) time.classList.add('unseen');
  item.append(avatar(author), build('div.bubble', head, body, follows ? time : null));
  return item;
}

export const divider = (words, kind) => build(`li.divider.${kind}`, build('span', words));

/** A message of ours that has not come back yet. */
export function outgoing(t, { text, state }, { again, discard }) {
  const body = build('p', text);
  body.dir = 'auto';
  const foot = build('div.foot', build('span.state', t(`outgoing-${state}`)));
  const item = build(`li.line.mine.outgoing.${state}`, build('div.bubble', body), foot);
  if (state === 'lost' || state === 'refused') {
    foot.append(button('.quiet.small', t('again'), again), button('.quiet.small', t('discard'), discard));
  }
  return item;
}

function clock(at) {
  const date = new Date(at);
  const time = build('time', date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  time.dateTime = date.toISOString();
  time.title = date.toLocaleString();
  return time;
}

/** What a reader calls the first character: a flag or a family is several code points. */
function firstCharacter(name) {
  if (!Intl.Segmenter) return [...name][0] ?? '';
  for (const { segment } of new Intl.Segmenter().segment(name)) return segment;
  return '';
}
