// The SignalR JSON hub protocol over a plain WebSocket, as much of it as a page needs: handshake, invocations with and
// without answer, pings, and a connection that comes back by itself.
// https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md

import { backOff } from '../chat/connection.js';
import { subprotocols } from '../shared/token.js';

/**
 * States: idle, connecting, open, waiting. `on` gets
 *   state(state, { reason?, until? })   every change; while waiting `until` is the time of the next attempt
 *   invocation(target, args)            the hub calls us
 *   record(direction, text)             every record as it travels, '>' out and '<' in
 * `world` replaces the browser in tests.
 */
export class Hub {
  constructor(path, on, world = browser) {
    this.path = path;
    this.on = on;
    this.world = world;
    this.state = 'idle';
    this.failures = 0;
    this.lastId = 0;
    this.calls = new Map(); // invocationId -> { resolve, reject }
  }

  connect() {
    this.drop();
    const socket = this.world.connect(this.path);
    const current = () => socket === this.socket;
    this.socket = socket;
    this.rest = '';
    this.become('connecting');
    this.watch();
    socket.onopen = () => current() && this.write({ protocol: 'json', version: 1 });
    socket.onmessage = ({ data }) => current() && this.read(data);
    socket.onclose = ({ code, reason }) => current() && this.retry(reason || String(code));
  }

  /** The page goes out of sight, perhaps to come back: a browser may keep it, and its connection, for minutes. */
  pause() {
    if (this.state === 'idle') return;
    this.drop(1000, 'page left');
    this.become('waiting', { reason: 'page left' });
  }

  /** Does not wait for the next attempt. */
  now() {
    if (this.state === 'waiting') this.connect();
  }

  /**
   * Calls a method of the hub; settles with its completion, and rejects when the connection is lost before. The value is the
   * last call `[target, ...args]` the hub made of us before that: a hub that tells everybody the outcome tells it just then.
   */
  invoke(target, ...args) {
    if (this.state !== 'open') return Promise.reject(new Error('not connected'));
    const invocationId = String(++this.lastId);
    const done = new Promise((resolve, reject) => this.calls.set(invocationId, { resolve, reject }));
    this.write({ type: 1, invocationId, target, arguments: args });
    return done;
  }

  /** Calls a method whose answer is not waited for. */
  send(target, ...args) {
    if (this.state === 'open') this.write({ type: 1, target, arguments: args });
  }

  write(record) {
    const text = JSON.stringify(record);
    this.on.record('>', text);
    this.wrote = this.world.now();
    this.socket.send(text + END);
  }

  read(data) {
    this.watch();
    const records = (this.rest + data).split(END);
    this.rest = records.pop();
    for (const text of records) {
      this.on.record('<', text);
      let record;
      try {
        record = JSON.parse(text);
      } catch {
        return this.retry('not JSON');
      }
      this.take(record);
      if (this.state !== 'connecting' && this.state !== 'open') return;
    }
    // Our sign of life goes out when one comes in: browsers hold back the timers of a page in the background, messages not.
    if (this.state === 'open' && this.world.now() - this.wrote > QUIET) this.write({ type: 6 });
  }

  take(record) {
    if (this.state === 'connecting') {
      // The first record answers the handshake.
      if (record.error) return this.retry(record.error);
      this.opened = this.world.now();
      return this.become('open');
    }
    if (record.type === 1) {
      this.latest = [record.target, ...record.arguments];
      this.on.invocation(record.target, record.arguments);
    } else if (record.type === 3) this.complete(record);
    else if (record.type === 7) this.retry(record.error ?? '');
  }

  complete({ invocationId, error }) {
    const call = this.calls.get(invocationId);
    this.calls.delete(invocationId);
    if (error === undefined) call?.resolve(this.latest);
    else call?.reject(new Error(error));
  }

  /** A server that says nothing for so long, not even a ping, is gone. */
  watch() {
    this.world.cancel(this.timer);
    this.timer = this.world.after(SILENCE, () => this.retry('silence'));
  }

  retry(reason) {
    // A server that lets us in and throws us out at once must not be asked all the time.
    if (this.state === 'open' && this.world.now() - this.opened >= STEADY) this.failures = 0;
    this.drop();
    const delay = backOff(this.failures++, this.world.random());
    this.timer = this.world.after(delay, () => this.connect());
    this.become('waiting', { reason, until: this.world.now() + delay });
  }

  drop(...close) {
    this.world.cancel(this.timer);
    const { socket, calls } = this;
    this.socket = undefined;
    this.calls = new Map();
    socket?.close(...close);
    for (const call of calls.values()) call.reject(new Error('connection lost'));
  }

  become(state, details = {}) {
    this.state = state;
    this.on.state(state, details);
  }
}

const browser = {
  connect(path) {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(`${scheme}//${location.host}${path}`, subprotocols());
  },
  after: (milliseconds, action) => setTimeout(action, milliseconds),
  cancel: (timer) => clearTimeout(timer),
  now: () => Date.now(),
  random: () => Math.random(),
};

const END = '\x1e';
const STEADY = 10_000;
/** The server pings after 15 s and wants to hear something within 30 s. */
const SILENCE = 35_000;
const QUIET = 5_000;
