// A chat server in a few lines, for the page's logic: the rules of the binary chat, one total order, and a wire per person
// that delivers when told to, so that every interleaving can be tried.

import { Chats } from '../../src/bin/enchufe/pages/chat/store.js';
import { GENERAL, decode } from '../../src/bin/enchufe/pages/chat/codec.js';

export class Server {
  constructor() {
    this.users = new Map(); // name -> status
    this.wires = new Map(); // name -> wire
    this.histories = new Map();
    this.keeps = true; // are messages put on disk?
  }

  history(one, other) {
    const key = other === GENERAL ? GENERAL : JSON.stringify([one, other].sort());
    if (!this.histories.has(key)) this.histories.set(key, []);
    return this.histories.get(key);
  }

  connect(person) {
    const back = this.users.has(person.name);
    this.users.set(person.name, 1);
    this.notify([back ? 54 : 53, person.name, 1]);
    this.wires.set(person.name, person);
    person.connected();
  }

  disconnect(person) {
    this.wires.delete(person.name);
    this.users.set(person.name, 0);
    this.notify([54, person.name, 0]);
    person.disconnected();
  }

  notify(message) {
    for (const wire of this.wires.values()) wire.incoming.push(bytes(message));
  }

  handle(person, request) {
    const [id, ...fields] = parse(request);
    const answer = (...message) => person.incoming.push(bytes(message));
    if (id === 1) {
      const online = [...this.users].filter(([, status]) => status > 0).slice(0, 255);
      answer(51, online.length, ...online.flat());
    } else if (id === 2) {
      if (this.users.has(fields[0])) answer(52, fields[0], this.users.get(fields[0]));
      else answer(50, 1);
    } else if (id === 3) {
      this.users.set(fields[0], fields[1]);
      this.notify([54, fields[0], fields[1]]);
    } else if (id === 4) {
      const [to, text] = fields;
      if (to !== GENERAL && !this.wires.has(to)) return answer(50, 4);
      if (!this.keeps) answer(50, 5);
      this.history(person.name, to).push({ author: person.name, text });
      const audience = to === GENERAL ? this.wires.keys() : new Set([person.name, to]);
      for (const name of audience) this.wires.get(name).incoming.push(bytes([55, person.name, text]));
    } else if (id === 5) {
      if (fields[0] !== GENERAL && !this.users.has(fields[0])) return answer(50, 1);
      const lines = this.history(person.name, fields[0]).slice(-255);
      answer(56, lines.length, ...lines.flatMap(({ author, text }) => [author, text]));
    }
  }
}

export class Person {
  constructor(server, name) {
    this.server = server;
    this.name = name;
    this.incoming = [];
    this.outgoing = [];
    this.events = [];
    this.chats = new Chats(name, {
      send: (request) => this.outgoing.push(request),
      tell: (event) => this.events.push(event),
    });
  }

  connected() {
    this.open = true;
    this.chats.opened();
  }

  disconnected() {
    this.open = false;
    this.incoming = [];
    this.outgoing = [];
    this.chats.lost();
  }

  /** One request reaches the server. */
  up() {
    if (this.outgoing.length > 0) this.server.handle(this, this.outgoing.shift());
  }

  /** One message reaches the page. */
  down() {
    if (this.incoming.length > 0) this.chats.receive(decode(this.incoming.shift()), 1);
  }

  /** What the page shows in a chat, as `author: text`. */
  shows(chat) {
    return this.chats.chat(chat).lines.filter((line) => !line.gap).map((line) => `${line.author}: ${line.text}`);
  }
}

/** Everything on every wire arrives. */
export function settle(...people) {
  while (people.some((person) => person.incoming.length + person.outgoing.length > 0)) {
    for (const person of people) {
      person.up();
      person.down();
    }
  }
}

/** A generator of numbers below `n` that is the same in every run. */
export function dice(seed) {
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
}

const utf8 = new TextEncoder();

export function bytes(message) {
  return Uint8Array.from(
    message.flatMap((field) => {
      if (typeof field === 'number') return [field];
      const text = utf8.encode(field);
      return [text.length, ...text];
    }),
  );
}

function parse(request) {
  const fields = [request[0]];
  const texts = { 1: 0, 2: 1, 3: 1, 4: 2, 5: 1 }[request[0]];
  let at = 1;
  for (let i = 0; i < texts; i++) {
    const end = at + 1 + request[at];
    fields.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(request.subarray(at + 1, end)));
    at = end;
  }
  if (request[0] === 3) fields.push(request[at]);
  return fields;
}
