// The lab page: the frame (frame-editor.js), the handshake's key, and the connection to /inspect (live.js).

import { $, build } from '../shared/dom.js';
import { speak } from '../shared/i18n.js';
import { GUID, acceptSteps, base64 } from './accept-key.js';
import { frameLab } from './frame-editor.js';
import { hex } from './frame.js';
import { words } from './i18n.js';
import { liveLab } from './live.js';

/** The key of RFC 6455, 1.3. */
const SAMPLE = 'dGhlIHNhbXBsZSBub25jZQ==';

const t = speak(words);
document.title = `${t('lab')} · enchufe`;

const lab = frameLab(t);
liveLab(t, (bytes) => {
  lab.open(bytes, { receiver: 'server' });
  $('frame').scrollIntoView();
});

// ---- Sec-WebSocket-Accept

$('key').addEventListener('input', showKey);
$('random').addEventListener('click', () => setKey(base64(crypto.getRandomValues(new Uint8Array(16)))));
$('sample').addEventListener('click', () => setKey(SAMPLE));
setKey(SAMPLE);

function setKey(key) {
  $('key').value = key;
  showKey();
}

function showKey() {
  const { key, random, digest, accept } = acceptSteps($('key').value.trim());
  $('key-problem').textContent = random ? '' : t('key-problem');
  $('key').ariaInvalid = String(!random);

  const step = (words, ...result) => build('li', build('p', words), build('output', ...result));
  const steps = [
    step(t('step-key'), build('span.part-key', key || '—')),
    step(t('step-join'), build('span.part-key', key), build('span.part-guid', GUID)),
    step(t('step-sha1'), hex(digest)),
    step(t('step-accept'), build('span.part-accept', accept)),
  ];
  if (random) steps.unshift(step(t('step-random'), hex(random)));
  $('steps').replaceChildren(...steps);

  const host = location.host;
  $('request').replaceChildren(
    `GET /inspect HTTP/1.1\nHost: ${host}\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: `,
    build('span.part-key', key),
    '\n\n',
  );
  $('response').replaceChildren(
    'HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: ',
    build('span.part-accept', accept),
    '\n\n',
  );
}
