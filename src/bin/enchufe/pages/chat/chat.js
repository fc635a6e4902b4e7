// The chat page: wires the connection (connection.js) and what it brings (store.js) to the list (list.js) and the chat on screen
// (messages.js).

import { $, build } from '../shared/dom.js';
import { speak } from '../shared/i18n.js';
import { ask } from '../shared/token.js';
import { GENERAL, STATUS, byteLength, decode, nameProblem, wellFormed } from './codec.js';
import { Link } from './connection.js';
import { paintAvatar } from './elements.js';
import { words } from './i18n.js';
import { ChatList, chatName } from './list.js';
import { Talk } from './messages.js';
import { Chats } from './store.js';

const t = speak(words);
const known = (key) => key in words.en;
const narrow = matchMedia('(max-width: 47.99rem)');

let chats; // of the person who has asked to come in
let inside = false; // has the server let them in?

const link = new Link({
  state: showLink,
  open() {
    chats.opened();
    if (!inside) enter();
  },
  message(bytes) {
    const message = decode(bytes);
    if (message) chats.receive(message, Date.now());
  },
  closed() {
    chats.lost();
  },
  refused({ status, text }) {
    if (status === 401) unlock();
    else if (status === 400) complain(t('name-taken'));
    else if (known(`refused-${status}`)) complain(t(`refused-${status}`), text);
    else complain(t('refused', status), text);
  },
});
const list = new ChatList(t, { visit, find: (name) => link.state === 'open' && chats.find(name) });
const talk = new Talk(t, () => link.state === 'open');

// ---- Coming in and leaving

$('join').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = wellFormed($('name').value.trim());
  const problem = nameProblem(name);
  if (problem) return complain(t(`name-${problem}`, byteLength(name)));
  $('problem').textContent = '';
  inside = false;
  chats = new Chats(name, { send: (bytes) => link.send(bytes), tell });
  chats.watch(document.visibilityState === 'visible');
  link.join(name);
});

$('leave').addEventListener('click', () => {
  link.leave();
  inside = false;
  outside();
});

async function unlock() {
  if (await ask(t)) link.join(chats.me);
  else complain(t('refused-401'));
}

function outside() {
  $('room').hidden = true;
  $('join').hidden = false;
  document.title = `${t('title')} · enchufe`;
  $('name').focus();
}

function enter() {
  inside = true;
  remember(chats.me);
  list.use(chats);
  talk.use(chats);
  $('join').hidden = true;
  $('room').hidden = false;
  $('notice').hidden = true;
  $('my-name').textContent = chats.me;
  paintAvatar($('my-avatar'), chats.me);
  show(GENERAL);
  drawer(false);
  if (!narrow.matches) $('text').focus();
}

function complain(words, detail = '') {
  const said = detail.trim();
  $('problem').textContent = said ? `${words} ${t('server-says', said)}` : words;
  $('name').focus();
  $('name').select();
}

// ---- What the connection tells

function showLink(state, { reason, until = 0 } = {}) {
  $('link-dot').className = `dot ${{ open: 'ok', waiting: 'bad', idle: 'bad' }[state] ?? 'warn'}`;
  $('link-text').textContent = t(`link-${state}`);
  const joining = state === 'asking' || state === 'connecting';
  $('enter').disabled = joining;
  $('enter').textContent = t(joining ? 'joining' : 'join');
  if (state === 'open') $('lost').hidden = true;
  if (state === 'waiting') {
    $('lost-text').textContent = explain(reason);
    $('lost').hidden = false;
  }
  $('now').disabled = state !== 'waiting';
  $('lost').dataset.until = until;
  tick();
  if (inside) talk.check();
}

function explain({ status, code, text }) {
  if (code !== undefined) return t('because-code', code, t(known(`code-${code}`) ? `code-${code}` : 'code'), text);
  if (status === 400) return t('because-taken');
  return status === 0 ? t('because-unreachable') : t('because-status', status);
}

// ---- What the chats tell

function tell(event) {
  if (!inside) return;
  const active = event.chat?.name === chats.active;
  switch (event.kind) {
    case 'people':
      return soon();
    case 'line':
      if (active) talk.append(event.line);
      announce(event.chat, event.line);
      return soon();
    case 'history':
      if (active) talk.draw();
      return soon();
    case 'outgoing':
      if (active) talk.drawOutgoing();
      return;
    case 'found':
      if (event.name === null) list.notFound(event.sought);
      else visit(event.name);
      return;
    case 'released':
      return notice(t('released', event.count));
    case 'refused':
      return notice(known(`error-${event.code}`) ? t(`error-${event.code}`) : t('error', event.code));
  }
}

/** Many messages, one redraw of what surrounds them. */
function soon() {
  soon.timer ??= setTimeout(() => {
    soon.timer = undefined;
    if (inside) surroundings();
  }, 16);
}

function surroundings() {
  list.show();
  talk.check();
  $('my-status').value = chats.status;
  $('busy').hidden = !chats.hiding;
  const waiting = t('held', chats.total('held'));
  if ($('busy-text').textContent !== waiting) $('busy-text').textContent = waiting;
}

function notice(words) {
  $('notice-text').textContent = words;
  $('notice').hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => ($('notice').hidden = true), 6000);
}

/** For those who listen to the page. */
function announce(chat, { author, text, held }) {
  if (author === chats.me || held) return;
  const here = chats.onScreen(chat);
  $('announce').append(build('p', here ? t('announce', author, text) : t('announce-elsewhere', author, chatName(t, chat.name))));
  while ($('announce').childElementCount > 5) $('announce').firstChild.remove();
}

// ---- What the person does

/** Opens a chat that was chosen in the list. */
function visit(name) {
  list.stopLooking();
  show(name);
  drawer(false);
  if (!narrow.matches) $('text').focus(); // on a phone it would bring up the keyboard
}

function show(name) {
  talk.open(name);
  surroundings();
}

for (const status of [STATUS.ACTIVE, STATUS.BUSY, STATUS.INACTIVE, STATUS.OFFLINE]) {
  const option = build('option', t(`choose-${status}`));
  option.value = status;
  $('my-status').append(option);
}
$('my-status').addEventListener('change', () => chats.setStatus(Number($('my-status').value)));
$('back').addEventListener('click', () => chats.setStatus(STATUS.ACTIVE));
$('now').addEventListener('click', () => link.now());

document.addEventListener('keydown', (event) => {
  if (!inside) return;
  if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    event.preventDefault();
    show(list.neighbour(event.key === 'ArrowUp' ? -1 : 1));
  } else if (event.key === 'Escape') {
    drawer(false);
    list.stopLooking();
    list.show();
    $('text').focus();
  }
});

/** On a narrow screen the list is a drawer; out of sight it is out of reach too. */
function drawer(open) {
  $('room').classList.toggle('drawer', open);
  $('side').inert = narrow.matches && !open;
  $('menu').ariaExpanded = String(open);
}

narrow.addEventListener('change', () => drawer(false));
$('shade').addEventListener('click', () => drawer(false));
$('menu').addEventListener('click', () => {
  drawer($('menu').ariaExpanded !== 'true');
  $('list').querySelector('button')?.focus();
});

// ---- The page itself

addEventListener('online', () => link.now());
addEventListener('pagehide', () => link.rest());
addEventListener('pageshow', () => link.now());
document.addEventListener('visibilitychange', () => {
  const visible = document.visibilityState === 'visible';
  chats?.watch(visible);
  if (visible) link.now();
});

/** The countdown, and answers that are overdue. */
function tick() {
  const until = Number($('lost').dataset.until);
  $('countdown').textContent = until > 0 ? t('again-in', Math.ceil((until - Date.now()) / 1000)) : t('link-connecting');
  const waiting = chats?.waiting[0];
  if (waiting && Date.now() - waiting.at > OVERDUE) chats.giveUp();
}

function remembered() {
  try {
    return localStorage.getItem('enchufe-name') ?? '';
  } catch {
    return ''; // storage can be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem('enchufe-name', name);
  } catch {
    // then it is typed again next time
  }
}

const OVERDUE = 5_000;

setInterval(tick, 500);
$('name').value = remembered();
outside();
