// Drives the hospital hub with the real SignalR client: every version, with and without negotiation.
//
//     npm ci && node hub.mjs http://127.0.0.1:8080
//
// The server may have been used before; the test minds only what it creates itself.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const base = process.argv[2] ?? process.env.ENCHUFE_URL;
if (!base) {
  console.error('usage: node hub.mjs http://HOST:PORT');
  process.exit(2);
}

/** For a server that asks for one. */
const token = process.env.ENCHUFE_TOKEN;

// Version 5 takes a global `fetch` for a browser's and looks for it on `self`.
globalThis.self ??= globalThis;

const require = createRequire(import.meta.url);
const EVENTS = ['HospitalCreado', 'HospitalEliminado', 'CamaCreada', 'CamaEliminada', 'CamaOcupada', 'CamaDesocupada'];
const DEADLINE = 10_000;

for (const version of ['signalr-5', 'signalr-8', 'signalr-10']) {
  for (const skipNegotiation of [false, true]) {
    test(`${version} ${skipNegotiation ? 'without' : 'with'} negotiation`, { timeout: 6 * DEADLINE }, async () => {
      const clients = [await connect(version, skipNegotiation), await connect(version, skipNegotiation)];
      try {
        await theSevenMethods(...clients);
        await refusals(...clients);
        await oneOrder(...clients);
        await leaving(...clients);
      } finally {
        await Promise.all(clients.map(({ hub }) => hub.stop()));
      }
    });
  }
}

async function theSevenMethods(ana, ben) {
  const name = `Clínica «${Math.random()}» <b>`;
  assert.equal(await ana.hub.invoke('CrearHospital', name), null);
  await both(ana, ben, 'HospitalCreado', 0);

  const hospital = (await ana.board()).find(({ nombre }) => nombre === name);
  assert.deepEqual(hospital, { id: hospital.id, nombre: name, camas: [] });
  assert.equal(ben.boards.length, 0, 'the board goes to the one who asks');

  for (const _ of [1, 2]) await ben.hub.invoke('CrearCama', hospital.id);
  await both(ana, ben, 'CamaCreada', 0);
  await both(ana, ben, 'CamaCreada', 0);
  const beds = async () => (await ben.board()).find(({ id }) => id === hospital.id)?.camas;
  const [first, second] = await beds();
  assert.deepEqual(first, { id: first.id, estaOcupado: false, orden: 1, hospital: null });
  assert.deepEqual(second, { id: first.id + 1, estaOcupado: false, orden: 2, hospital: null });

  for (const _ of [1, 2]) {
    await ana.hub.invoke('OcuparCama', second.id);
    await both(ana, ben, 'CamaOcupada', 0);
    assert.deepEqual((await beds()).map((bed) => bed.estaOcupado), [false, true]);
  }
  await ana.hub.invoke('DesocuparCama', second.id);
  await both(ana, ben, 'CamaDesocupada', 0);
  assert.equal((await beds())[1].estaOcupado, false);

  await ana.hub.invoke('EliminarCama', first.id);
  await both(ana, ben, 'CamaEliminada', 0);
  assert.deepEqual((await beds()).map(({ id }) => id), [second.id]);

  // Without an answer, and in another case.
  await ana.hub.send('eliminarhospital', hospital.id);
  await both(ana, ben, 'HospitalEliminado', 0);
  assert.equal(await beds(), undefined);
  await ana.hub.invoke('OcuparCama', second.id);
  await both(ana, ben, 'CamaOcupada', -1);
}

async function refusals(ana, ben) {
  const calls = [
    ['CrearHospital', '', 'HospitalCreado'],
    ['EliminarHospital', 0, 'HospitalEliminado'],
    ['CrearCama', -1, 'CamaCreada'],
    ['EliminarCama', 2 ** 31 - 1, 'CamaEliminada'],
    ['DesocuparCama', 0, 'CamaDesocupada'],
  ];
  for (const [method, argument, event] of calls) {
    assert.equal(await ana.hub.invoke(method, argument), null, `${method} completes: its result is the event`);
    await both(ana, ben, event, -1);
  }
  const wrong = [['Nada'], ['CrearHospital'], ['CrearHospital', 5], ['CrearCama', '1'], ['CrearCama', 1.5], ['CrearCama', 2 ** 31], ['VerEstadoActual', 1]];
  for (const [method, ...args] of wrong) await assert.rejects(ana.hub.invoke(method, ...args), Error, `${method}(${args})`);
  await assert.rejects(
    new Promise((complete, error) => ana.hub.stream('VerEstadoActual').subscribe({ next() {}, complete, error })),
    Error,
  );
  assert.ok(Array.isArray(await ana.board()), 'the connection is kept');
}

/** Two clients that change the board at the same time hear of the changes in the same order. */
async function oneOrder(ana, ben) {
  await ana.hub.invoke('CrearHospital', 'order');
  await both(ana, ben, 'HospitalCreado', 0);
  const { id } = (await ana.board()).findLast(({ nombre }) => nombre === 'order');
  const calls = [];
  for (let n = 0; n < 50; n++) {
    calls.push(ana.hub.invoke('CrearCama', id), ben.hub.invoke('OcuparCama', 0));
  }
  await Promise.all(calls);
  await ana.until(() => ana.events.length >= 100);
  await ben.until(() => ben.events.length >= 100);
  assert.deepEqual(ana.events.splice(0), ben.events.splice(0));
  await ana.hub.invoke('EliminarHospital', id);
  await both(ana, ben, 'HospitalEliminado', 0);
}

async function leaving(ana, ben) {
  await ana.hub.stop();
  await ana.until(() => ana.closed !== undefined);
  assert.equal(ana.closed, 'cleanly');
  await ben.hub.invoke('CrearHospital', '');
  await ben.until(() => ben.events.length > 0);
  assert.deepEqual(ana.events, [], 'who left hears nothing');
}

/** A client that remembers what the hub tells it. */
async function connect(version, skipNegotiation) {
  const { HubConnectionBuilder, HttpTransportType, LogLevel } = require(version);
  const options = skipNegotiation ? { skipNegotiation, transport: HttpTransportType.WebSockets } : {};
  if (token) options.accessTokenFactory = () => token;
  const hub = new HubConnectionBuilder().withUrl(`${base.replace(/\/$/, '')}/socket`, options).configureLogging(LogLevel.Error).build();
  const client = { hub, events: [], boards: [], wake: () => {} };
  const heard = () => client.wake();
  for (const event of EVENTS) hub.on(event, (...args) => (client.events.push([event, ...args]), heard()));
  hub.on('EstadoRecibido', (...args) => (assert.equal(args.length, 1), client.boards.push(args[0]), heard()));
  hub.onclose((error) => ((client.closed = error ? String(error) : 'cleanly'), heard()));

  client.until = async (condition) => {
    const late = AbortSignal.timeout(DEADLINE);
    while (!condition()) {
      await new Promise((resolve, reject) => {
        client.wake = resolve;
        late.onabort = () => reject(new Error(`waited in vain; heard ${JSON.stringify(client.events.slice(-5))}`));
      });
    }
  };
  client.board = async () => {
    await hub.invoke('VerEstadoActual');
    await client.until(() => client.boards.length > 0);
    return client.boards.shift();
  };
  await hub.start();
  assert.equal(hub.state, 'Connected');
  return client;
}

/** Both clients hear exactly this next. */
async function both(ana, ben, event, result) {
  for (const client of [ana, ben]) {
    await client.until(() => client.events.length > 0);
    assert.deepEqual(client.events.shift(), [event, result]);
  }
}
