import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS } from '../../src/bin/enchufe/pages/chat/codec.js';
import { Person, Server, dice, settle } from './support.mjs';

function room(...names) {
  const server = new Server();
  const people = names.map((name) => new Person(server, name));
  for (const person of people) {
    server.connect(person);
    settle(...people.filter((one) => one.open));
  }
  return [server, ...people];
}

test('a message to everybody is shown in the general chat, one to me beside its author', () => {
  const [, ana, ben] = room('ana', 'ben');
  ana.chats.say('~', 'hello all');
  ana.chats.say('ben', 'only you');
  settle(ana, ben);
  for (const person of [ana, ben]) assert.deepEqual(person.shows('~'), ['ana: hello all']);
  assert.deepEqual(ben.shows('ana'), ['ana: only you']);
  assert.deepEqual(ana.shows('ben'), ['ana: only you']);
});

test('the same words to everybody and to me are told apart', () => {
  const [, ana, ben] = room('ana', 'ben');
  for (const to of ['~', 'ben', 'ben', '~', 'ben']) {
    ana.chats.say(to, 'hi');
    settle(ana, ben);
  }
  assert.equal(ben.shows('~').length, 2);
  assert.equal(ben.shows('ana').length, 3);
});

test('history on entry and live messages do not repeat one another', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ana.chats.say('~', 'before');
  settle(ana, ben);
  const eva = new Person(server, 'eva');
  server.connect(eva);
  // This one is on its way to eva before she has even asked for the history that will contain it.
  ana.chats.say('~', 'while she enters');
  ana.up();
  settle(ana, ben, eva);
  ana.chats.say('~', 'after');
  settle(ana, ben, eva);
  assert.deepEqual(eva.shows('~'), ['ana: before', 'ana: while she enters', 'ana: after']);
});

test('a message to myself is shown once', () => {
  const [, ana] = room('ana');
  ana.chats.say('ana', 'note');
  settle(ana);
  assert.deepEqual(ana.shows('ana'), ['ana: note']);
  assert.deepEqual(ana.shows('~'), []);
});

test('unread counts what is not on screen and opening a chat clears it', () => {
  const [, ana, ben] = room('ana', 'ben');
  ben.chats.say('ana', 'one');
  ben.chats.say('ana', 'two');
  settle(ana, ben);
  assert.equal(ana.chats.chat('ben').unread, 2);
  assert.equal(ben.chats.total('unread'), 0, 'my own lines are not unread');
  ana.chats.open('ben');
  assert.equal(ana.chats.total('unread'), 0);
});

test('a page nobody looks at counts its open chat too', () => {
  const [, ana, ben] = room('ana', 'ben');
  ana.chats.watch(false);
  ben.chats.say('~', 'anybody?');
  settle(ana, ben);
  assert.equal(ana.chats.chat('~').unread, 1);
  ana.chats.watch(true);
  assert.equal(ana.chats.chat('~').unread, 0);
});

test('while I am busy messages of others are held back, counted, and shown afterwards', () => {
  const [, ana, ben] = room('ana', 'ben');
  ana.chats.setStatus(STATUS.BUSY);
  settle(ana, ben);
  ben.chats.say('~', 'one');
  ben.chats.say('ana', 'two');
  settle(ana, ben);
  ana.chats.say('~', 'mine');
  settle(ana, ben);
  assert.equal(ana.chats.total('held'), 2);
  assert.equal(ana.chats.total('unread'), 0);
  assert.deepEqual(ana.chats.chat('~').lines.map((line) => line.held ?? false), [true, false]);

  ana.chats.setStatus(STATUS.ACTIVE);
  settle(ana, ben);
  assert.equal(ana.chats.total('held'), 0);
  assert.equal(ana.chats.chat('ben').unread, 1);
  assert.deepEqual(ana.events.find((event) => event.kind === 'released'), { kind: 'released', count: 2 });
});

test('statuses of others are followed and who leaves stays known as offline', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ben.chats.setStatus(STATUS.INACTIVE);
  settle(ana, ben);
  assert.equal(ana.chats.people.get('ben'), STATUS.INACTIVE);
  server.disconnect(ben);
  settle(ana);
  assert.equal(ana.chats.people.get('ben'), STATUS.OFFLINE);
});

test('authors of old lines are known as offline when they are not in the list', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ben.chats.say('~', 'bye');
  settle(ana, ben);
  server.disconnect(ben);
  const eva = new Person(server, 'eva');
  server.connect(eva);
  settle(ana, eva);
  assert.equal(eva.chats.people.get('ben'), STATUS.OFFLINE);
});

test('a message to somebody who has just left is refused where it was written', () => {
  const [server, ana, ben] = room('ana', 'ben');
  server.disconnect(ben);
  ana.chats.say('ben', 'wait');
  settle(ana);
  assert.deepEqual(ana.chats.chat('ben').outgoing, [{ text: 'wait', state: 'refused' }]);
  assert.equal(ana.events.find((event) => event.kind === 'refused').code, 4);
  assert.deepEqual(ana.shows('ben'), []);
});

test('a message that the server could not keep is warned of and shown', () => {
  const [server, ana, ben] = room('ana', 'ben');
  server.keeps = false;
  ana.chats.say('~', 'hello');
  settle(ana, ben);
  assert.equal(ana.events.find((event) => event.kind === 'refused').code, 5);
  assert.deepEqual(ana.chats.chat('~').outgoing, []);
  for (const person of [ana, ben]) assert.deepEqual(person.shows('~'), ['ana: hello']);
});

test('somebody can be looked for by name', () => {
  const [, ana] = room('ana', 'ben');
  ana.chats.find('ben');
  ana.chats.find('nobody');
  settle(ana);
  assert.deepEqual(ana.events.filter((event) => event.kind === 'found'), [
    { kind: 'found', name: 'ben' },
    { kind: 'found', name: null, sought: 'nobody' },
  ]);
});

test('after a lost connection only what is new is added', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ben.chats.say('~', 'one');
  ben.chats.say('ana', 'for ana');
  settle(ana, ben);
  server.disconnect(ana);
  ben.chats.say('~', 'two');
  settle(ben);
  server.connect(ana);
  settle(ana, ben);
  assert.deepEqual(ana.shows('~'), ['ben: one', 'ben: two']);
  assert.deepEqual(ana.shows('ben'), ['ben: for ana']);
  assert.ok(!ana.chats.chat('~').lines.some((line) => line.gap));
});

test('a message on its way when the connection breaks is confirmed or reported, never doubled', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ana.chats.say('~', 'arrived');
  ana.up(); // the server has it, the copy never comes back
  ana.chats.say('~', 'lost');
  server.disconnect(ana);
  assert.deepEqual(ana.chats.chat('~').outgoing.map((message) => message.state), ['unknown', 'unknown']);
  server.connect(ana);
  settle(ana, ben);
  assert.deepEqual(ana.shows('~'), ['ana: arrived']);
  assert.deepEqual(ana.chats.chat('~').outgoing, [{ text: 'lost', state: 'lost' }]);
});

test('lines stay on screen when the server comes back without its memory', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ben.chats.say('~', 'one');
  settle(ana, ben);
  server.disconnect(ana);
  server.disconnect(ben);
  server.histories.clear();
  server.users.clear();
  server.connect(ben);
  server.connect(ana);
  settle(ana, ben);
  ben.chats.say('~', 'two');
  settle(ana, ben);
  assert.deepEqual(ana.shows('~'), ['ben: one', 'ben: two']);
});

test('busy stays busy through a lost connection', () => {
  const [server, ana, ben] = room('ana', 'ben');
  ana.chats.setStatus(STATUS.BUSY);
  settle(ana, ben);
  server.disconnect(ana);
  server.connect(ana);
  settle(ana, ben);
  assert.equal(server.users.get('ana'), STATUS.BUSY);
  assert.equal(ana.chats.status, STATUS.BUSY);
});

test('names are only names: prototype words, markup and blanks', () => {
  const [, ana, ben] = room('__proto__', '<img src=x onerror=alert(1)>');
  ben.chats.say('__proto__', 'constructor');
  ben.chats.say('~', '</script>');
  settle(ana, ben);
  assert.deepEqual(ana.shows(ben.name), [`${ben.name}: constructor`]);
  assert.deepEqual(ana.shows('~'), [`${ben.name}: </script>`]);
});

test('a gap is marked after an absence longer than the history, and only then', () => {
  const [server, ana, ben] = room('ana', 'ben');
  for (let i = 0; i < 260; i++) ben.chats.say('~', `old ${i}`);
  settle(ana, ben);
  const eva = new Person(server, 'eva');
  server.connect(eva);
  settle(ana, ben, eva);
  assert.equal(eva.chats.chat('~').lines.length, 255);
  assert.ok(!eva.chats.chat('~').lines.some((line) => line.gap));

  server.disconnect(ana);
  for (let i = 0; i < 260; i++) ben.chats.say('~', `new ${i}`);
  settle(ben, eva);
  server.connect(ana);
  settle(ana, ben, eva);
  assert.equal(ana.chats.chat('~').lines.filter((line) => line.gap).length, 1);
  assert.equal(ana.shows('~').length, 260 + 255);
});

test('a full history still tells chats apart', () => {
  const [, ana, ben] = room('ana', 'ben');
  for (let i = 0; i < 300; i++) {
    ana.chats.say('~', `general ${i % 7}`);
    ana.chats.say('ben', `direct ${i % 5}`);
  }
  settle(ana, ben);
  for (const text of ['direct 1', 'general 1', 'new']) {
    ana.chats.say('ben', text);
    ana.chats.say('~', text);
    settle(ana, ben);
  }
  assert.equal(ben.shows('~').length, 303);
  assert.equal(ben.shows('ana').length, 303);
});

test('an answer that never comes hides nothing for good', () => {
  const [, ana, ben] = room('ana', 'ben');
  ben.chats.say('~', 'hi');
  ben.up();
  ana.down();
  assert.deepEqual(ana.shows('~'), []);
  ana.chats.giveUp();
  assert.deepEqual(ana.shows('~'), ['ben: hi']);
});

/** Four people talk, come and go, while every wire delivers when the dice say so. Then all is delivered. */
function evening(seed, words) {
  const roll = dice(seed);
  const server = new Server();
  const people = ['ana', 'ben', 'eva', 'leo'].map((name) => new Person(server, name));
  for (let step = 0; step < 250; step++) {
    const person = people[roll(people.length)];
    const what = roll(20);
    if (!person.open) {
      if (what < 6) server.connect(person);
    } else if (what < 5) {
      const to = roll(2) === 0 ? '~' : people[roll(people.length)].name;
      person.chats.say(to, words(step, roll));
    } else if (what < 12) person.up();
    else if (what < 19) person.down();
    else if (roll(6) === 0) server.disconnect(person);
  }
  for (const person of people) if (!person.open) server.connect(person);
  settle(...people);

  return people.flatMap((person) =>
    ['~', ...people.map((one) => one.name)].map((chat) => ({
      where: `seed ${seed}: what ${person.name} sees of ${chat}`,
      shown: person.shows(chat),
      truth: server.history(person.name, chat).map(({ author, text }) => `${author}: ${text}`),
    })),
  );
}

test('whatever the order of arrival, every page ends with the histories of the server', () => {
  for (let seed = 1; seed <= 120; seed++) {
    for (const { where, shown, truth } of evening(seed, (step) => `words ${step}`)) assert.deepEqual(shown, truth, where);
  }
});

test('when people keep repeating themselves no line is lost or doubled', () => {
  // The same words by the same author to everybody and to me within one round trip may change places, no more.
  for (let seed = 1; seed <= 120; seed++) {
    for (const { where, shown, truth } of evening(seed, (_, roll) => ['a', 'b'][roll(2)])) {
      assert.deepEqual(shown.sort(), truth.sort(), where);
    }
  }
});
