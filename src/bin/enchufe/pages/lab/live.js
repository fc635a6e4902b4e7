// The lab's third part: a connection to /inspect, which answers every frame with a drawing of it.

import { $, build, button } from '../shared/dom.js';
import { ask, isWanted, subprotocols } from '../shared/token.js';
import { parseHex } from './frame.js';

/** `show(bytes)` opens a frame in the figure. */
export function liveLab(t, show) {
  let socket = null;
  let sent = []; // what waits for its drawing, oldest first

  const state = (name, dot) => {
    $('live-state').textContent = t(`live-${name}`);
    $('live-dot').className = `dot ${dot}`;
    $('connect').textContent = t(name === 'closed' ? 'connect' : 'disconnect');
    const closed = name !== 'open';
    for (const control of document.querySelectorAll('#live-form button, #live-presets button')) control.disabled = closed;
  };

  function connect() {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const own = new WebSocket(`${scheme}//${location.host}${PATH}`, subprotocols());
    let opened = false;
    socket = own;
    sent = [];
    own.onopen = () => {
      opened = true;
      state('open', 'ok');
      note(t('live-opened'));
    };
    own.onmessage = ({ data }) => answered(String(data));
    own.onclose = ({ code, reason }) => {
      if (socket === own) socket = null;
      state('closed', 'hollow');
      note(opened ? t('live-ended', code, reason) : t('live-refused'));
      if (!opened) unlock();
    };
    state('connecting', 'warn');
  }

  async function unlock() {
    if ((await isWanted(PATH)) && !socket && (await ask(t))) connect();
  }

  function send(payload) {
    if (socket?.readyState !== WebSocket.OPEN) return;
    const text = typeof payload === 'string';
    const size = text ? new TextEncoder().encode(payload).length : payload.length;
    sent.push({ kind: text ? 'text' : 'binary', size, payload, at: performance.now() });
    socket.send(payload);
  }

  function answered(drawing) {
    const about = sent.shift();
    const header = build('header');
    if (about) {
      const words = typeof about.payload === 'string' && about.size > 0 && about.size <= 60 ? ` “${about.payload}”` : '';
      const took = Math.max(0.1, performance.now() - about.at).toFixed(1);
      header.append(build('b', t('live-sent', about.kind, about.size) + words), build('span.muted.small', t('live-saw', took)));
    } else {
      header.append(build('b', t('live-unasked')));
    }
    // The first line has the frame's bytes, unless it is long.
    const bytes = parseHex(drawing.split('\n', 1)[0]);
    if (bytes?.length > 1) header.append(button('', t('to-figure'), () => show(bytes)));
    const pre = build('pre.drawing', drawing.trimEnd());
    pre.tabIndex = 0;
    add(build('article.card.entry', header, pre));
  }

  const note = (words) => add(build('article.card.entry.event', build('header', build('span.muted', words))));

  function add(entry) {
    $('log').prepend(entry);
    while ($('log').childElementCount > ENTRIES) $('log').lastChild.remove();
  }

  $('connect').addEventListener('click', () => (socket ? socket.close(1000) : connect()));
  // A page that is left may be kept for a while, and its connection with it.
  addEventListener('pagehide', () => socket?.close(1000));
  $('live-form').addEventListener('submit', (event) => {
    event.preventDefault();
    send($('live-text').value);
    $('live-text').select();
  });
  const letters = (length) => 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(length / 26)).slice(0, length);
  for (const [name, act] of [
    ['l-empty', () => send('')],
    ['l-accents', () => send('¡Señal! 🔌')],
    ['l-binary', () => send(Uint8Array.from({ length: 16 }, (_, index) => index))],
    ['l-125', () => send(letters(125))],
    ['l-126', () => send(letters(126))],
    ['l-65535', () => send(new Uint8Array(65535))],
    ['l-65536', () => send(new Uint8Array(65536))],
    ['l-close', () => socket?.close(4000, 'bye')],
  ]) {
    $('live-presets').append(button('.chip', t(name), act));
  }
  $('live-text').value = 'Hello';
  state('closed', 'hollow');
}

const PATH = '/inspect';
const ENTRIES = 40;
