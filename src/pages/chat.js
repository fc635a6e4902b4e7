// The chat page: wires the connection (link.js) and what it brings (chats.js) to the elements of chat.html.

import { words } from './chat-words.js';
import { divider, line, outgoing, paintAvatar, row } from './chat-view.js';
import { Chats } from './chats.js';
import { $, build } from './dom.js';
import { speak } from './i18n.js';
import { Link } from './link.js';
import { GENERAL, MAX, STATUS, byteLength, decode, nameProblem, wellFormed } from './wire.js';

const t = speak(words);
document.title = `${t('title')} · enchufe`;

let chats; // of the person who has joined
let known = false; // has the server let us in?
const drafts = new Map(); // chat -> text not sent yet

const link = new Link({
  state: showLink,
  open() {
    chats.opened();
    if (!known) enter();
  },
  message(bytes) {
    const message = decode(bytes);
    if (message) chats.receive(message, Date.now());
  },
  closed() {
    chats.lost();
  },
  refused({ status, text }) {
    const words = status === 400 ? t('name-taken') : ['0', '403', '429', '503'].includes(String(status)) ? t(`refused-${status}`) : t('refused', status);
    complain(words, status === 400 || status === 0 ? '' : text.trim());
  },
});

// ---- Coming in and leaving

$('join').hidden = false;
$('name').value = remembered();
$('name').focus();

$('join').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = wellFormed($('name').value.trim());
  const problem = nameProblem(name);
  if (problem) return complain(t(`name-${problem}`, byteLength(name)));
  $('problem').textContent = '';
  known = false;
  chats = new Chats(name, { send: (bytes) => link.send(bytes), tell });
  chats.watch(document.visibilityState === 'visible');
  link.join(name);
});

$('leave').addEventListener('click', () => {
  link.leave();
  known = false;
  $('text').value = '';
  $('room').hidden = true;
  $('join').hidden = false;
  document.title = `${t('title')} · enchufe`;
  $('name').focus();
});

function complain(words, detail) {
  $('problem').textContent = detail ? `${words} ${t('server-says', detail)}` : words;
  $('name').focus();
  $('name').select();
}

function enter() {
  known = true;
  drafts.clear();
  remember(chats.me);
  $('join').hidden = true;
  $('room').hidden = false;
  $('my-name').textContent = chats.me;
  paintAvatar($('my-avatar'), chats.me);
  $('notice').hidden = true;
  show(GENERAL);
  drawer(false);
  if (!narrow.matches) $('text').focus();
}

// ---- What the connection and the chats tell

function showLink(state, { reason, until } = {}) {
  const kind = { open: 'ok', waiting: 'bad', idle: 'bad' }[state] ?? 'warn';
  $('link-dot').className = `dot ${kind}`;
  $('link-text').textContent = t(`link-${state}`);
  $('enter').disabled = state === 'asking' || state === 'connecting';
  $('enter').textContent = t($('enter').disabled ? 'joining' : 'join');
  if (state === 'open') $('lost').hidden = true;
  if (state === 'waiting') {
    $('lost-text').textContent = explain(reason);
    $('lost').hidden = false;
  }
  $('now').disabled = state !== 'waiting';
  $('lost').dataset.until = until ?? 0;
  tick();
  if (chats && known) checkText();
}

function explain({ status, code, text }) {
  if (code !== undefined) {
    const meaning = words.en[`code-${code}`] ? t(`code-${code}`) : t('code');
    return t('because-code', code, meaning, text);
  }
  if (status === 400) return t('because-taken');
  return status === 0 ? t('because-unreachable') : t('because-status', status);
}

function tell(event) {
  const active = event.chat !== undefined && event.chat.name === chats.active;
  switch (event.kind) {
    case 'people':
      return soonPeople();
    case 'line':
      if (active) append(event.line);
      announce(event.chat, event.line);
      showBusy();
      return soonPeople();
    case 'history':
      if (active) showLines();
      return soonPeople();
    case 'outgoing':
      if (active) showOutgoing();
      return;
    case 'found':
      if (event.name === null) $('not-found').textContent = t('not-found', event.sought);
      else visit(event.name);
      return;
    case 'released':
      return notice(t('released', event.count));
    case 'refused':
      return notice(words.en[`error-${event.code}`] ? t(`error-${event.code}`) : t('error', event.code));
  }
}

/** Many messages, one redraw. */
function soonPeople() {
  soonPeople.timer ??= setTimeout(() => {
    soonPeople.timer = undefined;
    showPeople();
  }, 16);
}

function notice(words) {
  $('notice-text').textContent = words;
  $('notice').hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => ($('notice').hidden = true), 6000);
}

function announce(chat, { author, text, held }) {
  if (author === chats.me || held) return;
  const words = chats.onScreen(chat) ? t('announce', author, text) : t('announce-elsewhere', author, label(chat.name));
  $('announce').append(build('p', words));
  while ($('announce').childElementCount > 5) $('announce').firstChild.remove();
}

// ---- The list of chats and people

for (const status of [STATUS.ACTIVE, STATUS.BUSY, STATUS.INACTIVE, STATUS.OFFLINE]) {
  const option = build('option', t(`choose-${status}`));
  option.value = status;
  $('my-status').append(option);
}

$('my-status').addEventListener('change', (event) => chats.setStatus(Number(event.target.value)));
$('back').addEventListener('click', () => chats.setStatus(STATUS.ACTIVE));

const label = (name) => (name === GENERAL ? t('general') : name);

/** The names in the order of the list: everybody, online, offline. */
function listed() {
  const sought = $('sought').value.trim().toLocaleLowerCase();
  const names = [...chats.people.keys()].filter((name) => name.toLocaleLowerCase().includes(sought)).sort(collator.compare);
  const [online, offline] = [[], []];
  for (const name of names) (chats.people.get(name) === STATUS.OFFLINE ? offline : online).push(name);
  return { online, offline };
}

function showPeople() {
  if (!known) return;
  const { online, offline } = listed();
  const focused = document.activeElement?.dataset?.chat;
  const entry = (name) => {
    const status = name === GENERAL ? undefined : chats.people.get(name);
    const mine = name === chats.me;
    const detail = name === GENERAL ? t('everybody') : mine ? t('notes') : t(`status-${status}`);
    return row(t, { chat: chats.chat(name), label: mine ? `${name} (${t('you')})` : label(name), detail, status, current: name === chats.active });
  };
  const group = (heading, names) => (names.length > 0 ? [build('h2', heading), build('ul', ...names.map(entry))] : []);
  $('list').replaceChildren(build('ul', entry(GENERAL)), ...group(t('online', online.length), online), ...group(t('offline'), offline));
  if (focused !== undefined) [...$('list').querySelectorAll('button')].find((button) => button.dataset.chat === focused)?.focus();

  const unread = chats.total('unread');
  $('menu-unread').hidden = unread === 0;
  $('menu-unread').textContent = unread > 99 ? '99+' : unread;
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${label(chats.active)} · enchufe`;
  $('my-status').value = chats.status;
  const status = chats.people.get(chats.active);
  $('chat-status').textContent = chats.active === GENERAL ? t('everybody') : chats.active === chats.me ? t('notes') : status === undefined ? '' : t(`status-${status}`);
  showBusy();
  checkText();
}

function showBusy() {
  $('busy').hidden = !chats.hiding;
  const words = t('held', chats.total('held'));
  if ($('busy-text').textContent !== words) $('busy-text').textContent = words;
}

$('list').addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) visit(button.dataset.chat);
});

$('sought').addEventListener('input', () => {
  $('not-found').textContent = '';
  showPeople();
});

$('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = wellFormed($('sought').value.trim());
  if (name === '' || byteLength(name) > MAX) return;
  if (chats.people.has(name)) visit(name);
  else if (link.state === 'open') chats.find(name);
});

// ---- One chat

/** Opens a chat because the person asked for it. */
function visit(name) {
  $('sought').value = '';
  $('not-found').textContent = '';
  show(name);
  drawer(false);
  $('text').focus();
}

function show(name) {
  drafts.set(chats.active, $('text').value);
  const mark = firstUnread(chats.chat(name));
  chats.open(name);
  $('chat-name').textContent = label(name);
  $('text').value = drafts.get(name) ?? '';
  showLines(mark);
  showPeople();
}

function firstUnread({ lines, unread }) {
  for (let at = lines.length - 1; unread > 0 && at >= 0; at--) {
    if (lines[at].author !== chats.me && !lines[at].gap && --unread === 0) return lines[at];
  }
  return undefined;
}

let last; // the line at the bottom

function showLines(mark) {
  const chat = chats.chat(chats.active);
  last = undefined;
  $('lines').replaceChildren();
  for (const item of chat.lines.slice(-SHOWN)) {
    if (item === mark) $('lines').append(divider(t('new'), 'new'));
    draw(item);
  }
  showOutgoing();
  const here = mark && $('lines').querySelector('.divider.new');
  toBottom();
  here?.scrollIntoView({ block: 'nearest' });
}

function append(item) {
  const stay = !followed && item.author !== chats.me;
  draw(item);
  while ($('lines').childElementCount > SHOWN + 50) $('lines').firstChild.remove();
  showEmpty();
  if (stay) $('latest').hidden = false;
  else toBottom();
}

function draw(item) {
  if (item.held) return;
  if (item.gap) {
    $('lines').append(divider(t('gap'), 'gap'));
    last = undefined;
    return;
  }
  const follows = last?.author === item.author && Math.abs((item.at ?? 0) - (last.at ?? 0)) < 5 * 60_000 && !$('lines').lastChild?.matches('.divider');
  $('lines').append(line(t, item, { mine: item.author === chats.me, follows }));
  last = item;
}

function showOutgoing() {
  const chat = chats.chat(chats.active);
  $('outgoing').replaceChildren(
    ...chat.outgoing.map((message) =>
      outgoing(t, message, {
        discard: () => chats.discard(chat.name, message),
        again() {
          if (link.state !== 'open') return;
          chats.discard(chat.name, message);
          chats.say(chat.name, message.text);
        },
      }),
    ),
  );
  showEmpty();
}

function showEmpty() {
  const chat = chats.chat(chats.active);
  const empty = chat.lines.every((item) => item.held) && chat.outgoing.length === 0;
  $('empty').textContent = !empty ? '' : chat.mirror === null && chat.asked > 0 ? t('loading') : t('nothing-yet');
}

let followed = true; // stay at the bottom when lines, banners or the text box change the space?
const atBottom = () => $('scroll').scrollHeight - $('scroll').scrollTop - $('scroll').clientHeight < 80;

function toBottom() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
  $('latest').hidden = true;
  followed = true;
}

$('scroll').addEventListener('scroll', () => {
  followed = atBottom();
  if (followed) $('latest').hidden = true;
});
new ResizeObserver(() => followed && toBottom()).observe($('scroll'));
$('latest').addEventListener('click', toBottom);

// ---- Writing

$('text').addEventListener('input', checkText);
$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
$('compose').addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});

function submit() {
  const text = $('text').value;
  if (checkText() || text.trim() === '') return;
  chats.say(chats.active, text);
  $('text').value = '';
  checkText();
  toBottom();
  $('text').focus();
}

/** Counts, and says why this text cannot be sent now. */
function checkText() {
  const text = $('text').value;
  const used = byteLength(text);
  const why =
    used > MAX
      ? t('why-long', used - MAX)
      : link.state !== 'open'
        ? t('why-closed')
        : chats.people.get(chats.active) === STATUS.OFFLINE && chats.active !== chats.me
          ? t('why-offline', chats.active)
          : '';
  $('used').textContent = text === '' ? '' : t('bytes', used);
  $('used').classList.toggle('near', used > MAX - 35 && used <= MAX);
  $('used').classList.toggle('over', used > MAX);
  if ($('why').textContent !== why) $('why').textContent = why;
  $('send').disabled = why !== '' || text.trim() === '';
  return why;
}

// ---- Keys, phone, clock

document.addEventListener('keydown', (event) => {
  if (!known || $('room').hidden) return;
  if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    event.preventDefault();
    const { online, offline } = listed();
    const order = [GENERAL, ...online, ...offline];
    const step = event.key === 'ArrowUp' ? -1 : 1;
    show(order[(order.indexOf(chats.active) + step + order.length) % order.length]);
  } else if (event.key === 'Escape') {
    drawer(false);
    $('sought').value = '';
    showPeople();
    $('text').focus();
  }
});

const narrow = matchMedia('(max-width: 47.99rem)');
narrow.addEventListener('change', () => drawer(false));

/** On a narrow screen the list is a drawer; out of sight it is out of reach too. */
function drawer(open) {
  $('room').classList.toggle('drawer', open);
  $('side').inert = narrow.matches && !open;
  $('menu').ariaExpanded = String(open);
}

$('menu').addEventListener('click', () => {
  drawer($('menu').ariaExpanded !== 'true');
  $('list').querySelector('button')?.focus();
});
$('shade').addEventListener('click', () => drawer(false));

$('now').addEventListener('click', () => link.now());
addEventListener('online', () => link.now());
document.addEventListener('visibilitychange', () => {
  const visible = document.visibilityState === 'visible';
  chats?.watch(visible);
  if (visible) link.now();
});

function tick() {
  const until = Number($('lost').dataset.until);
  $('countdown').textContent = until > 0 ? t('again-in', Math.ceil((until - Date.now()) / 1000)) : t('link-connecting');
  const waiting = chats?.waiting[0];
  if (waiting && Date.now() - waiting.at > OVERDUE) chats.giveUp();
}
setInterval(tick, 500);

function remembered() {
  try {
    return localStorage.getItem('name') ?? '';
  } catch {
    return ''; // storage can be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem('name', name);
  } catch {
    // then it is typed again next time
  }
}

const collator = new Intl.Collator(undefined, { numeric: true });
const SHOWN = 500;
const OVERDUE = 5_000;
