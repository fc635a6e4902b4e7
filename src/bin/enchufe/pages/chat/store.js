// What a person's chats hold: lines, people, statuses, unread and held back. Knows the protocol, but neither sockets nor the page.
//
// One thing needs work. A message (55) names its author and not its chat, so `ana: hola` may be said to everybody or to
// us alone. The server has one total order, and a history (56) holds exactly what was sent before it. So we ask for our
// history with ana (usually empty, two bytes): if the message is in it, it was for us; else it was for everybody. Messages
// wait in one queue for that round trip, so every chat keeps the server's order. The same reading tells, after a lost
// connection, which lines are new, so that none is shown twice.

import { GENERAL, MAX, STATUS, encode, wellFormed } from './codec.js';
import { arrived, caughtUp } from './history-merge.js';

export class Chats {
  /** `send(bytes)` goes to the server; `tell({ kind, … })` to the page. */
  constructor(me, { send, tell }) {
    this.me = wellFormed(me);
    this.send = send;
    this.tell = tell;
    this.chats = new Map(); // name -> chat
    this.people = new Map(); // name -> status
    this.status = STATUS.ACTIVE;
    this.wanted = STATUS.ACTIVE; // what the person chose: asked for again after a reconnection
    this.active = GENERAL; // the chat on screen
    this.watching = true; // is the page in front of somebody?
    this.chat(GENERAL);
    this.forget();
  }

  chat(name) {
    if (!this.chats.has(name)) {
      // mirror: what the server's history holds, once it has told us in this connection. asked: histories on the way.
      this.chats.set(name, { name, lines: [], outgoing: [], unread: 0, held: 0, mirror: null, asked: 0 });
    }
    return this.chats.get(name);
  }

  /** BUSY receives everything; hiding it is the client's part. */
  get hiding() {
    return this.status === STATUS.BUSY || this.wanted === STATUS.BUSY;
  }

  /** Unread or held lines of all chats. */
  total(what) {
    return [...this.chats.values()].reduce((sum, chat) => sum + chat[what], 0);
  }

  // ---- What the person does

  /** A connection is open, the first one or another. */
  opened() {
    this.forget();
    this.ask(1, encode.list());
    for (const chat of this.chats.values()) {
      if (chat.name === GENERAL || chat.lines.length > 0 || chat.outgoing.length > 0) this.askHistory(chat);
    }
  }

  /** The connection has ended: what was not confirmed may have arrived or not. */
  lost() {
    for (const chat of this.chats.values()) {
      for (const message of chat.outgoing) if (message.state === 'sending') message.state = 'unknown';
      this.tell({ kind: 'outgoing', chat });
    }
    this.forget();
  }

  open(name) {
    const chat = this.chat(name);
    this.active = name;
    chat.unread = 0;
    if (chat.mirror === null && chat.asked === 0) this.askHistory(chat);
    this.tell({ kind: 'people' });
  }

  watch(watching) {
    this.watching = watching;
    if (!watching || this.chat(this.active).unread === 0) return;
    this.chat(this.active).unread = 0;
    this.tell({ kind: 'people' });
  }

  say(name, text) {
    const chat = this.chat(name);
    if (chat.mirror === null && chat.asked === 0) this.askHistory(chat);
    const message = { text: wellFormed(text), state: 'sending' };
    chat.outgoing.push(message);
    this.ask(4, encode.send(name, message.text), { chat, message });
    this.tell({ kind: 'outgoing', chat });
  }

  /** Forgets a message that did not go out. */
  discard(name, message) {
    const chat = this.chat(name);
    chat.outgoing = chat.outgoing.filter((other) => other !== message);
    this.tell({ kind: 'outgoing', chat });
  }

  setStatus(status) {
    this.wanted = status;
    this.ask(3, encode.status(this.me, status));
  }

  /** Looks for somebody the list does not show. */
  find(name) {
    this.ask(2, encode.info(name), { name, wanted: true });
  }

  /** An answer is overdue: better to show what waits in the likelier place than not at all. */
  giveUp() {
    for (const line of this.waiting) line.chat ??= GENERAL;
    for (const chat of this.chats.values()) chat.mirror ??= [];
    this.flush();
  }

  // ---- What the server says

  /** `message` as decoded, `at` the time it came. */
  receive(message, at) {
    switch (message.kind) {
      case 'list':
        return this.listed(message.users);
      case 'info':
        return this.informed(message);
      case 'joined':
        // A name nobody had before has no history yet.
        if (this.chat(message.name).asked === 0) this.chat(message.name).mirror ??= [];
        return this.presence(message);
      case 'status':
        return this.changed(message);
      case 'message':
        return this.heard({ author: message.author, text: message.text, at, chat: undefined });
      case 'history':
        return this.told(message.lines);
      case 'error':
        return this.refused(message.code);
    }
  }

  listed(users) {
    this.answered(1);
    const present = new Set(users.map((user) => user.name));
    for (const [name, status] of this.people) {
      if (present.has(name) || status === STATUS.OFFLINE) continue;
      if (users.length < MAX) this.people.set(name, STATUS.OFFLINE);
      else this.ask(2, encode.info(name), { name });
    }
    for (const user of users) this.presence(user);
    if (this.wanted !== STATUS.ACTIVE) this.setStatus(this.wanted);
  }

  informed(user) {
    const asked = this.answered(2);
    this.presence(user);
    if (asked?.wanted) this.tell({ kind: 'found', name: user.name });
  }

  changed(user) {
    if (user.name === this.me) {
      const asked = this.answered(3);
      // The server ends an inactivity by itself when we speak.
      if (!asked && user.status === STATUS.ACTIVE) this.wanted = STATUS.ACTIVE;
    }
    this.presence(user);
  }

  presence({ name, status }) {
    this.people.set(name, status);
    if (name === this.me) {
      this.status = status;
      if (!this.hiding) this.release();
    }
    const chat = this.chat(name);
    if (status !== STATUS.OFFLINE && chat.mirror === null && chat.asked === 0) this.askHistory(chat);
    this.tell({ kind: 'people' });
  }

  heard(line) {
    this.waiting.push(line);
    this.meet(line.author);
    if (line.author === this.me) {
      line.chat = this.confirmed(line.text)?.name ?? GENERAL;
    } else if (this.chat(line.author).asked === 0) {
      // A history already on the way was taken after this message, or it would have come first.
      this.askHistory(this.chat(line.author));
    }
    this.flush();
  }

  told(history) {
    const asked = this.answered(5);
    if (!asked) return;
    const { chat } = asked;
    chat.asked--;

    const mine = (line) => line.chat === chat.name;
    const maybe = (line) => line.chat === undefined && (chat.name === GENERAL || line.author === chat.name);
    const waiting = this.waiting.filter((line) => mine(line) || maybe(line));
    const found = arrived(chat.mirror, history, waiting, mine);

    if (found === null) return this.startOver(chat, history);
    if (chat.mirror === null && chat.name !== GENERAL && [...found].some(maybe)) {
      // Is it that message, or an older one with the same words? The general history decides, then we ask again.
      if (this.chat(GENERAL).asked === 0) this.askHistory(this.chat(GENERAL));
      this.askHistory(chat);
      return;
    }
    for (const line of waiting.filter(maybe)) {
      if (chat.name === GENERAL) line.chat = found.has(line) ? GENERAL : line.author;
      else line.chat = found.has(line) ? chat.name : GENERAL;
    }
    if (chat.mirror === null) this.merge(chat, history.slice(0, history.length - found.size));
    this.flush();
  }

  refused(code) {
    if (code === 1) {
      const asked = this.answered(2, 5);
      if (asked?.id === 5) {
        asked.chat.asked--;
        asked.chat.mirror ??= [];
        this.flush();
      } else if (asked?.wanted) {
        this.tell({ kind: 'found', name: null, sought: asked.name });
      }
    } else if (code === 2) {
      this.answered(3);
      this.wanted = this.status;
      this.tell({ kind: 'refused', code });
    } else if (code > 4) {
      // Not about a request: 5 comes before a message of ours that arrives and is not on the server's disk.
      this.tell({ kind: 'refused', code });
    } else {
      const asked = this.answered(4);
      if (asked) asked.message.state = 'refused';
      this.tell({ kind: 'refused', code, chat: asked?.chat });
      if (asked) this.tell({ kind: 'outgoing', chat: asked.chat });
    }
  }

  // ---- Requests: answers come in the order of the questions

  forget() {
    this.asked = [];
    this.waiting = []; // messages whose chat, or whose turn, is not known yet
    for (const chat of this.chats.values()) {
      chat.mirror = null;
      chat.asked = 0;
    }
  }

  ask(id, bytes, about = {}) {
    this.asked.push({ id, ...about });
    this.send(bytes);
  }

  askHistory(chat) {
    chat.asked++;
    this.ask(5, encode.history(chat.name), { chat });
  }

  /** Takes the oldest open question of these kinds. */
  answered(...ids) {
    return this.take((question) => ids.includes(question.id));
  }

  /** Our own message came back: to which chat had we sent it? */
  confirmed(text) {
    const question = this.take(({ id, message }) => id === 4 && message.text === text);
    if (question) this.discard(question.chat.name, question.message);
    return question?.chat;
  }

  take(matches) {
    const index = this.asked.findIndex(matches);
    return index < 0 ? undefined : this.asked.splice(index, 1)[0];
  }

  // ---- Lines

  /** Shows what waits, up to the first message whose place is not known yet. */
  flush() {
    while (this.waiting.length > 0 && this.waiting[0].chat !== undefined) {
      const chat = this.chat(this.waiting[0].chat);
      if (chat.mirror === null) {
        if (chat.asked === 0) this.askHistory(chat);
        return;
      }
      const { author, text, at } = this.waiting.shift();
      const line = { author, text, at };
      push(chat.mirror, { author, text }, MAX);
      push(chat.lines, line, LINES);
      this.count(chat, line);
      this.tell({ kind: 'line', chat, line });
    }
  }

  /** The first history of this connection: what it adds to the lines we have is new. */
  merge(chat, history) {
    chat.mirror = [...history];
    const first = chat.lines.length === 0;
    chat.lines = caughtUp(chat.lines, history);
    for (const line of chat.lines.filter((one) => one.fresh)) {
      line.fresh = false;
      this.meet(line.author);
      if (!first) this.count(chat, line);
      const { author, text } = line;
      const message = author === this.me && chat.outgoing.find((one) => one.state === 'unknown' && one.text === text);
      if (message) this.discard(chat.name, message);
    }
    for (const message of chat.outgoing) if (message.state === 'unknown') message.state = 'lost';
    this.tell({ kind: 'history', chat });
  }

  /** No reading fits: whatever waits is in the histories, so take them as after a lost connection. */
  startOver(chat, history) {
    const authors = new Set(this.waiting.map((line) => line.author));
    this.waiting = [];
    for (const other of this.chats.values()) {
      if (other.mirror === null && !authors.has(other.name)) continue;
      other.mirror = null;
      if (other.asked === 0 && other !== chat) this.askHistory(other);
    }
    this.merge(chat, history);
  }

  /** An author who is not in the list: left long ago, or beyond its 255 names. */
  meet(name) {
    if (this.people.has(name)) return;
    this.people.set(name, STATUS.OFFLINE);
    this.ask(2, encode.info(name), { name });
  }

  /** A new line is unread, or held back. */
  count(chat, line) {
    if (line.author === this.me) return;
    line.held = this.hiding;
    if (line.held) chat.held++;
    else if (!this.onScreen(chat)) chat.unread++;
  }

  /** No longer BUSY: what was held back is shown. */
  release() {
    const count = this.total('held');
    if (count === 0) return;
    for (const chat of this.chats.values()) {
      if (chat.held === 0) continue;
      if (!this.onScreen(chat)) chat.unread += chat.held;
      chat.held = 0;
      for (const line of chat.lines) line.held = false;
      this.tell({ kind: 'history', chat });
    }
    this.tell({ kind: 'released', count });
  }

  onScreen(chat) {
    return this.watching && chat.name === this.active;
  }
}

/** Lines kept per chat: a page left open for days stays light. */
const LINES = 2000;

function push(list, item, most) {
  list.push(item);
  if (list.length > most) list.shift();
}
