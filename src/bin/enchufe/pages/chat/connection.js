// A chat's connection that comes back: ask whether the name is free, connect, and after a loss try again ever more slowly.
// A browser hides why a WebSocket was refused, so every attempt asks over HTTP first, where the answer has a status and words.

import { fields, subprotocols } from '../shared/token.js';

/**
 * States: idle, asking, connecting, open, waiting. `on` gets
 *   state(state, { reason?, until? })   every change; while waiting `until` is the time of the next attempt
 *   open(), message(bytes), closed({ code, reason })
 *   refused({ status, text })           the first attempt failed: nothing is retried, the person should know
 * `world` replaces the browser in tests.
 */
export class Link {
  constructor(on, world = browser) {
    this.on = on;
    this.world = world;
    this.state = 'idle';
    this.attempt = 0; // counts up to make answers of earlier attempts void
    this.failures = 0;
  }

  /** Connects under `name`. */
  join(name) {
    this.name = name;
    this.joined = false;
    this.failures = 0;
    return this.connect();
  }

  send(bytes) {
    if (this.state === 'open') this.socket.send(bytes);
  }

  /** Closes for good. */
  leave() {
    this.drop(1000, 'bye');
    this.become('idle');
  }

  /** The page goes out of sight, perhaps to come back: a browser may keep it, and its connection, for minutes. */
  rest() {
    if (this.state === 'idle' || !this.joined) return;
    this.drop(1000, 'page left');
    this.on.closed({ code: 1000, reason: '' });
    this.become('waiting', { reason: { code: 1000, text: '' } });
  }

  /** Does not wait for the next attempt. */
  now() {
    if (this.state === 'waiting') this.connect();
  }

  async connect() {
    this.drop();
    const attempt = ++this.attempt;
    const current = () => attempt === this.attempt;

    this.become('asking');
    const answer = await this.world.ask(this.name);
    if (!current()) return;
    if (answer.status !== 200) return this.failed(answer);

    this.become('connecting');
    const socket = this.world.connect(this.name);
    this.socket = socket;
    let opened = false;
    this.timer = this.world.after(PATIENCE, () => this.failed({ status: 0, text: '' }));
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (!current()) return;
      opened = true;
      this.world.cancel(this.timer);
      this.joined = true;
      this.become('open');
      // A server that lets us in and throws us out at once must not be asked all the time.
      this.steady = this.world.after(STEADY, () => (this.failures = 0));
      this.on.open();
    };
    socket.onmessage = ({ data }) => {
      if (current() && data instanceof ArrayBuffer) this.on.message(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (!current()) return;
      if (!opened) return this.failed({ status: 0, text: '' });
      this.on.closed({ code, reason });
      this.retry({ code, text: reason });
    };
  }

  failed(reason) {
    if (this.joined) return this.retry(reason);
    this.drop();
    this.become('idle');
    this.on.refused(reason);
  }

  retry(reason) {
    this.drop();
    const delay = backOff(this.failures++, this.world.random());
    this.timer = this.world.after(delay, () => this.connect());
    this.become('waiting', { reason, until: this.world.now() + delay });
  }

  drop(...close) {
    this.attempt++;
    this.world.cancel(this.timer);
    this.world.cancel(this.steady);
    this.socket?.close(...close);
    this.socket = undefined;
  }

  become(state, details = {}) {
    this.state = state;
    this.on.state(state, details);
  }
}

/** Milliseconds before attempt `n` (from 0): doubling up to 30 s, and spread so that a thousand pages do not return as one. */
export function backOff(n, random) {
  const most = Math.min(LONGEST, SHORTEST * 2 ** Math.min(n, 16));
  return Math.round(most / 2 + (random * most) / 2);
}

const browser = {
  async ask(name) {
    try {
      const answer = await fetch(`/?name=${encodeURIComponent(name)}`, {
        headers: fields(),
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE),
      });
      return { status: answer.status, text: (await answer.text()).slice(0, 200) };
    } catch {
      return { status: 0, text: '' };
    }
  },
  connect(name) {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(`${scheme}//${location.host}/?name=${encodeURIComponent(name)}`, subprotocols());
  },
  after: (milliseconds, action) => setTimeout(action, milliseconds),
  cancel: (timer) => clearTimeout(timer),
  now: () => Date.now(),
  random: () => Math.random(),
};

const SHORTEST = 1_000;
const LONGEST = 30_000;
const STEADY = 10_000;
const PATIENCE = 15_000;
